import { Agent, request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { Agent as TlsAgent, request as httpsRequest } from "node:https";
import { McpError } from "./errors.ts";
import { failure, idKey, notification, readUpstreamMessage, request as requestMessage, tooLarge } from "./jsonrpc.ts";
import type { Message, Request } from "./jsonrpc.ts";
import { STATELESS_SINCE } from "./ladder.ts";
import { UPSTREAM_MESSAGE_BYTES_MAX } from "./limits.ts";
import { readSse } from "./sse.ts";
import type { Answer, FollowOpen, Headers, Mark, Sending, Upstream } from "./upstream.ts";

export type Remote = {
  readonly url: URL;
  /** The credentials of the upstream, which live here and nowhere else. */
  readonly headers: Headers;
};

const ACCEPT = "application/json, text/event-stream";
/** How long an upstream may take to accept a notification, in milliseconds. */
const SEND_MS = 20_000;

const agents = {
  "http:": new Agent({ keepAlive: true, maxSockets: Infinity }),
  "https:": new TlsAgent({ keepAlive: true, maxSockets: Infinity }),
};

type Waiting = { readonly settle: (answer: Answer | Error) => void };

/** An MCP server reached by streamable HTTP. Its session, if it gives one, stays between it and us. */
export class HttpUpstream implements Upstream {
  readonly #remote: Remote;
  readonly #waiting = new Map<string, Waiting>();
  readonly #over = new AbortController();
  #session: string | null = null;

  constructor(remote: Remote) {
    this.#remote = remote;
  }

  request(body: Request, sending: Sending): Promise<Answer> {
    const key = idKey(body.id);
    return new Promise((resolve, reject) => {
      const settle = (answer: Answer | Error): void => {
        if (this.#waiting.get(key) === own) this.#waiting.delete(key);
        sending.signal.removeEventListener("abort", onAbort);
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
      };
      const own: Waiting = { settle };
      const onAbort = (): void => {
        settle(gone("the request was cancelled"));
        // From 2026-07-28 on leaving is how a request is cancelled; before, it has to be said.
        if ((sending.headers["mcp-protocol-version"] ?? "") >= STATELESS_SINCE) return;
        const params = { requestId: body.id, reason: "the client gave the request up" };
        const told = notification({ jsonrpc: "2.0", method: "notifications/cancelled", params });
        this.send(told, sending.headers).catch(() => undefined);
      };
      sending.signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.set(key, own);
      this.#exchange(body, sending).catch((error: unknown) => settle(asError(error)));
    });
  }

  async send(message: Message, headers: Headers): Promise<void> {
    const answer = await this.#open("POST", message.text, headers, AbortSignal.timeout(SEND_MS));
    const { statusCode = 0 } = answer;
    await readAll(answer);
    if (statusCode >= 400) throw gone(`it answered ${statusCode} to a message`);
  }

  /** Resolves with the status when the stream is over, or was never opened. */
  async follow(headers: Headers, open: FollowOpen, signal: AbortSignal): Promise<number> {
    const answer = await this.#open("GET", null, headers, signal);
    const { statusCode = 0 } = answer;
    if (statusCode !== 200 || !typeOf(answer).startsWith("text/event-stream")) {
      await readAll(answer);
      return statusCode === 200 ? 502 : statusCode;
    }
    open.opened(protocolHeaders(answer));
    for await (const { data, mark } of readSse(answer)) {
      if (data === "") open.prime(mark);
      else this.#arrived(data, mark, (message) => open.hear(message, mark));
    }
    return 200;
  }

  async close(): Promise<void> {
    for (const { settle } of this.#waiting.values()) settle(gone("the connection was closed"));
    if (this.#session !== null) {
      const answer = await this.#open("DELETE", null, {}, AbortSignal.timeout(SEND_MS)).catch(() => null);
      if (answer !== null) await readAll(answer).catch(() => undefined);
    }
    this.#over.abort();
  }

  /** One POST: a JSON answer, or a stream that may end before the answer, which then comes on a resumed one. */
  async #exchange(body: Request, { listener, signal, headers }: Sending): Promise<void> {
    const { text } = requestMessage(body);
    const answer = await this.#open("POST", text, headers, signal);
    const { statusCode = 0 } = answer;
    if (body.method === "initialize") this.#session = oneOf(answer.headers["mcp-session-id"]);
    if (!typeOf(answer).startsWith("text/event-stream")) {
      this.#whole(body, statusCode, await readAll(answer));
      return;
    }
    listener.streams();
    for await (const { data, mark } of readSse(answer)) {
      if (data === "") listener.prime(mark);
      else this.#arrived(data, mark, (message) => listener.hear(message, mark), statusCode);
    }
    if (this.#waiting.has(idKey(body.id))) listener.ended();
  }

  #whole(body: Request, status: number, text: string): void {
    const waiting = this.#waiting.get(idKey(body.id));
    let message: Message | null = null;
    try {
      message = readUpstreamMessage(text);
    } catch {
      // Not JSON-RPC: a status and a page, such as those of a proxy in front of the server.
    }
    // Our credentials were refused, not the client's: it must not be asked for others.
    const ours = status === 401 || status === 403;
    if (!ours && message?.kind === "response" && (message.body.id === body.id || message.body.id === null)) {
      waiting?.settle({ message, status });
      return;
    }
    const said = `the MCP server behind this gateway answered ${status} without a JSON-RPC answer`;
    const told = ours || status < 400 ? 502 : status;
    waiting?.settle({ message: failure(body.id, -32603, said), status: told });
  }

  /** Sorts a message of a stream: an answer to whoever waits for it, anything else to `hear`. */
  #arrived(data: string, mark: Mark, hear: (message: Message) => void, status?: number): void {
    const message = readUpstreamMessage(data);
    const { id } = message.kind === "response" ? message.body : { id: null };
    const waiting = id === null ? undefined : this.#waiting.get(idKey(id));
    if (waiting === undefined) hear(message);
    else if (message.kind === "response")
      waiting.settle({ message, mark, ...(status === undefined ? {} : { status }) });
  }

  #open(method: string, body: string | null, headers: Headers, signal: AbortSignal): Promise<IncomingMessage> {
    const { url, headers: credentials } = this.#remote;
    const secure = url.protocol === "https:";
    return new Promise((resolve, reject) => {
      const sent = (secure ? httpsRequest : httpRequest)(url, {
        method,
        agent: secure ? agents["https:"] : agents["http:"],
        signal: AbortSignal.any([signal, this.#over.signal]),
        headers: {
          accept: method === "GET" ? "text/event-stream" : ACCEPT,
          ...headers,
          ...(this.#session === null ? {} : { "mcp-session-id": this.#session }),
          ...(body === null
            ? {}
            : { "content-type": "application/json", "content-length": String(Buffer.byteLength(body)) }),
          ...credentials,
        },
      });
      sent.once("response", resolve);
      sent.once("error", (error) => reject(gone(nameOf(error), error)));
      sent.end(body ?? undefined);
    });
  }
}

function readAll(answer: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    answer.on("data", (chunk: Buffer) => {
      length += chunk.length;
      chunks.push(chunk);
      if (length > UPSTREAM_MESSAGE_BYTES_MAX) answer.destroy(tooLarge(UPSTREAM_MESSAGE_BYTES_MAX));
    });
    answer.once("error", reject); // also where the connection breaks in the middle
    answer.once("end", () => resolve(Buffer.concat(chunks, length).toString("utf8")));
  });
}

function protocolHeaders(answer: IncomingMessage): Headers {
  const version = oneOf(answer.headers["mcp-protocol-version"]);
  return version === null ? {} : { "mcp-protocol-version": version };
}

function typeOf(answer: IncomingMessage): string {
  return (answer.headers["content-type"] ?? "").toLowerCase();
}

function oneOf(value: string | string[] | undefined): string | null {
  return typeof value === "string" ? value : null;
}

function gone(why: string, cause?: unknown): McpError {
  return new McpError({
    code: "upstream_failed",
    message: `the MCP server behind this gateway is away: ${why}`,
    cause,
  });
}

function asError(error: unknown): Error {
  return error instanceof McpError ? error : gone(nameOf(error), error);
}

function nameOf(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return error instanceof Error ? error.name : "unknown";
}
