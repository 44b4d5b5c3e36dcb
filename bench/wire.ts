/** HTTP/1.1 by hand over one kept connection: cheap enough not to be what is measured. */
import { connect, type Socket } from "node:net";

/** The bytes of one request; made once, sent many times. */
export function requestBytes(
  method: "GET" | "POST",
  path: string,
  token: string | null,
  body?: string,
  headers: readonly string[] = [],
): Buffer {
  const lines = [`${method} ${path} HTTP/1.1`, "host: bench", ...headers];
  if (token !== null) lines.push(`authorization: Bearer ${token}`);
  if (body !== undefined) lines.push("content-type: application/json", `content-length: ${Buffer.byteLength(body)}`);
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body ?? ""}`);
}

/** Called for each answer, in order: its status and its body. */
export type OnAnswer = (status: number, body: Buffer) => void;

/** A connection on which each request is answered before the next is sent. */
export class Connection {
  readonly #socket: Socket;
  #onAnswer: OnAnswer = () => {};
  #pending: Buffer | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true).on("data", (chunk: Buffer) => this.#receive(chunk));
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port }, () => resolve(new Connection(socket)));
      socket.once("error", reject);
    });
  }

  send(bytes: Buffer, onAnswer: OnAnswer): void {
    this.#onAnswer = onAnswer;
    this.#socket.write(bytes);
  }

  /** Sends, and answers status and parsed body. */
  ask(bytes: Buffer): Promise<{ readonly status: number; readonly body: unknown }> {
    return new Promise((resolve) =>
      this.send(bytes, (status, body) => resolve({ status, body: JSON.parse(body.toString() || "null") as unknown })),
    );
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    const all = this.#pending === null ? chunk : Buffer.concat([this.#pending, chunk]);
    const head = all.indexOf("\r\n\r\n");
    const start = head + 4;
    const length = head < 0 ? 0 : Number(/\r\ncontent-length: (\d+)/i.exec(all.toString("latin1", 0, head))?.[1] ?? 0);
    if (head < 0 || all.length < start + length) {
      this.#pending = all;
      return;
    }
    this.#pending = null;
    this.#onAnswer(Number(all.toString("latin1", 9, 12)), all.subarray(start, start + length));
  }
}

/** Opens a stream of server-sent events and tells of every piece of text that arrives. */
export function openStream(port: number, request: Buffer, onText: (text: string) => void): { close(): void } {
  const socket = connect({ host: "127.0.0.1", port }, () => socket.write(request));
  socket.setNoDelay(true).on("data", (chunk: Buffer) => onText(chunk.toString()));
  return { close: () => socket.destroy() };
}
