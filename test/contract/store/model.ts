import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openMemoryStore } from "../../../src/stores/memory/index.ts";
import type { Append, Store } from "../../../src/ports/store.ts";
import { KINDS, STATUSES, entry, instant, message, request, snapshot, stream } from "./changes.ts";
import type { Open } from "./changes.ts";

/** How often the law is tried; each run opens a store of its own. */
const RUNS = 20;

const SLOTS = ["k0", "k1", "k2", "k3"];
const small = (max: number): fc.Arbitrary<number> => fc.nat({ max });

/** Names are few, so that they meet; a version or a size is the right one, or misses it by one. */
const missShape = fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(-1, 1) });
const entryShape = fc.record({
  stream: small(3),
  miss: missShape,
  note: fc.string({ maxLength: 5 }),
});
const slotShape = fc.oneof(
  fc.record({ take: fc.constantFrom(...SLOTS), holder: small(2), owner: small(1), ownerMax: small(3) }),
  fc.record({ free: fc.constantFrom(...SLOTS) }),
  fc.record({ unheld: fc.constantFrom(...SLOTS) }),
);
const appendShape = fc.record({
  entries: fc.array(entryShape, { maxLength: 4 }),
  at: fc.option(missShape, { freq: 3 }),
  key: fc.option(small(9)),
  slots: fc.array(slotShape, { maxLength: 3 }),
  requests: fc.array(fc.tuple(small(5), small(3), fc.constantFrom(...STATUSES), small(1)), { maxLength: 2 }),
  timers: fc.array(fc.tuple(small(3), fc.option(small(4))), { maxLength: 2 }),
  outbox: fc.array(fc.tuple(small(3), small(4)), { maxLength: 2 }),
  documents: fc.array(fc.tuple(fc.constantFrom(...KINDS), small(2), fc.option(fc.jsonValue({ maxDepth: 1 }))), {
    maxLength: 2,
  }),
});
const messageShape = fc.record({
  kind: fc.constantFrom("done" as const, "retry" as const, "take" as const),
  id: small(3),
  at: small(6),
});
const stepShape = fc.oneof({ weight: 4, arbitrary: appendShape }, { weight: 1, arbitrary: messageShape });
type Drawn<A> = A extends fc.Arbitrary<infer T> ? T : never;
type AppendShape = Drawn<typeof appendShape>;
type Step = Drawn<typeof stepShape>;

/** A law: whatever is done, and however much of it at once, the store answers and shows what the memory store does. */
export function modelContract(open: Open): void {
  void test("random sequences equal the memory store", { timeout: 120_000 }, async () => {
    // One group is asked for at once and may share a commit; within it the order is that of the calls.
    const groups = fc.array(fc.array(stepShape, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(groups, async (plan) => {
        const { store, reopen, dispose } = await open();
        const model = openMemoryStore();
        try {
          let current = store;
          for (const [at, group] of plan.entries()) {
            if (at === 2 && reopen !== undefined) current = await reopen();
            const expected: unknown[] = [];
            const calls: ((on: Store) => Promise<unknown>)[] = [];
            for (const step of group) {
              const call = await callOf(step, model);
              expected.push(await call(model));
              calls.push(call);
            }
            const on = current;
            assert.deepEqual(await Promise.all(calls.map((call) => call(on))), expected);
            assert.deepEqual(await snapshot(current, SLOTS), await snapshot(model, SLOTS));
          }
        } finally {
          await dispose();
        }
      }),
      { numRuns: RUNS },
    );
  });
}

async function callOf(step: Step, model: Store): Promise<(on: Store) => Promise<unknown>> {
  if ("entries" in step) {
    const change = await changeOf(step, model);
    return (on) => on.append(change);
  }
  if (step.kind === "done") return (on) => on.messageDone(`m${step.id}`);
  if (step.kind === "take") return (on) => on.takeMessages(instant(step.at), 1 + step.id, instant(step.at + 2));
  return (on) => on.messageRetry(`m${step.id}`, instant(step.at));
}

async function changeOf(step: AppendShape, model: Store): Promise<Append> {
  const next = new Map<string, number>();
  const entries = [];
  for (const { stream: number, miss, note } of step.entries) {
    const name = `s/${number}`;
    const version = next.get(name) ?? (await model.stream(stream(name))).length;
    entries.push(entry(name, Math.max(0, version + miss), note));
    next.set(name, version + 1);
  }
  const { key } = step;
  const size = step.at === null ? null : (await model.head()).size + step.at;
  return {
    entries,
    ...(size === null ? {} : { at: Math.max(0, size) }),
    ...(key === null
      ? {}
      : { idempotency: { key: `i${key}`, fingerprint: `f${entries.length}`, answer: { entries: entries.length } } }),
    slots: step.slots.map((slot) =>
      !("take" in slot) ? slot : { ...slot, holder: stream(`s/${slot.holder}`), owner: `o${slot.owner}` },
    ),
    requests: step.requests.map(([id, at, status, agent]) => request(`r${id}`, at, status, `agent-${agent}`)),
    timers: step.timers.map(([id, at]) =>
      at === null ? { clear: `t${id}` } : { set: `t${id}`, dueAt: instant(at), kind: "expire", stream: stream("s/0") },
    ),
    outbox: step.outbox.map(([id, at]) => message(`m${id}`, at, `${at}`)),
    documents: step.documents.map(([kind, id, body]) => ({
      kind,
      id: `d${id}`,
      body: body === null ? null : { body: JSON.stringify(body) },
    })),
  };
}
