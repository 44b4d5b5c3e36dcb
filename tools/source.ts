/** A small reader of TypeScript: enough to tell code from comments, strings and patterns without a compiler. */

export type Scanned = {
  /** The code with comments blanked, patterns emptied, and every string replaced by its number in `strings`. */
  readonly code: string;
  /** The raw text of each string; a template keeps `${}` where its expressions stood. */
  readonly strings: readonly string[];
  readonly comments: readonly { readonly line: number; readonly text: string }[];
  /** Regular expressions as written, with their flags. */
  readonly patterns: readonly { readonly line: number; readonly text: string }[];
};

/** One import, re-export or dynamic import. `specifier` is null where it is computed and cannot be read. */
export type Import = { readonly specifier: string | null; readonly line: number };

// After these characters a slash begins a pattern; after anything else it divides (or closes a JSX tag).
const BEFORE_PATTERN = "(,=:[!&|?;{>+-*%~^\n";
const WORD_BEFORE_PATTERN = /(?:^|[^\w$.])(?:return|typeof|case|in|of|await|yield|void|delete)$/;

class Scanner {
  private readonly text: string;
  private at = 0;
  private code = "";
  private readonly strings: string[] = [];
  private readonly comments: { line: number; text: string }[] = [];
  private readonly patterns: { line: number; text: string }[] = [];

  constructor(text: string) {
    this.text = text;
  }

  scan(): Scanned {
    this.run("");
    return { code: this.code, strings: this.strings, comments: this.comments, patterns: this.patterns };
  }

  /** Reads code up to `closing` at its own depth of braces, or to the end. */
  private run(closing: string): void {
    let depth = 0;
    while (this.at < this.text.length) {
      const char = this.text.charAt(this.at);
      const pair = this.text.slice(this.at, this.at + 2);
      if (pair === "//") this.comment(this.endOf("\n"));
      else if (pair === "/*") this.comment(this.endOf("*/", 2));
      else if (char === '"' || char === "'") this.quoted(char);
      else if (char === "`") this.template();
      else if (char === "/" && this.patternMayStart() && this.pattern()) continue;
      else {
        if (char === "{") depth++;
        if (char === "}" && depth-- === 0 && closing === "}") return;
        this.code += char;
        this.at++;
      }
    }
  }

  private endOf(mark: string, after = 0): number {
    const found = this.text.indexOf(mark, this.at + after);
    return found < 0 ? this.text.length : found + after;
  }

  private comment(end: number): void {
    const text = this.text.slice(this.at, end);
    this.comments.push({ line: this.code.split("\n").length, text });
    this.code += text.replaceAll(/[^\n]/g, " ");
    this.at = end;
  }

  private quoted(quote: string): void {
    let end = this.at + 1;
    while (end < this.text.length && this.text[end] !== quote && this.text[end] !== "\n") {
      end += this.text[end] === "\\" ? 2 : 1;
    }
    if (this.text[end] !== quote) {
      // An apostrophe in JSX text, not a string: strings end on their line.
      this.code += " ";
      this.at++;
      return;
    }
    this.keep(this.text.slice(this.at + 1, end));
    this.at = end + 1;
  }

  private template(): void {
    const place = this.strings.push("") - 1;
    this.code += `"${place}"`;
    let raw = "";
    this.at++;
    while (this.at < this.text.length && this.text[this.at] !== "`") {
      if (this.text[this.at] === "\\") {
        raw += this.text.slice(this.at, this.at + 2);
        this.at += 2;
      } else if (this.text.slice(this.at, this.at + 2) === "${") {
        raw += "${}";
        this.at += 2;
        this.code += "(";
        this.run("}");
        this.code += ")";
        this.at++;
      } else {
        if (this.text[this.at] === "\n") this.code += "\n";
        raw += this.text[this.at++];
      }
    }
    this.at++;
    this.strings[place] = raw;
  }

  private keep(raw: string): void {
    this.code += `"${this.strings.push(raw) - 1}"`;
  }

  private patternMayStart(): boolean {
    const before = this.code.replace(/[ \t]+$/, "");
    return before === "" || BEFORE_PATTERN.includes(before.at(-1) ?? "") || WORD_BEFORE_PATTERN.test(before.slice(-12));
  }

  private pattern(): boolean {
    const found = /^\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/.exec(this.text.slice(this.at));
    if (found === null) return false;
    this.patterns.push({ line: this.code.split("\n").length, text: found[0] });
    this.code += "/ /";
    this.at += found[0].length;
    return true;
  }
}

/** Reads one source file. */
export function scan(text: string): Scanned {
  return new Scanner(text).scan();
}

/** The line, from 1, of a position in `code`. */
export function lineAt(code: string, position: number): number {
  let line = 1;
  for (let at = code.indexOf("\n"); at >= 0 && at < position; at = code.indexOf("\n", at + 1)) line++;
  return line;
}

/** Every edge out of a file: static, dynamic, re-exported, required, and workers named by `new URL("./…", import.meta.url)`. */
export function importsOf(source: Scanned): Import[] {
  const found: Import[] = [];
  const edges =
    /(?<![.\w])(?:from\s*|import\s*\(?\s*|require\s*\(\s*)"(\d+)"|\bnew\s+URL\(\s*"(\d+)"\s*,\s*import\.meta/g;
  for (const match of source.code.matchAll(edges)) {
    const specifier = source.strings[Number(match[1] ?? match[2])] ?? "";
    if (match[2] !== undefined && !/^\..*\.[jt]sx?$/.test(specifier)) continue;
    found.push({
      specifier: specifier.includes("${}") ? null : specifier,
      line: lineAt(source.code, match.index),
    });
  }
  for (const match of source.code.matchAll(/\bimport\s*\(\s*(?!["\s])/g)) {
    found.push({ specifier: null, line: lineAt(source.code, match.index) });
  }
  return found;
}
