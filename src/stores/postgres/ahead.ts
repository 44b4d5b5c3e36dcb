import { DatabaseError } from "pg";
import type { StreamName } from "../../core/brand.ts";
import { list, toName } from "./columns.ts";
import type { Statement } from "./link.ts";
import type { Seen } from "./plan.ts";
import type { Call } from "./protocol.ts";
import { CHANNEL, noticeOf } from "./statements.ts";
import type { Turn } from "./statements.ts";

/** What must be true of the ledger for a batch to be decided before anybody has looked. */
export type Expected = {
  /** The version that each stream gets next. */
  readonly versions: ReadonlyMap<StreamName, number>;
  /** Keys that were never used. */
  readonly keys: readonly string[];
  /** Slots that nobody holds. */
  readonly unheld: readonly string[];
  /** The database's clock has not come so far; null where no append has a time limit. */
  readonly until: number | null;
};

/**
 * What most batches find: versions as their callers saw them, keys that are new, time left. Null for one that takes
 * slots, where what is there already decides.
 */
export function expectationOf(calls: readonly Call[]): Expected | null {
  const versions = new Map<StreamName, number>();
  const keys: string[] = [];
  const unheld: string[] = [];
  let until: number | null = null;
  for (const call of calls) {
    if (call.kind !== "append") continue;
    for (const slot of call.slots) {
      if ("take" in slot) return null;
      if ("unheld" in slot) unheld.push(slot.unheld);
    }
    for (const { stream, version } of call.entries) if (!versions.has(stream)) versions.set(stream, version);
    if (call.idempotency !== null) keys.push(call.idempotency.key);
    if (call.inTime !== null) until = Math.min(until ?? Number.POSITIVE_INFINITY, call.inTime.until);
  }
  return { versions, keys, unheld, until };
}

/** What a look would have shown, where the expectation holds. */
export function seenIn({ versions }: Expected): Seen {
  return {
    answers: new Map(),
    versions: new Map([...versions].flatMap(([stream, next]) => (next === 0 ? [] : [[stream, next - 1]]))),
    slots: new Map(),
    owned: new Map(),
    clock: undefined,
  };
}

/**
 * Moves the head if it stands where this writer left it, over the tree of `before`, and the expectation holds; fails the
 * transaction if not. The update waits for the lock of the head row; whoever held it and changed anything has moved the head,
 * so that what the statement saw before it waited counts only where nothing came after it.
 */
export function moveExpected(turn: Turn, before: Uint8Array, { versions, keys, unheld, until }: Expected): Statement {
  const { ledger, size, frontier, commits, messages, writer, batch, notify } = turn;
  return {
    name: notify ? "move_expected_notify" : "move_expected",
    // Portable, unlike RAISE: a division by zero is the one error that an expression can choose to make.
    text: `with moved as (
        update keyturn.head set size = $2, frontier = $3, commits = $4, messages = $5
          where ledger = $1 and commits = $4::bigint - 1 and frontier = $13 returning 1
      ), noted as (
        insert into keyturn.writers (ledger, writer, batch) values ($1, $6, $7)
          on conflict (ledger, writer) do update set batch = excluded.batch, at = excluded.at
      )
      select 1 / (case when exists (select from moved)
        and not exists (select from unnest($8::text[], $9::bigint[]) as s (stream, version) where s.version <> coalesce(
          (select max(e.version) + 1 from keyturn.entries e where e.ledger = $1 and e.stream = s.stream), 0))
        and not exists (select from keyturn.answers where ledger = $1 and key = any($10::text[]))
        and not exists (select from keyturn.slots where ledger = $1 and key = any($11::text[]))
        and coalesce(extract(epoch from clock_timestamp()) * 1000 < $12::bigint, true)
        then 1 else 0 end) as fits${notify ? `, pg_notify('${CHANNEL}', $14)` : ""}`,
    values: [
      ledger,
      size,
      frontier,
      commits,
      messages,
      writer,
      batch,
      list([...versions.keys()].map(toName)),
      list([...versions.values()]),
      list(keys.map(toName)),
      list(unheld.map(toName)),
      until,
      before,
      ...(notify ? [noticeOf(turn)] : []),
    ],
  };
}

/** Whether a transaction failed because the ledger is not as it was expected to be. */
export function isUnexpected(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === "22012"; // division_by_zero
}
