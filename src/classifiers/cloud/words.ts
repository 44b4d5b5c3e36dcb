import type { Findings } from "../../core/risk/index.ts";

/** A word of a command line; null is one whose text is not known before it runs, such as an unquoted variable. */
export type Word = string | null;

/** Words of one command line, and characters of all of them together. */
const WORDS_MAX = 2_000;
const CHARS_MAX = 1_048_576;

/** Paths whose content is a credential, wherever they stand. */
const SECRET_PATH =
  /(?:^|[\\/])(?:\.ssh|\.aws|\.azure|\.kube|\.gnupg|\.docker|gcloud|secrets?)[\\/]|(?:^|[\\/])(?:id_[a-z0-9]+|shadow|\.env[^\\/]*|\.netrc|\.pgpass|credentials[^\\/]*|kubeconfig|environ|[^\\/]*\.(?:pem|key|p12|pfx|jks))$/i;

/** Whether a command line is within the limits; says so otherwise. */
export function withinLimits(words: readonly Word[], found: Findings): boolean {
  const chars = words.reduce((sum, word) => sum + (word?.length ?? 0), 0);
  if (words.length <= WORDS_MAX && chars <= CHARS_MAX) return true;
  found.opaque(`The command line has more than ${WORDS_MAX} words or ${CHARS_MAX} characters.`);
  return false;
}

/** Whether a path looks like a credential's. It can only raise what is found, so that a miss costs nothing but the raise. */
export function isSecretPath(path: string): boolean {
  return SECRET_PATH.test(path.slice(-512));
}

/** A word is not known: it may be an option of its own, so that nothing after it is proven. */
export function tellUnknownWords(words: readonly Word[], found: Findings): void {
  if (words.includes(null)) found.opaque("A word of the command is only known when it runs; it may be an option.");
}

/** One option and the words up to the next one. `--name=value` has its value first. */
export type Option = { readonly name: string; readonly values: readonly Word[] };

/** A command line as leading bare words and options with what follows each. A lone `--` is an option of that name. */
export function splitWords(words: readonly Word[]): {
  readonly bare: readonly Word[];
  readonly options: readonly Option[];
} {
  const bare: Word[] = [];
  const options: { name: string; values: Word[] }[] = [];
  for (const word of words) {
    const last = options.at(-1);
    if (word !== null && /^-(?:-|[A-Za-z])/.test(word)) {
      const equals = word.startsWith("--") ? word.indexOf("=") : -1;
      options.push(
        equals < 0 ? { name: word, values: [] } : { name: word.slice(0, equals), values: [word.slice(equals + 1)] },
      );
    } else if (last === undefined) bare.push(word);
    else last.values.push(word);
  }
  return { bare, options };
}

/** The words of a text as a set, for tables that read better so. */
export function wordSet(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}
