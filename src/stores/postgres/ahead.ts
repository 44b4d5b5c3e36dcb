import { DatabaseError } from "pg";
import type { StreamName } from "../../core/brand.ts";
import { toName } from "./columns.ts";
import type { Seen } from "./plan.ts";
import type { Call } from "./protocol.ts";
import { CHANNEL } from "./statements.ts";
import type { Turn } from "./statements.ts";
import { tablePart, type Column, type Tabling } from "./table.ts";
import { numbered, type Part } from "./together.ts";

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
 * slots, where what is there already decides, and for one that erases, which is no part of a single statement.
 */
export function expectationOf(calls: readonly Call[]): Expected | null {
  const versions = new Map<StreamName, number>();
  const keys: string[] = [];
  const unheld: string[] = [];
  let until: number | null = null;
  for (const call of calls) {
    if (call.kind !== "append") continue;
    if (call.erase.length > 0) return null;
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
 * Moves the head if it stands where this writer left it, over the tree of `before`. It waits for the lock of the head row;
 * whoever held it and changed anything has moved the head, so that what the statement saw before it waited counts only where
 * nothing came after it.
 */
export function moveExpected({ ledger, size, frontier, commits, messages }: Turn, before: Uint8Array): Part {
  return {
    name: "moved",
    text: () => `update keyturn.head set size = $2, frontier = $3, commits = $4, messages = $5
      where ledger = $1 and commits = $4::bigint - 1 and frontier = $6 returning 1`,
    values: [ledger, size, frontier, commits, messages, before],
  };
}

/** Fails its statement unless the head was moved and the expectation holds; tells those who listen. To go with `moveExpected`. */
export function assertExpected({ ledger, notice }: Turn, expected: Expected, table: Tabling): Part {
  const conditions = conditionsOf(ledger, expected, table);
  const told: readonly Part[] =
    notice === null ? [] : [{ name: "notify", text: () => `pg_notify('${CHANNEL}', $1)`, values: [notice] }];
  const parts = [...conditions, ...told];
  const text = (): string => {
    const texts = numbered(parts);
    const all = ["exists (select from moved)", ...texts.slice(0, conditions.length)].join(" and ");
    // Portable, unlike RAISE: a division by zero is the one error that an expression can choose to make.
    return `select ${[`1 / (case when ${all} then 1 else 0 end) as fits`, ...texts.slice(conditions.length)].join(", ")}`;
  };
  return {
    name: ["expected", ...parts.map(({ name }) => name)].join("_"),
    text,
    values: parts.flatMap(({ values }) => values),
  };
}

/** What must be true, each by itself. */
function conditionsOf(ledger: string, expected: Expected, table: Tabling): readonly Part[] {
  const { versions, keys, unheld, until } = expected;
  const conditions: Part[] = [];
  if (versions.size > 0) {
    const columns: readonly Column[] = [
      { type: "text", values: [...versions.keys()].map(toName) },
      { type: "bigint", values: [...versions.values()] },
    ];
    const text = (rows: string): string =>
      `not exists (select from ${rows} as s (stream, version) where s.version <> coalesce(
        (select max(e.version) + 1 from keyturn.entries e where e.ledger = $1 and e.stream = s.stream), 0))`;
    conditions.push(tablePart("versions", [ledger], table(columns), text));
  }
  for (const [name, absent] of [
    ["answers", keys],
    ["slots", unheld],
  ] as const) {
    if (absent.length === 0) continue;
    // Each key is looked up by itself (`offset 0` keeps it so): a plan that was made while a table was small would read the whole of it.
    const text = (rows: string): string => `not exists (select from ${rows} as k (key)
      where exists (select from keyturn.${name} t where t.ledger = $1 and t.key = k.key offset 0))`;
    conditions.push(tablePart(name, [ledger], table([{ type: "text", values: absent.map(toName) }]), text));
  }
  if (until !== null) {
    const text = (): string => "extract(epoch from clock_timestamp()) * 1000 < $1::bigint";
    conditions.push({ name: "until", text, values: [until] });
  }
  return conditions;
}

/** Whether a transaction failed because the ledger is not as it was expected to be. */
export function isUnexpected(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === "22012"; // division_by_zero
}
