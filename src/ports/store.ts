import type { AgentId, Digest, Instant, RequestId, StreamName } from "../core/brand.ts";
import type { JsonObject } from "../core/action/index.ts";
import type { RequestStatus } from "../core/approval/index.ts";

/** One entry to be appended: its header's bytes are the leaf; payload and salt are kept apart and may be erased. */
export type NewEntry = {
  readonly stream: StreamName;
  /** The version this entry gets in its stream: 0 for the first, then without gaps. */
  readonly version: number;
  readonly type: string;
  readonly header: Uint8Array;
  readonly payload: Uint8Array;
  readonly salt: Uint8Array;
};

/** An entry as the ledger holds it. `index` is gapless from 0 over all streams. Erased payloads and salts are null. */
export type StoredEntry = Omit<NewEntry, "payload" | "salt"> & {
  readonly index: number;
  readonly payload: Uint8Array | null;
  readonly salt: Uint8Array | null;
};

/**
 * A key that one stream holds at a time, such as "the pending request for this digest".
 * `take` fails the append while another stream holds the key, or while `owner` already holds `ownerMax` keys.
 * Changes apply in their order, so a key that is freed first may be taken in the same append. Taking a key that the
 * stream holds already moves it to the owner named, and it counts once. Freeing a key that nobody holds does nothing.
 * `unheld` changes nothing, and fails the append while anybody holds the key.
 */
export type SlotChange =
  | { readonly take: string; readonly holder: StreamName; readonly owner: string; readonly ownerMax: number }
  | { readonly free: string }
  | { readonly unheld: string };

/** What the inbox shows and sorts by, kept beside the entries in the same commit. The same id again replaces the row. */
export type RequestRow = {
  readonly id: RequestId;
  readonly status: RequestStatus;
  readonly agent: AgentId;
  readonly digest: Digest;
  readonly openedAt: Instant;
  readonly expiresAt: Instant;
  /** When it reached a terminal status. */
  readonly closedAt: Instant | null;
  /** Anything else a list needs; JSON. */
  readonly view: JsonObject;
};

/** Something to be done at a time. Setting an id again replaces it. */
export type TimerChange =
  | { readonly set: string; readonly dueAt: Instant; readonly kind: string; readonly stream: StreamName }
  | { readonly clear: string };
export type Timer = {
  readonly id: string;
  readonly dueAt: Instant;
  readonly kind: string;
  readonly stream: StreamName;
};

/**
 * Something to be told after the commit, at least once. `id` is the receiver's idempotency key: while a message of that
 * id waits, another one is not queued.
 */
export type NewMessage = {
  readonly id: string;
  readonly topic: string;
  readonly body: JsonObject;
  readonly notBefore: Instant;
};
export type Message = NewMessage & { readonly attempts: number };

/** A small document that is not history itself: directory, policies, tokens, sessions. A null body deletes. */
export type DocumentChange = { readonly kind: string; readonly id: string; readonly body: JsonObject | null };
export type StoredDocument = { readonly kind: string; readonly id: string; readonly body: JsonObject };

/** One atomic change. Everything in it happens, or nothing. */
export type Append = {
  readonly entries: readonly NewEntry[];
  /** The size that the ledger must have: it was decided on all that stands before it. */
  readonly at?: number;
  /** A second append with the same key writes nothing and answers what the first answered. Kept for ever. */
  readonly idempotency?: { readonly key: string; readonly fingerprint: string; readonly answer: JsonObject };
  /**
   * Committed only before `until`. `now` is what the caller's clock says while it asks; the store adds the time that passes
   * until the commit, and one that several instances share goes by its own clock where that is later.
   */
  readonly inTime?: { readonly until: Instant; readonly now: Instant };
  readonly slots?: readonly SlotChange[];
  readonly requests?: readonly RequestRow[];
  readonly timers?: readonly TimerChange[];
  readonly outbox?: readonly NewMessage[];
  readonly documents?: readonly DocumentChange[];
  /**
   * Entries whose payload and salt go for good, by index, with the fingerprints of the appends that they began. Header,
   * tree and proofs stay. What is not there, or is erased already, is ignored; those of this append itself stay.
   */
  readonly erase?: readonly number[];
  /** Somebody may be waiting for this: other instances are given it with the news of it, where it is small. */
  readonly awaited?: true;
};

export type AppendResult =
  /** Durable. `index` is that of the first entry (or the next free one, had it none); `size` the ledger's after it. */
  | { readonly status: "appended"; readonly index: number; readonly size: number }
  /** The idempotency key was used before: nothing was written. `index` is that of the first append's first entry. */
  | { readonly status: "duplicate"; readonly fingerprint: string; readonly answer: JsonObject; readonly index: number }
  /** Somebody was faster, or a slot is taken: nothing was written. `actual` is the version that would have fitted. */
  | {
      readonly status: "conflict";
      readonly on: "version";
      readonly stream: StreamName;
      readonly expected: number;
      readonly actual: number;
    }
  /** There is more, or less, than what it was decided on. Nothing was written. */
  | { readonly status: "conflict"; readonly on: "size"; readonly expected: number; readonly actual: number }
  /** Too late: `until` had come when it would have been committed. Nothing was written. */
  | { readonly status: "conflict"; readonly on: "time"; readonly until: Instant; readonly now: Instant }
  | { readonly status: "conflict"; readonly on: "slot"; readonly slot: string; readonly holder: StreamName }
  | { readonly status: "conflict"; readonly on: "owner"; readonly owner: string; readonly held: number };

export type Head = { readonly size: number; readonly root: Uint8Array };

/** A perfect subtree: the hash over leaves [index·2^level, (index+1)·2^level). */
export type Subtree = { readonly level: number; readonly index: number };

export type RequestFilter = {
  readonly status?: readonly RequestStatus[];
  readonly agent?: AgentId;
  /** Only requests opened before this one (its time, then its id), newest first: the cursor of a page. */
  readonly before?: { readonly openedAt: Instant; readonly id: RequestId };
  readonly limit: number;
};

export type StoreErrorCode =
  | "store_locked"
  | "store_failed"
  /** For now only: the call was not acknowledged, the store lives, and goes on by itself. */
  | "store_unavailable"
  | "store_closed"
  | "store_unsupported"
  | "entry_too_large";

/** Why a store does not do what it was asked; what was not acknowledged is promised by nobody. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly code: StoreErrorCode;

  constructor(options: { code: StoreErrorCode; message: string; cause?: unknown }) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
  }
}

/** Bytes of one header: RFC 6962 leaves of tlog-tiles hold at most 65,535; ours are kept far below. */
export const HEADER_BYTES_MAX = 4096;
/** Bytes of one payload: a request of the largest body, shown and canonical, fits several times. */
export const PAYLOAD_BYTES_MAX: number = 8 * 1024 * 1024;
/** Bytes of one salt. */
export const SALT_BYTES_MAX = 64;
/** UTF-8 bytes of a name: stream, slot, owner, idempotency key, agent, digest, id of a timer, message or document, topic. */
export const NAME_BYTES_MAX = 2048;
/** UTF-8 bytes of what we name ourselves: type of an entry, kind of a timer or document, id of a request. */
export const KIND_BYTES_MAX = 256;
/** Entries of one append. */
export const APPEND_ENTRIES_MAX = 64;
/** Entries that one append erases. */
export const ERASE_ENTRIES_MAX = 10_000;

/**
 * The ledger and its projections.
 *
 * - `append` is atomic, and durable when it resolves. Of two appends that expect the same version of a stream,
 *   or take the same slot, exactly one wins. Indexes are gapless and in the order of commits.
 * - Order of checks: idempotency key first, then the size, then versions, then time, then slots.
 * - Over a limit an append rejects with `entry_too_large`; numbers that are not safe integers and texts that are not
 *   well-formed Unicode are a RangeError, as is a `limit` or index below zero. Nothing is written then, and the store lives.
 * - What is given and what is answered is copied: nobody changes the ledger, or the caller's objects, from outside.
 * - Appends of one caller that are not awaited may share a commit; a conflict in one does not touch its neighbours.
 * - After a failed commit or flush every waiting and later call rejects with `store_failed`, and `fault` resolves.
 *   Whether a waiting append is in the ledger is then known only after opening it again: repeat it under its key.
 * - A store that is reached over a network may answer `store_unavailable` for a while, and no fault: a lost connection, a
 *   time-out, a full disk there. It waits a little and tries again first, and finds out what became of a commit whose
 *   answer was lost; an append that is rejected all the same may have happened: repeat it under its key.
 * - Reads see every append that has resolved.
 * - What was erased, replaced or deleted may lie in free places of the files until `forget` has resolved.
 * - Disposing lets what was asked before finish, then gives the store free; later calls reject with `store_closed`.
 */
export interface Store extends AsyncDisposable {
  append(change: Append): Promise<AppendResult>;
  /** All entries of a stream from `fromVersion` on, oldest first. An unknown stream is empty. */
  stream(name: StreamName, fromVersion?: number): Promise<readonly StoredEntry[]>;
  /** Up to `limit` entries from `fromIndex` on, oldest first. */
  range(fromIndex: number, limit: number): Promise<readonly StoredEntry[]>;
  /** The same without payloads and salts: the headers alone, which are the leaves of the tree. */
  headers(fromIndex: number, limit: number): Promise<readonly Uint8Array[]>;
  head(): Promise<Head>;
  /** Hashes of perfect subtrees that lie wholly within the present size, in the order asked; RangeError beyond it. */
  subtrees(wanted: readonly Subtree[]): Promise<readonly Uint8Array[]>;
  /** The stream that holds a slot, or null. */
  slot(key: string): Promise<StreamName | null>;
  /** Newest first: by `openedAt`, then by id, both descending. */
  requests(filter: RequestFilter): Promise<readonly RequestRow[]>;
  /** Timers with `dueAt` ≤ now, earliest first, then by id. They stay until an append clears or moves them. */
  dueTimers(now: Instant, limit: number): Promise<readonly Timer[]>;
  /** When the earliest timer is due, or null. */
  nextTimer(): Promise<Instant | null>;
  /**
   * Takes messages with `notBefore` ≤ now, by `notBefore`, then in the order of appends: counts an attempt, and puts them
   * off until `until`, in one step, so that two takers never hold the same one. `attempts` in the answer has counted
   * this one, `notBefore` is `until`. They stay until `messageDone`. Durable when it resolves.
   */
  takeMessages(now: Instant, limit: number, until: Instant): Promise<readonly Message[]>;
  /** Up to `limit` messages that wait, due or not, in the same order: to look at. Who sends them takes them. */
  messages(limit: number): Promise<readonly Message[]>;
  /** Forgets a delivered message; unknown ids are ignored. Durable when it resolves, as `messageRetry` is. */
  messageDone(id: string): Promise<void>;
  /**
   * Rewrites the store's files so that they hold what reads answer and no byte of what was erased, replaced or deleted
   * before. It takes the time and, for a while, the room of a copy; other calls wait. Copies of the files are not its.
   */
  forget(): Promise<void>;
  /** Moves a message to another time; unknown ids are ignored. */
  messageRetry(id: string, notBefore: Instant): Promise<void>;
  document(kind: string, id: string): Promise<StoredDocument | null>;
  /** All of one kind, by id in the order of code points. */
  documents(kind: string): Promise<readonly StoredDocument[]>;
  /**
   * Calls back when somebody else may have appended: another process on the same ledger. A hint, never late by more than
   * about a second while the store is reachable, and sometimes for nothing; a store of one process never calls.
   * `news` are entries that somebody else has just appended one behind the other, as `range` would answer them, and the store
   * has proven that it was somebody with the ledger's key; a hint like the rest: they need not follow on what came before, and
   * who must not miss anything reads. The answer ends it.
   */
  onAdvance(listener: (news?: readonly StoredEntry[]) => void): () => void;
  /** Resolves with the error when the store has failed for good; never rejects, and never resolves on a clean close. */
  readonly fault: Promise<StoreError>;
}
