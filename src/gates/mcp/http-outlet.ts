import type { ServerResponse } from "node:http";
import type { Message } from "./jsonrpc.ts";
import type { Outlet } from "./outlet.ts";
import { formatSse } from "./sse.ts";
import type { Answer, Mark } from "./upstream.ts";

/** Proxies that buffer would hold events back. */
const STREAM_HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};
/** A comment so often keeps a stream alive that nothing is told on. */
const PING_MS = 15_000;

/** The answer to one POST: JSON as long as only the answer is to be told, else a stream of events. */
export class PostOutlet implements Outlet {
  readonly streams: boolean;
  readonly #response: ServerResponse;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #elsewhere: (message: Message, mark?: Mark) => void;
  #ping: ReturnType<typeof setInterval> | undefined;
  #done = false;

  /** `elsewhere` takes an answer that comes after its own stream has ended. */
  constructor(
    response: ServerResponse,
    options: {
      readonly streams: boolean;
      readonly headers: Readonly<Record<string, string>>;
      readonly elsewhere: (message: Message, mark?: Mark) => void;
    },
  ) {
    this.#response = response;
    this.streams = options.streams;
    this.#headers = options.headers;
    this.#elsewhere = options.elsewhere;
  }

  get live(): boolean {
    return !this.#done && !this.#response.closed;
  }

  tell(message: Message, mark?: Mark): void {
    if (!this.live || !this.streams) {
      this.#elsewhere(message, mark);
      return;
    }
    this.open();
    this.#response.write(formatSse(message.text, { event: "message", ...mark }));
  }

  open(): void {
    if (this.#response.headersSent || !this.live || !this.streams) return;
    this.#response.writeHead(200, { ...STREAM_HEADERS, ...this.#headers });
    this.#response.flushHeaders();
    this.#ping = setInterval(() => this.#response.write(": alive\n\n"), PING_MS);
    this.#ping.unref();
  }

  prime(mark: Mark): void {
    this.open();
    if (this.live && this.streams) this.#response.write(formatSse("", mark));
  }

  answer({ message, status = 200, mark }: Answer): void {
    if (!this.live) {
      this.#elsewhere(message, mark);
      return;
    }
    if (this.#response.headersSent) {
      this.#response.end(formatSse(message.text, { event: "message", ...mark }));
    } else {
      this.#response.writeHead(status, {
        "content-type": "application/json",
        "content-length": String(Buffer.byteLength(message.text)),
        ...this.#headers,
      });
      this.#response.end(message.text);
    }
    this.#end();
  }

  drop(): void {
    if (!this.live) return;
    if (!this.#response.headersSent) this.#response.writeHead(200, { ...STREAM_HEADERS, ...this.#headers });
    this.#response.end();
    this.#end();
  }

  #end(): void {
    this.#done = true;
    clearInterval(this.#ping);
  }
}

/** The stream that a client opens for messages which belong to no request. */
export class StreamOutlet {
  readonly #response: ServerResponse;
  readonly #ping: ReturnType<typeof setInterval>;

  constructor(response: ServerResponse, headers: Readonly<Record<string, string>>) {
    this.#response = response;
    response.writeHead(200, { ...STREAM_HEADERS, ...headers });
    response.flushHeaders();
    this.#ping = setInterval(() => response.write(": alive\n\n"), PING_MS);
    this.#ping.unref();
    response.once("close", () => clearInterval(this.#ping));
  }

  get live(): boolean {
    return !this.#response.closed && !this.#response.writableEnded;
  }

  tell(message: Message, mark?: Mark): void {
    if (this.live) this.#response.write(formatSse(message.text, { event: "message", ...mark }));
  }

  prime(mark: Mark): void {
    if (this.live) this.#response.write(formatSse("", mark));
  }

  end(): void {
    this.#response.end();
  }
}
