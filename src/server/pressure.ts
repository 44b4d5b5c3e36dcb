import type { IncomingMessage, ServerResponse } from "node:http";
import { JSON_BYTES_MAX } from "../core/action/index.ts";
import { HttpProblem } from "./problem.ts";

/** Appends that wait for the store before whoever wants another one is sent away. */
export const APPENDS_WAITING_MAX = 4_096;
/** Bytes of bodies that are being read or worked on. */
export const BODY_BYTES_HELD_MAX: number = 128 * JSON_BYTES_MAX;
/** How long a server that was told to end lets finish what it has begun, in milliseconds. */
export const DRAIN_MAX_MS = 10_000;

const RETRY_AFTER_MS = 1_000;
/** Answered in any case: whoever asks them wants to know how it stands. */
const ALWAYS: ReadonlySet<string> = new Set(["/healthz", "/readyz", "/metrics"]);

type Load = {
  /** Appends that wait for the store. */
  readonly appends: () => number;
  /** Streams and long polls that are open. */
  readonly waiters: () => number;
  readonly waitersMax: number;
  readonly closing: AbortSignal;
};

/** What a request may be sent away for, before any of it is read. */
export type Overload = "closing" | "store" | "bodies" | "waiters";

/**
 * Keeps what is in memory bounded: whoever comes while too much waits gets 503 and `Retry-After`, before the body is read.
 * Nothing was decided then, so the same may be sent again, here or to another instance.
 */
export class Pressure {
  readonly #load: Load;
  readonly #onRefusal: (because: Overload) => void;
  #bytes = 0;
  #requests = 0;
  #drained: (() => void) | null = null;

  constructor(load: Load, onRefusal: (because: Overload) => void) {
    this.#load = load;
    this.#onRefusal = onRefusal;
  }

  /** Requests that are not answered yet, and what their bodies take. */
  get held(): { readonly requests: number; readonly bytes: number } {
    return { requests: this.#requests, bytes: this.#bytes };
  }

  /** Appends that wait for the store. */
  get appends(): number {
    return this.#load.appends();
  }

  /** Lets a request in until its answer has ended, or throws the 503. */
  enter(request: IncomingMessage, response: ServerResponse): void {
    if (ALWAYS.has(pathOf(request.url ?? ""))) return;
    const bytes = bytesOf(request);
    const overload = this.#overload(request, bytes);
    if (overload !== null) {
      this.#onRefusal(overload);
      if (overload === "closing") response.setHeader("connection", "close");
      throw refusal(overload);
    }
    this.#bytes += bytes;
    this.#requests += 1;
    response.once("close", () => {
      this.#bytes -= bytes;
      this.#requests -= 1;
      if (this.#requests === 0) this.#drained?.();
    });
  }

  /** Resolves when nothing is under way any more, or after a while. */
  async drain(): Promise<void> {
    if (this.#requests === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#drained = resolve;
    const timer = setTimeout(resolve, DRAIN_MAX_MS);
    await promise;
    clearTimeout(timer);
  }

  #overload(request: IncomingMessage, bytes: number): Overload | null {
    const { closing, appends, waiters, waitersMax } = this.#load;
    if (closing.aborted) return "closing";
    if (request.method === "POST" && appends() >= APPENDS_WAITING_MAX) return "store";
    if (bytes > 0 && this.#bytes + bytes > BODY_BYTES_HELD_MAX) return "bodies";
    return waits(request) && waiters() >= waitersMax ? "waiters" : null;
  }
}

const SENTENCES: Readonly<Record<Overload, string>> = {
  closing: "the server is closing; ask again, another one may answer",
  store: "too much waits for the store; nothing was decided, try again",
  bodies: "too many large requests are under way; nothing was read, try again",
  waiters: "too many streams and long polls are open here; look again later instead of waiting",
};

function refusal(overload: Overload): HttpProblem {
  const code = overload === "closing" ? "closing" : "overloaded";
  return new HttpProblem({ status: 503, code, message: SENTENCES[overload], retryAfterMs: RETRY_AFTER_MS });
}

function pathOf(url: string): string {
  const end = url.indexOf("?");
  return end === -1 ? url : url.slice(0, end);
}

/** What a body will take: as much as is allowed where nobody says. */
function bytesOf({ method, headers }: IncomingMessage): number {
  if (method !== "POST") return 0;
  const length = Number(headers["content-length"]);
  return Number.isSafeInteger(length) && length >= 0 ? Math.min(length, JSON_BYTES_MAX) : JSON_BYTES_MAX;
}

/** Whether a request asks to be held: RFC 7240 `wait`, or a stream of events. */
function waits({ headers, url = "" }: IncomingMessage): boolean {
  const prefer = headers["prefer"];
  return (prefer !== undefined && /\bwait=/.test(prefer.toString())) || /\/stream(?:\?|$)/.test(url);
}
