import { after, isOperand } from "./word.ts";
import type { Word } from "./word.ts";

/** What a flag takes: nothing, an optional value behind `=` or the letter, a text, a file that is read or written, a host. */
export type FlagKind = "none" | "optional" | "text" | "read" | "write" | "host";

/**
 * The harmless flags of a command. `all`: these are all it has, so that a word which may become a flag does no harm.
 * `any`: the same, without their being listed. Whatever else is not listed is not known.
 */
export type Grammar = {
  readonly any: boolean;
  readonly all: boolean;
  readonly digits: boolean;
  readonly short: ReadonlyMap<string, FlagKind>;
  readonly long: ReadonlyMap<string, FlagKind>;
};

/** The words of a command, told apart. `problem` says why that could not be done for certain. */
export type Arguments = {
  readonly flags: readonly { readonly name: string; readonly kind: FlagKind; readonly value: Word | null }[];
  readonly operands: readonly Word[];
  readonly problem: string | null;
  /** Whether an operand may become flags when it runs. */
  readonly maybe: boolean;
};

const KINDS: ReadonlyMap<string, FlagKind> = new Map([
  ["", "none"],
  ["?", "optional"],
  [":", "text"],
  [":read", "read"],
  [":write", "write"],
  [":host", "host"],
]);

/**
 * Reads the notation of the tables: `-abc` letters without value, `-n:` a letter with one, `-i?` with an attached one at
 * most, `--long`, `--long:`, `--long?`, `!-long`
 * the same with one dash, `:read`, `:write` and `:host` for what the value is, `-#` numbers, `~` for all, `*` for any.
 */
export function grammar(notation: string): Grammar {
  const short = new Map<string, FlagKind>();
  const long = new Map<string, FlagKind>();
  const tokens = notation.split(" ").filter((token) => token !== "");
  for (const token of tokens) {
    const [, whole, name = "", mark = ""] = /^(!?)(--?[^:?]*)(.*)$/.exec(token) ?? [];
    const kind = KINDS.get(mark) ?? "none";
    if (whole === "!" || name.startsWith("--")) long.set(name, kind);
    else for (const letter of name.slice(1)) short.set(letter, kind);
  }
  return {
    any: tokens.includes("*"),
    all: tokens.includes("~") || tokens.includes("*"),
    digits: tokens.includes("-#"),
    short,
    long,
  };
}

/** Tells flags from operands. With `first`, the first operand ends the flags, as in wrappers, and takes the rest along. */
export function readArguments(of: Grammar, words: readonly Word[], first = false): Arguments {
  const flags: { name: string; kind: FlagKind; value: Word | null }[] = [];
  const operands: Word[] = [];
  let problem: string | null = null;
  let maybe = false;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at];
    if (word === undefined) break;
    if (word.value === "--") return { flags, operands: [...operands, ...words.slice(at + 1)], problem, maybe };
    if (isOperand(word)) {
      if (first) return { flags, operands: words.slice(at), problem, maybe };
      operands.push(word);
      continue;
    }
    const read = readLong(of, word) ?? (word.prefix.startsWith("--") ? null : readShort(of, word));
    if (read === null) {
      if (word.value === null) {
        if (!of.all) problem ??= "a value that may become a flag";
        maybe = true;
        operands.push(word);
      } else if (!of.any) problem ??= word.value;
      // Of a flag that nobody listed, the value behind it may still name a file.
      else if (word.value.includes("=")) operands.push(after(word, word.value.indexOf("=") + 1));
      continue;
    }
    flags.push(...read.flags);
    if (read.wants === null) continue;
    const next = words[at + 1];
    if (next === undefined || (next.splits && !of.all)) problem ??= word.value ?? word.prefix;
    else flags.push({ ...read.wants, value: next });
    at += 1;
  }
  return { flags, operands, problem, maybe };
}

type Read = {
  readonly flags: Arguments["flags"];
  /** A flag whose value is the next word. */
  readonly wants: { readonly name: string; readonly kind: FlagKind } | null;
};

function readLong(of: Grammar, word: Word): Read | null {
  const equals = word.prefix.indexOf("=");
  const name = equals < 0 ? word.value : word.prefix.slice(0, equals);
  const kind = name === null ? undefined : of.long.get(name);
  if (name === null || kind === undefined || word.splits) return null;
  if (equals >= 0)
    return kind === "none" ? null : { flags: [{ name, kind, value: after(word, equals + 1) }], wants: null };
  if (kind === "none" || kind === "optional") return { flags: [{ name, kind, value: null }], wants: null };
  return { flags: [], wants: { name, kind } };
}

function readShort(of: Grammar, word: Word): Read | null {
  if (word.splits) return null;
  if (of.digits && word.value !== null && /^-\d+$/.test(word.value)) return { flags: [], wants: null };
  const flags: { name: string; kind: FlagKind; value: Word | null }[] = [];
  for (let at = 1; at < word.prefix.length; at += 1) {
    const name = `-${word.prefix.charAt(at)}`;
    const kind = of.short.get(name.slice(1));
    if (kind === undefined) return null;
    const rest = word.value === null || at + 1 < word.prefix.length ? after(word, at + 1) : null;
    if (kind === "none") flags.push({ name, kind, value: null });
    else if (kind === "optional" || rest !== null)
      return { flags: [...flags, { name, kind, value: rest }], wants: null };
    else return { flags, wants: { name, kind } };
  }
  return word.value === null || word.prefix.length < 2 ? null : { flags, wants: null };
}
