import type { JsonObject } from "../../core/action/index.ts";
import type { Message, Request } from "./jsonrpc.ts";

/** The fields of an SSE event beside its data: a client resumes a stream by them. */
export type Mark = { readonly id?: string; readonly event?: string; readonly retry?: string };

/** An upstream's answer to one request. */
export type Answer = {
  readonly message: Message & { kind: "response" };
  /** The HTTP status, where there is one. */
  readonly status?: number;
  readonly mark?: Mark;
};

/** What happens between a request and its answer. */
export type Listener = {
  /** A notification or request of the upstream that belongs to this request. */
  hear(message: Message, mark?: Mark): void;
  /** The upstream answers with a stream of events. */
  streams(): void;
  /** An event without a message, which gives a client something to resume from. */
  prime(mark: Mark): void;
  /** The stream ended without the answer, which will come on a stream that the client resumes. */
  ended(): void;
};

export type Headers = Readonly<Record<string, string>>;

export type Sending = { readonly listener: Listener; readonly signal: AbortSignal; readonly headers: Headers };

/** One connection to one MCP server. It knows nothing of decisions: what reaches it, runs. */
export type Upstream = {
  /** Sends a request. An aborted signal cancels it there, as its protocol has it, and rejects at last. */
  request(body: Request, sending: Sending): Promise<Answer>;
  /** Sends a notification, or the answer to a request of the upstream. */
  send(message: Message, headers: Headers): Promise<void>;
  /** Opens the stream of messages that belong to no request, where the transport has one; resolves when it ended. */
  follow?(headers: Headers, open: FollowOpen, signal: AbortSignal): Promise<number>;
  close(): Promise<void>;
};

/** Told once when the stream of unrelated messages is open, and of each of its messages. */
export type FollowOpen = {
  opened(headers: Headers): void;
  hear(message: Message, mark: Mark): void;
  prime(mark: Mark): void;
};

/** Told of messages that belong to no request, and once when the connection is over. */
export type Owner = {
  hear(message: Message): void;
  lost(why: string): void;
};

/** The progress token of a request, if it has one. */
export function progressTokenOf(params: JsonObject): string | number | undefined {
  const meta = params["_meta"];
  if (typeof meta !== "object" || meta === null || Array.isArray(meta)) return undefined;
  const token = (meta as JsonObject)["progressToken"];
  return typeof token === "string" || typeof token === "number" ? token : undefined;
}
