import { existsSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type { CheckedRules } from "../server/check.ts";
import { readArguments } from "./arguments.ts";
import { EXIT, Failure, usage } from "./failure.ts";
import { visible } from "../core/card/index.ts";
import { configPath, CONFIG_NAME } from "./settings.ts";
import { table } from "./table.ts";
import type { Cell } from "./table.ts";
import { painter } from "./terminal.ts";
import type { Paint, Terminal } from "./terminal.ts";

export const help = `keyturn policy check [DIR]: check policies, catalogue and directory before they are served

Loads what the server would load and prints every problem with file, line, column and what to write instead. DIR is the
folder of keyturn.yaml, by default this one; without a keyturn.yaml it is a folder with directory.yaml, catalogue.yaml
and policies/. Nothing is sent anywhere.

Examples
  keyturn policy check
  keyturn policy check /etc/keyturn --json

Options
  --config FILE   another keyturn.yaml
  --json          {"problems": [{"file", "line", "column", "message", "hint"}], "warnings", "policies"}

Exit codes: 0 the server would load it, 1 it would not, 2 wrong usage.
`;

type Problem = CheckedRules["problems"][number];
type Files = { readonly directory: string; readonly catalogue: string; readonly policies: string };

/** Prints what is wrong, or what was found. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = { json: { type: "boolean" }, config: { type: "string" } } as const;
  const { values, positionals } = readArguments(args, options, ["check", "DIR?"]);
  const [verb, folder] = positionals;
  if (verb !== "check") throw usage(`\`policy ${verb ?? ""}\` does not exist; write \`policy check\`.`);
  const { checkRules, formatProblem } = await import("../server/check.ts");
  const show = (problem: Problem, word: "error" | "warning"): void =>
    terminal.out(
      paragraph(formatProblem({ ...problem, file: nearName(problem.file, terminal) }), word, painter(terminal, "out")),
    );
  const checked = checkRules(await filesToCheck(folder, values.config, terminal));
  if (values.json === true) {
    const { problems, warnings, policies } = checked;
    terminal.out(`${JSON.stringify({ problems, warnings, policies })}\n`);
    return problems.length === 0 ? EXIT.ok : EXIT.failed;
  }
  for (const problem of checked.problems) show(problem, "error");
  for (const warning of checked.warnings) show(warning, "warning");
  if (!checked.policiesChecked)
    terminal.out("The policies were not looked at: they build on the directory and the catalogue.\n");
  if (checked.problems.length > 0) {
    terminal.out(
      `${checked.problems.length === 1 ? "1 problem" : `${checked.problems.length} problems`}: the server would not load this.\n`,
    );
    return EXIT.failed;
  }
  const rows = checked.policies.map(({ id, kind, because }): Cell[] => [visible(id), kind, visible(because)]);
  terminal.out(table(["policy", "kind", "because"], rows, painter(terminal, "out")));
  terminal.out(`${checked.policies.length} policies: the server would load this.\n`);
  return EXIT.ok;
}

async function filesToCheck(
  folder: string | undefined,
  config: string | undefined,
  terminal: Terminal,
): Promise<Files> {
  const named = folder === undefined ? null : resolve(terminal.cwd, folder);
  if (named !== null && !existsSync(named))
    throw new Failure({ code: "config_invalid", message: `${named} is not there.` });
  const inFolder = named === null ? null : statSync(named).isDirectory() ? join(named, CONFIG_NAME) : named;
  const path = config === undefined && inFolder !== null ? inFolder : configPath({ config }, terminal);
  if (path !== null && existsSync(path)) {
    const { loadConfig } = await import("../server/config.ts");
    return loadConfig(path);
  }
  const base = path === null ? terminal.cwd : dirname(path);
  const files = {
    directory: join(base, "directory.yaml"),
    catalogue: join(base, "catalogue.yaml"),
    policies: join(base, "policies"),
  };
  if (existsSync(files.policies)) return files;
  throw new Failure({
    code: "config_invalid",
    message: `There is neither ${CONFIG_NAME} nor policies/ in ${base}; \`keyturn init\` writes both.`,
  });
}

/** A file as it is reached from here. */
function nearName(file: string, terminal: Terminal): string {
  const near = relative(terminal.cwd, file);
  return near === "" || near.startsWith("..") ? file : near;
}

function paragraph(text: string, word: "error" | "warning", paint: Paint): string {
  return `${paint(word === "error" ? "red" : "yellow", `${word}:`)} ${text.split("\n").map(visible).join("\n")}\n`;
}
