import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a folder that only its owner may read, and those above it. Not by `recursive: true`, which never ends where the
 * system answers ENOENT to it (Node 24 in /proc).
 */
export function ensureFolder(path: string): void {
  if (existsSync(path)) return;
  if (dirname(path) !== path) ensureFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`the folder ${path} cannot be made: ${why}; choose another with --data`, { cause });
  }
}
