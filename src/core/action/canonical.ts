import { InputError } from "../errors.ts";
import { isJsonList } from "./json.ts";
import type { Json } from "./json.ts";

const encoder = new TextEncoder();

/** Printable ASCII without `"` and `\`: most strings, which need no escape and cannot hold a surrogate. */
const PLAIN = /^[ !#-[\]-~]*$/;

/**
 * The one text of a JSON value: RFC 8785. Two values with the same text are the same value.
 * Numbers and strings are written as ECMAScript writes them (§3.2.2), members in the order of UTF-16 code units (§3.2.3).
 * What `parseJson` would not read back (U+0000, lone surrogates, numbers beyond ±(2^53 - 1)) is refused.
 */
export function canonicalize(value: Json): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "number") return safeNumber(value);
  if (value === null || typeof value === "boolean") return String(value);
  if (isJsonList(value)) return formatList(value);
  return formatObject(value);
}

/** The canonical text as UTF-8: the bytes that are hashed, signed and stored. */
export function canonicalBytes(value: Json): Uint8Array {
  return encoder.encode(canonicalize(value));
}

function formatList(list: readonly Json[]): string {
  let text = "[";
  for (let index = 0; index < list.length; index++) {
    const item = list[index];
    if (item === undefined) throw notData("a list has a hole or an undefined item; write null");
    text += index === 0 ? canonicalize(item) : `,${canonicalize(item)}`;
  }
  return `${text}]`;
}

function formatObject(object: { readonly [member: string]: Json }): string {
  let text = "{";
  for (const key of sortedKeys(object)) {
    const value = object[key];
    if (value === undefined) throw notData(`member \`${key}\` is undefined; leave it out`);
    text += `${text === "{" ? "" : ","}${memberName(key)}:${canonicalize(value)}`;
  }
  return `${text}}`;
}

/** In the order of UTF-16 code units (§3.2.3), which is how `sort` and `<` compare. Most objects of ours stand in it. */
function sortedKeys(object: { readonly [member: string]: Json }): readonly string[] {
  const keys = Object.keys(object);
  for (let index = 1; index < keys.length; index++) {
    if ((keys[index - 1] ?? "") > (keys[index] ?? "")) return keys.sort();
  }
  return keys;
}

/** Member names repeat in every entry: their quoted text is kept, for as many and as long ones as our own formats have. */
const NAMES_MAX = 1024;
const NAME_CHARS_MAX = 32;
const names = new Map<string, string>();

function memberName(key: string): string {
  const known = names.get(key);
  if (known !== undefined) return known;
  const quoted = quote(key);
  if (names.size < NAMES_MAX && key.length <= NAME_CHARS_MAX) names.set(key, quoted);
  return quoted;
}

function quote(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  // §3.2.2.2: a lone surrogate has no UTF-8 and must end in an error.
  if (!text.isWellFormed()) {
    throw new InputError({
      code: "json_lone_surrogate",
      message: "a string holds half of a surrogate pair; remove it",
    });
  }
  if (text.includes("\0")) throw new InputError({ code: "json_nul", message: "a string holds U+0000; remove it" });
  return JSON.stringify(text);
}

function safeNumber(value: number): string {
  if (!(Math.abs(value) <= Number.MAX_SAFE_INTEGER)) {
    throw new InputError({
      code: "json_unsafe_number",
      message: `${value} is beyond ±(2^53 - 1); write it as a string`,
    });
  }
  return formatNumber(value);
}

/** RFC 8785 §3.2.2.3: a finite double as ECMAScript's Number::toString writes it, the shortest that reads back; -0 is 0. */
export function formatNumber(value: number): string {
  return String(value);
}

function notData(message: string): InputError {
  return new InputError({ code: "json_not_data", message });
}
