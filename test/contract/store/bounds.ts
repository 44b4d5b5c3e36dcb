import assert from "node:assert/strict";
import { APPEND_ENTRIES_MAX, HEADER_BYTES_MAX, PAYLOAD_BYTES_MAX, SALT_BYTES_MAX } from "../../../src/ports/store.ts";
import type { Append } from "../../../src/ports/store.ts";
import { EVER, bytes, entry, everything, instant, message, plainEntry, request, snapshot, stream } from "./changes.ts";
import type { Open } from "./changes.ts";
import { scenesOn } from "./scene.ts";

/** What `append` takes, what it refuses, and that it keeps each byte of it. */
export function boundContract(open: Open): void {
  const scene = scenesOn(open);

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
      ["a size below zero", () => store.append({ entries: [], at: -1 })],
      ["half a size", () => store.append({ entries: [], at: 0.5 })],
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
}
