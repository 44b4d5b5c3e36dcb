import type { Digest, Instant, StreamName } from "../core/brand.ts";
import type { Json } from "../core/action/index.ts";
import { openHeader, parseInstant } from "../core/ledger/index.ts";
import type { OpenedHeader } from "../core/ledger/index.ts";
import { fingerprint, fingerprintText } from "./fingerprint.ts";
import type { Seed } from "./fingerprint.ts";
import { HeaderScan } from "./scan.ts";

const MINUTE_BYTES = 17; // `2026-11-21T20:05:`

/**
 * One header, read as far as anybody asks. Of a usual one only places are known until a text is wanted; an odd one was read
 * by core. It is used again for the next entry: keep what it answers, not itself.
 */
export class Header {
  readonly #scan: HeaderScan = new HeaderScan();
  readonly #texts: Texts = new Texts();
  /** Set where the header is not a usual one. */
  #opened: OpenedHeader | null = null;
  #bytes: Uint8Array = new Uint8Array(0);
  #stream: string | null = null;
  #type = "";
  #at = 0;
  /** The place of the public member that is looked at next. */
  #cursor = 0;
  /** The minute of the entry before: times are nearly always in the same one. */
  readonly #minute: Uint8Array = new Uint8Array(MINUTE_BYTES);
  #minuteAt = 0;

  /** Reads a header; throws `entry_invalid` for what core's `openHeader` refuses. */
  read(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#stream = null;
    this.#opened = this.#scan.read(bytes) && this.#readTime() ? null : openHeader(bytes);
    const { typeFrom, typeTo } = this.#scan;
    this.#type = this.#opened === null ? this.#texts.text(bytes, typeFrom, typeTo) : this.#opened.type;
    if (this.#opened !== null) this.#at = this.#opened.at;
  }

  get type(): string {
    return this.#type;
  }

  /** Milliseconds since 1970. */
  get at(): number {
    return this.#at;
  }

  get version(): number {
    return this.#opened?.version ?? this.#scan.version;
  }

  get stream(): string {
    this.#stream ??= this.#opened?.stream ?? latin1(this.#bytes, this.#scan.streamFrom, this.#scan.streamTo);
    return this.#stream;
  }

  /** The fingerprint of the stream's name. */
  printStream(seed: Seed, out: Int32Array): void {
    if (this.#opened !== null) fingerprintText(this.#opened.stream, seed, out);
    else fingerprint(this.#bytes, this.#scan.streamFrom, this.#scan.streamTo, seed, out);
  }

  /** Whether the stream's name begins with this ASCII text. */
  isIn(prefix: string): boolean {
    if (this.#opened !== null) return this.#opened.stream.startsWith(prefix);
    const { streamFrom, streamTo } = this.#scan;
    return streamTo - streamFrom >= prefix.length && isText(this.#bytes, streamFrom, prefix);
  }

  /** Whether the entry is filed as its header says. */
  isFiledAs(stream: string, version: number, type: string): boolean {
    if (this.#opened !== null || version !== this.version || type !== this.#type) {
      return stream === this.stream && version === this.version && type === this.#type;
    }
    const { streamFrom, streamTo } = this.#scan;
    return streamTo - streamFrom === stream.length && isText(this.#bytes, streamFrom, stream);
  }

  /** The value of a public member; undefined where there is none. */
  shown(name: string): Json | undefined {
    if (this.#opened !== null) {
      return Object.hasOwn(this.#opened.publics, name) ? this.#opened.publics[name] : undefined;
    }
    const { places, members } = this.#scan;
    const end = members * 5;
    // From where the last one was found: they are mostly asked for in their order.
    for (let turn = 0; turn < members; turn++) {
      if (this.#cursor >= end) this.#cursor = 0;
      const place = this.#cursor;
      this.#cursor += 5;
      const from = places[place] ?? 0;
      if ((places[place + 1] ?? 0) - from === name.length && isText(this.#bytes, from, name)) return this.#value(place);
    }
    return undefined;
  }

  /** All of it, as core reads it. */
  open(): OpenedHeader {
    if (this.#opened !== null) return this.#opened;
    const publics: { [name: string]: Json } = {};
    const { places, members, commitmentAt } = this.#scan;
    for (let place = 0; place < members * 5; place += 5) {
      publics[this.#texts.text(this.#bytes, places[place] ?? 0, places[place + 1] ?? 0)] = this.#value(place);
    }
    return {
      stream: this.stream as StreamName,
      version: this.version,
      type: this.#type,
      at: this.#at as Instant,
      commitment: `sha256:${latin1(this.#bytes, commitmentAt, commitmentAt + 64)}` as Digest,
      publics,
    };
  }

  #value(place: number): Json {
    const { places } = this.#scan;
    const from = places[place + 2] ?? 0;
    const to = places[place + 3] ?? 0;
    return places[place + 4] === 1 ? this.#texts.text(this.#bytes, from, to) : Number(latin1(this.#bytes, from, to));
  }

  /** False for a date that does not exist. */
  #readTime(): boolean {
    const bytes = this.#bytes;
    const { timeAt } = this.#scan;
    if (!this.#isSameMinute(timeAt)) {
      try {
        this.#minuteAt = parseInstant(`${latin1(bytes, timeAt, timeAt + MINUTE_BYTES)}00.000Z`);
      } catch {
        return false;
      }
      this.#minute.set(bytes.subarray(timeAt, timeAt + MINUTE_BYTES));
    }
    const seconds = digitAt(bytes, timeAt + 17) * 10 + digitAt(bytes, timeAt + 18);
    const ms = digitAt(bytes, timeAt + 20) * 100 + digitAt(bytes, timeAt + 21) * 10 + digitAt(bytes, timeAt + 22);
    this.#at = this.#minuteAt + seconds * 1000 + ms;
    return seconds < 60;
  }

  #isSameMinute(timeAt: number): boolean {
    for (let at = MINUTE_BYTES - 1; at >= 0; at--) if (this.#bytes[timeAt + at] !== this.#minute[at]) return false;
    return true;
  }
}

/** Texts that come again and again, such as types, gates and digests of policies: made once, then found by their bytes. */
class Texts {
  readonly #kept: (string | undefined)[] = Array.from({ length: 512 });

  text(bytes: Uint8Array, from: number, to: number): string {
    const length = to - from;
    if (length === 0) return "";
    const mix = (bytes[from] ?? 0) * 31 + (bytes[to - 1] ?? 0) * 7 + (bytes[from + (length >> 1)] ?? 0) * 3;
    const place = (mix + length * 17) & 511;
    const kept = this.#kept[place];
    if (kept !== undefined && kept.length === length && isText(bytes, from, kept)) return kept;
    const text = latin1(bytes, from, to);
    this.#kept[place] = text;
    return text;
  }
}

/** Reads a header at once: what core's `openHeader` reads, and refuses. */
export function readHeader(bytes: Uint8Array): OpenedHeader {
  const header = new Header();
  header.read(bytes);
  return header.open();
}

function isText(bytes: Uint8Array, from: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) if (bytes[from + index] !== text.charCodeAt(index)) return false;
  return true;
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString("latin1");
}

function digitAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) - 0x30;
}
