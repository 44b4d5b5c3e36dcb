import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Lease, LEASE_MS, RENEW_EVERY_MS } from "../../src/engine/lease.ts";
import { repeat } from "../../src/engine/repeat.ts";
import { StoreError } from "../../src/ports/store.ts";
import type { Store } from "../../src/ports/store.ts";
import { openMemoryStore } from "../../src/stores/memory/index.ts";

/** Instances on one store, and the clock that nobody can set. */
class Fleet {
  readonly store: Store = openMemoryStore();
  now = 0;
  readonly all: readonly Lease[];

  constructor(count: number, storeOf: (store: Store) => Store = (store) => store) {
    this.all = Array.from({ length: count }, (_, n) => new Lease(storeOf(this.store), `i${n}`, () => this.now));
  }

  one(n: number): Lease {
    const lease = this.all[n];
    assert.ok(lease !== undefined);
    return lease;
  }

  get leaders(): readonly number[] {
    return this.all.flatMap(({ leads }, n) => (leads ? [n] : []));
  }

  /** Whether what was begun under a fence could still be written. */
  async passes(lease: Lease): Promise<boolean> {
    const fence = lease.fence();
    return fence !== null && (await this.store.append({ entries: [], slots: fence })).status === "appended";
  }
}

test("one leads while it is heard of; then another one, and what the first had begun is not written any more", async () => {
  const fleet = new Fleet(2);
  const [a, b] = [fleet.one(0), fleet.one(1)];
  assert.equal(a.fence(), null);
  await a.step();
  await b.step();
  assert.deepEqual(fleet.leaders, [0]);
  assert.equal(b.fence(), null);
  const begun = a.fence() ?? [];
  fleet.now += RENEW_EVERY_MS;
  await a.step();
  assert.equal((await fleet.store.append({ entries: [], slots: begun })).status, "appended", "a renewal ends nothing");
  await b.step(); // sees it renewed
  fleet.now += LEASE_MS - 1;
  await b.step();
  assert.equal(b.leads, false);
  fleet.now += 1;
  assert.equal(a.leads, false, "it stops by itself, before another begins");
  await b.step();
  assert.deepEqual(fleet.leaders, [1]);
  assert.equal((await fleet.store.append({ entries: [], slots: begun })).status, "conflict");
  assert.ok(await fleet.passes(b));
  await a.step();
  fleet.now += LEASE_MS;
  await a.step();
  assert.deepEqual(fleet.leaders, [0]);
  assert.ok(await fleet.passes(a));
  assert.equal((await fleet.store.append({ entries: [], slots: begun })).status, "conflict", "it is another term");
});

test("who ends gives the lease up, and the next takes it at once", async () => {
  const fleet = new Fleet(2);
  const [a, b] = [fleet.one(0), fleet.one(1)];
  const closing = new AbortController();
  const running = a.run(closing.signal);
  while (!a.leads) await new Promise((resolve) => setImmediate(resolve));
  const begun = a.fence() ?? [];
  closing.abort();
  await running;
  assert.equal(a.leads, false);
  assert.equal((await fleet.store.append({ entries: [], slots: begun })).status, "appended", "its last words");
  await b.step();
  assert.deepEqual(fleet.leaders, [1]);
  assert.equal((await fleet.store.append({ entries: [], slots: begun })).status, "conflict");
});

test("whatever answers are lost and however long instances sleep, one leads, and only its term is written", async () => {
  const step = fc.record({ who: fc.nat(2), ms: fc.nat(LEASE_MS), answer: fc.constantFrom("kept", "lost", "before") });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      let answer = "kept";
      const away = (): StoreError => new StoreError({ code: "store_unavailable", message: "away" });
      const fleet = new Fleet(3, (real) => {
        const append: Store["append"] = async (change) => {
          if (answer === "before") throw away();
          const result = await real.append(change);
          if (answer === "lost") throw away();
          return result;
        };
        return new Proxy(real, {
          get: (target, name) => {
            const value: unknown = name === "append" ? append : Reflect.get(target, name);
            return typeof value === "function" ? value.bind(target) : value;
          },
        });
      });
      const terms: { readonly who: number; readonly fence: NonNullable<ReturnType<Lease["fence"]>> }[] = [];
      for (const { who, ms, answer: next } of steps) {
        fleet.now += ms;
        answer = next;
        await fleet
          .one(who)
          .step()
          .catch(() => undefined);
        answer = "kept";
        assert.ok(fleet.leaders.length <= 1);
        for (const leader of fleet.leaders) {
          const fence = fleet.one(leader).fence();
          assert.ok(fence !== null && (await fleet.passes(fleet.one(leader))), "who leads can write");
          terms.push({ who: leader, fence });
        }
      }
      const last = terms.at(-1);
      for (const { fence } of terms) {
        const { status } = await fleet.store.append({ entries: [], slots: fence });
        if (status === "appended") assert.deepEqual(fence, last?.fence, "of all terms only the last is written");
      }
      // When all is well again, somebody leads before long.
      for (let round = 0; round < 8 && fleet.leaders.length === 0; round += 1) {
        fleet.now += LEASE_MS / 2;
        for (const lease of fleet.all) await lease.step();
      }
      assert.equal(fleet.leaders.length, 1);
    }),
    { numRuns: 200 },
  );
});

test("work is repeated until the end, over a store that is away and faults that are told", async () => {
  const error = (code: "store_unavailable" | "store_failed"): StoreError => new StoreError({ code, message: code });
  const cases: readonly (readonly [name: string, faults: readonly unknown[], told: number | null, ends: string])[] = [
    ["well", [], null, "aborted"],
    ["away for a while", [error("store_unavailable"), error("store_unavailable")], null, "aborted"],
    ["failed for good", [error("store_unavailable"), error("store_failed")], null, "store_failed"],
    ["a fault that nobody hears", [new RangeError("fault")], null, "fault"],
    [
      "a fault that is told",
      [new RangeError("fault"), error("store_unavailable"), new RangeError("fault")],
      2,
      "aborted",
    ],
  ];
  for (const [name, faults, told, ends] of cases) {
    const closing = new AbortController();
    const heard: unknown[] = [];
    let times = 0;
    const work = (): Promise<number> => {
      times += 1;
      if (times > faults.length) closing.abort();
      return times > faults.length ? Promise.resolve(60_000) : Promise.reject(faults[times - 1]);
    };
    const end = await repeat(closing.signal, work, {
      everyMs: 1,
      ...(told === null ? {} : { onFault: (fault) => void heard.push(fault) }),
    }).then(
      () => "aborted",
      (fault: Error) => fault.message,
    );
    assert.deepEqual([end, heard.length], [ends, told ?? 0], name);
  }
});
