import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Instant, StreamName } from "../../core/brand.ts";
import type { JsonObject } from "../../core/action/index.ts";
import { StoreError } from "../../ports/store.ts";
import type { NewMessage, RequestRow, StoredDocument, StoredEntry, Timer } from "../../ports/store.ts";
import { integer, text } from "./columns.ts";
import { closeFile, openFile } from "./file.ts";
import { json, toDocument, toEntry, toRequest, toTimer, type Row } from "./rows.ts";

/** A key that was used, with what it was answered; `index` is where the ledger stood then. */
export type Answer = {
  readonly index: number;
  readonly key: string;
  readonly fingerprint: string;
  readonly answer: JsonObject;
};
/** A key that a stream holds. */
export type Slot = { readonly key: string; readonly holder: StreamName; readonly owner: string };

/** All that is in a store's file, to be copied into another store. Nothing else can open the file meanwhile. */
export type Contents = Disposable & {
  readonly size: number;
  entries(from: number, limit: number): readonly StoredEntry[];
  /** By index, then by key. */
  answers(): Iterable<Answer>;
  slots(): readonly Slot[];
  requests(): readonly RequestRow[];
  timers(): readonly Timer[];
  /** In the order in which they were queued. */
  messages(): readonly NewMessage[];
  documents(): readonly StoredDocument[];
};

/** Opens a store's file to read all of it; throws `store_locked` while a server has it, `store_failed` where there is none. */
export function openContents(given: string): Contents {
  const path = resolve(given);
  if (!existsSync(path)) throw new StoreError({ code: "store_failed", message: `there is no store at ${path}` });
  const { db } = openFile(path);
  const all = (sql: string): Row[] => db.prepare(sql).all();
  const entries = db.prepare("SELECT * FROM entries WHERE idx >= ? ORDER BY idx LIMIT ?");
  return {
    size: integer(all("SELECT count(*) AS n FROM entries")[0]?.["n"]),
    entries: (from, limit) => entries.all(from, limit).map(toEntry),
    *answers() {
      for (const row of db.prepare("SELECT * FROM answers ORDER BY idx, key").iterate()) yield toAnswer(row);
    },
    slots: () => all("SELECT * FROM slots ORDER BY key").map(toSlot),
    requests: () => all("SELECT * FROM requests ORDER BY id").map(toRequest),
    timers: () => all("SELECT * FROM timers ORDER BY id").map(toTimer),
    messages: () => all("SELECT * FROM outbox ORDER BY seq").map(toMessage),
    documents: () => all("SELECT * FROM documents ORDER BY kind, id").map(toDocument),
    [Symbol.dispose]: () => closeFile(path, db),
  };
}

function toAnswer(row: Row): Answer {
  const { key, fingerprint } = row;
  return { index: integer(row["idx"]), key: text(key), fingerprint: text(fingerprint), answer: json(row["answer"]) };
}

function toSlot(row: Row): Slot {
  return { key: text(row["key"]), holder: text(row["holder"]) as StreamName, owner: text(row["owner"]) };
}

function toMessage(row: Row): NewMessage {
  const { id, topic } = row;
  return {
    id: text(id),
    topic: text(topic),
    body: json(row["body"]),
    notBefore: integer(row["not_before"]) as Instant,
  };
}
