import type { Json, JsonObject, View } from "./view.ts";

/** Parameters, and characters of one, that a row of the inbox has room for. */
const PARTS_MAX = 5;
const PART_CHARS_MAX = 160;

/** One parameter for one line; `name` is null where the value speaks for itself, as a command or a statement does. */
export type Part = { readonly name: string | null; readonly text: string };
export type Preview = { readonly parts: readonly Part[]; readonly hidden: number };

/** What says most of all what runs, wherever a gate sends it; all else comes in canonical order, so that no agent chooses. */
const FIRST: readonly string[] = ["argv", "changes", "sql", "statement", "query", "command", "script"];

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The parameters of an action in short, to tell one row from another: never to decide by. */
export function previewOf({ properties }: View["action"]): Preview {
  const of = properties ?? {};
  const first = FIRST.filter((name) => Object.hasOwn(of, name));
  const others = Object.keys(of).filter((name) => !FIRST.includes(name));
  // Beside a command its folder and environment are details, and beside a change in words the same change in parts.
  const names = first.includes("argv") || first.includes("changes") ? first : [...first, ...others.toSorted()];
  const parts = names.flatMap((name) => partsOf(of[name] ?? null, name, first.includes(name)));
  return { parts: parts.slice(0, PARTS_MAX), hidden: Math.max(0, parts.length - PARTS_MAX) };
}

function partsOf(value: Json, name: string, bare: boolean): readonly Part[] {
  if (isObject(value) && Object.keys(value).length > 0 && typeof value["$secret"] !== "string") {
    return Object.keys(value)
      .toSorted()
      .flatMap((inner) => partsOf(value[inner] ?? null, `${name}.${inner}`, false));
  }
  const text =
    name === "changes" && Array.isArray(value) ? value.map((item) => textOf(item as Json)).join("; ") : textOf(value);
  return [{ name: bare ? null : name, text: clipped(text) }];
}

function textOf(value: Json): string {
  if (typeof value === "string") return value === "" ? '""' : value;
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value.map(word).join(" ");
  if (isObject(value) && typeof value["$secret"] === "string") return "secret";
  return JSON.stringify(value);
}

/** One word of a list: quoted where it would read as several. */
function word(text: string): string {
  return /^[^\s"']+$/.test(text) ? text : JSON.stringify(text);
}

function clipped(text: string): string {
  const end = /[\ud800-\udbff]$/.test(text.slice(0, PART_CHARS_MAX)) ? PART_CHARS_MAX - 1 : PART_CHARS_MAX;
  return text.length <= PART_CHARS_MAX ? text : `${text.slice(0, end)}…`;
}
