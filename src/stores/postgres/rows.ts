import type { AgentId, Digest, Instant, RequestId, StreamName } from "../../core/brand.ts";
import type { JsonObject } from "../../core/action/index.ts";
import type { RequestStatus } from "../../core/approval/index.ts";
import type { Message, RequestRow, StoredDocument, StoredEntry, Timer } from "../../ports/store.ts";
import { blob, integer, name, nullable, text } from "./columns.ts";
import type { Row } from "./columns.ts";

/** An entry with its payload and salt, which are null where its row of `payloads` is gone. */
export function toEntry(row: Row): StoredEntry {
  return {
    index: integer(row["idx"]),
    stream: name(row["stream"]) as StreamName,
    version: integer(row["version"]),
    type: name(row["type"]),
    header: blob(row["header"]),
    payload: nullable(blob, row["payload"]),
    salt: nullable(blob, row["salt"]),
  };
}

/** A row of the inbox. */
export function toRequest(row: Row): RequestRow {
  return {
    id: name(row["id"]) as RequestId,
    status: text(row["status"]) as RequestStatus,
    agent: name(row["agent"]) as AgentId,
    digest: name(row["digest"]) as Digest,
    openedAt: integer(row["opened_at"]) as Instant,
    expiresAt: integer(row["expires_at"]) as Instant,
    closedAt: nullable(integer, row["closed_at"]) as Instant | null,
    view: JSON.parse(text(row["view"])) as JsonObject,
  };
}

/** Something that is due at a time. */
export function toTimer(row: Row): Timer {
  return {
    id: name(row["id"]),
    dueAt: integer(row["due_at"]) as Instant,
    kind: name(row["kind"]),
    stream: name(row["stream"]) as StreamName,
  };
}

/** A row of the outbox. */
export function toMessage(row: Row): Message {
  return {
    id: name(row["id"]),
    topic: name(row["topic"]),
    body: JSON.parse(text(row["body"])) as JsonObject,
    notBefore: integer(row["not_before"]) as Instant,
    attempts: integer(row["attempts"]),
  };
}

/** A document of any kind. */
export function toDocument(row: Row): StoredDocument {
  return { kind: name(row["kind"]), id: name(row["id"]), body: JSON.parse(text(row["body"])) as JsonObject };
}
