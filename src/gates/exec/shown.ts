import { userInfo } from "node:os";
import { realpath, stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { JsonObject } from "../../core/action/index.ts";
import { ExecError } from "./errors.ts";
import type { FileHash } from "./file-hash.ts";
import { hashFile } from "./file-hash.ts";
import type { Input } from "./input.ts";
import { shownInput } from "./input.ts";
import type { Program } from "./program.ts";
import { findProgram } from "./program.ts";

/** Variables that a command gets without being asked for by name, where they are set. */
export const USUAL_VARIABLES: readonly string[] = ["PATH", "HOME", "USER", "LANG", "TZ", "TERM"];

/** What is asked for: fixed before anything is looked at. */
export type Wanted = {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly bindFiles: readonly string[];
  readonly input: Input;
};

/** All that decides what the command does, as far as this gate can bind it. */
export type Shown = { readonly program: Program; readonly cwd: string; readonly files: readonly FileHash[] };

/** The child's whole environment: the usual variables and the named ones, and nothing else. */
export function environmentOf(
  env: Readonly<Record<string, string | undefined>>,
  named: readonly string[],
): Readonly<Record<string, string>> {
  const chosen: Record<string, string> = {};
  for (const name of USUAL_VARIABLES) {
    const value = env[name];
    if (value !== undefined) chosen[name] = value;
  }
  for (const name of named) {
    const value = env[name];
    if (value === undefined) {
      const message = `variable \`${name}\` is not set; set it, or leave it out`;
      throw new ExecError({ code: "environment_missing", message });
    }
    chosen[name] = value;
  }
  return chosen;
}

/** Looks at the world as it is now. Looking twice and comparing tells whether it has changed. */
export async function look(wanted: Wanted): Promise<Shown> {
  const cwd = await realpath(wanted.cwd);
  const [command] = wanted.argv;
  if (command === undefined) throw new ExecError({ code: "command_not_found", message: "no command was given" });
  const program = await findProgram(command, cwd, wanted.env["PATH"]);
  const files: FileHash[] = [];
  for (const path of wanted.bindFiles) files.push(await hashFile(path, cwd));
  return { program, cwd, files };
}

/** The parameters of `process.exec`, every one of them. */
export function propertiesOf(wanted: Wanted, shown: Shown): JsonObject {
  const { binary, interpreters } = shown.program;
  return {
    binary,
    ...(interpreters.length === 0 ? {} : { interpreters }),
    argv: wanted.argv,
    cwd: shown.cwd,
    env: wanted.env,
    files: shown.files,
    stdin: shownInput(wanted.input),
    user: userName(),
  };
}

/** A file that the command line names but nobody binds may change while people look; null when there is none. */
export async function unboundHint(wanted: Wanted, shown: Shown): Promise<string | null> {
  const bound = new Set(filesOf(shown).map(({ path }) => path));
  for (const word of wanted.argv.slice(1)) {
    const path = await regularFileAt(resolve(shown.cwd, word));
    if (path === null || bound.has(path)) continue;
    return `\`${word}\` is not bound and may change while this is held; \`--bind ${word}\` binds its content`;
  }
  return null;
}

async function regularFileAt(path: string): Promise<string | null> {
  try {
    const real = await realpath(path);
    return (await stat(real)).isFile() ? real : null;
  } catch {
    return null;
  }
}

/** Throws `shown.file-changed`, naming the file, unless everything is as it was shown. */
export async function lookAgain(wanted: Wanted, shown: Shown): Promise<void> {
  const now = await look(wanted).catch((cause: unknown) => {
    throw changed(cause instanceof Error ? cause.message : "what was shown cannot be read any more", cause);
  });
  if (now.cwd !== shown.cwd) throw changed(`the working directory is \`${now.cwd}\` instead of \`${shown.cwd}\``);
  const before = filesOf(shown);
  const after = filesOf(now);
  for (const [index, file] of before.entries()) {
    const found = after[index];
    if (found?.path === file.path && found.sha256 === file.sha256) continue;
    throw changed(`\`${file.path}\` is not what it was when it was shown`);
  }
  if (after.length !== before.length) throw changed(`\`${shown.program.binary.path}\` has another interpreter`);
}

function filesOf({ program, files }: Shown): readonly FileHash[] {
  return [program.binary, ...program.interpreters, ...files];
}

function changed(what: string, cause?: unknown): ExecError {
  return new ExecError({
    code: "shown.file-changed",
    message: `${what}: nothing was executed; run the command again so that people see what it is now`,
    cause,
  });
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`; // a container without an entry for its user
  }
}
