import { ENTRY_HEADER_BYTES_MAX } from "../core/ledger/index.ts";

/** Public members that one header may have to be a usual one. */
const MEMBERS_MAX = 16;
/** Digits of a count that a number holds exactly, whatever they are. */
const DIGITS_MAX = 15;

const QUOTE = 0x22;
const COMMA = 0x2c;
const CLOSE = 0x7d;
const SLASH = 0x2f;
const DOT = 0x2e;
const ZERO = 0x30;

/** Which bytes may stand where, a bit for each set. */
const [HEX, PLAIN, NAME, WORD, PART, DIGIT, LOWER] = [1, 2, 4, 8, 16, 32, 64];
const SETS = setsOf([
  [HEX, /[0-9a-f]/],
  [PLAIN, /[ !#-[\]-~]/], // printable ASCII that JSON writes without escapes
  [NAME, /[a-z_]/],
  [WORD, /[a-z0-9_]/],
  [PART, /[A-Za-z0-9._~:@-]/],
  [DIGIT, /[0-9]/],
  [LOWER, /[a-z]/],
]);

const encoder = new TextEncoder();
const COMMITMENT = encoder.encode('{"commitment":"sha256:');
const PUBLIC = encoder.encode('","public":{');
const STREAM = encoder.encode('},"stream":"');
const TIME = encoder.encode('","time":"');
const TYPE = encoder.encode('","type":"');
const VERSION = encoder.encode('","v":1,"version":');

/** `2026-11-21T20:05:07.089Z`: the places of digits, and of everything else. */
const TIME_BYTES = 24;
const TIME_MARKS: readonly (readonly [place: number, byte: number])[] = [
  [4, 0x2d],
  [7, 0x2d],
  [10, 0x54],
  [13, 0x3a],
  [16, 0x3a],
  [19, DOT],
  [23, 0x5a],
];
const TIME_DIGITS: readonly number[] = [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18, 20, 21, 22];

/**
 * Finds the parts of a usual header without turning it into strings: the seven members in their order, and a flat
 * `public` of plain texts and counts whose names rise. Bytes that pass are canonical as they stand, and a header that
 * core's `openHeader` reads, but for a date that may not exist; bytes that do not pass are for `openHeader` to judge.
 */
export class HeaderScan {
  bytes: Uint8Array = new Uint8Array(0);
  /** Where the 64 digits of the commitment begin. */
  commitmentAt = 0;
  timeAt = 0;
  streamFrom = 0;
  streamTo = 0;
  typeFrom = 0;
  typeTo = 0;
  version = 0;
  members = 0;
  /** Of each public member: where its name begins and ends, where its value does, and 1 where that is a text. */
  readonly places: Int32Array = new Int32Array(MEMBERS_MAX * 5);
  #at = 0;

  /** Whether these bytes are a usual header; the fields speak of them until the next call. */
  read(bytes: Uint8Array): boolean {
    if (bytes.length > ENTRY_HEADER_BYTES_MAX) return false;
    this.bytes = bytes;
    this.#at = 0;
    return (
      this.#literal(COMMITMENT) &&
      this.#commitment() &&
      this.#literal(PUBLIC) &&
      this.#publics() &&
      this.#literal(STREAM) &&
      this.#stream() &&
      this.#literal(TIME) &&
      this.#time() &&
      this.#literal(TYPE) &&
      this.#type() &&
      this.#literal(VERSION) &&
      this.#version() &&
      bytes[this.#at] === CLOSE &&
      this.#at + 1 === bytes.length
    );
  }

  #literal(expected: Uint8Array): boolean {
    const { bytes } = this;
    const at = this.#at;
    for (let index = 0; index < expected.length; index++) if (bytes[at + index] !== expected[index]) return false;
    this.#at = at + expected.length;
    return true;
  }

  #commitment(): boolean {
    this.commitmentAt = this.#at;
    return this.#run(HEX) === 64;
  }

  /** Goes over all bytes of a set and says how many there were. */
  #run(set: number | undefined): number {
    const { bytes } = this;
    const from = this.#at;
    let at = from;
    while (at < bytes.length && ((SETS[bytes[at] ?? 0] ?? 0) & (set ?? 0)) !== 0) at++;
    this.#at = at;
    return at - from;
  }

  #publics(): boolean {
    this.members = 0;
    if (this.bytes[this.#at] === CLOSE) return true;
    for (;;) {
      if (this.members === MEMBERS_MAX || !this.#member()) return false;
      this.members++;
      if (this.bytes[this.#at] === CLOSE) return true;
      if (this.bytes[this.#at] !== COMMA) return false;
      this.#at++;
    }
  }

  #member(): boolean {
    const { bytes, places } = this;
    const place = this.members * 5;
    if (bytes[this.#at] !== QUOTE || !isIn(LOWER, bytes[this.#at + 1])) return false;
    places[place] = ++this.#at;
    this.#run(NAME);
    places[place + 1] = this.#at;
    if (!this.#rises(place) || bytes[this.#at] !== QUOTE || bytes[this.#at + 1] !== 0x3a) return false;
    this.#at += 2;
    const isText = bytes[this.#at] === QUOTE;
    if (isText) this.#at++;
    places[place + 2] = this.#at;
    if (isText) this.#run(PLAIN);
    else if (!this.#count()) return false;
    places[place + 3] = this.#at;
    places[place + 4] = isText ? 1 : 0;
    if (!isText) return true;
    return bytes[this.#at++] === QUOTE;
  }

  /** RFC 8785 §3.2.3: names rise, so that none stands twice. */
  #rises(place: number): boolean {
    if (place === 0) return true;
    const { bytes, places } = this;
    const before = places[place - 5] ?? 0;
    const beforeTo = places[place - 4] ?? 0;
    const name = places[place] ?? 0;
    const nameTo = places[place + 1] ?? 0;
    const length = Math.min(beforeTo - before, nameTo - name);
    for (let index = 0; index < length; index++) {
      const difference = (bytes[name + index] ?? 0) - (bytes[before + index] ?? 0);
      if (difference !== 0) return difference > 0;
    }
    return nameTo - name > beforeTo - before;
  }

  #count(): boolean {
    const leadsWithZero = this.bytes[this.#at] === ZERO;
    const digits = this.#run(DIGIT);
    return digits === 1 || (digits > 1 && digits <= DIGITS_MAX && !leadsWithZero);
  }

  #stream(): boolean {
    this.streamFrom = this.#at;
    if (!this.#word(32)) return false;
    if (this.bytes[this.#at] === SLASH) {
      this.#at++;
      const length = this.#run(PART);
      if (length < 1 || length > 160) return false;
    }
    this.streamTo = this.#at;
    return true;
  }

  #type(): boolean {
    this.typeFrom = this.#at;
    let words = 0;
    do {
      if (words > 0) this.#at++;
      if (!this.#word(32)) return false;
      words++;
    } while (this.bytes[this.#at] === DOT);
    this.typeTo = this.#at;
    return words >= 2 && words <= 4;
  }

  /** A small letter, then letters, digits and underscores. */
  #word(max: number): boolean {
    const startsWell = isIn(LOWER, this.bytes[this.#at]);
    return startsWell && this.#run(WORD) <= max;
  }

  #time(): boolean {
    const { bytes } = this;
    const at = this.#at;
    this.timeAt = at;
    for (const mark of TIME_MARKS) if (bytes[at + mark[0]] !== mark[1]) return false;
    for (const place of TIME_DIGITS) if (!isIn(DIGIT, bytes[at + place])) return false;
    this.#at = at + TIME_BYTES;
    return true;
  }

  #version(): boolean {
    const from = this.#at;
    if (!this.#count()) return false;
    this.version = 0;
    for (let at = from; at < this.#at; at++) this.version = this.version * 10 + (this.bytes[at] ?? 0) - ZERO;
    return true;
  }
}

function isIn(set: number | undefined, byte: number | undefined): boolean {
  return byte !== undefined && ((SETS[byte] ?? 0) & (set ?? 0)) !== 0;
}

function setsOf(sets: readonly (readonly [bit: number | undefined, pattern: RegExp])[]): Uint8Array {
  const table = new Uint8Array(256);
  for (const [bit, pattern] of sets) {
    for (let byte = 0; byte < 128; byte++)
      if (pattern.test(String.fromCharCode(byte))) table[byte] = (table[byte] ?? 0) | (bit ?? 0);
  }
  return table;
}
