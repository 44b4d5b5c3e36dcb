import { digest } from "../action/index.ts";
import type { Digest } from "../brand.ts";
import { visible, visibleWhole } from "./literal.ts";
import { lookalike } from "./lookalike.ts";

/**
 * A text from outside as it may be shown: whatever an agent wrote stands in one of these and nowhere else on a card. Every
 * character of it is seen; what a renderer's own language means by `*`, `<` or `@` is the renderer's to take away.
 */
export type Literal = {
  /** The whole text, or the beginning of a long one. */
  readonly text: string;
  /** How a long text ends, how many of its UTF-16 units are in neither part, and the SHA-256 of all of it in UTF-8. */
  readonly cut: { readonly tail: string; readonly hidden: number; readonly digest: Digest } | null;
  /** Alphabets of the first word that is not what it seems; see `lookalike`. */
  readonly alike: readonly string[];
};

const HEAD_SHARE = 0.7;
const TAIL_SHARE = 0.25;
const encoder = new TextEncoder();

/** A literal of at most `charsMax` characters, head and tail together. */
export function shown(text: string, charsMax: number): Literal {
  if (text.length <= charsMax) {
    const whole = visibleWhole(text);
    if (whole.length <= charsMax) return { text: whole, cut: null, alike: lookalike(text) };
  }
  const head = headOf(text, Math.floor(charsMax * HEAD_SHARE));
  const tail = tailOf(text.slice(head.units), Math.floor(charsMax * TAIL_SHARE));
  const hidden = text.length - head.units - tail.units;
  const cut = { tail: tail.text, hidden, digest: digest(encoder.encode(text)) };
  const seen = [...lookalike(text.slice(0, head.units)), ...lookalike(text.slice(text.length - tail.units))];
  return { text: head.text, cut, alike: [...new Set(seen)] };
}

/** An operator's or our own text: every character seen, and cut without ceremony. */
export function plain(text: string, charsMax: number): string {
  const whole = visible(text.slice(0, charsMax + 1));
  return text.length <= charsMax && whole.length <= charsMax ? whole : `${headOf(text, charsMax - 1).text}…`;
}

type Part = { readonly text: string; readonly units: number };

/** The longest beginning that is shown in `charsMax` characters, never a part of an escape or of a pair. */
function headOf(text: string, charsMax: number): Part {
  let shownSoFar = "";
  let units = 0;
  for (const [char, seen] of charactersOf(text.slice(0, charsMax))) {
    if (shownSoFar.length + seen.length > charsMax) break;
    shownSoFar += seen;
    units += char.length;
  }
  return { text: shownSoFar, units };
}

function tailOf(text: string, charsMax: number): Part {
  let shownSoFar = "";
  let units = 0;
  for (const [char, seen] of [...charactersOf(text.slice(Math.max(0, text.length - charsMax)))].toReversed()) {
    if (shownSoFar.length + seen.length > charsMax) break;
    shownSoFar = seen + shownSoFar;
    units += char.length;
  }
  return { text: shownSoFar, units };
}

/** Each character and how it is seen. Half a pair at the end of a slice is left to the hidden part. */
function* charactersOf(text: string): Generator<readonly [char: string, seen: string]> {
  let marks = 0;
  for (const char of text) {
    marks = /\p{M}/u.test(char) ? marks + 1 : 0;
    const seen = visible(char);
    yield [char, marks > 3 && seen === char ? `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}` : seen];
  }
}
