import { readArguments } from "./arguments.ts";
import { commandNamed, SECTIONS } from "./commands.ts";
import { EXIT, usage } from "./failure.ts";
import { painter } from "./terminal.ts";
import type { Paint, Terminal } from "./terminal.ts";

export const help = `keyturn help [COMMAND]: explain a command

Without a command, lists all of them.

Examples
  keyturn help review
  keyturn review --help
`;

/** Prints the manual page of one command, or the list of all. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const [name] = readArguments(args, {}, ["COMMAND?"]).positionals;
  if (name === undefined) {
    terminal.out(overview(painter(terminal, "out")));
    return EXIT.ok;
  }
  const command = commandNamed(name);
  if (command === null) throw usage(`There is no command \`${name}\`.`);
  terminal.out((await command.load()).help);
  return EXIT.ok;
}

/** All commands with one line each. */
export function overview(paint: Paint): string {
  const width = Math.max(...SECTIONS.flatMap((section) => section.commands.map((command) => command.name.length)));
  const sections = SECTIONS.map(({ title, commands }) => {
    const lines = commands.map(({ name, summary }) => `  ${paint("cyan", name.padEnd(width))}  ${summary}`);
    return [paint("bold", title), ...lines, ""].join("\n");
  });
  return `Keyturn holds a privileged action until the right people have turned their keys.

${paint("bold", "Usage")}
  keyturn COMMAND [OPTIONS]
  keyturn help COMMAND

${sections.join("\n")}
${paint("bold", "Everywhere")}
  --json          results, and errors, as JSON
  --url URL       the server; else KEYTURN_URL, keyturn.yaml, the last sign-in, http://127.0.0.1:7117
  NO_COLOR=1      no colour, even on a terminal

Exit codes: 0 done, 1 failed or refused, 2 wrong usage; \`keyturn help exec\` has its own.
`;
}
