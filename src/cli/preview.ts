import type { View } from "../client/index.ts";
import type { Json, JsonObject } from "../core/action/index.ts";
import { literal, visible } from "../core/card/index.ts";

/** Characters read of one parameter: more than any line has room for. */
const PART_CHARS_MAX = 1_000;
/** Parameters read for one line. */
const PARTS_MAX = 16;

/** What says most of all what runs, wherever a gate sends it; all else comes in canonical order, so that no agent chooses. */
const FIRST: readonly string[] = ["argv", "changes", "sql", "statement", "query", "command", "script"];

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * The parameters of an action on one line of at most `charsMax` characters, every one of them seen: to tell one request
 * from another, never to decide by. Empty where there are none.
 */
export function preview({ properties = {} }: View["action"], charsMax: number): string {
  const first = FIRST.filter((name) => Object.hasOwn(properties, name));
  const others = Object.keys(properties).filter((name) => !FIRST.includes(name));
  // Beside a command its folder and environment are details, and beside a change in words the same change in parts.
  const names = first.includes("argv") || first.includes("changes") ? first : [...first, ...others.toSorted()];
  const parts = names.slice(0, PARTS_MAX).map((name) => partOf(name, properties[name] ?? null));
  const line = [...parts.join(", ")];
  if (line.length <= charsMax && names.length <= PARTS_MAX) return line.join("");
  return `${line.slice(0, Math.max(0, charsMax - 1)).join("")}…`;
}

/** A command, a statement and a change in words stand bare; everything else under its name. */
function partOf(name: string, value: Json): string {
  if (FIRST.includes(name)) {
    if (typeof value === "string" && value !== "") return visible(cut(value));
    if (isTexts(value)) return name === "changes" ? value.map(clean).join("; ") : value.map(word).join(" ");
  }
  return `${visible(cut(name))}: ${valueOf(value)}`;
}

function valueOf(value: Json): string {
  if (typeof value === "string") return literal(cut(value));
  const isSecret = isObject(value) && Object.keys(value).length === 1 && typeof value["$secret"] === "string";
  if (isSecret) return "(secret)";
  return cut(literal(value));
}

function isTexts(value: Json): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "string");
}

function clean(text: string): string {
  return visible(cut(text));
}

/** One word of a command: quoted where it would read as several. */
function word(text: string): string {
  return /^[^\s"']+$/.test(text) ? clean(text) : literal(cut(text));
}

function cut(text: string): string {
  return text.length <= PART_CHARS_MAX ? text : text.slice(0, PART_CHARS_MAX).replace(/[\ud800-\udbff]$/, "");
}
