import { InputError } from "../errors.ts";
import { isJsonList } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";

const encoder = new TextEncoder();

/**
 * The one text of a JSON value: RFC 8785. Two values with the same text are the same value.
 * Numbers and strings are written as ECMAScript writes them (§3.2.2), members in the order of UTF-16 code units (§3.2.3).
 * What `parseJson` would not read back (U+0000, lone surrogates, numbers beyond ±(2^53 - 1)) is refused.
 */
export function canonicalize(value: Json): string {
  const ordered = inOrder(value);
  const text = ordered === undefined ? "\\u" : JSON.stringify(ordered);
  // Every refusal of a string, and nothing that is usual, is written as an escape of this kind.
  return text.includes("\\u") ? format(value) : text;
}

/**
 * The value with all members in order, so that ECMAScript's own writer, which is the faster one, writes the
 * canonical form: itself wherever it is in order already. Undefined where that writer would write something else, or would
 * not refuse what `format` refuses.
 */
export function inOrder(value: Json): Json | undefined {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? value : undefined;
    case "object":
      if (value === null) return value;
      return isJsonList(value) ? listInOrder(value) : objectInOrder(value);
    default: // no JSON: `format` says why
      return undefined;
  }
}

function listInOrder(list: readonly Json[]): readonly Json[] | undefined {
  let copy: Json[] | null = null;
  for (let index = 0; index < list.length; index++) {
    const item = list[index];
    const ordered = item === undefined ? undefined : inOrder(item);
    if (ordered === undefined) return undefined;
    if (copy === null && ordered !== item) copy = list.slice(0, index);
    copy?.push(ordered);
  }
  return copy ?? list;
}

function objectInOrder(object: JsonObject): JsonObject | undefined {
  let previous = "";
  // `in` walks an object's own names first; were there inherited ones, they could only lead to a copy, which has none.
  for (const key in object) {
    if (key < previous) return sortedCopy(object);
    previous = key;
  }
  let copy: { [member: string]: Json } | null = null;
  for (const key in object) {
    const value = object[key];
    const ordered = value === undefined ? undefined : inOrder(value);
    if (ordered === undefined) return undefined;
    if (ordered !== value) (copy ??= { ...object })[key] = ordered;
  }
  return copy ?? object;
}

function sortedCopy(object: JsonObject): JsonObject | undefined {
  const copy: { [member: string]: Json } = {};
  // In the order of UTF-16 code units (§3.2.3), which is how `sort` and `<` compare.
  for (const key of Object.keys(object).sort()) {
    const value = object[key];
    const ordered = value === undefined || isMisplaced(key) ? undefined : inOrder(value);
    if (ordered === undefined) return undefined;
    copy[key] = ordered;
  }
  return copy;
}

/** What is named like an index does not stand where it was put, and `__proto__` would be no member. */
function isMisplaced(key: string): boolean {
  const first = key.charCodeAt(0);
  return (first >= 0x30 && first <= 0x39) || key === "__proto__";
}

/** The same, value by value, with every refusal. */
function format(value: Json): string {
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
    text += index === 0 ? format(item) : `,${format(item)}`;
  }
  return `${text}]`;
}

function formatObject(object: { readonly [member: string]: Json }): string {
  let text = "{";
  // In the order of UTF-16 code units (§3.2.3), which is how `sort` and `<` compare.
  for (const key of Object.keys(object).sort()) {
    const value = object[key];
    if (value === undefined) throw notData(`member \`${key}\` is undefined; leave it out`);
    text += `${text === "{" ? "" : ","}${quote(key)}:${format(value)}`;
  }
  return `${text}}`;
}

function quote(text: string): string {
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
