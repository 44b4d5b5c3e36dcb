import { shown } from "./draft.ts";
import { grammar, readArguments } from "./grammar.ts";
import { DONE } from "./leaf.ts";
import type { Done, Handler, Leaf } from "./leaf.ts";
import { PROGRAM_CHARS_MAX } from "./limits.ts";
import { readContent, writeFile } from "./touch.ts";
import { isOperand, known } from "./word.ts";
import type { Word } from "./word.ts";

/** The stream editor, whose programs can write files and start commands. */
export const SED_COMMANDS: readonly (readonly [string, Handler])[] = [
  ["sed", sed],
  ["gsed", sed],
  ["ssed", sed],
];

const FLAGS = grammar(
  "-nErsuzba -e: -f: -l: -i? -I? --quiet --silent --expression: --file: --regexp-extended --in-place? --line-length: --posix --separate --sandbox --unbuffered --null-data --zero-terminated --debug --binary",
);

function sed(leaf: Leaf): Done {
  const { draft, span, args } = leaf;
  const { flags, operands, problem } = readArguments(FLAGS, args);
  draft.effect("read", "`sed` shows text that it edits.", span);
  if (problem !== null) draft.opaque(`${shown(`sed ${problem}`)} is not understood.`, span);
  const has = (...names: readonly string[]): boolean => flags.some(({ name }) => names.includes(name));
  if (has("-f", "--file")) draft.opaque("`sed` runs a program out of a file.", span);
  const given = flags.filter(({ name }) => name === "-e" || name === "--expression").map(({ value }) => value);
  const inFlags = given.length > 0 || has("-f", "--file");
  const programs = inFlags ? given : operands.slice(0, 1);
  const files = inFlags ? operands : operands.slice(1);
  const text = programs.map((word) => word?.value ?? null);
  if (text.includes(null)) draft.opaque("`sed` runs a program that is not known.", span);
  else if (!draft.spend(text.join("\n").length)) draft.opaque("`sed` runs more than is looked at.", span);
  else for (const reason of readProgram(text.join("\n"))) act(leaf, reason);
  const inPlace = has("-i", "-I", "--in-place");
  for (const word of files) {
    if (inPlace) writeFile(leaf, word);
    else readContent(leaf, word);
  }
  if (inPlace && files.length === 0) draft.effect("write", "`sed -i` edits files.", span);
  // A word that may become a flag is no file.
  if (!args.every((word) => word.value !== null || isOperand(word) || word.files !== undefined))
    draft.opaque("`sed` is given a word that may become a program.", span);
  return DONE;
}

/** What a program does beside showing text: a file it reads or writes, or that it is not understood. */
type Act = { readonly does: "reads" | "writes" | "starts" | "unclear"; readonly text: string };

function act(leaf: Leaf, { does, text }: Act): void {
  const { draft, span } = leaf;
  const file: Word = known(text);
  if (does === "reads") readContent(leaf, file);
  else if (does === "writes") writeFile(leaf, file);
  else if (does === "unclear") draft.opaque(`The program of \`sed\` is not understood at ${shown(text)}.`, span);
  else {
    draft.effect("execute", "The program of `sed` starts commands.", span);
    draft.trait("program_execution", "The program of `sed` starts commands.", span);
    draft.opaque("The program of `sed` starts commands.", span);
  }
}

/** Reads a program by the grammar of POSIX and GNU sed; whatever is not in it is unclear. */
export function readProgram(program: string): readonly Act[] {
  const found: Act[] = [];
  const unclear = (at: number): readonly Act[] => [...found, { does: "unclear", text: program.slice(at, at + 20) }];
  if (program.length > PROGRAM_CHARS_MAX || program.endsWith("\\")) return unclear(0);
  let at = 0;
  while (at < program.length) {
    const char = program.charAt(at);
    if (/[\s;}]/.test(char)) {
      at += 1;
      continue;
    }
    if (char === "#") {
      at = lineEnd(program, at);
      continue;
    }
    const command = skipAddresses(program, at);
    if (command < 0) return unclear(at);
    const next = readCommand(program, command, found);
    if (next < 0) return unclear(command);
    at = next;
  }
  return found;
}

/** Reads one command at its letter; returns where it ends, or -1. */
function readCommand(program: string, at: number, found: Act[]): number {
  const letter = program.charAt(at);
  const end = lineEnd(program, at);
  if (letter === "{") return at + 1;
  if ("=dDgGhHnNpPxzF".includes(letter) && letter !== "") return at + 1;
  if ("lLqQ".includes(letter) && letter !== "")
    return at + 1 + (/^[ \t]*\d*/.exec(program.slice(at + 1, at + 20))?.[0].length ?? 0);
  if (letter === ":" || "btT".includes(letter)) {
    const label = /^[ \t]*(?:[\w.-]+[ \t]*)?/.exec(program.slice(at + 1, end))?.[0] ?? "";
    return letter === "" ? -1 : at + 1 + label.length;
  }
  if ("aic".includes(letter) && letter !== "") return textEnd(program, at);
  if (letter === "r" || letter === "R") {
    found.push({ does: "reads", text: program.slice(at + 1, end).trim() });
    return end;
  }
  if (letter === "w" || letter === "W") {
    found.push({ does: "writes", text: program.slice(at + 1, end).trim() });
    return end;
  }
  if (letter === "e") {
    found.push({ does: "starts", text: program.slice(at + 1, end) });
    return end;
  }
  if (letter === "y" || letter === "s") return readSubstitution(program, at, found);
  return -1;
}

/** `s/…/…/flags` and `y/…/…/`. */
function readSubstitution(program: string, at: number, found: Act[]): number {
  const mark = program.charAt(at + 1);
  if (mark === "" || mark === "\n" || mark === "\\") return -1;
  const middle = delimited(program, at + 2, mark, program.charAt(at) === "s");
  const end = middle < 0 ? -1 : delimited(program, middle + 1, mark, false);
  if (end < 0) return -1;
  if (program.charAt(at) === "y") return end + 1;
  let next = end + 1;
  for (; next < program.length; next += 1) {
    const flag = program.charAt(next);
    if (/[gpiImM0-9]/.test(flag)) continue;
    if (flag === "e") found.push({ does: "starts", text: "s///e" });
    else if (flag === "w") {
      const stop = lineEnd(program, next);
      found.push({ does: "writes", text: program.slice(next + 1, stop).trim() });
      return stop;
    } else break;
  }
  return /^[ \t]*(?:[;}\n#]|$)/.test(program.slice(next, next + 200)) ? next : -1;
}

/** A bracket expression: a mark within it does not end the pattern (POSIX sed, GNU sed measured). */
const BRACKET = /\[\^?\]?(?:\[(?::[a-z]+:\]|(?![:.=]))|\\[^\]\n]|[^\][\\\n])*\]/y;

/** Where a part ends: at the next mark that is not escaped. */
function delimited(program: string, from: number, mark: string, pattern: boolean): number {
  for (let at = from; at < program.length; at += 1) {
    const char = program.charAt(at);
    if (char === mark) return at;
    if (char === "\\") at += 1;
    else if (pattern && char === "[") {
      BRACKET.lastIndex = at;
      const bracket = BRACKET.exec(program)?.[0];
      if (bracket === undefined) return -1;
      at += bracket.length - 1;
    }
  }
  return -1;
}

function skipAddresses(program: string, from: number): number {
  let at = from;
  for (let count = 0; count < 2; count += 1) {
    const char = program.charAt(at);
    const number = /^(?:\d+(?:~\d+)?|\$|[+~]\d+)/.exec(program.slice(at, at + 24))?.[0];
    if (number !== undefined) at += number.length;
    else if (char === "/" || char === "\\") {
      const mark = char === "/" ? "/" : program.charAt(at + 1);
      const end = delimited(program, at + (char === "/" ? 1 : 2), mark, true);
      if (end < 0) return -1;
      at = end + 1;
      while (/[IM]/.test(program.charAt(at))) at += 1;
    } else break;
    at += /^[ \t]*/.exec(program.slice(at, at + 50))?.[0].length ?? 0;
    if (program.charAt(at) !== ",") break;
    at += 1 + (/^[ \t]*/.exec(program.slice(at + 1, at + 50))?.[0].length ?? 0);
  }
  return at + (/^[ \t!]*/.exec(program.slice(at, at + 50))?.[0].length ?? 0);
}

/** The text of `a`, `i` and `c` goes on behind a line that ends with a backslash. */
function textEnd(program: string, from: number): number {
  let end = lineEnd(program, from);
  while (end < program.length && program.charAt(end - 1) === "\\") end = lineEnd(program, end + 1);
  return end;
}

function lineEnd(program: string, from: number): number {
  const end = program.indexOf("\n", from);
  return end < 0 ? program.length : end;
}
