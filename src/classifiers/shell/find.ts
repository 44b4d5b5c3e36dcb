import { shown } from "./draft.ts";
import { grammar, readArguments } from "./grammar.ts";
import { DONE } from "./leaf.ts";
import type { Done, Handler, Leaf } from "./leaf.ts";
import { matches, readRisk } from "./paths.ts";
import { named } from "./plain.ts";
import { readContent, writeFile } from "./touch.ts";
import { isOperand, known, unknown } from "./word.ts";
import type { Files, Word } from "./word.ts";

/** Commands that start others for files that they find or are told. */
export const FIND_COMMANDS: readonly (readonly [string, Handler])[] = [
  ["find", find],
  ["gfind", find],
  ["xargs", xargs],
  ["gxargs", xargs],
];

/** Words of an expression that stand alone, and those that take the next word. From the manuals of GNU and BSD find. */
const ALONE = new Set(["-empty", "-executable", "-readable", "-writable", "-nouser", "-nogroup", "-true", "-false", "-daystart", "-depth", "-d", "-follow", "-mount", "-xdev", "-x", "-noleaf", "-ignore_readdir_race", "-noignore_readdir_race", "-warn", "-nowarn", "-print", "-print0", "-ls", "-prune", "-quit", "-not", "-a", "-and", "-o", "-or", "-H", "-L", "-P", "-E", "-X", "-s", "-help", "--help", "-version", "--version", "-O1", "-O2", "-O3", "-nocheck", "--"]); // prettier-ignore
const TAKES_ONE =
  /^-(?:i?name|i?path|i?wholename|i?regex|i?lname|type|xtype|size|perm|user|group|uid|gid|newer|newer[aBcm][aBcmt]|anewer|cnewer|[acmB]time|[acmB]min|used|links|inum|samefile|fstype|maxdepth|mindepth|regextype|printf|context|flags|D)$/;
const WRITES = new Map([["-fprint", 1], ["-fprint0", 1], ["-fls", 1], ["-fprintf", 2]]); // prettier-ignore
const STARTS = new Set(["-exec", "-execdir", "-ok", "-okdir"]);
/** What a word that is not known must not be able to become. */
const ACTIONS: readonly string[] = ["-delete", ...STARTS, ...WRITES.keys(), "-files0-from"];

function find(leaf: Leaf): Done {
  const { args, draft, span } = leaf;
  draft.effect("read", "`find` lists files.", span);
  const start = args.findIndex(
    ({ value, prefix }) => /^[-(!,]/.test(value ?? prefix) && !/^-[HLPEXdsx]$/.test(value ?? ""),
  );
  const roots = args.slice(0, start < 0 ? undefined : start).filter(isOperand);
  const files = listed(leaf, roots);
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at];
    if (word === undefined) break;
    if (word.value === null) {
      if (!isHarmlessUnknown(word)) draft.opaque("`find` is given a word that may become an action.", span);
      continue;
    }
    if (!word.value.startsWith("-") || ALONE.has(word.value)) continue;
    if (TAKES_ONE.test(word.value)) at += argument(leaf, args[at + 1]);
    else if (STARTS.has(word.value)) at = starts(leaf, at, files);
    else if (word.value === "-delete") {
      draft.effect("delete", "`find -delete` deletes all that it finds.", span);
      draft.trait("irreversible", "`find -delete` deletes all that it finds.", span);
      draft.trait("unbounded", "`find -delete` deletes all that it finds.", span);
    } else if (WRITES.has(word.value)) {
      const target = args[at + 1];
      if (target !== undefined) writeFile(leaf, target);
      at += WRITES.get(word.value) ?? 1;
    } else draft.opaque(`${shown(`find ${word.value}`)} is not understood.`, span);
  }
  return { files };
}

/** The value of a test: how many words it takes up. Nothing that it becomes may reach the words behind it. */
function argument({ draft, span }: Leaf, word: Word | undefined): number {
  if (word?.value === null && word.splits && !(word.pattern !== null && isHarmlessUnknown(word))) {
    draft.opaque("`find` is given words of which nobody knows how many there are.", span);
  }
  return 1;
}

function isHarmlessUnknown(word: Word): boolean {
  const { pattern } = word;
  if (pattern !== null) return !ACTIONS.some((action) => matches(pattern, action));
  return isOperand(word);
}

/** What the files that are found lead to: names that are asked for count as well as the places. */
function listed(leaf: Leaf, roots: readonly Word[]): Files {
  // Everything that is found begins with a root, and a root that is a flag would be none.
  const places = { ...named(leaf, roots), anchored: true };
  if (places.secret !== null) return places;
  for (const [at, word] of leaf.args.entries()) {
    const path = word.value ?? word.pattern;
    const test = leaf.args[at - 1]?.value ?? "";
    if (path === null || path.startsWith("-") || /^-(?:user|group|perm|size|type|printf|[acm](?:time|min))$/.test(test))
      continue;
    const risk = readRisk(path, "", true);
    if (risk !== null && !/^[*?]+$/.test(path)) return { ...places, secret: `${shown(path)} is ${risk.because}.` };
  }
  return places;
}

/** `-exec COMMAND ;` or `+`: runs the command for a file below the roots. Returns where it ends. */
function starts(leaf: Leaf, at: number, files: Files): number {
  const { args, draft, span, script } = leaf;
  const command: Word[] = [];
  let end = at + 1;
  for (; end < args.length; end += 1) {
    const word = args[end];
    if (word === undefined || word.value === ";") break;
    if (word.value === "+" && args[end - 1]?.value?.endsWith("{}") === true) break;
    // A word that may vanish or multiply could move the end of the command.
    if (word.value === null && word.splits && word.pattern === null)
      draft.opaque("`find` starts a command whose end is not known.", span);
    command.push(placeholder(word, "{}", files, "./"));
  }
  if (end >= args.length) draft.opaque("`find` starts a command without an end.", span);
  if (command.length > 0) script.run(leaf, command, files);
  return end;
}

/** A word in which a name of a file is put. It begins like the place it was found in, which is no flag. */
function placeholder(word: Word, mark: string, files: Files | undefined, beginning: string): Word {
  const place = (word.value ?? word.prefix).indexOf(mark);
  if (place < 0 || mark === "") return word;
  const prefix = place === 0 ? beginning : word.prefix.slice(0, place);
  return { ...unknown(prefix, word.splits, word, word.value === mark ? files : undefined), leaks: word.leaks };
}

const XARGS = grammar(
  "-0rtxo -n: -P: -L: -l? -s: -d: -E: -e? -I: -i? -J: -R: -S: -a:read --null --no-run-if-empty --max-args: --max-procs: --max-lines? --max-chars: --delimiter: --eof? --replace? --verbose --exit --arg-file:read --show-limits --process-slot-var:",
);

function xargs(leaf: Leaf): Done {
  const { draft, span, args, script } = leaf;
  const { flags, operands, problem } = readArguments(XARGS, args, true);
  if (problem !== null) draft.opaque(`${shown(`xargs ${problem}`)} is not understood.`, span);
  const fromFile = flags.find(({ kind }) => kind === "read");
  if (fromFile?.value != null) readContent(leaf, fromFile.value);
  const files = fromFile === undefined ? leaf.stdin : undefined;
  const replaced = flags.find(({ name }) => /^(?:-I|-i|-J|--replace)$/.test(name));
  const mark = replaced === undefined ? null : (replaced.value?.value ?? "{}");
  const words = operands.length === 0 ? [known("echo")] : operands;
  // Between NULs a name stays whole; as one of many it counts as one.
  const anchored = files?.anchored === true && flags.some(({ name }) => name === "-0" || name === "--null");
  const command =
    mark === null
      ? [...words, unknown(anchored ? "./" : "", !anchored, { start: 0, end: 0 }, files)]
      : words.map((word) => placeholder(word, mark, files, ""));
  const made = script.run(leaf, command);
  return made === undefined ? DONE : { files: made };
}
