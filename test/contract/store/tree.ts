import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { Store } from "../../../src/ports/store.ts";
import { bytes, entry, plain } from "./changes.ts";
import type { Open } from "./changes.ts";

/** The tree that the entries stand in: RFC 6962, at every size over two and a bit tiles. */
export function treeContract(open: Open): void {
  void test("the root is that of RFC 6962 at every size from 0 to 600", async () => {
    const { store, reopen, dispose } = await open();
    try {
      let current = store;
      const leaves: Uint8Array[] = [];
      // By ones around the edges of tiles, in larger appends between, and over a restart in the middle of a tile.
      while (leaves.length < 600) {
        await assertHead(current, leaves);
        const size = leaves.length;
        const nearEdge = size < 20 || (size > 250 && size < 262) || (size > 506 && size < 520);
        const entries = Array.from({ length: nearEdge ? 1 : 7 }, (_, at) => entry(`s/${size + at}`, 0));
        const results = await Promise.all(entries.map((one) => current.append({ entries: [one] })));
        assert.ok(results.every((result) => result.status === "appended"));
        leaves.push(...entries.map((one) => leaf(one.header)));
        if (reopen !== undefined && [19, 256, 258, 513].includes(leaves.length)) current = await reopen();
      }
      await assertHead(current, leaves);
    } finally {
      await dispose();
    }
  });

  void test("the headers alone are the leaves in their order, from any index on", async () => {
    const { store, dispose } = await open();
    try {
      const entries = Array.from({ length: 9 }, (_, at) => entry(`s/${at}`, 0));
      await store.append({ entries });
      const leaves = entries.map((one) => plain(one.header));
      for (const [from, limit] of [
        [0, 9],
        [0, 4],
        [3, 5],
        [8, 100],
        [9, 1],
        [4, 0],
      ] as const) {
        const found = (await store.headers(from, limit)).map(plain);
        assert.deepEqual(found, leaves.slice(from, from + limit), `${from}, ${limit}`);
      }
      await assert.rejects(store.headers(-1, 1), RangeError);
    } finally {
      await dispose();
    }
  });

  void test("every perfect subtree within the size is known, and none beyond it", async () => {
    const { store, reopen, dispose } = await open();
    try {
      let current = store;
      const leaves: Uint8Array[] = [];
      for (const size of [0, 1, 2, 255, 256, 257, 511, 512, 513, 600]) {
        while (leaves.length < size) {
          const count = Math.min(64, size - leaves.length);
          const entries = Array.from({ length: count }, (_, at) => entry(`s/${leaves.length + at}`, 0));
          await current.append({ entries });
          leaves.push(...entries.map((one) => leaf(one.header)));
        }
        if (reopen !== undefined && size % 2 === 1) current = await reopen();
        const wanted = [];
        for (let level = 0; 2 ** level <= size; level++) {
          for (let index = 0; (index + 1) * 2 ** level <= size; index++) wanted.push({ level, index });
          const beyond = { level, index: Math.floor(size / 2 ** level) };
          await assert.rejects(current.subtrees([beyond]), RangeError, JSON.stringify({ size, ...beyond }));
        }
        const found = (await current.subtrees(wanted)).map(plain);
        const expected = wanted.map(({ level, index }) =>
          naiveRoot(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level)),
        );
        assert.deepEqual(found, expected, `size ${size}`);
      }
      const order = [
        { level: 3, index: 5 },
        { level: 0, index: 599 },
        { level: 3, index: 5 },
        { level: 9, index: 0 },
      ];
      const answered = (await current.subtrees(order)).map(plain);
      assert.deepEqual(
        answered,
        order.map(({ level, index }) => naiveRoot(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level))),
      );
      const nonsense = [
        { level: -1, index: 0 },
        { level: 0, index: -1 },
        { level: 0.5, index: 0 },
        { level: 0, index: 0.5 },
        { level: 60, index: 0 },
        { level: 2000, index: 0 },
      ];
      for (const one of nonsense)
        await assert.rejects(current.subtrees([{ level: 0, index: 0 }, one]), RangeError, JSON.stringify(one));
      assert.equal((await current.head()).size, 600); // and the store lives
    } finally {
      await dispose();
    }
  });
}

async function assertHead(store: Store, leaves: readonly Uint8Array[]): Promise<void> {
  const { size, root } = await store.head();
  assert.deepEqual({ size, root: plain(root) }, { size: leaves.length, root: naiveRoot(leaves) });
}

/** RFC 6962 §2.1 to the letter, with none of the product's code. */
export function naiveRoot(leaves: readonly Uint8Array[]): Uint8Array {
  const [first] = leaves;
  if (first === undefined) return sha256(bytes(""));
  if (leaves.length === 1) return first;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha256(Uint8Array.of(1), naiveRoot(leaves.slice(0, split)), naiveRoot(leaves.slice(split)));
}

export function leaf(header: Uint8Array): Uint8Array {
  return sha256(Uint8Array.of(0), header);
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return plain(hash.digest());
}
