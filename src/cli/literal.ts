import type { Json, JsonObject } from "../core/action/index.ts";

// Nothing that an agent wrote reaches the terminal raw: an escape sequence could repaint the question that is being
// answered, a bidi or zero-width character could hide half of it (THREATS: shown.agent-narrates).
// Cc, Cf, Cs, Co, Cn: controls, formats, lone surrogates, private and unassigned; Z*: spaces and separators that are
// not a plain space; DI: whatever Unicode itself calls ignorable, such as variation selectors and Hangul fillers;
// U+2800: a Braille pattern without a dot.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{DI}\u2800]|(?! )\p{Zs}|\\/gu;

const NAMED: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };

/** Text with everything unseen written out, such as `\u{202e}`; a backslash is doubled, so that no text imitates this. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (char) => NAMED[char] ?? `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}

/** A JSON value on one line, every character of it seen. */
export function literal(value: Json): string {
  if (typeof value === "string") return `"${visible(value).replaceAll('"', '\\"')}"`;
  if (isList(value)) return `[${value.map(literal).join(", ")}]`;
  if (!isObject(value)) return String(value);
  const members = Object.entries(value).map(([name, member]) => `${memberName(name)}: ${literal(member)}`);
  return `{${members.join(", ")}}`;
}

/** A JSON value as lines: one scalar or short list a line, members indented below their name. Nothing is left out. */
export function literalLines(value: Json, indent = ""): string[] {
  if (!isObject(value)) return [indent + literal(value)];
  return Object.entries(value).flatMap(([name, member]) => {
    const commitment = commitmentOf(member);
    if (commitment !== null) return [`${indent}${memberName(name)}: (secret, committed to as ${visible(commitment)})`];
    if (!isObject(member) || Object.keys(member).length === 0)
      return [`${indent}${memberName(name)}: ${literal(member)}`];
    return [`${indent}${memberName(name)}:`, ...literalLines(member, `${indent}  `)];
  });
}

/** A plain name stands as it is; any other is quoted, so that `a: 1` inside a name is not taken for a member. */
function memberName(name: string): string {
  return /^[\w.$-]+$/.test(name) ? name : literal(name);
}

function commitmentOf(value: Json): string | null {
  if (!isObject(value) || Object.keys(value).length !== 1) return null;
  const commitment = value["$secret"];
  return typeof commitment === "string" ? commitment : null;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !isList(value);
}
