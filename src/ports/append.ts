import {
  APPEND_ENTRIES_MAX,
  ERASE_ENTRIES_MAX,
  HEADER_BYTES_MAX,
  KIND_BYTES_MAX,
  NAME_BYTES_MAX,
  PAYLOAD_BYTES_MAX,
  SALT_BYTES_MAX,
  StoreError,
} from "./store.ts";
import type { Instant } from "../core/brand.ts";
import type { Append, AppendResult, NewEntry, RequestRow, SlotChange, TimerChange } from "./store.ts";

/** The limits of the port's promise: throws `entry_too_large` or a RangeError for an append that no store may take. */
export function assertAppend(change: Append): void {
  if (change.entries.length > APPEND_ENTRIES_MAX) {
    throw tooLarge(
      `an append holds at most ${APPEND_ENTRIES_MAX} entries, not ${change.entries.length}; append in parts`,
    );
  }
  for (const entry of change.entries) assertEntry(entry);
  if (change.at !== undefined) assertCount("at", change.at);
  if (change.idempotency !== undefined) assertTexts(change.idempotency.key, change.idempotency.fingerprint);
  if (change.inTime !== undefined) {
    assertInteger("until", change.inTime.until);
    assertInteger("now", change.inTime.now);
  }
  for (const slot of change.slots ?? []) assertSlot(slot);
  for (const row of change.requests ?? []) assertRequest(row);
  for (const timer of change.timers ?? []) assertTimer(timer);
  for (const message of change.outbox ?? []) {
    assertTexts(message.id, message.topic);
    assertInteger("notBefore", message.notBefore);
  }
  for (const document of change.documents ?? []) {
    assertKinds(document.kind);
    assertTexts(document.id);
  }
  assertErase(change.erase ?? []);
}

/** An index, version or limit: a safe integer from 0 on, or a RangeError that names it. */
export function assertCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`${name} is a whole number from 0 on, not ${value}`);
}

/** A point in time or another signed number: a safe integer, or a RangeError that names it. */
export function assertInteger(name: string, value: number): void {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${name} is a whole number, not ${value}`);
}

function assertErase(indexes: readonly number[]): void {
  if (indexes.length > ERASE_ENTRIES_MAX) {
    throw tooLarge(`an append erases at most ${ERASE_ENTRIES_MAX} entries, not ${indexes.length}; erase in parts`);
  }
  for (const index of indexes) assertCount("erase", index);
}

function assertEntry(entry: NewEntry): void {
  assertTexts(entry.stream);
  assertKinds(entry.type);
  assertCount("version", entry.version);
  assertSize(entry, "header", HEADER_BYTES_MAX);
  assertSize(entry, "payload", PAYLOAD_BYTES_MAX);
  assertSize(entry, "salt", SALT_BYTES_MAX);
}

function assertSize(entry: NewEntry, part: "header" | "payload" | "salt", max: number): void {
  const bytes = entry[part].byteLength;
  if (bytes <= max) return;
  throw tooLarge(`the ${part} of \`${entry.type}\` has ${bytes} bytes, and at most ${max} are kept; shorten it`);
}

function assertSlot(slot: SlotChange): void {
  if ("free" in slot) return assertTexts(slot.free);
  if ("unheld" in slot) return assertTexts(slot.unheld);
  assertTexts(slot.take, slot.holder, slot.owner);
  assertCount("ownerMax", slot.ownerMax);
}

function assertRequest(row: RequestRow): void {
  assertKinds(row.id);
  assertTexts(row.agent, row.digest);
  assertInteger("openedAt", row.openedAt);
  assertInteger("expiresAt", row.expiresAt);
  if (row.closedAt !== null) assertInteger("closedAt", row.closedAt);
}

function assertTimer(timer: TimerChange): void {
  if ("clear" in timer) return assertTexts(timer.clear);
  assertTexts(timer.set, timer.stream);
  assertKinds(timer.kind);
  assertInteger("dueAt", timer.dueAt);
}

// A lone surrogate has no UTF-8: a database would keep U+FFFD, and two names would become one.
function assertTexts(...texts: readonly string[]): void {
  for (const text of texts) assertText(text, NAME_BYTES_MAX);
}

// Several of them may stand together in one key of an index, which has an end in every database.
function assertKinds(...texts: readonly string[]): void {
  for (const text of texts) assertText(text, KIND_BYTES_MAX);
}

function assertText(text: string, bytesMax: number): void {
  if (!text.isWellFormed()) throw new RangeError("a name or key holds a lone surrogate, which no store keeps");
  // A unit of UTF-16 is at most three bytes: most names need no count.
  if (text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax) return;
  throw tooLarge(`a name has ${Buffer.byteLength(text)} bytes, and at most ${bytesMax} are kept; shorten it`);
}

function tooLarge(message: string): StoreError {
  return new StoreError({ code: "entry_too_large", message });
}

/** The conflict of an append that was decided on another ledger than this one of `size` entries, or null. */
export function missized(at: number | null | undefined, size: number): Extract<AppendResult, { on: "size" }> | null {
  if (at === null || at === undefined || at === size) return null;
  return { status: "conflict", on: "size", expected: at, actual: size };
}

/** The key that a change of a slot is about. */
export function slotKey(change: SlotChange): string {
  if ("free" in change) return change.free;
  return "unheld" in change ? change.unheld : change.take;
}

/** An append's time limit on its way through a store, with the moment at which it was asked for. */
export type Deadline = { readonly until: number; readonly now: number; readonly asked: number };

/** Milliseconds that only ever grow, the same in every thread of a process. */
function steady(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

/** Starts the time of an append that has a limit. */
export function deadlineOf({ inTime }: Append): Deadline | null {
  return inTime === undefined ? null : { ...inTime, asked: steady() };
}

/** The conflict of an append whose time is over at this moment, or null. `clock` is the store's own, where it has one. */
export function lateness(
  deadline: Deadline | null,
  clock: number = Number.NEGATIVE_INFINITY,
): Extract<AppendResult, { on: "time" }> | null {
  if (deadline === null) return null;
  const { until, now, asked } = deadline;
  const at = Math.max(now + Math.max(0, steady() - asked), clock);
  if (at < until) return null;
  return { status: "conflict", on: "time", until: until as Instant, now: at as Instant };
}
