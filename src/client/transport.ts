import type { Json } from "../core/action/index.ts";
import { JSON_BYTES_MAX, parseJson } from "../core/action/index.ts";
import { pause, reasonOf, retryDelay } from "./backoff.ts";
import { readBytes } from "./body.ts";
import { Unavailable } from "./errors.ts";
import { problemOf } from "./problem.ts";
import { traceHeaders } from "./trace.ts";

/** How long one exchange may take from connection to last byte, unless the caller says otherwise. */
export const REQUEST_TIMEOUT_MS = 10_000;
/** How long an idempotent exchange is tried again before we give up, unless the caller says otherwise. */
export const RETRY_FOR_MS = 20_000;

/** What one call may be told, beside what it asks. */
export type CallOptions = {
  readonly signal?: AbortSignal | undefined;
  /** How long to try again while the server is away, instead of the client's own patience, in milliseconds. */
  readonly retryForMs?: number | undefined;
};

export type TransportOptions = {
  readonly url: string | URL;
  readonly token?: string | undefined;
  readonly requestTimeoutMs?: number;
  readonly retryForMs?: number;
  /** Carries calls with a whole answer in the place of `fetch`; streams go over `fetch` all the same. */
  readonly carry?: Carry | undefined;
};

/** One request as it is sent, and how many bytes its answer may have. */
export type Carried = {
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly signal: AbortSignal;
  readonly bytesMax: number;
};

/**
 * Sends one request and resolves with the whole answer: never follows a redirect, ends when the signal aborts, and
 * rejects an answer that is larger than asked for.
 */
export type Carry = (url: string, carried: Carried) => Promise<CarriedAnswer>;
/** The answer to one request, whole. */
export type CarriedAnswer = {
  readonly status: number;
  readonly headers: Pick<Headers, "get">;
  readonly bytes: Uint8Array;
};

export type Call = {
  readonly method: "GET" | "POST";
  /** Path below the server's address, with its query; never an address that an answer named. */
  readonly path: string;
  readonly body?: Json;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether it may be sent again when the answer was lost. */
  readonly idempotent: boolean;
  readonly signal?: AbortSignal | undefined;
  /** How long this call is tried again, instead of the transport's own patience. */
  readonly retryForMs?: number | undefined;
  /** Added to the request's own time limit, for answers that the server holds back. */
  readonly holdMs?: number;
  readonly bytesMax?: number;
};

/** One HTTP connection to one server with one token. Nothing it holds outlives its calls. */
export type Transport = {
  /** Sends, retries where that is safe, and parses the answer strictly. */
  json(call: Call): Promise<Json>;
  /** The same for text such as a signed note. */
  text(call: Call): Promise<string>;
  /** The same for bytes such as a tile. */
  bytes(call: Call): Promise<Uint8Array>;
  /** Opens a stream: resolves with the headers; the caller reads and ends the body. Never retried. */
  open(call: Call, accept: string, stop: AbortController): Promise<ReadableStream<Uint8Array>>;
  /** Now by the server's clock, as its last `Date` header told; by ours before the first answer. */
  now(): number;
};

/** Opens nothing yet: the first call connects. */
export function createTransport(options: TransportOptions): Transport {
  const base = baseOf(options.url);
  const wire: Wire = {
    base,
    token: tokenOf(options.token),
    requestTimeoutMs: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    retryForMs: options.retryForMs ?? RETRY_FOR_MS,
    carry: options.carry ?? carryByFetch,
    aheadMs: 0,
  };
  return {
    json: async (call) => parseAnswer(await send(wire, call, "application/json"), call.bytesMax),
    text: async (call) => decoder.decode(await send(wire, call, "text/plain")),
    bytes: (call) => send(wire, call, "application/octet-stream"),
    open: (call, accept, stop) => open(wire, call, accept, stop),
    now: () => Date.now() + wire.aheadMs,
  };
}

type Wire = {
  readonly base: string;
  readonly token: string | null;
  readonly requestTimeoutMs: number;
  readonly retryForMs: number;
  readonly carry: Carry;
  /** How far the server's clock is ahead of ours. */
  aheadMs: number;
};

const decoder = new TextDecoder("utf-8", { fatal: true });

async function send(wire: Wire, call: Call, accept: string): Promise<Uint8Array> {
  const body = call.body === undefined ? null : JSON.stringify(call.body);
  const giveUpAt = performance.now() + (call.retryForMs ?? wire.retryForMs);
  for (let attempt = 0; ; attempt++) {
    try {
      return await exchange(wire, call, accept, body);
    } catch (failure) {
      const delay = call.idempotent ? retryDelay(failure, attempt, Math.random()) : null;
      if (delay === null || performance.now() + delay >= giveUpAt) throw failure;
      await pause(delay, call.signal);
    }
  }
}

/** One attempt. Its timer and listener are gone when it settles. */
async function exchange(wire: Wire, call: Call, accept: string, body: string | null): Promise<Uint8Array> {
  const stop = new AbortController();
  return guarded(wire, call, stop, async () => {
    const { status, headers, bytes } = await request(wire, call, accept, body, stop, wire.carry);
    if (status < 200 || status > 299) throw problemOf(status, headers, bytes);
    return bytes;
  });
}

async function open(
  wire: Wire,
  call: Call,
  accept: string,
  stop: AbortController,
): Promise<ReadableStream<Uint8Array>> {
  return guarded(wire, call, stop, async () => {
    const response = await request(wire, call, accept, null, stop, fetchIt);
    if (!response.ok) {
      throw problemOf(response.status, response.headers, await readBytes(response.body, JSON_BYTES_MAX));
    }
    const type = response.headers.get("content-type") ?? "";
    if (response.body === null || !type.startsWith(accept)) {
      throw new Unavailable({
        code: "answer_malformed",
        message: `the server answered \`${type}\` instead of ${accept}`,
      });
    }
    return response.body;
  });
}

/** Runs `work` under the time limit and the caller's signal, and names what went wrong. */
async function guarded<T>(wire: Wire, call: Call, stop: AbortController, work: () => Promise<T>): Promise<T> {
  const { signal } = call;
  signal?.throwIfAborted();
  const limitMs = wire.requestTimeoutMs + (call.holdMs ?? 0);
  const timer = setTimeout(() => stop.abort(timedOut(wire, limitMs)), limitMs);
  const onAbort = (): void => {
    if (signal !== undefined) stop.abort(reasonOf(signal));
  };
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    return await work();
  } catch (error) {
    // Aborted by the clock or the caller: then that is the reason, not whatever `fetch` made of it.
    const reason: unknown = stop.signal.aborted ? stop.signal.reason : error;
    stop.abort(); // whatever is left of the answer is not wanted any more
    throw reason;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

async function request<T extends Pick<CarriedAnswer, "headers">>(
  wire: Wire,
  call: Call,
  accept: string,
  body: string | null,
  stop: AbortController,
  carry: (url: string, carried: Carried) => Promise<T>,
): Promise<T> {
  const headers: Record<string, string> = { accept, ...traceHeaders(), ...call.headers };
  if (wire.token !== null) headers["authorization"] = `Bearer ${wire.token}`;
  if (body !== null) headers["content-type"] = "application/json";
  try {
    const bytesMax = call.bytesMax ?? JSON_BYTES_MAX;
    const carried = { method: call.method, headers, body, signal: stop.signal, bytesMax };
    const response = await carry(wire.base + call.path, carried);
    const date = Date.parse(response.headers.get("date") ?? "");
    if (!Number.isNaN(date)) wire.aheadMs = date - Date.now();
    return response;
  } catch (cause) {
    if (cause instanceof Unavailable) throw cause;
    throw unreachable(wire.base, cause);
  }
}

/** A redirect is never followed: the token and the action belong to this server alone. */
function fetchIt(url: string, { method, headers, body, signal }: Carried): Promise<Response> {
  return fetch(url, { method, headers, body, redirect: "manual", signal });
}

const carryByFetch: Carry = async (url, carried) => {
  const { status, headers, body } = await fetchIt(url, carried);
  return { status, headers, bytes: await readBytes(body, carried.bytesMax) };
};

function parseAnswer(bytes: Uint8Array, bytesMax: number = JSON_BYTES_MAX): Json {
  try {
    return parseJson(bytes, { bytesMax });
  } catch (cause) {
    throw new Unavailable({
      code: "answer_malformed",
      message: "the server's answer is not the JSON it should be; is this the address of a Keyturn server?",
      cause,
    });
  }
}

function unreachable(base: string, cause: unknown): Unavailable {
  return new Unavailable({
    code: "unreachable",
    message: `the Keyturn server at ${base} cannot be reached (${reasonText(cause)}); is it running? Nothing was executed`,
    cause,
  });
}

function timedOut(wire: Wire, limitMs: number): Unavailable {
  return new Unavailable({
    code: "timed_out",
    message: `the Keyturn server at ${wire.base} did not answer within ${limitMs} ms; nothing was executed`,
  });
}

/** `fetch` says only "fetch failed"; the system's word stands in its cause. */
function reasonText(error: unknown): string {
  if (!(error instanceof Error)) return "no reason given";
  const inner: unknown = error.cause;
  if (inner instanceof Error && "code" in inner && typeof inner.code === "string") return inner.code;
  return inner instanceof Error && inner.message !== "" ? inner.message : error.message;
}

function baseOf(url: string | URL): string {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch (cause) {
    throw new TypeError("the url of the Keyturn server is not a URL; write it like https://keyturn.example", { cause });
  }
  if (parsed.protocol !== "https:" && parsed.protocol !== "http:") {
    throw new TypeError("the url of the Keyturn server must begin with https:// or http://");
  }
  if (parsed.username !== "" || parsed.password !== "" || parsed.search !== "" || parsed.hash !== "") {
    throw new TypeError(
      "the url of the Keyturn server must hold no credential, query or fragment; the token is an option of its own",
    );
  }
  return parsed.href.replace(/\/+$/, "");
}

/** A token goes into a header: anything but visible ASCII is refused here, without repeating it. */
function tokenOf(token: string | undefined): string | null {
  if (token === undefined || token === "") return null;
  if (!/^[!-~]{1,4096}$/.test(token)) {
    throw new TypeError("the token holds spaces or characters that no token has; copy it again");
  }
  return token;
}
