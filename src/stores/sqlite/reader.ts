import type { DatabaseSync } from "node:sqlite";
import type { Instant, StreamName } from "../../core/brand.ts";
import type { RequestStatus } from "../../core/approval/index.ts";
import type { RequestFilter, RequestRow } from "../../ports/store.ts";
import { blob, integer, nullable, text } from "./columns.ts";
import type { ReadCall, ReadReply } from "./protocol.ts";
import { toDocument, toEntry, toMessage, toRequest, toTimer } from "./rows.ts";
import type { Tree } from "./tree.ts";

/** Answers one read from what is committed. It throws only where the file cannot be trusted any further. */
export type Reader = (call: ReadCall) => ReadReply;

/** Prepares all statements on a migrated file. */
export function openReader(db: DatabaseSync, tree: Tree): Reader {
  const listRequests = openRequests(db);
  const entry = "SELECT idx, stream, version, type, header, salt, payload FROM entries";
  const stream = db.prepare(`${entry} WHERE stream = ? AND version >= ? ORDER BY version`);
  const range = db.prepare(`${entry} WHERE idx >= ? ORDER BY idx LIMIT ?`);
  const headers = db.prepare("SELECT header FROM entries WHERE idx >= ? ORDER BY idx LIMIT ?");
  const slot = db.prepare("SELECT holder FROM slots WHERE key = ?");
  const dueTimers = db.prepare(
    "SELECT id, due_at, kind, stream FROM timers WHERE due_at <= ? ORDER BY due_at, id LIMIT ?",
  );
  const nextTimer = db.prepare("SELECT min(due_at) AS due_at FROM timers");
  const messages = db.prepare(
    "SELECT id, topic, body, not_before, attempts FROM outbox ORDER BY not_before, seq LIMIT ?",
  );
  const document = db.prepare("SELECT kind, id, body FROM documents WHERE kind = ? AND id = ?");
  const documents = db.prepare("SELECT kind, id, body FROM documents WHERE kind = ? ORDER BY id");
  return (call) => {
    const { kind } = call;
    switch (kind) {
      case "stream":
        return { kind, value: stream.all(call.name, call.fromVersion).map(toEntry) };
      case "range":
        return { kind, value: range.all(call.fromIndex, call.limit).map(toEntry) };
      case "headers":
        return { kind, value: headers.all(call.fromIndex, call.limit).map((row) => blob(row["header"])) };
      case "head":
        return { kind, value: tree.head() };
      case "subtrees":
        return readSubtrees(tree, call);
      case "slot": {
        const row = slot.get(call.key);
        return { kind, value: row === undefined ? null : (text(row["holder"]) as StreamName) };
      }
      case "requests":
        return { kind, value: listRequests(call.filter) };
      case "dueTimers":
        return { kind, value: dueTimers.all(call.now, call.limit).map(toTimer) };
      case "nextTimer":
        return { kind, value: nullable(integer, nextTimer.get()?.["due_at"]) as Instant | null };
      case "messages":
        return { kind, value: messages.all(call.limit).map(toMessage) };
      case "document": {
        const row = document.get(call.of, call.id);
        return { kind, value: row === undefined ? null : toDocument(row) };
      }
      case "documents":
        return { kind, value: documents.all(call.of).map(toDocument) };
      default:
        return kind satisfies never;
    }
  };
}

function readSubtrees(tree: Tree, call: Extract<ReadCall, { kind: "subtrees" }>): ReadReply {
  try {
    return { kind: "subtrees", value: call.wanted.map((subtree) => tree.subtree(subtree)) };
  } catch (error) {
    if (error instanceof RangeError) return { kind: "out_of_range", message: error.message };
    throw error;
  }
}

// A record, so that a status which core adds fails to compile here.
const EVERY_STATUS: { readonly [S in RequestStatus]: S } = {
  pending: "pending",
  approved: "approved",
  denied: "denied",
  expired: "expired",
  cancelled: "cancelled",
  failed: "failed",
};

// One walk along an index for each status, then a merge: SQLite would sort all that an IN matches before it cut the page.
function openRequests(db: DatabaseSync): (filter: RequestFilter) => readonly RequestRow[] {
  const columns = "SELECT id, status, agent, digest, opened_at, expires_at, closed_at, view FROM requests";
  const page = "AND (opened_at, id) < (?, ?) ORDER BY opened_at DESC, id DESC LIMIT ?";
  const byStatus = db.prepare(`${columns} WHERE status = ? ${page}`);
  const byAgent = db.prepare(`${columns} WHERE agent = ? AND status = ? ${page}`);
  return ({ status, agent, before, limit }) => {
    const openedAt = before?.openedAt ?? Infinity; // SQLite sorts it after every integer
    const id = before?.id ?? "";
    const rows: RequestRow[] = [];
    for (const one of new Set(status ?? Object.values(EVERY_STATUS))) {
      const found =
        agent === undefined ? byStatus.all(one, openedAt, id, limit) : byAgent.all(agent, one, openedAt, id, limit);
      for (const row of found) rows.push(toRequest(row));
    }
    return rows.sort((a, b) => b.openedAt - a.openedAt || compareUtf8(b.id, a.id)).slice(0, limit);
  };
}

// As SQLite's BINARY collation sorts.
function compareUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
