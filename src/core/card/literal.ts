import type { Json } from "../action/index.ts";
import { isJsonList, isJsonObject } from "../action/index.ts";

// Nothing that an agent wrote is shown raw: an escape sequence could repaint the question that is being answered, a bidi
// or zero-width character could hide half of it (THREATS: shown.agent-narrates).
// Cc, Cf, Cs, Co, Cn: controls, formats, lone surrogates, private and unassigned; Z*: spaces and separators that are
// not a plain space; DI: whatever Unicode itself calls ignorable, such as variation selectors and Hangul fillers;
// U+2800: a Braille pattern without a dot. Of combining marks in a row, more than three hide the line above.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{DI}\u2800]|(?! )\p{Zs}|(?<=\p{M}{3})\p{M}|\\/gu;

const NAMED: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };

// Most of what is shown; the classes above cost ten times as much to look for.
const PLAIN = /^[ !-[\]-~]*$/;

/** Text with everything unseen written out, such as `\u{202e}`; a backslash is doubled, so that no text imitates this. */
export function visible(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replace(UNSEEN, (char) => NAMED[char] ?? escaped(char));
}

/** A JSON value on one line, every character of it seen. */
export function literal(value: Json): string {
  if (typeof value === "string") return `"${visible(value).replaceAll('"', '\\"')}"`;
  if (isJsonList(value)) return `[${value.map(literal).join(", ")}]`;
  if (!isJsonObject(value)) return String(value);
  const members = Object.entries<Json>(value).map(([name, member]) => `${memberName(name)}: ${literal(member)}`);
  return `{${members.join(", ")}}`;
}

/** A JSON value as lines: one scalar or short list a line, members indented below their name. Nothing is left out. */
export function literalLines(value: Json, indent: string = ""): string[] {
  if (!isJsonObject(value)) return [indent + literal(value)];
  return Object.entries<Json>(value).flatMap(([name, member]) => {
    const commitment = commitmentOf(member);
    if (commitment !== null) return [`${indent}${memberName(name)}: (secret, committed to as ${visible(commitment)})`];
    if (!isJsonObject(member) || Object.keys(member).length === 0)
      return [`${indent}${memberName(name)}: ${literal(member)}`];
    return [`${indent}${memberName(name)}:`, ...literalLines(member, `${indent}  `)];
  });
}

/** A literal's lines, broken where it says `\n`: for a box that nothing else stands in. */
export function linesOf(shown: string): readonly string[] {
  const lines = [""];
  for (const part of shown.split(/(\\\\|\\n)/)) {
    if (part === "\\n") lines.push("");
    else lines[lines.length - 1] += part;
  }
  return lines;
}

/** A plain name stands as it is; any other is quoted, so that `a: 1` inside a name is not taken for a member. */
export function memberName(name: string): string {
  return /^[\w.$-]+$/.test(name) ? name : literal(name);
}

/** What a secret parameter was committed to (`{"$secret": "…"}`), or null for any other value. */
export function commitmentOf(value: Json): string | null {
  if (!isJsonObject(value) || Object.keys(value).length !== 1) return null;
  const commitment = value["$secret"];
  return typeof commitment === "string" ? commitment : null;
}

function escaped(char: string): string {
  return `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`;
}

// Spaces at an edge, and the ones that push text out of sight.
const EDGES = /^ +| +$|(?<= {8}) +/g;

/** As `visible`, with spaces that the eye cannot count written out too; `edges` false where the text is a part. */
export function visibleWhole(text: string): string {
  return visible(text).replaceAll(EDGES, (run) => "\\u{20}".repeat(run.length));
}
