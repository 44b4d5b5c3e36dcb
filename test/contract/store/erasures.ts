import assert from "node:assert/strict";
import { test } from "node:test";
import { ERASE_ENTRIES_MAX } from "../../../src/ports/store.ts";
import { entry, everything, plainEntry, request, snapshot, stream } from "./changes.ts";
import type { Open } from "./changes.ts";

/** Payloads and salts that go, while header, tree and order stay. */
export function erasureContract(open: Open): void {
  void test("an erased entry keeps its header and place, and loses payload and salt together", async () => {
    const { store, dispose } = await open();
    await store.append(everything("a"));
    await store.append(everything("b"));
    const before = await snapshot(store);
    const scrubbed = { ...request("a-request", 5), view: { erased: true } };
    const change = { entries: [entry("erasure", 0)], erase: [0, 2], requests: [scrubbed] };
    assert.deepEqual(await store.append(change), { status: "appended", index: 6, size: 7 });
    await store.forget();

    const after = await snapshot(store);
    const expected = before.entries.map((one) => ({ ...one, ...([0, 2].includes(one.index) ? GONE : {}) }));
    assert.deepEqual(after.entries.slice(0, 6), expected);
    assert.deepEqual((await store.stream(stream("a/a"))).map(plainEntry), [expected[0], expected[2]]);
    assert.deepEqual(after.requests.find(({ id }) => id === "a-request")?.view, { erased: true });
    const headers = await store.headers(0, 6);
    assert.deepEqual(
      headers.map((header) => Uint8Array.from(header)),
      before.entries.map(({ header }) => header),
    );
    assert.deepEqual(await store.subtrees([{ level: 1, index: 0 }]), await subtreeOfTwo(open));
    await dispose();
  });

  void test("an erased append no longer says what it was asked, and is still not made twice", async () => {
    const { store, dispose } = await open();
    await store.append(everything("a"));
    await store.append(everything("b"));
    await store.append({ entries: [], erase: [0] });
    const again = await store.append(everything("a"));
    assert.deepEqual(again, { status: "duplicate", fingerprint: "", answer: { of: "a" }, index: 0 });
    const other = await store.append(everything("b"));
    assert.equal(other.status === "duplicate" && other.fingerprint, "b-print");
    await dispose();
  });

  void test("an append that does not happen erases nothing", async () => {
    const { store, dispose } = await open();
    await store.append({ entries: [entry("s", 0)] });
    const before = await snapshot(store);
    assert.equal((await store.append({ entries: [entry("s", 7)], erase: [0] })).status, "conflict");
    assert.deepEqual(await snapshot(store), before);
    await dispose();
  });

  void test("what is not there is ignored, what is no index or too much is refused", async () => {
    const { store, dispose } = await open();
    await store.append({ entries: [entry("s", 0)] });
    assert.equal((await store.append({ entries: [entry("s", 1)], erase: [1, 99] })).status, "appended");
    assert.equal((await store.append({ entries: [], erase: [0, 0] })).status, "appended");
    assert.equal((await store.append({ entries: [], erase: [0] })).status, "appended");
    assert.deepEqual(
      (await store.range(0, 9)).map(({ payload }) => payload === null),
      [true, false],
    );
    await assert.rejects(store.append({ entries: [], erase: [-1] }), RangeError);
    await assert.rejects(store.append({ entries: [], erase: [0.5] }), RangeError);
    const many = Array.from({ length: ERASE_ENTRIES_MAX + 1 }, (_, index) => index);
    await assert.rejects(store.append({ entries: [], erase: many }), { code: "entry_too_large" });
    await dispose();
  });
}

const GONE = { payload: null, salt: null };

/** The same hash as of a store in which nothing was erased. */
async function subtreeOfTwo(open: Open): Promise<readonly Uint8Array[]> {
  const { store, dispose } = await open();
  await store.append(everything("a"));
  const hashes = await store.subtrees([{ level: 1, index: 0 }]);
  await dispose();
  return hashes;
}
