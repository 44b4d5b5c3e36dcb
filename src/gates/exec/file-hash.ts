import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { ExecError } from "./errors.ts";

/** Where a file really is, and the SHA-256 of its content in lower-case hex. */
export type FileHash = { readonly path: string; readonly sha256: string };

/** Hashes one regular file, whatever links lead to it. */
export async function hashFile(path: string, cwd: string = "/"): Promise<FileHash> {
  const given = resolve(cwd, path);
  try {
    const real = await realpath(given);
    // A pipe or a device has no content that could be the same when it is read again.
    if (!(await stat(real)).isFile()) throw new Error("it is not a regular file");
    const hash = createHash("sha256");
    await pipeline(createReadStream(real), hash);
    return { path: real, sha256: hash.digest("hex") };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : "it cannot be read";
    throw new ExecError({ code: "file_unreadable", message: `\`${given}\` cannot be bound: ${why}`, cause });
  }
}
