// Starts the exec gate and gathers what it says.
import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ExecOptions } from "../../src/gates/exec/index.ts";
import type { JsonObject } from "../../src/core/action/index.ts";
import type { Double } from "./double.ts";

const MAIN = fileURLToPath(new URL("exec-main.ts", import.meta.url));

export type Running = {
  readonly process: ChildProcessWithoutNullStreams;
  readonly done: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
  stdout(): string;
  stderr(): string;
};

export type Given = Partial<Omit<ExecOptions, "client" | "stderr">> & { readonly argv: readonly string[] };

/** Starts `keyturn exec` with this environment; standard input is `input`, or stays open while it is null. */
export function start(
  double: Double,
  options: Given,
  env: Record<string, string> = {},
  input: string | null = "",
): Running {
  const cwd = options.cwd ?? tmpdir();
  const child = spawn(process.execPath, [MAIN, JSON.stringify({ url: double.url, ...options, cwd })], {
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: "/nowhere", ...env },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  if (input !== null) child.stdin.end(input);
  const done = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
  return { process: child, done, stdout: () => stdout, stderr: () => stderr };
}

export function run(double: Double, options: Given, env?: Record<string, string>, input?: string): Running["done"] {
  return start(double, options, env, input).done;
}

/** The parameters that the server was shown. */
export function shown(double: Double): JsonObject {
  return (double.asked["action"] as { properties: JsonObject }).properties;
}

/** A folder of one test. */
export async function folder(): Promise<{ readonly path: string; [Symbol.asyncDispose](): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "keyturn-exec-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
