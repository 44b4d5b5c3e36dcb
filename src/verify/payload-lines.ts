import { parseJson } from "../core/action/index.ts";
import { decodeBase64 } from "../core/encoding.ts";
import { ENTRY_PAYLOAD_BYTES_MAX } from "../core/ledger/index.ts";
import type { LedgerEntry } from "./ledger.ts";
import { memberOf, numberAt, textAt } from "./shapes.ts";

/** A line of `payloads/<N>.jsonl`: what was committed to, and where the entry is filed if that is not what its header says. */
export type PayloadLine = Pick<LedgerEntry, "index" | "payload" | "salt"> & { readonly filed: Filed | null };
type Filed = Pick<LedgerEntry, "stream" | "version" | "type">;

/** The lines of one file of payloads, read one at a time: only the one at hand is decoded. */
export class PayloadLines {
  readonly #file: Buffer;
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
      return readUsual(this.#file, from, end, header) ?? readAny(this.#file.subarray(from, end));
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
function readUsual(file: Buffer, from: number, end: number, header: Uint8Array): PayloadLine | null {
  let [at, index] = [from + INDEX.length, 0];
  for (let digit = digitAt(file, at); digit >= 0; digit = digitAt(file, ++at)) index = index * 10 + digit;
  if (at - from - INDEX.length > DIGITS_MAX || !standsAt(file, from, INDEX) || !standsAt(file, at, PAYLOAD))
    return null;
  const payloadAt = at + PAYLOAD.length;
  const payloadEnd = file.indexOf(0x22, payloadAt);
  const saltAt = payloadEnd + SALT.length;
  const saltEnd = saltAt + SALT_CHARS;
  if (payloadEnd === -1 || saltEnd > end || !standsAt(file, payloadEnd, SALT)) return null;
  if (!isFiledAs(file, saltEnd, end, header)) return null;
  const payload = fromBase64(file, payloadAt, payloadEnd);
  return { index, payload, salt: fromBase64(file, saltAt, saltEnd), filed: null };
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
  let [line, leaf] = [end - 1, header.length - 1];
  for (const between of [V1, TIME]) {
    // Up to the comma before `"version"`, then up to the one before `"type"`.
    while (line > from && file[line] === header[leaf] && file[line] !== COMMA) [line, leaf] = [line - 1, leaf - 1];
    if (file[line] !== COMMA || header[leaf] !== COMMA) return false;
    leaf -= between === TIME ? TIME_CHARS : V1.length;
    if (!standsAt(header, leaf + 1, between)) return false;
    [line, leaf] = [line - 1, leaf - 1];
  }
  while (line > from && file[line] === header[leaf]) [line, leaf] = [line - 1, leaf - 1];
  return line === from;
}

function digitAt(file: Uint8Array, at: number): number {
  const digit = (file[at] ?? 0) - 0x30;
  return digit <= 9 ? digit : -1;
}

function standsAt(file: Uint8Array, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) if (file[at + index] !== text.charCodeAt(index)) return false;
  return true;
}

/** Whatever a lenient decoder makes of odd base64 has to be what the header commits to: no strictness is needed here. */
function fromBase64(file: Buffer, from: number, to: number): Uint8Array {
  return Buffer.from(file.toString("latin1", from, to), "base64");
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
