import assert from "node:assert/strict";
import type { Append, AppendResult, SlotChange } from "../../../src/ports/store.ts";
import { EVER, entry, everything, instant, message, plainEntry, request, snapshot, stream } from "./changes.ts";
import type { Open } from "./changes.ts";
import { scenesOn } from "./scene.ts";

/** What `append` promises. */
export function appendContract(open: Open): void {
  const scene = scenesOn(open);

  scene("an append is readable in all its parts", async (store) => {
    assert.deepEqual(await store.append(everything("x")), { status: "appended", index: 0, size: 3 });
    const [a0, a1] = [entry("x/a", 0), entry("x/a", 1)];
    assert.deepEqual((await store.stream(stream("x/a"))).map(plainEntry), [
      { ...a0, index: 0 },
      { ...a1, index: 2 },
    ]);
    assert.deepEqual((await store.stream(stream("x/a"), 1)).map(plainEntry), [{ ...a1, index: 2 }]);
    assert.deepEqual(await store.stream(stream("x/a"), 2), []);
    assert.deepEqual(await store.stream(stream("unknown")), []);
    assert.equal(await store.slot("x-slot"), "x/a");
    assert.equal(await store.slot("unknown"), null);
    assert.deepEqual(await store.requests({ limit: 9 }), [request("x-request", 5)]);
    assert.deepEqual(await store.dueTimers(EVER, 9), [{ id: "x-timer", dueAt: 7, kind: "expire", stream: "x/a" }]);
    assert.deepEqual(await store.messages(9), [{ ...message("x-message", 9), attempts: 0 }]);
    assert.deepEqual(await store.document("policy", "x-document"), {
      kind: "policy",
      id: "x-document",
      body: { text: "x" },
    });
  });

  scene("an append with a time limit happens before it, or not at all", async (store) => {
    const now = instant(Date.now());
    const limited = (from: string, leftMs: number): Append => {
      return { ...everything(from), inTime: { until: instant(now + leftMs), now } };
    };
    for (const [from, leftMs] of [
      ["gone", -60_000],
      ["now", 0],
    ] as const) {
      const result = await store.append(limited(from, leftMs));
      assert.ok(result.status === "conflict" && result.on === "time", `${from}: ${JSON.stringify(result)}`);
      assert.equal(result.until, now + leftMs);
      assert.ok(result.now >= result.until);
      assert.deepEqual(await store.stream(stream(`${from}/a`)), []);
    }
    assert.equal((await store.head()).size, 0);
    assert.equal((await store.append(limited("early", 60_000))).status, "appended");
    // A repeat is answered as the first was, whenever it comes; a stale version is told as one.
    assert.equal((await store.append(limited("early", -60_000))).status, "duplicate");
    const stale = await store.append({ entries: [entry("early/a", 0)], inTime: { until: now, now } });
    assert.ok(stale.status === "conflict" && stale.on === "version");
  });

  scene("indexes are gapless in the order of commits, whatever the stream", async (store) => {
    const sizes: [number, AppendResult][] = [];
    for (const [at, count] of [3, 1, 0, 64, 2].entries()) {
      const entries = Array.from({ length: count }, (_, version) => entry(`s/${at}`, version));
      sizes.push([count, await store.append({ entries })]);
    }
    assert.deepEqual(sizes, [
      [3, { status: "appended", index: 0, size: 3 }],
      [1, { status: "appended", index: 3, size: 4 }],
      [0, { status: "appended", index: 4, size: 4 }],
      [64, { status: "appended", index: 4, size: 68 }],
      [2, { status: "appended", index: 68, size: 70 }],
    ]);
    const indexes = (await store.range(0, 1000)).map((one) => one.index);
    assert.deepEqual(
      indexes,
      Array.from({ length: 70 }, (_, index) => index),
    );
  });

  scene("ranges are cut at both ends and copy no entry twice", async (store) => {
    for (let version = 0; version < 10; version++) await store.append({ entries: [entry("s", version)] });
    const table: [number, number, number[]][] = [
      [0, 3, [0, 1, 2]],
      [8, 5, [8, 9]],
      [10, 5, []],
      [99, 5, []],
      [4, 0, []],
      [9, 1, [9]],
    ];
    for (const [from, limit, expected] of table) {
      const found = (await store.range(from, limit)).map((one) => one.index);
      assert.deepEqual(found, expected, `range(${from}, ${limit})`);
    }
  });

  scene("a version must be the next one of its stream", async (store) => {
    await store.append({ entries: [entry("two", 0), entry("two", 1)] });
    const before = await snapshot(store);
    const table: [Append["entries"], string, number, number][] = [
      [[entry("two", 1)], "two", 1, 2],
      [[entry("two", 0)], "two", 0, 2],
      [[entry("two", 3)], "two", 3, 2],
      [[entry("new", 1)], "new", 1, 0],
      [[entry("two", 2), entry("two", 2)], "two", 2, 3],
      [[entry("new", 0), entry("new", 2)], "new", 2, 1],
      [[entry("new", 0), entry("two", 1)], "two", 1, 2],
    ];
    for (const [entries, name, expected, actual] of table) {
      const result = await store.append({ entries });
      assert.deepEqual(result, { status: "conflict", on: "version", stream: name, expected, actual });
    }
    assert.deepEqual(await snapshot(store), before);
    const two = await store.append({ entries: [entry("two", 2), entry("new", 0), entry("two", 3)] });
    assert.deepEqual(two, { status: "appended", index: 2, size: 5 });
  });

  scene("of many that expect the same version exactly one wins", async (store) => {
    const racers = Array.from({ length: 32 }, (_, at) => store.append({ entries: [entry("race", 0, `${at}`)] }));
    const results = await Promise.all(racers);
    const winners = results.filter((result) => result.status === "appended");
    assert.equal(winners.length, 1);
    for (const result of results) {
      if (result.status === "appended") continue;
      assert.deepEqual(result, { status: "conflict", on: "version", stream: "race", expected: 0, actual: 1 });
    }
    assert.equal((await store.stream(stream("race"))).length, 1);
  });

  scene("a key used again writes nothing and answers what the first answered", async (store) => {
    await store.append({ entries: [entry("other", 0)] });
    const first: Append = {
      ...everything("x"),
      idempotency: { key: "k", fingerprint: "one", answer: { id: 1, list: [null, "é", { n: -0.5 }] } },
    };
    assert.equal((await store.append(first)).status, "appended");
    const before = await snapshot(store, ["x-slot", "y-slot"]);
    const same = {
      status: "duplicate",
      fingerprint: "one",
      answer: { id: 1, list: [null, "é", { n: -0.5 }] },
      index: 1,
    };
    const again: [string, Append][] = [
      ["the same", first],
      ["other content", { ...everything("y"), idempotency: { key: "k", fingerprint: "two", answer: { id: 2 } } }],
      [
        "a version that conflicts",
        { entries: [entry("x/a", 9)], idempotency: { key: "k", fingerprint: "", answer: {} } },
      ],
      [
        "a slot that conflicts",
        {
          entries: [],
          slots: [{ take: "x-slot", holder: stream("thief"), owner: "o", ownerMax: 9 }],
          idempotency: { key: "k", fingerprint: "", answer: {} },
        },
      ],
    ];
    for (const [title, change] of again) assert.deepEqual(await store.append(change), same, title);
    assert.deepEqual(await snapshot(store, ["x-slot", "y-slot"]), before);
  });

  scene("of many with the same key one is written, also within one commit", async (store) => {
    const results = await Promise.all(
      Array.from({ length: 16 }, (_, at) =>
        store.append({
          entries: [entry(`s/${at}`, 0)],
          idempotency: { key: "once", fingerprint: `${at}`, answer: { at } },
        }),
      ),
    );
    const winner = results.findIndex((result) => result.status === "appended");
    for (const [at, result] of results.entries()) {
      if (at === winner) continue;
      assert.deepEqual(result, { status: "duplicate", fingerprint: `${winner}`, answer: { at: winner }, index: 0 });
    }
    assert.equal((await store.head()).size, 1);
  });

  scene("an append that conflicts does not use up its key", async (store) => {
    const idempotency = { key: "k", fingerprint: "f", answer: { ok: true } };
    assert.equal((await store.append({ entries: [entry("s", 1)], idempotency })).status, "conflict");
    assert.equal((await store.append({ entries: [entry("s", 0)], idempotency })).status, "appended");
    assert.equal((await store.append({ entries: [entry("s", 1)], idempotency })).status, "duplicate");
  });

  scene("an append that was decided at a size happens at that size, or not at all", async (store) => {
    await store.append(everything("x"));
    const before = await snapshot(store, ["x-slot", "y-slot"]);
    for (const at of [0, 2, 4, 99]) {
      const result = await store.append({ ...everything("y"), at });
      assert.deepEqual(result, { status: "conflict", on: "size", expected: at, actual: 3 });
    }
    assert.deepEqual(await snapshot(store, ["x-slot", "y-slot"]), before);
    assert.deepEqual(await store.append({ ...everything("y"), at: 3 }), { status: "appended", index: 3, size: 6 });
    // A repeat is answered as the first was; the size is told before a version, a time or a slot.
    assert.equal((await store.append({ ...everything("y"), at: 3 })).status, "duplicate");
    const past = { until: instant(1), now: instant(1) };
    const slots: SlotChange[] = [{ unheld: "x-slot" }];
    const all = await store.append({ entries: [entry("x/a", 0)], at: 5, inTime: past, slots });
    assert.deepEqual(all, { status: "conflict", on: "size", expected: 5, actual: 6 });
    const fitting = await store.append({ entries: [entry("x/a", 0)], at: 6, inTime: past, slots });
    assert.deepEqual(fitting, { status: "conflict", on: "version", stream: "x/a", expected: 0, actual: 2 });
    // One that appends nothing leaves the size as it is.
    const policy = { kind: "policy", id: "p", body: {} };
    assert.equal((await store.append({ entries: [], at: 6, documents: [policy] })).status, "appended");
    assert.equal(
      (await store.append({ entries: [], at: 5, documents: [{ ...policy, body: null }] })).status,
      "conflict",
    );
    assert.deepEqual(await store.document("policy", "p"), policy);
  });

  scene("of many that were decided at the same size the first one wins", async (store) => {
    for (const at of [0, 1, 2]) {
      const racers = Array.from({ length: 16 }, (_, racer) =>
        store.append({ entries: [entry(`${at}/${racer}`, 0)], at }),
      );
      const [first, ...others] = await Promise.all(racers);
      assert.deepEqual(first, { status: "appended", index: at, size: at + 1 });
      for (const other of others)
        assert.deepEqual(other, { status: "conflict", on: "size", expected: at, actual: at + 1 });
    }
    const chain = Array.from({ length: 16 }, (_, n) => store.append({ entries: [entry("chain", n)], at: 3 + n }));
    assert.deepEqual(new Set((await Promise.all(chain)).map(({ status }) => status)), new Set(["appended"]));
  });

  scene("versions are checked before slots", async (store) => {
    await store.append(everything("x"));
    const slots: SlotChange[] = [{ take: "x-slot", holder: stream("y"), owner: "y", ownerMax: 0 }];
    const both = await store.append({ entries: [entry("x/a", 0)], slots });
    assert.deepEqual(both, { status: "conflict", on: "version", stream: "x/a", expected: 0, actual: 2 });
    const one = await store.append({ entries: [entry("x/a", 2)], slots });
    assert.deepEqual(one, { status: "conflict", on: "slot", slot: "x-slot", holder: "x/a" });
  });

  scene("reads see every append that has resolved", async (store) => {
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let version = 0; version < 10; version++) {
        const result = await store.append({ entries: [entry(`w/${writer}`, version)] });
        assert.ok(result.status === "appended");
        const [own, head, range] = await Promise.all([
          store.stream(stream(`w/${writer}`)),
          store.head(),
          store.range(result.index, 1),
        ]);
        assert.equal(own.length, version + 1);
        assert.ok(head.size >= result.size);
        assert.equal(range[0]?.stream, `w/${writer}`);
      }
    });
    await Promise.all(writers);
    assert.equal((await store.head()).size, 80);
  });
}
