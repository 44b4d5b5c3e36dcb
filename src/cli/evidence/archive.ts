import { createHash } from "node:crypto";
import { closeSync, fsyncSync, openSync, readdirSync, readSync, renameSync, statSync, writeSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { manifestOf, tarEnd, tarHeader, tarPadding } from "../../evidence/index.ts";
import type { Listed } from "../../evidence/index.ts";
import { write } from "./collect.ts";

const CHUNK_BYTES: number = 1024 * 1024;

/** Writes MANIFEST.sha256 over all other files of a folder, and answers its lines. */
export function writeManifest(dir: string): readonly Listed[] {
  const listed = filesIn(dir).map((path) => {
    const hash = createHash("sha256");
    for (const chunk of chunksOf(join(dir, path))) hash.update(chunk);
    return { path, sha256: hash.digest("hex") };
  });
  write(join(dir, "MANIFEST.sha256"), manifestOf(listed));
  return listed;
}

/** Writes a folder as one tar archive under a name within it, all files with the same time; whole, or not at all. */
export function writeArchive(dir: string, name: string, out: string, modifiedAt: number): number {
  const fresh = `${out}.new`;
  const handle = openSync(fresh, "w", 0o600);
  try {
    for (const path of filesIn(dir)) {
      const { size } = statSync(join(dir, path));
      put(handle, tarHeader({ path: `${name}/${path}`, size, modifiedAt }));
      for (const chunk of chunksOf(join(dir, path))) put(handle, chunk);
      put(handle, tarPadding(size));
    }
    put(handle, tarEnd());
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(fresh, out);
  return statSync(out).size;
}

/** All of the bytes: a single write may take fewer. */
function put(handle: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(handle, bytes, at);
}

/** All files below a folder, by their path with slashes, in one order everywhere. */
function filesIn(dir: string): readonly string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .toSorted((a, b) => (a < b ? -1 : 1));
}

function* chunksOf(path: string): Generator<Uint8Array, void, undefined> {
  const handle = openSync(path, "r");
  const chunk = new Uint8Array(CHUNK_BYTES);
  try {
    for (let read = readSync(handle, chunk); read > 0; read = readSync(handle, chunk)) yield chunk.subarray(0, read);
  } finally {
    closeSync(handle);
  }
}
