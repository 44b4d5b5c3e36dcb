/**
 * A stretch of a literal: text that reads as it is, or one run of a character that a screen would hide, reorder or
 * confuse. `breaks` is true where the line really ends.
 */
export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "mark";
      readonly label: string;
      readonly name: string;
      readonly count: number;
      readonly breaks: boolean;
      /** Ordinary white space, spelled out but nothing to worry about. */
      readonly usual: boolean;
    };

/** Combining marks in a row that real writing uses; more of them hide the line above. */
const COMBINING_MAX = 3;

const NAMES: ReadonlyMap<number, readonly [label: string, name: string]> = new Map([
  [0x00, ["NUL", "null"]],
  [0x09, ["TAB", "tab"]],
  [0x0a, ["LF", "line feed"]],
  [0x0d, ["CR", "carriage return"]],
  [0x1b, ["ESC", "escape"]],
  [0x7f, ["DEL", "delete"]],
  [0x85, ["NEL", "next line"]],
  [0xa0, ["NBSP", "no-break space"]],
  [0xad, ["SHY", "soft hyphen"]],
  [0x061c, ["ALM", "Arabic letter mark"]],
  [0x200b, ["ZWSP", "zero-width space"]],
  [0x200c, ["ZWNJ", "zero-width non-joiner"]],
  [0x200d, ["ZWJ", "zero-width joiner"]],
  [0x200e, ["LRM", "left-to-right mark"]],
  [0x200f, ["RLM", "right-to-left mark"]],
  [0x2028, ["LS", "line separator"]],
  [0x2029, ["PS", "paragraph separator"]],
  [0x202a, ["LRE", "left-to-right embedding"]],
  [0x202b, ["RLE", "right-to-left embedding"]],
  [0x202c, ["PDF", "pop directional formatting"]],
  [0x202d, ["LRO", "left-to-right override"]],
  [0x202e, ["RLO", "right-to-left override"]],
  [0x2060, ["WJ", "word joiner"]],
  [0x2066, ["LRI", "left-to-right isolate"]],
  [0x2067, ["RLI", "right-to-left isolate"]],
  [0x2068, ["FSI", "first strong isolate"]],
  [0x2069, ["PDI", "pop directional isolate"]],
  [0xfeff, ["BOM", "byte order mark"]],
]);

// Everything without a glyph of its own: controls, format characters (bidi, zero-width, tags), lone surrogates, private
// use, unassigned, every space but U+0020, and the letters and variation selectors that draw nothing.
const HIDDEN =
  // oxlint-disable-next-line no-misleading-character-class -- the class lists the selectors and fillers themselves
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/u;
const COMBINING = /\p{M}/u;

const codePoint = (char: string): string =>
  `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;

function mark(char: string, count: number): Piece {
  const known = NAMES.get(char.codePointAt(0) ?? 0);
  const label = known === undefined || known[0].length > 4 ? codePoint(char) : `${codePoint(char)} ${known[0]}`;
  const short = char === "\n" ? "\\n" : char === "\r" ? "\\r" : char === "\t" ? "\\t" : label;
  const name = known?.[1] ?? "character without a glyph";
  return { kind: "mark", label: short, name, count, breaks: char === "\n", usual: char === "\n" || char === "\t" };
}

/** Which ends of a string are its own: the head of a clipped one has no end, the tail no start. */
export type Edges = "both" | "start" | "end";

/** Splits a string into what can be read as it is and what has to be spelled out. Spaces at its edges are spelled out. */
export function pieces(text: string, edges: Edges = "both"): readonly Piece[] {
  const found: Piece[] = [];
  const start = edges === "end" ? 0 : text.length - text.trimStart().length;
  const end = edges === "start" ? text.length : text.trimEnd().length;
  let plain = "";
  let combining = 0;
  let run: { char: string; count: number } | null = null;
  const flush = (): void => {
    if (plain !== "") found.push({ kind: "text", text: plain });
    if (run !== null) found.push(run.char === " " ? spaces(run.count) : mark(run.char, run.count));
    plain = "";
    run = null;
  };
  let at = 0;
  for (const char of text) {
    combining = COMBINING.test(char) ? combining + 1 : 0;
    const edge = char === " " && (at < start || at >= end);
    at += char.length;
    if (!edge && !HIDDEN.test(char) && combining <= COMBINING_MAX) {
      if (run !== null) flush();
      plain += char;
    } else if (run !== null && run.char === char && char !== "\n") {
      run.count += 1;
    } else {
      flush();
      run = { char, count: 1 };
    }
  }
  flush();
  return found;
}

function spaces(count: number): Piece {
  return { kind: "mark", label: "space", name: "space at the edge", count, breaks: false, usual: false };
}

const LOOKALIKES = [
  ["Latin", /\p{Script=Latin}/u],
  ["Cyrillic", /\p{Script=Cyrillic}/u],
  ["Greek", /\p{Script=Greek}/u],
  ["Armenian", /\p{Script=Armenian}/u],
  ["Cherokee", /\p{Script=Cherokee}/u],
] as const;

/** The first word that mixes alphabets whose letters look alike (UTS #39), such as a Cyrillic `а` in `admin`. */
export function mixedScript(text: string): { readonly word: string; readonly scripts: readonly string[] } | null {
  for (const [word] of text.matchAll(/[\p{L}\p{M}\p{Nd}]+/gu)) {
    const scripts = LOOKALIKES.filter(([, letters]) => letters.test(word)).map(([name]) => name);
    if (scripts.length > 1) return { word, scripts };
  }
  return null;
}
