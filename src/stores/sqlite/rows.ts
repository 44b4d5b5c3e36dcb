import type { SQLOutputValue } from "node:sqlite";
import type { AgentId, Digest, Instant, RequestId, StreamName } from "../../core/brand.ts";
import type { JsonObject } from "../../core/action/index.ts";
import type { RequestStatus } from "../../core/approval/index.ts";
import type { Message, RequestRow, StoredDocument, StoredEntry, Timer } from "../../ports/store.ts";
import { blob, integer, nullable, text } from "./columns.ts";

/** A row as SQLite gives it; each column is checked where it is read. */
export type Row = Record<string, SQLOutputValue>;

/** JSON that this store wrote itself. */
export function json(value: SQLOutputValue | undefined): JsonObject {
  return JSON.parse(text(value)) as JsonObject;
}

export function toEntry(row: Row): StoredEntry {
  return {
    index: integer(row["idx"]),
    stream: text(row["stream"]) as StreamName,
    version: integer(row["version"]),
    type: text(row["type"]),
    header: blob(row["header"]),
    payload: nullable(blob, row["payload"]),
    salt: nullable(blob, row["salt"]),
  };
}

export function toRequest(row: Row): RequestRow {
  return {
    id: text(row["id"]) as RequestId,
    status: text(row["status"]) as RequestStatus,
    agent: text(row["agent"]) as AgentId,
    digest: text(row["digest"]) as Digest,
    openedAt: integer(row["opened_at"]) as Instant,
    expiresAt: integer(row["expires_at"]) as Instant,
    closedAt: nullable(integer, row["closed_at"]) as Instant | null,
    view: json(row["view"]),
  };
}

export function toTimer(row: Row): Timer {
  return {
    id: text(row["id"]),
    dueAt: integer(row["due_at"]) as Instant,
    kind: text(row["kind"]),
    stream: text(row["stream"]) as StreamName,
  };
}

/** A row of the outbox. */
export function toMessage(row: Row): Message {
  return {
    id: text(row["id"]),
    topic: text(row["topic"]),
    body: json(row["body"]),
    notBefore: integer(row["not_before"]) as Instant,
    attempts: integer(row["attempts"]),
  };
}

export function toDocument(row: Row): StoredDocument {
  return { kind: text(row["kind"]), id: text(row["id"]), body: json(row["body"]) };
}
