import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import type { Folder } from "../../verify/index.ts";
import { describe, Failure } from "../failure.ts";

const BUFFER_BYTES = 1024 * 1024;

/**
 * The files of a published folder, for a reader that keeps no entry: bundles are always read into the same memory, and
 * payloads into another one. Fresh memory for each file would cost more than reading it.
 */
export function filesOf(dir: string): Folder {
  const memory = new Map<string, Buffer>();
  return (path) => {
    const kind = path.slice(0, path.indexOf("/"));
    try {
      const room = memory.get(kind) ?? Buffer.allocUnsafe(BUFFER_BYTES);
      const read = readInto(room, join(dir, path));
      memory.set(kind, read.room);
      return Promise.resolve(read.room.subarray(0, read.length));
    } catch (cause) {
      if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return Promise.resolve(null);
      const message = `${path} cannot be read: ${describe(cause).message}.`;
      return Promise.reject(new Failure({ code: "file_unreadable", message, cause }));
    }
  };
}

function readInto(given: Buffer, path: string): { readonly room: Buffer; readonly length: number } {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const room = size <= given.length ? given : Buffer.allocUnsafe(2 * size);
    let length = 0;
    for (let read = -1; read !== 0 && length < size; length += read) {
      read = readSync(file, room, length, size - length, length);
    }
    return { room, length };
  } finally {
    closeSync(file);
  }
}
