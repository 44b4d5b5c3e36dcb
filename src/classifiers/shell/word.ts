/**
 * What a word of a command may become when it runs. A word is either known (`value`), or something is known of it: how
 * it begins, whether it can become none or several words, which pattern it is, what its file names may lead to.
 */
export type Word = {
  /** The one value it has; null when it is not known. */
  readonly value: string | null;
  /** What it certainly begins with, when `value` is null. */
  readonly prefix: string;
  /** Whether it may become none or several words. */
  readonly splits: boolean;
  /** The pattern, when it is one and nothing else is unknown in it. */
  readonly pattern: string | null;
  /** When it consists of names of files: what reading them may reveal. Undefined when nobody knows what it names. */
  readonly files: Files | undefined;
  /** A variable of the environment that stands in it, whose value nobody knows. */
  readonly leaks: string | null;
  /** Whether quotes or escapes stand in the middle of it, as they do to hide a name from a reader. */
  readonly disguised: boolean;
  readonly start: number;
  readonly end: number;
};

/**
 * Names of files that a command lists: what reading them may reveal, in words, or null for nothing known; and whether every
 * name begins with the place it was found in, so that none can be taken for a flag.
 */
export type Files = { readonly secret: string | null; readonly anchored: boolean };

/** A word that is known. */
export function known(value: string, start = 0, end = 0): Word {
  return {
    value,
    prefix: value,
    splits: false,
    pattern: null,
    files: undefined,
    leaks: null,
    disguised: false,
    start,
    end,
  };
}

/** A word of which only the beginning is known. */
export function unknown(prefix: string, splits: boolean, at: Pick<Word, "start" | "end">, files?: Files): Word {
  return {
    value: null,
    prefix,
    splits,
    pattern: null,
    files,
    leaks: null,
    disguised: false,
    start: at.start,
    end: at.end,
  };
}

/** Whether a word cannot become a flag, whatever it becomes. */
export function isOperand(word: Word): boolean {
  if (word.value !== null) return !word.value.startsWith("-") || word.value === "-";
  return word.prefix !== "" && !word.prefix.startsWith("-") && (!word.splits || word.pattern !== null);
}

/** The word without its first characters, such as a flag's name. */
export function after(word: Word, chars: number): Word {
  const value = word.value === null ? null : word.value.slice(chars);
  const pattern = word.pattern === null ? null : word.pattern.slice(chars);
  return { ...word, value, pattern, prefix: word.prefix.slice(chars) };
}
