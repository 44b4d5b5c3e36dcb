import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { StreamName } from "../../core/brand.ts";
import type { JsonObject } from "../../core/action/index.ts";
import { leafHash } from "../../core/ledger/index.ts";
import type { AppendCall } from "../../ports/append-call.ts";
import { lateness, missized } from "../../ports/append.ts";
import type { AppendResult, Message, NewEntry, SlotChange } from "../../ports/store.ts";
import { integer, text } from "./columns.ts";
import type { WriteCall, WriteReply } from "./protocol.ts";
import { toMessage } from "./rows.ts";
import type { Tree } from "./tree.ts";

type Conflict = Extract<AppendResult, { status: "conflict" }>;

/** Runs batches of writes, each in one transaction. */
export interface Writer {
  /**
   * Commits all calls together and answers them in their order; durable when it returns. A call that conflicts leaves
   * nothing behind and does not touch its neighbours. If it throws, nothing of the batch happened, the tree is no longer
   * right, and the store must not be used any further.
   */
  commit(calls: readonly WriteCall[]): readonly WriteReply[];
}

/** Prepares all statements on a migrated file. */
export function openWriter(db: DatabaseSync, tree: Tree): Writer {
  const statements = prepare(db);
  return {
    commit(calls) {
      const size = tree.size;
      statements.begin.run();
      try {
        const replies = calls.map((call) => apply(statements, tree, call));
        if (tree.size !== size) tree.save();
        statements.commit.run();
        return replies;
      } catch (error) {
        rollBack(db);
        throw error;
      }
    },
  };
}

// SQLite has often rolled back already, and a disk that failed once may fail again: the first error is the one to tell.
function rollBack(db: DatabaseSync): void {
  if (!db.isTransaction) return;
  try {
    db.exec("ROLLBACK");
  } catch {
    // the connection is given up in any case
  }
}

function apply(statements: Statements, tree: Tree, call: WriteCall): WriteReply {
  switch (call.kind) {
    case "append":
      return append(statements, tree, call);
    case "forget": // the worker's, after the commit
      return null;
    case "messageDone":
      statements.dropMessage.run(call.id);
      return null;
    case "messageRetry":
      statements.retryMessage.run(call.notBefore, call.id);
      return null;
    case "takeMessages":
      return takeMessages(statements, call);
    default:
      return call satisfies never;
  }
}

function takeMessages(statements: Statements, call: Extract<WriteCall, { kind: "takeMessages" }>): readonly Message[] {
  const { now, limit, until } = call;
  return statements.dueMessages.all(now, limit).map((row) => {
    const message = toMessage(row);
    statements.takeMessage.run(until, message.id);
    return { ...message, attempts: message.attempts + 1, notBefore: until };
  });
}

function append(statements: Statements, tree: Tree, call: AppendCall): AppendResult {
  const known = call.idempotency === null ? undefined : statements.answer.get(call.idempotency.key);
  if (known !== undefined) {
    return {
      status: "duplicate",
      fingerprint: text(known["fingerprint"]),
      answer: JSON.parse(text(known["answer"])) as JsonObject,
      index: integer(known["idx"]),
    };
  }
  const stale = missized(call.at, tree.size) ?? checkVersions(statements, call.entries);
  if (stale !== null) return stale;
  const late = lateness(call.inTime);
  if (late !== null) return late;
  const index = tree.size;
  const taken = call.slots.length === 0 ? null : takeSlots(statements, call.slots);
  if (taken !== null) return taken;
  if (call.erase.length > 0) erase(statements, call.erase);
  project(statements, call, index);
  for (const entry of call.entries) {
    const { stream, version, type, header, salt, payload } = entry;
    statements.insertEntry.run(tree.size, stream, version, type, header, salt, payload);
    tree.append(leafHash(header));
  }
  return { status: "appended", index, size: tree.size };
}

function erase(statements: Statements, indexes: readonly number[]): void {
  const list = JSON.stringify(indexes);
  statements.eraseEntries.run(list);
  statements.eraseAnswers.run(list);
}

function checkVersions(statements: Statements, entries: readonly NewEntry[]): Conflict | null {
  const next = new Map<StreamName, number>();
  for (const { stream, version } of entries) {
    const actual = next.get(stream) ?? integer(statements.nextVersion.get(stream)?.["next"]);
    if (version !== actual) return { status: "conflict", on: "version", stream, expected: version, actual };
    next.set(stream, actual + 1);
  }
  return null;
}

// From here on an append either happens or fails the whole batch: slots are all that is tried and may have to be undone.
function takeSlots(statements: Statements, changes: readonly SlotChange[]): Conflict | null {
  if (changes.every((change) => "unheld" in change)) return changeSlots(statements, changes);
  statements.savepoint.run();
  const taken = changeSlots(statements, changes);
  if (taken !== null) statements.rollbackTo.run();
  statements.release.run();
  return taken;
}

// Each change is made before the next is checked, so that they see each other; the savepoint undoes them together.
function changeSlots(statements: Statements, changes: readonly SlotChange[]): Conflict | null {
  for (const change of changes) {
    if ("free" in change) {
      statements.freeSlot.run(change.free);
      continue;
    }
    if ("unheld" in change) {
      const held = statements.slot.get(change.unheld);
      if (held === undefined) continue;
      return { status: "conflict", on: "slot", slot: change.unheld, holder: text(held["holder"]) as StreamName };
    }
    const row = statements.slot.get(change.take);
    const holder = row === undefined ? change.holder : (text(row["holder"]) as StreamName);
    if (holder !== change.holder) return { status: "conflict", on: "slot", slot: change.take, holder };
    statements.freeSlot.run(change.take);
    const held = integer(statements.owned.get(change.owner)?.["held"]);
    if (held >= change.ownerMax) return { status: "conflict", on: "owner", owner: change.owner, held };
    statements.takeSlot.run(change.take, change.holder, change.owner);
  }
  return null;
}

function project(statements: Statements, call: AppendCall, index: number): void {
  if (call.idempotency !== null) {
    const { key, fingerprint, answer } = call.idempotency;
    statements.insertAnswer.run(key, fingerprint, answer, index);
  }
  for (const row of call.requests) {
    const { id, status, agent, digest, openedAt, expiresAt, closedAt, view } = row;
    statements.putRequest.run(id, status, agent, digest, openedAt, expiresAt, closedAt, view);
  }
  for (const timer of call.timers) {
    if ("clear" in timer) statements.clearTimer.run(timer.clear);
    else statements.setTimer.run(timer.set, timer.dueAt, timer.kind, timer.stream);
  }
  for (const message of call.outbox) {
    statements.queueMessage.run(message.id, message.topic, message.body, message.notBefore);
  }
  for (const document of call.documents) {
    if (document.body === null) statements.dropDocument.run(document.kind, document.id);
    else statements.putDocument.run(document.kind, document.id, document.body);
  }
}

type Statements = { readonly [K in keyof typeof SQL]: StatementSync };

const SQL = {
  begin: "BEGIN IMMEDIATE",
  commit: "COMMIT",
  savepoint: "SAVEPOINT one",
  rollbackTo: "ROLLBACK TO one",
  release: "RELEASE one",
  answer: "SELECT fingerprint, answer, idx FROM answers WHERE key = ?",
  insertAnswer: "INSERT INTO answers (key, fingerprint, answer, idx) VALUES (?, ?, ?, ?)",
  nextVersion: "SELECT coalesce(max(version) + 1, 0) AS next FROM entries WHERE stream = ?",
  insertEntry: "INSERT INTO entries (idx, stream, version, type, header, salt, payload) VALUES (?, ?, ?, ?, ?, ?, ?)",
  eraseEntries: "UPDATE entries SET payload = NULL, salt = NULL WHERE idx IN (SELECT value FROM json_each(?))",
  eraseAnswers: "UPDATE answers SET fingerprint = '' WHERE idx IN (SELECT value FROM json_each(?))",
  slot: "SELECT holder FROM slots WHERE key = ?",
  owned: "SELECT count(*) AS held FROM slots WHERE owner = ?",
  takeSlot: "INSERT INTO slots (key, holder, owner) VALUES (?, ?, ?)",
  freeSlot: "DELETE FROM slots WHERE key = ?",
  putRequest: `INSERT INTO requests (id, status, agent, digest, opened_at, expires_at, closed_at, view)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET status = excluded.status, agent = excluded.agent, digest = excluded.digest,
      opened_at = excluded.opened_at, expires_at = excluded.expires_at, closed_at = excluded.closed_at, view = excluded.view`,
  setTimer: `INSERT INTO timers (id, due_at, kind, stream) VALUES (?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET due_at = excluded.due_at, kind = excluded.kind, stream = excluded.stream`,
  clearTimer: "DELETE FROM timers WHERE id = ?",
  queueMessage: `INSERT INTO outbox (id, topic, body, not_before, attempts) VALUES (?, ?, ?, ?, 0)
    ON CONFLICT (id) DO NOTHING`,
  dropMessage: "DELETE FROM outbox WHERE id = ?",
  retryMessage: "UPDATE outbox SET not_before = ? WHERE id = ?",
  dueMessages: `SELECT id, topic, body, not_before, attempts FROM outbox WHERE not_before <= ?
    ORDER BY not_before, seq LIMIT ?`,
  takeMessage: "UPDATE outbox SET not_before = ?, attempts = attempts + 1 WHERE id = ?",
  putDocument: `INSERT INTO documents (kind, id, body) VALUES (?, ?, ?)
    ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body`,
  dropDocument: "DELETE FROM documents WHERE kind = ? AND id = ?",
} as const;

function prepare(db: DatabaseSync): Statements {
  const prepared = Object.entries(SQL).map(([name, sql]) => [name, db.prepare(sql)] as const);
  return Object.fromEntries(prepared) as Statements;
}
