import { parseJson } from "../core/action/index.ts";
import { decodeBase64 } from "../core/encoding.ts";
import { ENTRY_PAYLOAD_BYTES_MAX } from "../core/ledger/index.ts";
import type { LedgerEntry } from "./entry.ts";
import { memberOf, numberAt, textAt } from "./shapes.ts";

/** A line of `payloads/<N>.jsonl`: what was committed to, and where the entry is filed if that is not what its header says. */
export type PayloadLine = Pick<LedgerEntry, "index" | "payload" | "salt"> & { readonly filed: Filed | null };
type Filed = Pick<LedgerEntry, "stream" | "version" | "type">;

/** The lines of one file of payloads, read one at a time: only the one at hand is decoded. */
export class PayloadLines {
  readonly #file: Buffer;
  readonly #room: Room = new Room();
  #at = 0;
  #read = 0;

  constructor(bytes: Uint8Array) {
    this.#file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** The next line, which should be of the entry with this header; null at the end. Throws for what is no line. */
  next(header: Uint8Array): PayloadLine | null {
    const from = this.#at;
    if (from >= this.#file.length) return null;
    const newline = this.#file.indexOf(0x0a, from);
    const end = newline === -1 ? this.#file.length : newline;
    this.#at = end + 1;
    this.#read++;
    try {
      return readUsual(this.#file, from, end, header, this.#room) ?? readAny(this.#file.subarray(from, end));
    } catch (cause) {
      throw new Error(`line ${this.#read} is none`, { cause });
    }
  }
}

const INDEX = '{"index":';
const PAYLOAD = ',"payload":"';
const SALT = '","salt":"';
/** 32 bytes in base64. */
const SALT_CHARS = 44;
const DIGITS_MAX = 15;

/** A line as the spec writes it, whose tail is that of its header, found by its quotes; null for any other. */
function readUsual(file: Buffer, from: number, end: number, header: Uint8Array, room: Room): PayloadLine | null {
  let at = from + INDEX.length;
  let index = 0;
  for (let digit = digitAt(file, at); digit >= 0; digit = digitAt(file, ++at)) index = index * 10 + digit;
  if (at - from - INDEX.length > DIGITS_MAX || !standsAt(file, from, INDEX) || !standsAt(file, at, PAYLOAD))
    return null;
  const payloadAt = at + PAYLOAD.length;
  const payloadEnd = file.indexOf(0x22, payloadAt);
  const saltAt = payloadEnd + SALT.length;
  const saltEnd = saltAt + SALT_CHARS;
  if (payloadEnd === -1 || saltEnd > end || !standsAt(file, payloadEnd, SALT)) return null;
  if (!isFiledAs(file, saltEnd, end, header)) return null;
  const payload = room.decode(file, payloadAt, payloadEnd);
  return { index, payload, salt: room.decode(file, saltAt, saltEnd), filed: null };
}

const STREAM = '","stream":"';
const TIME = '"time":"';
/** `"time":"2026-11-21T20:05:00.000Z",` as it stands in a header and not in a line. */
const TIME_CHARS = 34;
const V1 = '"v":1,';
const COMMA = 0x2c;

/**
 * Whether a line ends as its header does: `"stream":"…","type":"…","version":…}`, where the header has the time and its own
 * version between. Compared from the end, byte by byte; what the header's bytes mean is not for here.
 */
function isFiledAs(file: Uint8Array, from: number, end: number, header: Uint8Array): boolean {
  if (!standsAt(file, from, STREAM)) return false;
  // Up to the comma before `"version"`, past `"v":1,`; up to the one before `"type"`, past the time; then to the end.
  const comma = alike(file, end - 1, header, header.length - 1, from);
  const beforeV = header.length - (end - comma) - V1.length;
  if (file[comma] !== COMMA || !standsAt(header, beforeV + 1, V1) || header[beforeV] !== COMMA) return false;
  const next = alike(file, comma - 1, header, beforeV - 1, from);
  const beforeTime = beforeV - (comma - next) - TIME_CHARS;
  if (file[next] !== COMMA || !standsAt(header, beforeTime + 1, TIME) || header[beforeTime] !== COMMA) return false;
  return alike(file, next - 1, header, beforeTime - 1, from) === from + 1; // the comma before `"stream"`
}

/** Goes back through both as long as they are alike; answers where in the file it met a comma, a difference or `from`. */
function alike(file: Uint8Array, last: number, header: Uint8Array, lastOfHeader: number, from: number): number {
  let at = last;
  let other = lastOfHeader;
  while (at > from && file[at] === header[other] && file[at] !== COMMA) {
    at--;
    other--;
  }
  return at;
}

function digitAt(file: Uint8Array, at: number): number {
  const digit = (file[at] ?? 0) - 0x30;
  return digit <= 9 ? digit : -1;
}

function standsAt(file: Uint8Array, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) if (file[at + index] !== text.charCodeAt(index)) return false;
  return true;
}

const ROOM_BYTES = 64 * 1024;

/**
 * Where base64 is decoded to: one piece of memory for many lines. Whatever a lenient decoder makes of odd base64 has to be
 * what the header commits to, so that no strictness is needed here.
 */
class Room {
  #bytes: Buffer = Buffer.alloc(0);
  #used = 0;

  decode(file: Buffer, from: number, to: number): Uint8Array {
    if (this.#used + to - from > this.#bytes.length) {
      this.#bytes = Buffer.allocUnsafeSlow(Math.max(ROOM_BYTES, to - from));
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += this.#bytes.write(file.toString("latin1", from, to), start, "base64");
    return this.#bytes.subarray(start, this.#used);
  }
}

function readAny(bytes: Uint8Array): PayloadLine {
  const json = parseJson(bytes, { bytesMax: 2 * ENTRY_PAYLOAD_BYTES_MAX });
  const secret = (name: string): Uint8Array | null =>
    memberOf(json, name) === null ? null : decodeBase64(textAt(json, name));
  return {
    index: numberAt(json, "index"),
    filed: { stream: textAt(json, "stream"), version: numberAt(json, "version"), type: textAt(json, "type") },
    payload: secret("payload"),
    salt: secret("salt"),
  };
}
