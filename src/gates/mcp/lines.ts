import { tooLarge } from "./jsonrpc.ts";

const LF = 0x0a;

/**
 * Cuts a stream of bytes into lines (MCP stdio: one message a line, UTF-8). `onLine` gets each without its end; a line
 * longer than `bytesMax` throws, and nothing after it is read.
 */
export class Lines {
  readonly #bytesMax: number;
  readonly #onLine: (line: Buffer) => void;
  #parts: Buffer[] = [];
  #length = 0;

  constructor(bytesMax: number, onLine: (line: Buffer) => void) {
    this.#bytesMax = bytesMax;
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, from)) {
      this.#add(chunk.subarray(from, end));
      this.#flush();
      from = end + 1;
    }
    this.#add(chunk.subarray(from));
  }

  /** What stands after the last line end, at the end of the stream. */
  end(): void {
    this.#flush();
  }

  #add(part: Buffer): void {
    if (part.length === 0) return;
    this.#length += part.length;
    if (this.#length > this.#bytesMax) throw tooLarge(this.#bytesMax);
    this.#parts.push(part);
  }

  #flush(): void {
    const [only] = this.#parts;
    const line = this.#parts.length === 1 && only !== undefined ? only : Buffer.concat(this.#parts);
    [this.#parts, this.#length] = [[], 0];
    const trimmed = line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
    if (trimmed.length > 0) this.#onLine(trimmed);
  }
}
