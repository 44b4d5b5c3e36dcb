import { commandNamed, SECTIONS } from "./commands.ts";
import type { Command, CommandFile } from "./commands.ts";
import { describe, EXIT } from "./failure.ts";
import { visible } from "../core/card/index.ts";
import { checkNode } from "./node.ts";
import { painter } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";

/** Runs one command line and answers its exit code. Never throws: what a command throws is printed as one sentence. */
export async function dispatch(argv: readonly string[], terminal: Terminal): Promise<number> {
  const [first = "help", ...rest] = argv;
  const name = ALIASES[first] ?? first;
  if (first.startsWith("-") && name === first) return unknown(first, terminal);
  const command = commandNamed(name);
  if (command === null) return unknown(first, terminal);
  let codes: CommandFile["exitCodes"];
  try {
    if (!asksForHelp(rest)) checkNode(command, process.versions.node);
    const file = await command.load();
    codes = file.exitCodes;
    if (!asksForHelp(rest)) return await file.run(rest, terminal);
    terminal.out(file.help);
    return EXIT.ok;
  } catch (error) {
    const wrongUsage = report(error, command, rest, terminal);
    return wrongUsage ? (codes?.usage ?? EXIT.usage) : (codes?.failed ?? EXIT.failed);
  }
}

const ALIASES: Readonly<Record<string, string>> = {
  "--help": "help",
  "-h": "help",
  "--version": "version",
  "-v": "version",
};

function asksForHelp(args: readonly string[]): boolean {
  return ownArguments(args).some((argument) => argument === "--help" || argument === "-h");
}

/** What stands before `--`: the rest belongs to the command that `exec` runs. */
function ownArguments(args: readonly string[]): readonly string[] {
  return args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
}

/** Prints what was thrown; answers whether the command line was at fault. */
function report(error: unknown, command: Command, args: readonly string[], terminal: Terminal): boolean {
  const { code, message } = describe(error);
  const json = ownArguments(args).includes("--json");
  if (json) terminal.err(`${JSON.stringify({ error: { code, message } })}\n`);
  else terminal.err(`${painter(terminal, "err")("red", "keyturn:")} ${lines(message)}\n`);
  if (code === "unexpected" && error instanceof Error && (terminal.env["KEYTURN_DEBUG"] ?? "") !== "") {
    terminal.err(`${error.stack ?? ""}\n`);
  }
  if (code === "usage" && !json) terminal.err(`See \`keyturn help ${command.name}\`.\n`);
  return code === "usage";
}

/** Each line made visible on its own: a message may be a list of problems. */
function lines(message: string): string {
  return message.split("\n").map(visible).join("\n");
}

function unknown(name: string, terminal: Terminal): number {
  const known = SECTIONS.flatMap((section) => section.commands).map((command) => command.name);
  // What one would call it first.
  const near = name === "approve" || name === "deny" ? `review ID ${name}` : nearest(name, known);
  const hint = near === null ? "`keyturn help` lists what there is." : `Did you mean \`${near}\`?`;
  terminal.err(`${painter(terminal, "err")("red", "keyturn:")} There is no command \`${visible(name)}\`. ${hint}\n`);
  return EXIT.usage;
}

/** The known word that a mistyped one most likely meant: at most two letters away, or its beginning. */
export function nearest(word: string, known: readonly string[]): string | null {
  const scored = known.map((candidate) => ({ candidate, distance: distance(word, candidate) }));
  const [best] = scored.toSorted((a, b) => a.distance - b.distance);
  if (best !== undefined && best.distance <= Math.min(2, word.length - 1)) return best.candidate;
  return known.find((candidate) => word.length >= 2 && candidate.startsWith(word)) ?? null;
}

/** Levenshtein's distance, one row at a time. */
function distance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, at) => at);
  for (const [at, char] of [...left].entries()) {
    const next = [at + 1];
    for (const [place, other] of [...right].entries()) {
      const swap = (row[place] ?? 0) + (char === other ? 0 : 1);
      next.push(Math.min(swap, (row[place + 1] ?? 0) + 1, (next[place] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
