import { constants, access, open, realpath, stat } from "node:fs/promises";
import { basename, delimiter, resolve } from "node:path";
import { ExecError } from "./errors.ts";
import type { FileHash } from "./file-hash.ts";
import { hashFile } from "./file-hash.ts";

/** Interpreters that may stand behind one another: the kernel's own limit is about this. */
const INTERPRETERS_MAX = 4;
/** Bytes of a `#!` line that the kernel reads: binfmt_script(7) since Linux 5.1. */
const SHEBANG_BYTES_MAX = 256;

/** What will be executed: the file that is, and whatever interprets it. */
export type Program = {
  readonly binary: FileHash;
  /** The programs that a `#!` line starts, outermost last; empty for a binary. */
  readonly interpreters: readonly FileHash[];
};

/** Finds a command as `execvp` would, follows every link, and takes the hashes of all that would run. */
export async function findProgram(command: string, cwd: string, pathVariable: string | undefined): Promise<Program> {
  const find: Find = async (name) => hashFile(await locate(name, cwd, pathVariable));
  const binary = await find(command);
  const interpreters: FileHash[] = [];
  for (let last = binary; ;) {
    const line = await shebangOf(last.path);
    if (line === null) return { binary, interpreters };
    if (interpreters.length >= INTERPRETERS_MAX) throw notRunnable(command, "its interpreters are nested too deeply");
    const found = await interpretersOf(last.path, line, cwd, find);
    interpreters.push(...found);
    last = found.at(-1) ?? last;
  }
}

type Find = (name: string) => Promise<FileHash>;

/** The absolute path behind a command's name: through PATH where it has no slash (POSIX XBD 8.3). */
async function locate(command: string, cwd: string, pathVariable: string | undefined): Promise<string> {
  const folders = command.includes("/") ? [""] : command === "" ? [] : (pathVariable ?? "").split(delimiter);
  for (const folder of folders) {
    // An empty or relative entry means the working directory, for the child as for us.
    const path = resolve(cwd, folder, command);
    if (await isExecutable(path)) return realpath(path);
  }
  throw notFound(command, "no such program here or in PATH, or it may not be executed");
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** A script's `#!` line without the mark; null for a binary. What is neither, `execvp` would give to a shell unseen. */
async function shebangOf(path: string): Promise<string | null> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SHEBANG_BYTES_MAX), 0, SHEBANG_BYTES_MAX, 0);
    const head = buffer.subarray(0, bytesRead);
    if (isBinary(head)) return null;
    const end = head.indexOf("\n");
    if (head.toString("latin1", 0, 2) !== "#!" || (end < 0 && bytesRead === SHEBANG_BYTES_MAX)) {
      const why =
        "it is neither a binary nor begins with a short `#!` line; run it through its interpreter, as in `sh FILE`";
      throw notRunnable(path, why);
    }
    return head.toString("utf8", 2, end < 0 ? bytesRead : end).replace(/^[ \t]+|[ \t]+$/g, "");
  } finally {
    await file.close();
  }
}

const MAGIC: readonly string[] = ["7f454c46", "feedface", "feedfacf", "cefaedfe", "cffaedfe", "cafebabe"]; // ELF, Mach-O

function isBinary(head: Buffer): boolean {
  return MAGIC.includes(head.toString("hex", 0, 4));
}

/** The interpreter, and through `env` also the program that `env` starts. What is not understood is not run. */
async function interpretersOf(script: string, line: string, cwd: string, find: Find): Promise<readonly FileHash[]> {
  const [name = "", ...words] = line.split(/[ \t]+/);
  if (name === "") throw notRunnable(script, "its `#!` line names no interpreter");
  const interpreter = await find(resolve(cwd, name)); // the kernel does not look into PATH
  if (basename(interpreter.path) !== "env" && basename(name) !== "env") return [interpreter];
  const [started = ""] = words[0] === "-S" ? words.slice(1) : words;
  // Options could change what `env` starts, assignments the environment that is shown.
  if (!/^[\w./+][\w./+-]*$/.test(started)) {
    throw notRunnable(
      script,
      "its `#!` line is not understood; write `#!/usr/bin/env NAME` or `#!/usr/bin/env -S NAME …`",
    );
  }
  return [interpreter, await find(started)];
}

function notFound(command: string, why: string): ExecError {
  return new ExecError({ code: "command_not_found", message: `\`${command}\`: ${why}` });
}

function notRunnable(command: string, why: string): ExecError {
  return new ExecError({ code: "program_not_runnable", message: `\`${command}\`: ${why}` });
}
