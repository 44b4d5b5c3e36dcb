/** Text between quotes or behind backslashes, as bash reads it; null when the parser and bash would not agree on it. */
export type Unquoted = { readonly text: string; readonly disguised: boolean };

const META = /[;&|<>()`"'\s]/;
const EXPANDS = /^\$[A-Za-z0-9_{(@*#?!$'"-]/;
const SIMPLE = /^[A-Za-z0-9_\-./:=,+@%^~]+$/;

/** One unquoted piece, cut into what was escaped and what was not: `[text, escaped]`. */
export function unescapeWord(source: string): readonly (readonly [text: string, escaped: boolean])[] | null {
  if (SIMPLE.test(source)) return [[source, false]];
  const pieces: [string, boolean][] = [];
  let plain = "";
  for (let at = 0; at < source.length; at += 1) {
    const char = source.charAt(at);
    if (char !== "\\") {
      if (META.test(char) || (char === "$" && EXPANDS.test(source.slice(at, at + 2)))) return null;
      plain += char;
      continue;
    }
    at += 1;
    const escaped = source.charAt(at);
    if (escaped === "\n") continue;
    if (plain !== "") pieces.push([plain, false]);
    plain = "";
    pieces.push([escaped, true]);
  }
  if (plain !== "" || pieces.length === 0) pieces.push([plain, false]);
  return pieces;
}

/** Text between double quotes, or of a here-document, without its expansions. */
export function unescapeQuoted(source: string, inString = true): string | null {
  let text = "";
  for (let at = 0; at < source.length; at += 1) {
    const char = source.charAt(at);
    if (char === "`" || (char === '"' && inString)) return null;
    // A quote after the dollar is a plain dollar here, and so is anything that names nothing.
    if (char === "$" && /^\$[A-Za-z0-9_{(@*#?!$-]/.test(source.slice(at, at + 2))) return null;
    if (char !== "\\") {
      text += char;
      continue;
    }
    at += 1;
    const escaped = source.charAt(at);
    if (escaped === "\n") continue;
    text += '$`"\\'.includes(escaped) ? escaped : `\\${escaped}`;
  }
  return text;
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["n", "\n"],
  ["t", "\t"],
  ["r", "\r"],
  ["a", "\x07"],
  ["b", "\b"],
  ["e", "\x1b"],
  ["E", "\x1b"],
  ["f", "\f"],
  ["v", "\v"],
  ["\\", "\\"],
  ["'", "'"],
  ['"', '"'],
  ["?", "?"],
]);
const NUMERIC = /^\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3}))/;

/** `$'…'`, without its quotes. Letters and signs written as numbers are a disguise. */
export function unescapeAnsi(source: string): Unquoted | null {
  let text = "";
  let disguised = false;
  for (let at = 0; at < source.length; at += 1) {
    const char = source.charAt(at);
    if (char === "'") return null;
    if (char !== "\\") {
      text += char;
      continue;
    }
    const simple = ESCAPES.get(source.charAt(at + 1));
    if (simple !== undefined) {
      text += simple;
      at += 1;
      continue;
    }
    const match = NUMERIC.exec(source.slice(at, at + 10));
    if (match === null) return null;
    const code = Number.parseInt(match[1] ?? match[2] ?? match[3] ?? match[4] ?? "", match[4] === undefined ? 16 : 8);
    // A NUL ends the string in bash, and bytes beyond ASCII depend on the locale.
    if (code === 0 || code > 0x7e) return null;
    disguised ||= code >= 0x20;
    text += String.fromCharCode(code);
    at += match[0].length - 1;
  }
  return { text, disguised };
}
