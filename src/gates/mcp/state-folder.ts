import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { McpError } from "./errors.ts";

const KEY_BYTES = 32;
/** Bytes of a file of ours; more was not written by us. */
const FILE_BYTES_MAX: number = 16 * 1024 * 1024;

/** The gateway's own files: a key, and the definitions of tools that were accepted. Only its user may read them. */
export type StateFolder = {
  readonly path: string;
  /** Signs what clients carry between two legs of a call, and stands behind commitments of secrets. Survives restarts. */
  readonly key: Buffer;
};

/** Opens the folder, and makes what is not there yet. */
export function openStateFolder(path: string): StateFolder {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chmodSync(path, 0o700);
    return { path, key: keyOf(join(path, "gateway.key")) };
  } catch (cause) {
    if (cause instanceof McpError) throw cause;
    throw broken(path, cause);
  }
}

/** A file of the folder, or null when it is not there. */
export function readStateFile(folder: StateFolder, name: string): string | null {
  const path = join(folder.path, name);
  try {
    if (statSync(path).size > FILE_BYTES_MAX) throw new Error("it is too large");
    return readFileSync(path, "utf8");
  } catch (cause) {
    if (isMissing(cause)) return null;
    throw broken(path, cause);
  }
}

/** Replaces a file as a whole: a reader sees the old one or the new one. */
export function writeStateFile(folder: StateFolder, name: string, text: string): void {
  const path = join(folder.path, name);
  const beside = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  try {
    writeFileSync(beside, text, { mode: 0o600, flush: true });
    renameSync(beside, path);
  } catch (cause) {
    throw broken(path, cause);
  }
}

/** The text of a secret in the folder, made by `make` where there is none yet. */
export function secretFile(folder: StateFolder, name: string, make: () => string): string {
  const path = join(folder.path, name);
  try {
    // Two gateways that start at once: one of them makes it, both read it.
    writeFileSync(path, make(), { mode: 0o600, flag: "wx", flush: true });
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "EEXIST")) throw broken(path, cause);
  }
  return readStateFile(folder, name) ?? "";
}

function keyOf(path: string): Buffer {
  const folder = { path: path.slice(0, path.lastIndexOf("/")), key: Buffer.alloc(0) };
  const text = secretFile(folder, "gateway.key", () => `${randomBytes(KEY_BYTES).toString("hex")}\n`);
  const key = Buffer.from(text.trim(), "hex");
  if (key.length !== KEY_BYTES)
    throw broken(path, new Error("it is no key; remove it, and calls that wait start anew"));
  return key;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

function broken(path: string, cause: unknown): McpError {
  const why = cause instanceof Error ? cause.message : "it cannot be used";
  return new McpError({ code: "state_folder", message: `${path}: ${why}`, cause });
}
