import { shown } from "./draft.ts";
import { grammar, readArguments } from "./grammar.ts";
import { DONE } from "./leaf.ts";
import type { Done, Handler, Leaf } from "./leaf.ts";
import { contact, hostIn, isLoopback, writeFile } from "./touch.ts";

/** Programs that run programs. */
export const INTERPRETERS: readonly (readonly [string, Handler])[] = [
  ...["sh", "bash", "dash", "ash", "ksh", "mksh", "rbash"].map((head) => [head, shell] as const),
  ...["zsh", "fish", "csh", "tcsh", "pwsh", "powershell", "nu", "elvish", "xonsh", "rksh", "yash"].map(
    (head) => [head, foreign] as const,
  ),
  ...["python", "python2", "python3"].map((head) => [head, python] as const),
  ["psql", psql],
];

const SHELL = grammar("-lexuivnc -o: -O: +o: --login --norc --noprofile --posix --verbose");

/** A shell with a literal `-c` is what that says; with anything else nobody knows what it runs. */
function shell(leaf: Leaf): Done | null {
  const { args, draft, span, script } = leaf;
  if (leaf.args.length === 1 && /^--version$/.test(args[0]?.value ?? "")) return null;
  const { flags, operands, problem } = readArguments(SHELL, args, true);
  const [text] = operands;
  const literal = flags.some(({ name }) => name === "-c") && text?.value != null;
  if (literal) script.shell(leaf, text.value ?? "");
  if (literal && problem === null) return DONE;
  unclear(
    leaf,
    problem === null ? "runs a script that is not on the command line" : "is started in a way that is not known",
  );
  if (operands.some(({ value }) => value !== null)) draft.effect("execute", `${shown(leaf.head)} runs a script.`, span);
  return DONE;
}

/** Another language: what bash would make of it counts, and it stays opaque. */
function foreign(leaf: Leaf): Done {
  const place = leaf.args.findIndex(({ value }) => value !== null && /^-[a-z]*c$/.test(value));
  const text = place < 0 ? null : leaf.args[place + 1]?.value;
  if (text != null) leaf.script.shell(leaf, text);
  unclear(leaf, "reads its script in a way of its own");
  return DONE;
}

function unclear({ draft, span, head }: Leaf, what: string): void {
  const because = `${shown(head)} ${what}.`;
  draft.effect("execute", because, span);
  draft.trait("program_execution", because, span);
  draft.trait("dynamic_code", because, span);
  draft.opaque(because, span);
}

/** A print of a plain text or of a sum of numbers, and nothing else. */
const PRINTS = /^\s*print\(\s*(?:(?:"[^"\\{}\n]*"|'[^'\\{}\n]*'|[\d+.-][\d+. -]{0,39})\s*)?\)\s*(?:;\s*)?$/;

function python(leaf: Leaf): Done | null {
  const [flag, text, more] = leaf.args;
  if (flag?.value !== "-c" || text?.value == null || more !== undefined || !PRINTS.test(text.value)) return null;
  leaf.draft.effect("read", `${shown(leaf.head)} prints a text.`, leaf.span);
  return DONE;
}

const PSQL = grammar(
  "-tAxqXwWn1lbeE -h:host -p: -U: -d: -c: -F: -R: -P: -v: -o:write -L:write --host:host --port: --username: --dbname: --command: --tuples-only --no-align --expanded --quiet --no-psqlrc --no-password --password --csv --html --field-separator: --pset: --set: --variable: --output:write --log-file:write --single-transaction --list --echo-errors --echo-queries",
);

/** `psql -c SQL`: the statements are for the classifier of SQL. */
function psql(leaf: Leaf): Done | null {
  const { args, draft, span } = leaf;
  const { flags, operands, problem } = readArguments(PSQL, args);
  const commands = flags.filter(({ name }) => name === "-c" || name === "--command");
  const lists = flags.some(({ name }) => name === "-l" || name === "--list");
  if (problem === null && commands.length === 0 && !lists) {
    if (/^(?:--version|--help)$/.test(args[0]?.value ?? "")) return null;
    draft.opaque("`psql` runs statements that are not on the command line.", span);
  }
  if (problem !== null) draft.opaque(`${shown(`psql ${problem}`)} is not understood.`, span);
  draft.effect("read", "`psql` asks a database.", span);
  for (const { value } of commands) {
    const text = value?.value ?? null;
    // A backslash begins a command of psql itself.
    if (text === null || /^\s*\\/.test(text)) draft.opaque("`psql` is given a command that is no statement.", span);
    else draft.embed({ kind: "sql", text, because: `${shown(text)} is for the classifier of SQL.`, span });
  }
  for (const { kind, value } of flags) {
    if (kind === "write" && value !== null) writeFile(leaf, value);
    if (kind === "host") reach(leaf, value?.value ?? null);
  }
  // A name of a database may be a whole connection string.
  const databases = flags.filter(({ name }) => name === "-d" || name === "--dbname").map(({ value }) => value);
  for (const word of [...databases, ...operands]) {
    if (word?.value == null) draft.opaque("`psql` talks to a database that is not known.", span);
    else if (/:\/\//.test(word.value)) reach(leaf, hostIn(word.value));
    else if (/=/.test(word.value)) reach(leaf, /\bhost(?:addr)?\s*=\s*(\S+)/.exec(word.value)?.[1] ?? null);
  }
  return DONE;
}

function reach(leaf: Leaf, host: string | null): void {
  if (host !== null && (host.startsWith("/") || isLoopback(host))) leaf.draft.name("hosts", host);
  else
    contact(leaf, host, `${shown(leaf.head)} talks to ${host === null ? "a server that is not known" : shown(host)}.`);
}
