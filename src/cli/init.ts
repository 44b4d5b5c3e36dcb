import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { readArguments } from "./arguments.ts";
import { EXIT, Failure } from "./failure.ts";
import { SCAFFOLD } from "./scaffold.ts";
import type { Terminal } from "./terminal.ts";

export const help = `keyturn init [DIR]: write a commented keyturn.yaml, directory, catalogue and policies

The result works as it is: \`keyturn policy check\` passes and \`keyturn serve\` runs it. Nothing is ever overwritten.

Examples
  keyturn init
  keyturn init /etc/keyturn && cd /etc/keyturn && keyturn serve

Options
  --json   {"files": […]}
`;

/** Writes the scaffold into an empty place. */
export function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, { json: { type: "boolean" } }, ["DIR?"]);
  const folder = resolve(terminal.cwd, positionals[0] ?? ".");
  const existing = SCAFFOLD.map(([path]) => path).filter(
    (path) => path !== ".gitignore" && existsSync(join(folder, path)),
  );
  if (existing.length > 0) {
    const message = `${existing.join(", ")} ${existing.length === 1 ? "is" : "are"} in ${folder} already. Nothing was written; choose an empty folder.`;
    throw new Failure({ code: "file_exists", message });
  }
  const written = SCAFFOLD.filter(([path]) => !existsSync(join(folder, path)));
  for (const [path, text] of written) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text, { flag: "wx" });
  }
  if (values.json === true) terminal.out(`${JSON.stringify({ files: written.map(([path]) => join(folder, path)) })}\n`);
  else
    terminal.out(
      nextSteps(
        folder,
        written.map(([path]) => path),
        terminal,
      ),
    );
  return Promise.resolve(EXIT.ok);
}

function nextSteps(folder: string, paths: readonly string[], terminal: Terminal): string {
  const away = relative(terminal.cwd, folder);
  const steps = [
    ...(away === "" ? [] : [`  cd ${away.startsWith("..") ? folder : away}`]),
    "  $EDITOR directory.yaml            # your people, groups and agents",
    "  keyturn policy check",
    "  keyturn serve",
    "  keyturn people sign-in ann        # in a second terminal: a link for the browser",
    "  keyturn token create --agent my-agent --gate my-gate",
  ];
  return `Wrote ${paths.join(", ")}.\n\nNext:\n${steps.join("\n")}\n`;
}
