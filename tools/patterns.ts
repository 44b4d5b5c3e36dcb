/**
 * Finds regular expressions that a hostile text can make slow: `problemOf(pattern)` says what is wrong with one, or null.
 *
 * It catches repeats within repeats whose parts nothing keeps apart (`(a+)+`, `(a|ab)*`: exponential) and repeats side by
 * side that want the same characters (`a*a*`: quadratic). It does not catch a search that begins anew at each character,
 * such as `/ +$/`; those are slow only on texts that are long, and for these tests measure what a whole reading costs.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { scan } from "./source.ts";

/** A set of characters: ASCII by code, everything else as one bit. */
type Chars = bigint;

type Item = {
  /** What it may begin with, and all that may stand in it. */
  readonly first: Chars;
  readonly all: Chars;
  readonly min: number;
  readonly max: number;
  /** Exactly one character, so that it can keep repeats apart. */
  readonly single: boolean;
  readonly choices: readonly (readonly Item[])[] | null;
};

const SAMPLES: readonly string[] = [...Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)), "é"];

/** A pattern of a source file. */
export type Pattern = { readonly file: string; readonly line: number; readonly text: string };

/** All literal patterns in the files below some folders. */
export function patternsIn(folders: readonly string[]): readonly Pattern[] {
  return folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .flatMap((name) => {
        const file = join(folder, name);
        // Words behind a slash that are no flags: a path in a template, which the scanner took for a pattern.
        const found = scan(readFileSync(file, "utf8")).patterns.filter(({ text }) => /\/[dgimsuvy]*$/.test(text));
        return found.map(({ line, text }) => ({ file, line, text }));
      }),
  );
}

/** What is wrong with a pattern as written, `/…/flags`; null when nothing is. */
export function problemOf(pattern: string): string | null {
  const end = pattern.lastIndexOf("/");
  const reader = new Reader(pattern.slice(1, end), pattern.slice(end + 1));
  return reader.choices().reduce<string | null>((wrong, items) => wrong ?? problemIn(items), null);
}

class Reader {
  readonly #source: string;
  readonly #flags: string;
  #at = 0;

  constructor(source: string, flags: string) {
    this.#source = source;
    this.#flags = flags.replaceAll(/[gyd]/g, "");
  }

  choices(): readonly (readonly Item[])[] {
    const all: Item[][] = [[]];
    while (this.#at < this.#source.length && this.#source[this.#at] !== ")") {
      if (this.#source[this.#at] === "|") {
        this.#at += 1;
        all.push([]);
      } else {
        const item = this.#item();
        if (item !== null) all.at(-1)?.push(item);
      }
    }
    return all;
  }

  /** One item with its quantifier; null for what takes no room. */
  #item(): Item | null {
    const rest = this.#source.slice(this.#at);
    const group = /^\((\?(?:[=!]|<[=!]|:|<\w+>|[a-z-]+:))?/.exec(rest);
    if (group !== null) {
      this.#at += group[0].length;
      const choices = this.choices();
      this.#at += 1;
      const [min, max] = this.#quantifier();
      if (/^\?<?[=!]/.test(group[1] ?? "")) return null;
      const first = choices.reduce((chars, items) => chars | firstOf(items), 0n);
      const all = choices.reduce((chars, items) => chars | allOf(items), 0n);
      return { first, all, min: choices.some(isEmpty) ? 0 : min, max, single: false, choices };
    }
    if (/^(?:[\^$]|\\[bB])/.test(rest)) {
      this.#at += rest.startsWith("\\") ? 2 : 1;
      return null;
    }
    const atom = /^(?:\[(?:\\[\s\S]|[^\]\\])*\]|\\(?:u\{[^}]*\}|u[\da-fA-F]{4}|x[\da-fA-F]{2}|p\{[^}]*\}|P\{[^}]*\}|k<\w+>|c[A-Z]|[\s\S])|[\s\S])/.exec(rest)?.[0] ?? rest; // prettier-ignore
    this.#at += atom.length;
    const alone = new RegExp(`^(?:${atom})$`, /^\\(?:[1-9]|k<)/.test(atom) ? "" : this.#flags);
    const all = SAMPLES.reduce(
      (chars, sample, place) => (alone.test(sample) ? chars | (1n << BigInt(place)) : chars),
      0n,
    );
    const [min, max] = this.#quantifier();
    return { first: all, all, min, max, single: min === 1 && max === 1, choices: null };
  }

  #quantifier(): readonly [min: number, max: number] {
    const found = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/.exec(this.#source.slice(this.#at));
    if (found === null) return [1, 1];
    this.#at += found[0].length;
    const [, sign, low = "", comma = "", high = ""] = found;
    if (sign !== undefined) return [sign === "+" ? 1 : 0, sign === "?" ? 1 : Infinity];
    return [Number(low), comma === "" ? Number(low) : high === "" ? Infinity : Number(high)];
  }
}

function isEmpty(items: readonly Item[]): boolean {
  return items.every(({ min }) => min === 0);
}

function firstOf(items: readonly Item[]): Chars {
  let chars = 0n;
  for (const { first, min } of items) {
    chars |= first;
    if (min > 0) break;
  }
  return chars;
}

function allOf(items: readonly Item[]): Chars {
  return items.reduce((chars, { all }) => chars | all, 0n);
}

/** Whatever repeats without end in it, at any depth. */
function repeatsIn(items: readonly Item[]): readonly Item[] {
  return items.flatMap((item) => [
    ...(item.max === Infinity ? [item] : []),
    ...(item.choices ?? []).flatMap((choice) => repeatsIn(choice)),
  ]);
}

function problemIn(items: readonly Item[]): string | null {
  for (const [place, item] of items.entries()) {
    const within = (item.choices ?? []).reduce<string | null>((wrong, choice) => wrong ?? problemIn(choice), null);
    const wrong = within ?? (item.max === Infinity && item.choices !== null ? problemOfRepeat(item.choices) : null);
    if (wrong !== null) return wrong;
    if (item.max !== Infinity) continue;
    for (const next of items.slice(place + 1)) {
      if (next.max === Infinity && (next.first & item.all) !== 0n) return "two repeats side by side want the same characters";
      if (next.min > 0) break;
    }
  }
  return null;
} // prettier-ignore

function problemOfRepeat(choices: readonly (readonly Item[])[]): string | null {
  const seen = choices.map(firstOf);
  if (seen.some((chars, place) => seen.slice(place + 1).some((other) => (chars & other) !== 0n)))
    return "two choices of a repeat begin with the same character";
  for (const items of choices) {
    const repeats = repeatsIn(items);
    if (repeats.length === 0) continue;
    const wanted = allOf(repeats);
    const parted = [items[0], items.at(-1)].some((edge) => edge?.single === true && (edge.all & wanted) === 0n);
    if (!parted) return "nothing keeps a repeat within a repeat apart";
  }
  return null;
}
