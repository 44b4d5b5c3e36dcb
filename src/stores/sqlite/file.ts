import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StoreError } from "../../ports/store.ts";
import { integer, text } from "./columns.ts";
import { lockedMessage, readHolder, removeHolder, writeHolder } from "./lock.ts";
import { assertOurs, migrate } from "./schema.ts";

/** Below this, SQLite can lose committed writes when a WAL is reset: https://sqlite.org/wal.html#walresetbug */
export const SQLITE_VERSION_MIN = "3.51.3";

/** SQLite's primary result codes that mean something to us: https://sqlite.org/rescode.html */
const SQLITE_BUSY = 5;
const SQLITE_NOTADB = 26;

/** How often, and how long apart, we look for the name of a holder that is only just starting. */
const HOLDER_LOOKS = 10;
const HOLDER_LOOK_MS = 20;

/** The one connection to a store's file, with what was done to open it. */
export type OpenFile = { readonly db: DatabaseSync; readonly notes: readonly string[] };

/** Opens or creates the file, alone, durable and migrated; throws `store_locked`, `store_unsupported` or `store_failed`. */
export function openFile(path: string): OpenFile {
  let db: DatabaseSync | null = null;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    createPrivate(path);
    db = new DatabaseSync(path, { defensive: true, timeout: 0 });
    assertVersion(text(db.prepare("SELECT sqlite_version() AS version").get()?.["version"]));
    db.exec("PRAGMA locking_mode = EXCLUSIVE"); // before the log is touched: then its index lives in our memory
    assertOurs(db, path);
    configure(db);
    const notes = migrate(db, path);
    writeHolder(path);
    return { db, notes };
  } catch (error) {
    if (db?.isOpen === true) db.close();
    throw explain(path, error);
  }
}

/** Gives the file free: the WAL is brought home, the name taken away. Throws what SQLite says of the last checkpoint. */
export function closeFile(path: string, db: DatabaseSync): void {
  removeHolder(path);
  db.close();
}

/**
 * Writes the file anew, without the places where something lay that is gone, and empties the write-ahead log. Throws
 * where SQLite cannot, such as on a full disk: nothing that was committed is lost then.
 */
export function rewriteFile(db: DatabaseSync): void {
  db.exec("PRAGMA temp_store = FILE"); // the copy is as large as the store
  try {
    db.exec("VACUUM");
  } finally {
    db.exec("PRAGMA temp_store = MEMORY");
  }
  const busy = integer(db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()?.["busy"]);
  if (busy !== 0) throw new Error("the write-ahead log could not be emptied");
}

/** Refuses an SQLite that may lose committed writes. */
export function assertVersion(version: string): void {
  const have = version.split(".").map(Number);
  const want = SQLITE_VERSION_MIN.split(".").map(Number);
  const at = want.findIndex((part, place) => part !== have[place]);
  if (at === -1 || (have[at] ?? 0) > (want[at] ?? 0)) return;
  throw new StoreError({
    code: "store_unsupported",
    message: `this Node brings SQLite ${version}, which can lose committed writes; use a Node with ${SQLITE_VERSION_MIN} or later`,
  });
}

/** SQLite's code beside its words, for an operator to look up. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "errcode" in error ? `${error.message} (SQLite ${String(error.errcode)})` : error.message;
}

// SQLite would create the file 0644 and gives its WAL the same mode. An existing file must not be opened and closed here:
// closing any descriptor drops this process's POSIX locks on it, so a second store would free the first one's file.
function createPrivate(path: string): void {
  try {
    closeSync(openSync(path, "ax", 0o600));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

function configure(db: DatabaseSync): void {
  const mode = text(db.prepare("PRAGMA journal_mode = WAL").get()?.["journal_mode"]);
  if (mode !== "wal") {
    throw new StoreError({ code: "store_unsupported", message: `this file system refuses a write-ahead log: ${mode}` });
  }
  db.exec("PRAGMA synchronous = FULL"); // one fsync of the WAL in each commit
  db.exec("PRAGMA wal_autocheckpoint = 0"); // the worker checkpoints, after it has answered, and sees the errors
  db.exec("PRAGMA secure_delete = ON"); // freed places are zeroed: an erased payload must not lie in a page's slack
  db.exec("PRAGMA trusted_schema = OFF");
  db.exec("PRAGMA cell_size_check = ON");
  db.exec("PRAGMA temp_store = MEMORY");
  db.exec("PRAGMA cache_size = -32768"); // KiB
}

function explain(path: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const code = error instanceof Error && "errcode" in error ? Number(error.errcode) & 0xff : 0;
  if (code === SQLITE_BUSY)
    return new StoreError({ code: "store_locked", message: lockedMessage(path, findHolder(path)) });
  if (code === SQLITE_NOTADB) {
    return new StoreError({
      code: "store_unsupported",
      message: `\`${path}\` is not a Keyturn store; choose another --data`,
    });
  }
  return new StoreError({
    code: "store_failed",
    message: `store ${path} cannot be opened: ${describe(error)}; see that the disk and the rights are in order`,
    cause: error,
  });
}

function findHolder(path: string): ReturnType<typeof readHolder> {
  for (let look = 1; look < HOLDER_LOOKS; look++) {
    const holder = readHolder(path);
    if (holder !== null) return holder;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, HOLDER_LOOK_MS); // a worker may sleep
  }
  return readHolder(path);
}
