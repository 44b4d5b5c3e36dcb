import { shown } from "./draft.ts";
import { grammar, readArguments } from "./grammar.ts";
import type { Arguments, Grammar } from "./grammar.ts";
import type { Done, Leaf } from "./leaf.ts";
import { isWide, normalPath, readRisk } from "./paths.ts";
import { PLAIN_COMMANDS } from "./plain-table.ts";
import { readContent, revealed, writeFile } from "./touch.ts";
import { isOperand, known } from "./word.ts";
import type { Files, Word } from "./word.ts";

type Plain = { readonly operands: string; readonly flags: Grammar };

/** Commands that only read, by name. */
export const PLAIN: ReadonlyMap<string, readonly Plain[]> = new Map(compile());

function compile(): Map<string, Plain[]> {
  const table = new Map<string, Plain[]>();
  for (const row of PLAIN_COMMANDS) {
    const [heads = "", operands = "", flags = ""] = row.split(" | ").map((cell) => cell.trim());
    for (const head of heads.split(",")) {
      table.set(head, [...(table.get(head) ?? []), { operands, flags: grammar(flags) }]);
    }
  }
  return table;
}

/** Commands whose output is a part of their input's lines, so that a list of files stays one. */
const FILTERS = new Set(["sort", "head", "tail", "uniq", "tac", "tr", "cat", "shuf"]);

/** What a table's command does. Null when the table does not say that it is harmless; then it added nothing. */
export function runPlain(leaf: Leaf): Done | null {
  for (const { operands, flags } of PLAIN.get(leaf.head) ?? []) {
    const read = readArguments(flags, leaf.args);
    if (read.problem !== null || !fits(leaf, operands, read)) continue;
    leaf.draft.effect("read", `${shown(leaf.head)} only reads.`, leaf.span);
    for (const { kind, value } of read.flags) {
      if (value === null) continue;
      if (kind === "read") readContent(leaf, value);
      if (kind === "write") writeFile(leaf, value);
    }
    return { files: show(leaf, operands, read) };
  }
  return null;
}

const IP_SHOWS =
  /^(?:a|ad|addr|address|l|li|link|r|ro|route|n|ne|neigh|neighbour|ru|rule|maddr|maddress|netconf|tunnel)$/;
const FLAGS_OF_PROGRAM =
  /\b(?:env|input_filename|import|include|getpath_env|debug_file|\$ENV|ENV|get_search_list)\b|\$ENV|\$__prog/;

/** Whether the operands are such that the command still only reads. */
function fits(leaf: Leaf, kind: string, { operands, flags }: Arguments): boolean {
  const [first, second, third] = operands;
  const has = (...names: readonly string[]): boolean => flags.some(({ name }) => names.includes(name));
  switch (kind) {
    case "none":
      return first === undefined;
    case "one":
      return second === undefined && (first === undefined || isOperand(first));
    case "show":
      return first === undefined || (first.value === "show" && second === undefined);
    case "first":
      return third === undefined && operands.every((word) => !word.splits || second === undefined);
    case "date":
      // An operand without a plus would set the clock.
      return operands.every(({ value, prefix }) => (value ?? prefix).startsWith("+"));
    case "ip":
      return (
        IP_SHOWS.test(first?.value ?? "") &&
        (second === undefined || /^(?:show|list|ls|lst|s|get)$/.test(second.value ?? "")) &&
        operands.every(isOperand)
      );
    case "getent":
      return (
        leaf.args.every(isOperand) &&
        /^(?:passwd|group|hosts|services|protocols|networks|ahosts(?:v[46])?|rpc|ethers|netgroup)$/.test(
          first?.value ?? "",
        )
      );
    case "sysctl":
      return operands.every(({ value }) => value !== null && !value.includes("="));
    case "ps":
      return leaf.args.every(({ value }) => value !== null);
    case "jq":
      return first?.value !== undefined && first.value !== null && !FLAGS_OF_PROGRAM.test(first.value);
    case "pager":
      // `+` starts a command of the pager's own.
      return (
        leaf.args.every((word) => word.value !== null || isOperand(word)) &&
        !leaf.args.some(({ value }) => value?.startsWith("+") === true)
      );
    case "unpack":
      return isUnpacking(leaf);
    case "openssl":
      // Only what shows certificates and sums; `-out`, `-engine` and keys are not among the flags.
      return /^(?:x509|crl|dgst|ciphers|version)$/.test(first?.value ?? "") && operands.every(isOperand);
    case "archive":
      return has("-l", "-v", "-Z", "-t", "-p", "-c") && operands.every(isOperand);
    case "locate":
      return leaf.args.every((word) => word.value !== null || isOperand(word));
    default:
      return true;
  }
}

/** `gzip -c`, `-l`, `-t` leave files alone; without them the file is replaced. */
function isUnpacking({ args, head }: Leaf): boolean {
  const flags = args.filter((word) => !isOperand(word));
  const letters = flags.map(({ value }) => value ?? "-?");
  if (
    !letters.every((flag) =>
      /^(?:-[cdfkltvqn0-9]+|--(?:stdout|to-stdout|decompress|list|test|keep|quiet|verbose|best|fast))$/.test(flag),
    )
  )
    return false;
  const spares = letters.some((flag) => /^-[a-z0-9]*[clt]|^--(?:stdout|to-stdout|list|test)$/.test(flag));
  return spares || (args.length === flags.length && head !== "zstd");
}

/** Adds what the operands reveal, and says which files the output names. */
function show(leaf: Leaf, kind: string, read: Arguments): Files | undefined {
  const { operands } = read;
  switch (kind) {
    case "read":
    case "pager":
    case "archive":
      for (const word of operands) readContent(leaf, word);
      break;
    case "unpack":
      for (const word of leaf.args.filter(isOperand)) readContent(leaf, word);
      break;
    case "first":
      if (operands[0] !== undefined && !isOwnOutput(operands[0])) readContent(leaf, operands[0]);
      if (operands[1] !== undefined) writeFile(leaf, operands[1]);
      break;
    case "openssl":
    case "jq":
      for (const word of operands.slice(1)) readContent(leaf, word);
      break;
    case "pattern":
      return search(leaf, read);
    case "ps":
      if (
        leaf.args.some(({ value }) => value !== null && /^[a-zA-Z]*[eE]/.test(value) && !/^(?:user|tree)/.test(value))
      ) {
        revealed(leaf, "It shows the environment of processes.");
      }
      break;
    case "list":
    case "deeplist":
      return named(leaf, kind === "list" ? operands : operands.slice(1));
    case "locate":
      return { secret: "`locate` finds files everywhere.", anchored: false };
    default:
  }
  return passesOn(leaf, read) ? leaf.stdin : undefined;
}

/** Whether every line of the output is a line of the input, so that a list of files stays one. */
function passesOn({ head }: Leaf, { operands, flags }: Arguments): boolean {
  if (!FILTERS.has(head) || flags.some(({ name }) => /^(?:-c|--bytes|--count|-o|-d|-D)$/.test(name))) return false;
  if (head === "tr") return operands.every(({ value }) => value !== null && /^(?:\\n|\\0|\\000|\n)$/.test(value));
  return operands.length === 0;
}

function isOwnOutput(word: Word): boolean {
  return word.value === "-";
}

/** Searching shows lines of files; with `-l` it names the files. */
function search(leaf: Leaf, { operands, flags, maybe }: Arguments): Files | undefined {
  const has = (...names: readonly string[]): boolean => flags.some(({ name }) => names.includes(name));
  const given = has("-e", "--regexp", "-f", "--file", "--files") || (leaf.head === "rg" && has("--type-list"));
  const deep = !leaf.head.includes("grep") || has("-r", "-R", "--recursive", "--dereference-recursive");
  // A word that may become `-e` would turn the pattern into a file.
  const files = given || maybe ? operands : operands.slice(1);
  for (const word of files) readContent(leaf, word, deep);
  if (deep && files.length === 0 && (leaf.stdin === undefined || leaf.head.includes("grep")))
    readContent(leaf, known("."), true);
  if (has("-l", "-L", "--files-with-matches", "--files-without-match", "--files"))
    return named(leaf, files.length === 0 ? [] : files, leaf.stdin);
  return files.length === 0 && !deep && !has("-o", "--only-matching", "-c", "--count", "-b", "-n", "-H")
    ? leaf.stdin
    : undefined;
}

/** A list of files that begins at these places: what reading them all may reveal. */
export function named(leaf: Leaf, roots: readonly Word[], fed?: Files): Files {
  for (const word of roots) {
    if (word.files !== undefined) return word.files;
    const path = word.value ?? word.pattern ?? word.prefix;
    if (word.value === null && word.pattern === null)
      return { secret: "The files that are listed are not known.", anchored: false };
    for (const folder of leaf.script.folders) {
      const risk = readRisk(path, folder ?? "", word.value === null);
      if (risk !== null) return { secret: `${shown(path)} is ${risk.because}.`, anchored: false };
      if (isWide(normalPath(path, folder ?? "")) || folder === null)
        return { secret: `Credentials are kept below ${shown(path)}.`, anchored: false };
    }
  }
  if (roots.length === 0) {
    for (const folder of leaf.script.folders) {
      if (folder === null || isWide(folder === "" ? "." : folder))
        return { secret: "Credentials are kept in the folder that is listed.", anchored: false };
    }
  }
  return fed ?? { secret: null, anchored: false };
}
