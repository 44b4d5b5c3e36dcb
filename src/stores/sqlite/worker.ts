import type { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import { StoreError } from "../../ports/store.ts";
import { unpackBatch } from "../../ports/append-call.ts";
import { releaseWhenQuiet } from "../../v8/memory.ts";
import { integer } from "./columns.ts";
import { closeFile, describe, openFile, rewriteFile } from "./file.ts";
import type { FromWorker, PlainWrite, ToWorker, WorkerStart } from "./protocol.ts";
import { openReader } from "./reader.ts";
import { Tree } from "./tree.ts";
import { openWriter } from "./writer.ts";

/**
 * Pages in the write-ahead log (4 MiB) before they are brought home. Whatever is asked for meanwhile waits: with 32 MiB it
 * was 25 ms, one call in thirty under load; with less than this it is no shorter, and two flushes come more often.
 */
const WAL_PAGES_MAX = 1024;

if (parentPort !== null) start(parentPort, workerData as WorkerStart);

/** Opens the file, says so, and serves batches until it is told to close or can no longer be trusted. */
function start(port: MessagePort, { path }: WorkerStart): void {
  const post = (message: FromWorker): void => port.postMessage(message);
  let db: DatabaseSync | null = null;
  try {
    const file = openFile(path);
    db = file.db;
    const serve = openBatches(db, post);
    port.on("message", (message: ToWorker) => {
      if (message.kind === "close") return end(file.db);
      try {
        serve(message);
      } catch (error) {
        post({ kind: "failed", message: describe(error) });
        end(file.db);
      }
    });
    post({ kind: "opened", notes: file.notes });
    releaseWhenQuiet();
  } catch (error) {
    const known = error instanceof StoreError ? error : null;
    const message = known?.message ?? `store ${path} cannot be used: ${describe(error)}`;
    post({ kind: "refused", code: known?.code ?? "store_failed", message });
    if (db !== null) end(db);
  }

  // What is committed is in the log on disk: a checkpoint that fails here costs nothing but a word.
  function end(file: DatabaseSync): void {
    const notes: string[] = [];
    try {
      closeFile(path, file);
    } catch (error) {
      notes.push(`store ${path}: closed without its last checkpoint: ${describe(error)}`);
    }
    post({ kind: "closed", notes });
    port.close();
  }
}

type Batch = Extract<ToWorker, { kind: "batch" }>;

function openBatches(db: DatabaseSync, post: (message: FromWorker) => void): (batch: Batch) => void {
  const tree = Tree.load(db);
  const writer = openWriter(db, tree);
  const read = openReader(db, tree);
  const pages = db.prepare("PRAGMA wal_checkpoint(NOOP)");
  const checkpoint = db.prepare("PRAGMA wal_checkpoint(PASSIVE)");
  return ({ reads, writes, frames, bytes }) => {
    // Reads first: all that was acknowledged is committed already, so they need not wait for this batch's flush.
    if (reads.length > 0) post({ kind: "read", replies: reads.map(read) });
    if (writes === 0) return;
    const calls = unpackBatch<PlainWrite>(frames, bytes);
    const replies = writer.commit(calls);
    if (calls.some(({ kind }) => kind === "forget")) rewriteFile(db);
    post({ kind: "written", replies });
    if (integer(pages.get()?.["log"]) >= WAL_PAGES_MAX) checkpoint.get(); // after the answer, so that nobody waits for it
  };
}
