/** Runs what is measured: `keyturn serve` on its own data folder on a real disk, and whatever else prints a ready line. */
import { spawn, type ChildProcess } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { moduleOf } from "./build.ts";

/** A folder that is gone afterwards. */
export type Scratch = Disposable & { readonly path: string };

/** tmpfs in statfs(2): a "disk" on which fsync does nothing. */
const TMPFS = 0x01021994;

/** A new folder beside the clone's own files: /tmp is memory on many machines. */
export function scratch(): Scratch {
  const base = fileURLToPath(new URL("../node_modules/.cache/", import.meta.url));
  mkdirSync(base, { recursive: true });
  if (statfsSync(base).type === TMPFS)
    throw new Error("this clone lies on a tmpfs, where fsync costs nothing; move it");
  const path = mkdtempSync(join(base, "keyturn-bench-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Writes the installation that is measured. */
export function furnish(folder: string): void {
  cpSync(fileURLToPath(new URL("./house/", import.meta.url)), folder, { recursive: true });
}

/** A process that has said that it is ready. */
export type Child = AsyncDisposable & {
  readonly port: number;
  readonly pid: number;
  /** From spawn to the ready line. */
  readonly readyMs: number;
  /** From spawn to the first 200 of /readyz; NaN for what has none. */
  readonly readyzMs: number;
};

/** Starts the server of a built package over a furnished folder. */
export function serve(dist: string, folder: string, nodeArguments: readonly string[] = []): Promise<Child> {
  const command = ["serve", "--config", join(folder, "keyturn.yaml"), "--json"];
  return run([...nodeArguments, moduleOf(dist, "cli/main"), ...command], "/readyz");
}

/** Starts the bare Fastify. */
export function echo(): Promise<Child> {
  return run([fileURLToPath(new URL("./echo.ts", import.meta.url))], null);
}

/** Starts one half of the bare chain. */
export function chain(role: "writer" | "listener", url: string): Promise<Child> {
  return run([fileURLToPath(new URL("./chain.ts", import.meta.url)), role, url], null);
}

/** Starts a module that prints a ready line with its `url`. */
export async function run(args: readonly string[], readyPath: string | null): Promise<Child> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const url = await readyLine(child);
  const readyMs = performance.now() - startedAt;
  if (readyPath !== null && (await fetch(url + readyPath)).status !== 200) throw new Error("ready, but not /readyz");
  const readyzMs = readyPath === null ? Number.NaN : performance.now() - startedAt;
  return {
    port: Number(new URL(url).port),
    pid: child.pid ?? 0,
    readyMs,
    readyzMs,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      if (child.exitCode === null) await new Promise((resolve) => child.once("exit", resolve));
    },
  };
}

function readyLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`it ended with ${code} before it was ready`)));
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).once("line", (line) => {
      const { url } = JSON.parse(line) as { readonly url: string };
      resolve(url);
    });
  });
}

/** Resident memory of a process in MB, as the kernel counts it (shared pages of the Node binary included). */
export function residentMb(pid: number): number {
  return (Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024) / 1e6;
}

/** Processor time of a process so far, all its threads, in milliseconds. */
export function cpuMs(pid: number): number {
  // proc(5): after the name in parentheses come state and 10 others, then utime and stime in ticks of 10 ms.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
