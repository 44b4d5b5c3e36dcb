import { utf8Length } from "../encoding.ts";
import { InputError } from "../errors.ts";
import { pointerOf, quoted, refuse } from "./refuse.ts";
import type { Path } from "./refuse.ts";

/** JSON as data, after the strict parse. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [member: string]: Json };

/** Whether a value is a list. */
export function isJsonList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** Whether a value is an object: not null and not a list. */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Bytes of a JSON text in UTF-8. */
export const JSON_BYTES_MAX: number = 1024 * 1024;
/** Lists and objects inside one another; the outermost counts. */
export const JSON_DEPTH_MAX = 64;
/** No caller may ask for a depth beyond this: the parser's own stack ends somewhere. */
const DEPTH_HARD_MAX = 1000;

/** Other limits than the usual ones, such as for our own stored payloads. */
export type JsonLimits = { readonly bytesMax?: number; readonly depthMax?: number };

/** `path` names the member being read; entries from `depth` on are left over and mean nothing. */
type Reader = { readonly text: string; at: number; depth: number; readonly depthMax: number; readonly path: Path };

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads one JSON text strictly: RFC 8259, and I-JSON (RFC 7493) where two readers could differ. Refused are duplicate
 * members, `__proto__`, lone surrogates, U+0000, a byte order mark, -0 and numbers that a double does not hold.
 */
export function parseJson(input: Uint8Array | string, limits: JsonLimits = {}): Json {
  const bytesMax = limits.bytesMax ?? JSON_BYTES_MAX;
  const depthMax = limits.depthMax ?? JSON_DEPTH_MAX;
  if (depthMax > DEPTH_HARD_MAX) throw new RangeError(`depthMax must be at most ${DEPTH_HARD_MAX}`);
  const text = typeof input === "string" ? input : decode(input, bytesMax);
  if (typeof input === "string" && isLonger(text, bytesMax)) throw tooLarge(bytesMax);
  const reader: Reader = { text, at: 0, depth: 0, depthMax, path: [] };
  if (text.charCodeAt(0) === 0xfeff) throw malformed(reader, "a byte order mark must not precede JSON (RFC 8259 §8.1)");
  skipSpace(reader);
  const value = readValue(reader);
  skipSpace(reader);
  if (reader.at < text.length) throw malformed(reader, "one JSON value was read, and more text follows it");
  return value;
}

/** A UTF-16 unit is at most three bytes of UTF-8, so that short texts need no count. */
function isLonger(text: string, bytesMax: number): boolean {
  return text.length > bytesMax || (text.length * 3 > bytesMax && utf8Length(text) > bytesMax);
}

function decode(bytes: Uint8Array, bytesMax: number): string {
  if (bytes.length > bytesMax) throw tooLarge(bytesMax);
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    // RFC 3629 §3: ED A0 … ED BF would be a surrogate, which UTF-8 must not hold.
    const surrogate = bytes.some((byte, at) => byte === 0xed && (bytes[at + 1] ?? 0) >= 0xa0);
    if (surrogate) throw refuse("json_lone_surrogate", LONE_SURROGATE, "", cause);
    throw new InputError({
      code: "json_malformed",
      message: "the bytes are not UTF-8; encode the JSON as UTF-8",
      cause,
    });
  }
}

function readValue(reader: Reader): Json {
  switch (reader.text.charCodeAt(reader.at)) {
    case 0x7b: // {
      return readObject(reader);
    case 0x5b: // [
      return readList(reader);
    case 0x22: // "
      return readString(reader);
    case 0x74: // t
      return readWord(reader, "true", true);
    case 0x66: // f
      return readWord(reader, "false", false);
    case 0x6e: // n
      return readWord(reader, "null", null);
    default:
      return readNumber(reader);
  }
}

function readObject(reader: Reader): JsonObject {
  const object: { [member: string]: Json } = {};
  const slot = open(reader);
  if (at(reader, 0x7d)) return close(reader, object);
  for (;;) {
    reader.path[slot] = undefined;
    if (reader.text.charCodeAt(reader.at) !== 0x22)
      throw malformed(reader, "a member name in double quotes is expected");
    const key = readString(reader);
    reader.path[slot] = key;
    if (key === "__proto__") {
      throw refuse("json_forbidden_key", "a member must not be named `__proto__`; rename it", pointer(reader));
    }
    if (Object.hasOwn(object, key)) {
      throw refuse("json_duplicate_key", `member ${quoted(key)} stands here twice; keep one`, pointer(reader));
    }
    skipSpace(reader);
    if (!at(reader, 0x3a)) throw malformed(reader, "`:` is expected after a member name");
    skipSpace(reader);
    object[key] = readValue(reader);
    skipSpace(reader);
    if (at(reader, 0x7d)) return close(reader, object);
    if (!at(reader, 0x2c)) throw malformed(reader, "`,` or `}` is expected after a member");
    skipSpace(reader);
  }
}

function readList(reader: Reader): readonly Json[] {
  const list: Json[] = [];
  const slot = open(reader);
  if (at(reader, 0x5d)) return close(reader, list);
  for (;;) {
    reader.path[slot] = list.length;
    list.push(readValue(reader));
    skipSpace(reader);
    if (at(reader, 0x5d)) return close(reader, list);
    if (!at(reader, 0x2c)) throw malformed(reader, "`,` or `]` is expected after a list item");
    skipSpace(reader);
  }
}

/** Steps over the bracket and into the next depth; answers the place of the present member in the path. */
function open(reader: Reader): number {
  if (reader.depth === reader.depthMax) {
    throw refuse(
      "json_too_deep",
      `at most ${reader.depthMax} lists and objects may stand inside one another`,
      pointer(reader),
    );
  }
  reader.at++;
  skipSpace(reader);
  return reader.depth++;
}

function close<T>(reader: Reader, value: T): T {
  reader.depth--;
  return value;
}

/** Steps over one expected character, if it is there. */
function at(reader: Reader, code: number): boolean {
  if (reader.text.charCodeAt(reader.at) !== code) return false;
  reader.at++;
  return true;
}

function skipSpace(reader: Reader): void {
  for (;;) {
    const code = reader.text.charCodeAt(reader.at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
    reader.at++;
  }
}

function readWord<T>(reader: Reader, word: string, value: T): T {
  if (!reader.text.startsWith(word, reader.at)) throw malformed(reader, `\`${word}\` is expected`);
  reader.at += word.length;
  return value;
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

function readNumber(reader: Reader): number {
  const { text } = reader;
  const first = text.charCodeAt(reader.at);
  if (first === 0)
    throw refuse("json_nul", "the character U+0000 is not accepted anywhere; remove it", pointer(reader));
  NUMBER.lastIndex = reader.at;
  if (!NUMBER.test(text)) throw malformed(reader, "a JSON value is expected");
  const end = NUMBER.lastIndex;
  const literal = text.slice(reader.at, end);
  const value = Number(literal);
  if (!isSafeNumber(value) || (value === 0 && /[1-9]/.test(literal.split(/[eE]/, 1)[0] ?? ""))) {
    const message = `${quoted(literal)} is a number that not every reader takes for the same; send it as a string`;
    throw refuse("json_unsafe_number", message, pointer(reader));
  }
  reader.at = end;
  return value;
}

/** Whether all readers agree on a number: not -0 and within ±(2^53 - 1), beyond which a double skips whole numbers. */
export function isSafeNumber(value: number): boolean {
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER && !Object.is(value, -0);
}

function readString(reader: Reader): string {
  const { text } = reader;
  const start = ++reader.at;
  let end = start;
  let wide = false;
  for (;;) {
    const code = text.charCodeAt(end);
    if (code === 0x22) break;
    // The end of the text is NaN, which no comparison lets through.
    if (code === 0x5c || !(code >= 0x20)) return readEscaped(reader, start, end);
    if (code > 0x7f) wide = true;
    end++;
  }
  reader.at = end + 1;
  const value = text.slice(start, end);
  if (wide && !value.isWellFormed()) throw refuse("json_lone_surrogate", LONE_SURROGATE, pointer(reader));
  return value;
}

/** The rest of a string from its first backslash or control character on. */
function readEscaped(reader: Reader, start: number, firstEscape: number): string {
  const { text } = reader;
  let value = text.slice(start, firstEscape);
  reader.at = firstEscape;
  for (;;) {
    const code = text.charCodeAt(reader.at);
    if (code === 0x22) break;
    if (code === 0)
      throw refuse("json_nul", "the character U+0000 is not accepted anywhere; remove it", pointer(reader));
    if (!(code >= 0x20))
      throw malformed(reader, "a string ends too early or holds a control character that is not escaped");
    if (code === 0x5c) {
      value += readEscape(reader);
      continue;
    }
    const from = reader.at;
    while (isLiteral(text.charCodeAt(reader.at))) reader.at++;
    value += text.slice(from, reader.at);
  }
  reader.at++;
  if (!value.isWellFormed()) throw refuse("json_lone_surrogate", LONE_SURROGATE, pointer(reader));
  return value;
}

function isLiteral(code: number): boolean {
  return code >= 0x20 && code !== 0x22 && code !== 0x5c;
}

const ESCAPES: { readonly [letter: string]: string } = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};
const HEX4 = /^[0-9a-fA-F]{4}$/;

function readEscape(reader: Reader): string {
  const letter = reader.text.charAt(reader.at + 1);
  if (letter === "u") {
    const digits = reader.text.slice(reader.at + 2, reader.at + 6);
    if (!HEX4.test(digits)) throw malformed(reader, "`\\u` needs four hex digits");
    if (digits === "0000")
      throw refuse("json_nul", "the character U+0000 is not accepted anywhere; remove it", pointer(reader));
    reader.at += 6;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }
  const character = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
  if (character === undefined) throw malformed(reader, "a backslash in a string must begin one of JSON's escapes");
  reader.at += 2;
  return character;
}

function pointer(reader: Reader): string {
  return pointerOf(reader.path, reader.depth);
}

const LONE_SURROGATE = "a string holds half of a surrogate pair, which is no character; remove it";

function malformed(reader: Reader, message: string): InputError {
  return refuse("json_malformed", `${message}, at character ${reader.at}`, pointer(reader));
}

function tooLarge(bytesMax: number): InputError {
  return refuse("json_too_large", `a JSON text may have at most ${bytesMax} bytes`, "");
}
