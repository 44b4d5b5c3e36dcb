import { shown } from "./draft.ts";
import { grammar, readArguments } from "./grammar.ts";
import { DONE } from "./leaf.ts";
import type { Done, Handler, Leaf } from "./leaf.ts";
import { PROGRAM_CHARS_MAX } from "./limits.ts";
import { readContent } from "./touch.ts";
import { isOperand } from "./word.ts";

/** The pattern language, whose programs can write files and start commands. */
export const AWK_COMMANDS: readonly (readonly [string, Handler])[] = ["awk", "gawk", "mawk", "nawk"].map((head) => [
  head,
  awk,
]);

const FLAGS = grammar(
  "-F: -v: -bcnrstSOPgh --field-separator: --assign: --posix --traditional --re-interval --sandbox --non-decimal-data --bignum",
);

function awk(leaf: Leaf): Done | null {
  const { draft, span, args } = leaf;
  const { flags, operands, problem } = readArguments(FLAGS, args, true);
  const [program, ...files] = operands;
  const text = program?.value ?? null;
  const wrong =
    problem ?? (text === null || !draft.spend(text.length) ? "a program that is not known" : whyNotPlain(text));
  // The tables know awk as a thing that runs code.
  if (wrong !== null || flags.some(({ value }) => value?.value === null && value.splits)) return null;
  draft.effect("read", "`awk` shows text, and its program does nothing else.", span);
  for (const word of files) {
    if (word.value !== null && /^[A-Za-z_]\w*=/.test(word.value)) continue;
    if (!isOperand(word) && word.value === null && word.files === undefined)
      draft.opaque(`${shown(leaf.head)} reads a file that is not known.`, span);
    readContent(leaf, word);
  }
  return DONE;
}

/** Words that reach beyond the input: commands, other files, the environment, what the program itself is. */
const REACHES =
  /\b(?:system|getline|ENVIRON|ARGV|ARGC|ARGIND|SYMTAB|FUNCTAB|PROCINFO|ERRNO|FILENAME_|nextfile_|fork|exec|popen|readfile|chdir)\b|@/;
/** What may stand before a regular expression rather than a division. */
const BEFORE_REGEX = /(?:^|[([{,;!~&|=?:+\-*%^<>\n]|\b(?:print|printf|return|in|else|do|exit|delete|case))[ \t]*$/;

/** Why a program is not known to show text only; null when it is. */
export function whyNotPlain(program: string): string | null {
  if (program.length > PROGRAM_CHARS_MAX) return "a long program";
  if (REACHES.test(program)) return "a program that reaches beyond its input";
  let printing = false;
  let depth = 0;
  let seen = "";
  for (let at = 0; at < program.length; at += 1) {
    const char = program.charAt(at);
    if (char === "#") at = lineEnd(program, at) - 1;
    else if (char === "/" && /(?:\+\+|--)[ \t]*$/.test(seen)) return "a sign that may be a division or not";
    else if (char === '"' || (char === "/" && BEFORE_REGEX.test(seen))) {
      const end = closing(program, at, char);
      if (end < 0) return "a program with an open string";
      at = end;
      seen = "x";
    } else if (char === "/") {
      // Behind `)` or a name it is a division, unless an expression begins there after all.
      if (/\)[ \t]*$/.test(seen) && /["/]/.test(program.slice(at + 1, lineEnd(program, at))))
        return "a sign that may be a division or not";
      seen = "/";
    } else {
      if (char === "\\") {
        if (program.charAt(at + 1) !== "\n") return "an escape outside a string";
        at += 1;
        continue;
      }
      if (char === "|" && program.charAt(at + 1) === "|") {
        at += 1;
        seen = "|";
        continue;
      }
      if (char === "|") return "a program that starts commands";
      if (char === "(" || char === "[") depth += 1;
      if (char === ")" || char === "]") depth -= 1;
      if (";{}\n".includes(char) && depth <= 0) printing = false;
      seen = (seen + char).slice(-24);
      if (/(?:^|\W)printf?$/.test(seen) && !/\w/.test(program.charAt(at + 1))) printing = true;
      // Within parentheses it compares.
      if (char === ">" && (printing || depth < 0) && depth <= 0) return "a program that writes files";
    }
  }
  return null;
}

function closing(program: string, from: number, mark: string): number {
  for (let at = from + 1; at < program.length; at += 1) {
    const char = program.charAt(at);
    if (char === "\\") at += 1;
    else if (char === "\n") return -1;
    // A slash within brackets ends some expressions and not others.
    else if (char === "[" && mark === "/" && /^\[[^\]\n]*\//.test(program.slice(at, at + 200))) return -1;
    else if (char === mark) return at;
  }
  return -1;
}

function lineEnd(program: string, from: number): number {
  const end = program.indexOf("\n", from);
  return end < 0 ? program.length : end;
}
