import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";

/** Who has the store open. SQLite's own lock decides; this file only gives it a name. */
export type Holder = { readonly pid: number; readonly host: string; readonly startedAt: string };

/** `<path>.lock`, beside the store. */
export function lockPath(path: string): string {
  return `${path}.lock`;
}

/** Names this process as the holder. Only who has SQLite's lock may call it; a file left by a crash is replaced. */
export function writeHolder(path: string): void {
  const holder: Holder = { pid: process.pid, host: hostname(), startedAt: new Date().toISOString() };
  const draft = `${lockPath(path)}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(holder)}\n`, { mode: 0o644 });
  renameSync(draft, lockPath(path)); // so that nobody reads half a name
}

/** Takes the name away again, while SQLite's lock is still held. */
export function removeHolder(path: string): void {
  rmSync(lockPath(path), { force: true });
}

/** The holder as the file names it; null where there is none, it cannot be read, or it names a process that is gone. */
export function readHolder(path: string): Holder | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(lockPath(path), "utf8"));
  } catch {
    return null;
  }
  if (typeof parsed !== "object" || parsed === null) return null;
  if (!("pid" in parsed && "host" in parsed && "startedAt" in parsed)) return null;
  const { pid, host, startedAt } = parsed;
  if (typeof pid !== "number" || !Number.isSafeInteger(pid) || pid < 1) return null;
  if (typeof host !== "string" || typeof startedAt !== "string") return null;
  if (host === hostname() && !isAlive(pid)) return null;
  return { pid, host, startedAt };
}

/** The sentence for whoever came second. */
export function lockedMessage(path: string, holder: Holder | null): string {
  const by = holder === null ? "another process" : `process ${holder.pid} on ${holder.host} since ${holder.startedAt}`;
  return `store ${path} is held by ${by}; stop it, or choose another --data`;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0); // signal 0 only asks
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
