import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** The server's side of one WebSocket (RFC 6455), as much of it as Slack's client needs: short text frames, ping, close. */
export class ServerSocket {
  readonly #stream: Duplex;
  readonly #onText: (text: string) => void;
  #buffer = Buffer.alloc(0);

  constructor(request: IncomingMessage, stream: Duplex, onText: (text: string) => void) {
    this.#stream = stream;
    this.#onText = onText;
    const accept = createHash("sha1")
      .update(`${request.headers["sec-websocket-key"] ?? ""}${GUID}`)
      .digest("base64");
    const head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
    stream.write([...head, `Sec-WebSocket-Accept: ${accept}`, "", ""].join("\r\n"));
    stream.on("data", (chunk: Buffer) => this.#read(chunk));
    stream.on("error", () => {});
  }

  get isOpen(): boolean {
    return !this.#stream.destroyed;
  }

  send(text: string): void {
    this.#write(0x1, Buffer.from(text));
  }

  /** As a pod that is recycled: without a word. */
  drop(): void {
    this.#stream.destroy();
  }

  #write(opcode: number, payload: Buffer): void {
    const { length } = payload;
    const head = length < 126 ? Buffer.from([0x80 | opcode, length]) : Buffer.alloc(length < 65_536 ? 4 : 10);
    if (length >= 126) {
      head[0] = 0x80 | opcode;
      head[1] = length < 65_536 ? 126 : 127;
      if (length < 65_536) head.writeUInt16BE(length, 2);
      else head.writeBigUInt64BE(BigInt(length), 2);
    }
    if (!this.#stream.destroyed) this.#stream.write(Buffer.concat([head, payload]));
  }

  #read(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    for (;;) {
      const [first = 0, second = 0] = this.#buffer;
      const short = second & 0x7f;
      const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
      const start = 2 + extra + 4;
      if (this.#buffer.length < start) return;
      const length =
        extra === 0 ? short : extra === 2 ? this.#buffer.readUInt16BE(2) : Number(this.#buffer.readBigUInt64BE(2));
      if (this.#buffer.length < start + length) return;
      const mask = this.#buffer.subarray(start - 4, start);
      const payload = Buffer.from(
        this.#buffer.subarray(start, start + length).map((byte, n) => byte ^ (mask[n % 4] ?? 0)),
      );
      this.#buffer = this.#buffer.subarray(start + length);
      const opcode = first & 0x0f;
      if (opcode === 0x1) this.#onText(payload.toString("utf8"));
      if (opcode === 0x9) this.#write(0xa, payload);
      if (opcode === 0x8) {
        this.#write(0x8, payload);
        this.#stream.end();
      }
    }
  }
}
