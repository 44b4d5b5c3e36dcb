import { alikeText, linesOf, shortDigest } from "../../core/card/index.ts";
import type { Literal } from "../../core/card/index.ts";
import { line, words } from "./elements.ts";
import type { CardElement, RichText, TextRun } from "./elements.ts";

/** Lines of one box; a text of more stands on one line, its breaks written out. */
const LINES_MAX = 30;

/** A literal on a line, its notes outside of what an agent can write. */
export function code(literal: Literal): readonly TextRun[] {
  const { text, cut: missing } = literal;
  return [
    ...(text === "" ? [words("(empty)", { italic: true })] : mono(text)),
    ...(missing === null
      ? []
      : [
          words(` … ${missing.hidden} characters not shown, ${shortDigest(missing.digest)} … `, { italic: true }),
          ...(missing.tail === "" ? [] : mono(missing.tail)),
        ]),
    ...alikeNote(literal),
  ];
}

/** A literal in a box that nothing else stands in. */
export function box(literal: Literal, isText: boolean): readonly CardElement[] {
  const { text, cut: missing } = literal;
  const note = alikeNote(literal);
  return [
    ...boxed(text, isText),
    ...(missing === null
      ? []
      : [
          line(words(`${missing.hidden} characters are not shown; all of it is ${missing.digest}`, { italic: true })),
          ...boxed(missing.tail, isText),
        ]),
    ...(note.length === 0 ? [] : [line(...note)]),
  ];
}

function boxed(text: string, isText: boolean): readonly CardElement[] {
  if (text === "") return [];
  const broken = isText ? linesOf(text) : [text];
  const lines = broken.length > LINES_MAX ? [text] : broken;
  const items: RichText[] = lines.map((one) => line(...mono(one === "" ? " " : one)));
  return [{ type: "Container", style: "emphasis", spacing: "Small", items }];
}

/**
 * Spaces that a renderer would join or drop are made hard: one that an agent wrote is spelled out, so this imitates none. A text
 * run reads one thing, `{{DATE(…)}}`, and shows another: where two braces meet, one run ends and the next begins.
 */
function mono(text: string): readonly TextRun[] {
  const parts = text.replace(/ (?= )|^ | $/g, "\u{a0}").split(/(?<=\{)(?=\{\s*(?:DATE|TIME))/i);
  return parts.map((part) => words(part, { fontType: "Monospace" }));
}

function alikeNote({ alike }: Literal): readonly TextRun[] {
  const note = alikeText(alike);
  return note === null ? [] : [words(` ${note}`, { weight: "Bolder", color: "Attention" })];
}
