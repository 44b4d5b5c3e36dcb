// What travels with the news of a commit: only who shares the secret can write it or read it, for exactly that commit.
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import type { StreamName } from "../../src/core/brand.ts";
import { Frontier } from "../../src/core/ledger/index.ts";
import { NO_REST } from "../../src/ports/append-call.ts";
import type { AppendCall } from "../../src/ports/append-call.ts";
import type { StoredEntry } from "../../src/ports/store.ts";
import { newsOf, NOTICE_BYTES_MAX, openNotice, readNotice, writeNotice } from "../../src/stores/postgres/notice.ts";
import type { Notice, NoticeHead } from "../../src/stores/postgres/notice.ts";
import { planBatch } from "../../src/stores/postgres/plan.ts";
import type { PlannedEntry } from "../../src/stores/postgres/plan.ts";
import { NewsKeys, NewsSeal } from "../../src/stores/postgres/seal.ts";
import { seenIn } from "../../src/stores/postgres/ahead.ts";
import { Tree } from "../../src/stores/postgres/tree.ts";
import { entry, plainEntry } from "./store/changes.ts";

const SECRET = randomBytes(32);
const HEAD: NoticeHead = { writer: "0b6f2d5e-6d1b-4a9f-8a52-2b8f6f3f5d11", commits: 41, ledger: "main" };

/** Each side derives its keys by itself. */
const write = (entries: readonly PlannedEntry[], head: NoticeHead = HEAD): string =>
  writeNotice(head, entries, new NewsSeal(SECRET, head));
const open = (notice: Notice | null, secret: Uint8Array = SECRET): readonly StoredEntry[] | null =>
  notice === null ? null : openNotice(notice, new NewsKeys(secret));

const headShape: fc.Arbitrary<NoticeHead> = fc.record({
  writer: fc.uuid(),
  commits: fc.maxSafeNat(),
  ledger: fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,62}$/),
});
const entriesShape: fc.Arbitrary<PlannedEntry[]> = fc
  .tuple(
    fc.nat(),
    fc.array(
      fc.record({
        stream: fc.string({ unit: "binary" }).map((name) => name as StreamName),
        version: fc.nat(),
        type: fc.string(),
        header: fc.uint8Array({ maxLength: 200 }),
        payload: fc.uint8Array({ maxLength: 600 }),
        salt: fc.uint8Array({ maxLength: 64 }),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  )
  .map(([first, entries]) => entries.map((one, at) => ({ ...one, index: first + at })));

test("entries travel with a notice and come out as they were", () => {
  fc.assert(
    fc.property(headShape, entriesShape, (head, entries) => {
      const notice = readNotice(write(entries, head));
      assert.deepEqual({ ...notice, sealed: "" }, { ...head, sealed: "" });
      assert.deepEqual(open(notice)?.map(plainEntry), entries.map(plainEntry));
    }),
  );
});

test("ledger.false-news: who does not share the secret reads nothing of what travels, and it is never written twice alike", () => {
  const payload = Buffer.from("somebody@example.com asks for everything");
  const entries = [{ ...entry("s", 0), index: 7, payload }];
  const [one, two] = [write(entries), write(entries)];
  assert.notEqual(one, two);
  for (const text of [one, two]) {
    assert.ok(!Buffer.from(text.split(" ")[3] ?? "", "base64").includes(payload.subarray(0, 8)));
    assert.equal(open(readNotice(text), randomBytes(32)), null);
    const notice = readNotice(text);
    assert.ok(notice !== null);
    assert.equal(openNotice(notice, null), null, "without a secret nothing is believed");
  }
});

test("no nonce is used twice, and what was made ready for the next one opens it and nothing else", async () => {
  const seal = new NewsSeal(SECRET, HEAD);
  const keys = new NewsKeys(SECRET);
  const entries = [{ ...entry("s", 0), index: 7 }];
  const seen = new Set<string>();
  const next = (): Notice => {
    const notice = readNotice(writeNotice(HEAD, entries, seal));
    assert.ok(notice?.sealed != null);
    seen.add(notice.sealed.slice(0, 16)); // twelve bytes
    return notice;
  };
  const old = next();
  for (let round = 0; round < 50; round += 1) {
    // With both sides' next one made ready, and without.
    if (round % 3 !== 0) await new Promise((resolve) => setImmediate(resolve));
    const notice = next();
    const made =
      round % 5 === 0 ? { ...notice, sealed: `${notice.sealed?.slice(0, 40)}AAAA${notice.sealed?.slice(44)}` } : null;
    if (made !== null) assert.equal(openNotice(made, keys), null, "made up under the nonce that comes next");
    if (round % 7 === 0) next(); // one that is never heard
    assert.deepEqual(openNotice(notice, keys)?.map(plainEntry), entries.map(plainEntry));
    if (round % 4 === 0) assert.notEqual(openNotice(old, keys), null);
  }
  assert.equal(seen.size, 1 + 50 + 8);
});

test("a notice in which one bit is another, or whose commit is another, carries nothing", () => {
  const text = write([{ ...entry("s", 0), index: 7 }]);
  const notice = readNotice(text);
  assert.ok(notice?.sealed != null);
  assert.notEqual(open(notice), null);
  const sealed = Buffer.from(notice.sealed, "base64");
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    const flipped = Buffer.from(sealed);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.equal(open({ ...notice, sealed: flipped.toString("base64") }), null, `bit ${bit}`);
  }
  for (let length = 0; length < sealed.length; length += 1) {
    assert.equal(open({ ...notice, sealed: sealed.subarray(0, length).toString("base64") }), null, `${length} bytes`);
  }
  const others: Partial<Notice>[] = [{ commits: 42 }, { writer: randomUUID() }, { ledger: "other" }, { sealed: "" }];
  for (const other of others) assert.equal(open({ ...notice, ...other }), null, JSON.stringify(other));
});

test("what is too long for PostgreSQL does not travel, and a notice never is", () => {
  const of = (size: number): PlannedEntry[] => [{ ...entry("s", 0), index: 0, payload: randomBytes(size) }];
  const lengths = Array.from({ length: 200 }, (_, at) => write(of(5700 + at)).length);
  assert.ok(lengths.every((length) => length <= NOTICE_BYTES_MAX));
  const longest = Math.max(...lengths);
  assert.ok(longest > NOTICE_BYTES_MAX - 4, `${longest} bytes: the room is used`);
  assert.ok(lengths.lastIndexOf(longest) < 199);
  assert.equal(write(of(5900)), "0b6f2d5e-6d1b-4a9f-8a52-2b8f6f3f5d11 41 main");
  assert.equal(write(of(8_000_000)), write([]));
});

test("what no instance would say is not heard", () => {
  const texts = ["", "x", "x 1", " 1 main", "w NaN main", "w -1 main", "w 1e3 main", "w 9999999999999999 main", "w 1 "];
  for (const text of texts) assert.equal(readNotice(text), null, text);
  // The first three words are what every version says and reads; a later one may say more.
  assert.deepEqual(readNotice("w 1 main"), { writer: "w", commits: 1, ledger: "main", sealed: null });
  assert.deepEqual(readNotice("w 1 main x later"), { writer: "w", commits: 1, ledger: "main", sealed: "x" });
});

test("news are the whole batch where one append is awaited, and nothing where it erases", () => {
  const call = (name: string, more: Partial<AppendCall> = {}): AppendCall => ({
    kind: "append",
    entries: [entry(name, 0)],
    ...NO_REST,
    ...more,
  });
  const table: [readonly AppendCall[], readonly string[]][] = [
    [[call("a")], []],
    [
      [call("a"), call("b", { awaited: true }), call("c")],
      ["a", "b", "c"],
    ],
    [[call("a", { awaited: true, entries: [] })], []],
    [[call("a", { awaited: true }), call("b", { erase: [3] })], []],
    [[call("a", { awaited: true }), call("b", { erase: [0] })], []],
  ];
  for (const [calls, expected] of table) {
    const seen = seenIn({ versions: new Map(), keys: [], unheld: [], until: null });
    const plan = planBatch(calls, seen, Tree.under(new Frontier(), []));
    assert.deepEqual(
      newsOf(plan, calls).map(({ stream }) => stream),
      expected,
    );
  }
});
