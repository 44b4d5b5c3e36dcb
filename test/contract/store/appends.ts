import assert from "node:assert/strict";
import { test } from "node:test";
import { APPEND_ENTRIES_MAX, HEADER_BYTES_MAX, PAYLOAD_BYTES_MAX, SALT_BYTES_MAX } from "../../../src/ports/store.ts";
import type { Append, AppendResult, SlotChange, Store } from "../../../src/ports/store.ts";
import { openMemoryStore } from "../../../src/stores/memory/index.ts";
import { EVER, bytes, entry, everything, instant, message, plainEntry, request, snapshot, stream } from "./changes.ts";
import type { Open } from "./changes.ts";

/** What `append` promises. */
export function appendContract(open: Open): void {
  const scene = (title: string, run: (store: Store) => Promise<void>): void =>
    void test(title, async () => {
      const opened = await open();
      try {
        await run(opened.store);
      } finally {
        await opened.dispose();
      }
    });

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

  scene("of many that take the same slot exactly one wins", async (store) => {
    const racers = Array.from({ length: 32 }, (_, at) =>
      store.append({
        entries: [entry(`racer/${at}`, 0)],
        slots: [{ take: "prize", holder: stream(`racer/${at}`), owner: `owner ${at}`, ownerMax: 1 }],
      }),
    );
    const results = await Promise.all(racers);
    const winner = results.findIndex((result) => result.status === "appended");
    assert.equal(await store.slot("prize"), `racer/${winner}`);
    assert.equal((await store.head()).size, 1);
    for (const [at, result] of results.entries()) {
      if (at === winner) continue;
      assert.deepEqual(result, { status: "conflict", on: "slot", slot: "prize", holder: `racer/${winner}` });
    }
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

  scene("versions are checked before slots", async (store) => {
    await store.append(everything("x"));
    const slots: SlotChange[] = [{ take: "x-slot", holder: stream("y"), owner: "y", ownerMax: 0 }];
    const both = await store.append({ entries: [entry("x/a", 0)], slots });
    assert.deepEqual(both, { status: "conflict", on: "version", stream: "x/a", expected: 0, actual: 2 });
    const one = await store.append({ entries: [entry("x/a", 2)], slots });
    assert.deepEqual(one, { status: "conflict", on: "slot", slot: "x-slot", holder: "x/a" });
  });

  const hold = (take: string, holder: string, owner: string, ownerMax: number): SlotChange => ({
    take,
    holder: stream(holder),
    owner,
    ownerMax,
  });

  // What breaks the append in the middle, whose rows of every other kind must then be nowhere.
  const broken: [string, Partial<Append>, Partial<AppendResult>][] = [
    ["version", { entries: [entry("bad/a", 0), entry("old/a", 0)] }, { on: "version" }],
    ["slot", { slots: [hold("bad", "bad/a", "bad", 9), hold("old-slot", "bad/a", "bad", 9)] }, { on: "slot" }],
    ["owner", { slots: [hold("bad", "bad/a", "bad", 9), hold("bad-2", "bad/a", "bad", 1)] }, { on: "owner" }],
    [
      "slot after a free",
      { slots: [{ free: "old-slot" }, hold("old-slot", "bad/a", "bad", 9), hold("old-slot", "bad/b", "bad", 9)] },
      { on: "slot" },
    ],
    [
      "slot of a neighbour",
      { slots: [hold("bad", "bad/a", "bad", 9), hold("left-slot", "bad/a", "bad", 9)] },
      { on: "slot" },
    ],
    ["version of a neighbour", { entries: [entry("bad/a", 0), entry("left/b", 0)] }, { on: "version" }],
  ];
  for (const [title, breaking, expected] of broken) {
    scene(`a conflict (${title}) writes nothing and spares its neighbours in the same commit`, async (store) => {
      await store.append(everything("old"));
      const change = {
        ...everything("bad"),
        documents: [{ kind: "policy", id: "old-document", body: null }],
        ...breaking,
      };
      const [left, bad, right] = await Promise.all([
        store.append(everything("left")),
        store.append(change),
        store.append(everything("right")),
      ]);
      assert.deepEqual(left, { status: "appended", index: 3, size: 6 });
      assert.deepEqual({ ...bad, ...expected }, bad);
      assert.deepEqual(right, { status: "appended", index: 6, size: 9 });
      const twin = openMemoryStore();
      for (const tag of ["old", "left", "right"]) await twin.append(everything(tag));
      const slots = ["old-slot", "left-slot", "right-slot", "bad", "bad-2", "bad-slot"];
      assert.deepEqual(await snapshot(store, slots), await snapshot(twin, slots));
      const key = await store.append({ entries: [], idempotency: { key: "bad-key", fingerprint: "", answer: {} } });
      assert.equal(key.status, "appended");
    });
  }

  const slotTable: [string, SlotChange[], "appended" | "slot" | "owner", { [key: string]: string | null }][] = [
    ["a free slot is taken", [hold("k", "s", "o", 1)], "appended", { k: "s" }],
    ["an owner with no places takes nothing", [hold("k", "s", "o", 0)], "owner", { k: null }],
    ["taken twice by the same stream", [hold("k", "s", "o", 1), hold("k", "s", "o", 1)], "appended", { k: "s" }],
    ["taken by two streams", [hold("k", "s", "o", 9), hold("k", "t", "p", 9)], "slot", { k: null }],
    [
      "freed, then taken by another",
      [hold("k", "s", "o", 1), { free: "k" }, hold("k", "t", "o", 1)],
      "appended",
      { k: "t" },
    ],
    ["taken, then freed", [hold("k", "s", "o", 1), { free: "k" }], "appended", { k: null }],
    ["one place, two slots", [hold("k", "s", "o", 1), hold("l", "s", "o", 1)], "owner", { k: null, l: null }],
    [
      "one place given back in time",
      [hold("k", "s", "o", 1), { free: "k" }, hold("l", "s", "o", 1)],
      "appended",
      { k: null, l: "s" },
    ],
    ["two owners, a place each", [hold("k", "s", "o", 1), hold("l", "s", "p", 1)], "appended", { k: "s", l: "s" }],
    [
      "moved to a full owner",
      [hold("k", "s", "o", 1), hold("l", "s", "p", 1), hold("k", "s", "p", 1)],
      "owner",
      { k: null, l: null },
    ],
    [
      "moved, so the old owner has room",
      [hold("k", "s", "o", 1), hold("k", "s", "p", 1), hold("l", "s", "o", 1)],
      "appended",
      { k: "s", l: "s" },
    ],
    ["nobody's slot is freed", [{ free: "never" }], "appended", { never: null }],
  ];
  scene("slots change in their order, each seeing the ones before it", async (store) => {
    for (const [title, changes, expected, held] of slotTable) {
      const own = (name: string): string => `${title}: ${name}`; // each row has keys and owners of its own
      const slots = changes.map((change) =>
        "free" in change ? { free: own(change.free) } : { ...change, take: own(change.take), owner: own(change.owner) },
      );
      const result = await store.append({ entries: [], slots });
      assert.equal(result.status === "conflict" ? result.on : result.status, expected, title);
      for (const [key, holder] of Object.entries(held)) assert.equal(await store.slot(own(key)), holder, title);
    }
  });

  scene("slots outlive their append, and their owner's places are counted over all", async (store) => {
    for (const at of [0, 1, 2]) {
      assert.equal(
        (await store.append({ entries: [], slots: [hold(`k${at}`, `s/${at}`, "o", 3)] })).status,
        "appended",
      );
    }
    const full = await store.append({ entries: [], slots: [hold("k3", "s/3", "o", 3)] });
    assert.deepEqual(full, { status: "conflict", on: "owner", owner: "o", held: 3 });
    const slot = await store.append({ entries: [], slots: [hold("k1", "s/3", "o", 3)] });
    assert.deepEqual(slot, { status: "conflict", on: "slot", slot: "k1", holder: "s/1" });
    await store.append({ entries: [], slots: [{ free: "k1" }] });
    assert.equal((await store.append({ entries: [], slots: [hold("k3", "s/3", "o", 3)] })).status, "appended");
  });

  scene("over a limit nothing is written, and the store lives", async (store) => {
    const change = everything("x");
    const big = (part: "header" | "payload" | "salt", size: number): Append => ({
      ...change,
      entries: [{ ...entry("big", 0), [part]: new Uint8Array(size) }],
    });
    const many = (count: number): Append => ({
      entries: Array.from({ length: count }, (_, version) => entry("many", version)),
    });
    const tooLarge: [string, Append][] = [
      ["header", big("header", HEADER_BYTES_MAX + 1)],
      ["payload", big("payload", PAYLOAD_BYTES_MAX + 1)],
      ["salt", big("salt", SALT_BYTES_MAX + 1)],
      ["entries", many(APPEND_ENTRIES_MAX + 1)],
    ];
    const empty = await snapshot(store, ["x-slot"]);
    for (const [title, one] of tooLarge) {
      await assert.rejects(store.append(one), { name: "StoreError", code: "entry_too_large" }, title);
    }
    assert.deepEqual(await snapshot(store, ["x-slot"]), empty);
    for (const one of [big("header", HEADER_BYTES_MAX), many(APPEND_ENTRIES_MAX)]) {
      assert.equal((await store.append(one)).status, "appended");
    }
    const [stored] = await store.stream(stream("big"));
    assert.equal(stored?.header.length, HEADER_BYTES_MAX);
    const payload = Uint8Array.from({ length: PAYLOAD_BYTES_MAX }, (_, at) => at % 251);
    await store.append({ entries: [{ ...entry("big", 1), payload, salt: new Uint8Array(SALT_BYTES_MAX) }] });
    const [, largest] = await store.stream(stream("big"));
    assert.equal(Buffer.compare(largest?.payload ?? new Uint8Array(0), payload), 0);
  });

  scene("what no store could keep is a RangeError, and the store lives", async (store) => {
    const empty = await snapshot(store);
    const lone = "a\ud800";
    const table: [string, () => Promise<unknown>][] = [
      ["version below zero", () => store.append({ entries: [entry("s", -1)] })],
      ["half a version", () => store.append({ entries: [entry("s", 0.5)] })],
      ["a lone surrogate in a stream", () => store.append({ entries: [entry(lone, 0)] })],
      ["a lone surrogate in a slot", () => store.append({ entries: [], slots: [{ free: lone }] })],
      [
        "a lone surrogate in a key",
        () => store.append({ entries: [], idempotency: { key: lone, fingerprint: "", answer: {} } }),
      ],
      [
        "a lone surrogate in a document",
        () => store.append({ entries: [], documents: [{ kind: "policy", id: lone, body: {} }] }),
      ],
      ["no time at all", () => store.append({ entries: [], requests: [request("r", Number.NaN)] })],
      [
        "a timer at no time",
        () =>
          store.append({
            entries: [],
            timers: [{ set: "t", dueAt: instant(Infinity), kind: "k", stream: stream("s") }],
          }),
      ],
      ["a message at half a time", () => store.append({ entries: [], outbox: [message("m", 0.5)] })],
      ["a retry at no time", () => store.messageRetry("m", instant(Number.NaN))],
      ["a range from below zero", () => store.range(-1, 1)],
      ["a limit below zero", () => store.range(0, -1)],
      ["requests without end", () => store.requests({ limit: -1 })],
      ["timers without end", () => store.dueTimers(EVER, -1)],
      ["messages without end", () => store.messages(Infinity)],
      ["taking without end", () => store.takeMessages(EVER, Infinity, EVER)],
      ["taking until no time", () => store.takeMessages(EVER, 1, instant(Number.NaN))],
      ["a stream from below zero", () => store.stream(stream("s"), -1)],
    ];
    for (const [title, call] of table) await assert.rejects(call, RangeError, title);
    assert.deepEqual(await snapshot(store), empty);
    assert.equal((await store.append({ entries: [entry("s", 0)] })).status, "appended");
  });

  scene("names keep every character", async (store) => {
    const names = ["nul\0a", "nul\0b", "nul", "🔑", "ｋ", "é", "e\u0301", "", " ", "K", "k"];
    await store.append({ entries: names.map((name) => entry(name, 0)) });
    for (const name of names) {
      const found = (await store.stream(stream(name))).map(plainEntry);
      assert.deepEqual(found, [{ ...entry(name, 0), index: names.indexOf(name) }]);
    }
  });

  scene("bytes are copied on the way in and out", async (store) => {
    const pool = Buffer.from("....header....payload....salt....");
    const one = {
      ...entry("s", 0),
      header: pool.subarray(4, 10),
      payload: pool.subarray(14, 21),
      salt: pool.subarray(25, 29),
    };
    const answer = { list: ["before"] };
    const waiting = store.append({ entries: [one], idempotency: { key: "k", fingerprint: "f", answer } });
    pool.fill("x");
    answer.list[0] = "after";
    await waiting;
    const expected = { header: bytes("header"), payload: bytes("payload"), salt: bytes("salt") };
    for (let look = 0; look < 2; look++) {
      const [stored] = (await store.stream(stream("s"))).map(plainEntry);
      assert.deepEqual(stored, { ...one, ...expected, index: 0 });
      for (const found of await store.range(0, 1)) {
        found.header.fill(0);
        found.payload?.fill(0);
        found.salt?.fill(0);
      }
      (await store.head()).root.fill(0);
      for (const hash of await store.subtrees([{ level: 0, index: 0 }])) hash.fill(0);
    }
    const [leaf] = await store.subtrees([{ level: 0, index: 0 }]);
    assert.ok(leaf?.some((byte) => byte !== 0));
    const again = await store.append({ entries: [], idempotency: { key: "k", fingerprint: "f", answer: {} } });
    assert.deepEqual(again.status === "duplicate" && again.answer, { list: ["before"] });
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
