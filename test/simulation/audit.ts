// At the end of a history: what the store answers to readers is what was committed, to the byte.
import { hash } from "node:crypto";
import type { Instant, StreamName } from "../../src/core/brand.ts";
import type { Store } from "../../src/ports/store.ts";
import type { Checker } from "./checker.ts";
import { isOpen } from "./record.ts";

const EVERYTHING = 100_000;

/** Compares ledger, tree, inbox, slots and timers of the store with what the checker saw committed. */
export async function audit(store: Store, checker: Checker): Promise<void> {
  const { headers, requests } = checker;
  const kept = await store.headers(0, EVERYTHING);
  const same = kept.length === headers.length && kept.every((header, at) => isSame(header, headers[at]));
  checker.law("ledger.edit", same, "what was appended stays as it was", "the end");
  const { size, root } = await store.head();
  const whole = size === headers.length && isSame(root, rootOf(headers));
  checker.law("ledger.rechain", whole, "the root is that of all headers", "the end");
  const rows = await store.requests({ limit: EVERYTHING });
  checker.law("ledger.skip", rows.length === requests.size, "the inbox has every request", "the end");
  for (const { id, status, closedAt } of rows) {
    const known = requests.get(id);
    const fits = known?.status === status && (closedAt === null) === (status === "pending");
    checker.law("ledger.skip", fits, "the inbox equals the fold of the stream", `row ${id}`);
  }
  const timers = await store.dueTimers(Number.MAX_SAFE_INTEGER as Instant, EVERYTHING);
  for (const known of requests.values()) {
    const holder = await store.slot(`live:${known.agent}:${known.digest}`);
    const holds = holder === (`request/${known.id}` as StreamName);
    checker.law("flood.requests", holds === isOpen(known), "an open request holds its action", `slot ${known.id}`);
    const due = known.status === "approved" ? known.approvedUntil : known.expiresAt;
    const timer = timers.find(({ id }) => id === `expiry:${known.id}`);
    const timed = isOpen(known) ? timer?.dueAt === due : timer === undefined;
    checker.law("default.timeout", timed, "an open request has the timer of its end", `timer ${known.id}`);
  }
}

function isSame(left: Uint8Array, right: Uint8Array | undefined): boolean {
  return right !== undefined && Buffer.compare(left, right) === 0;
}

/** RFC 6962 §2.1, by its own recursive definition. */
function rootOf(leaves: readonly Uint8Array[]): Uint8Array {
  const [only] = leaves;
  if (only === undefined) return hash("sha256", "", "buffer");
  if (leaves.length === 1) return hash("sha256", Buffer.concat([Uint8Array.of(0), only]), "buffer");
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  const both = [Uint8Array.of(1), rootOf(leaves.slice(0, half)), rootOf(leaves.slice(half))];
  return hash("sha256", Buffer.concat(both), "buffer");
}
