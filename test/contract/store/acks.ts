// Appends that never end, and what must be true of all that was acknowledged of them, whatever happened meanwhile.
import assert from "node:assert/strict";
import type { Store } from "../../../src/ports/store.ts";
import { entry, plain } from "./changes.ts";
import { leaf, naiveRoot } from "./tree.ts";

/** What was acknowledged: the name of each stream, and its index. */
export type Acks = Map<string, number>;

/** Appends from many callers until `finish`, which answers the errors that they met. */
export function appendFor(store: Store, callers: number): { acks: Acks; finish: () => Promise<readonly unknown[]> } {
  const acks: Acks = new Map();
  const errors: unknown[] = [];
  let going = true;
  const run = Array.from({ length: callers }, async (_, caller) => {
    for (let turn = 0; going; turn += 1) {
      const name = `w/${caller}/${turn}`;
      try {
        // No key: only the store itself can know what became of it.
        const result = await store.append({ entries: [entry(name, 0)] });
        if (result.status === "appended") acks.set(name, result.index);
        else errors.push(result);
      } catch (error) {
        // A store that fails at once would otherwise keep this loop, and so the process, busy for ever.
        if (errors.push(error) > 100) return;
      }
    }
  });
  const finish = async (): Promise<readonly unknown[]> => {
    going = false;
    await Promise.all(run);
    return errors;
  };
  return { acks, finish };
}

/** All that was acknowledged is where it was said to be, there is hardly more, and the tree is the one over it. */
export async function assertLedger(store: Store, acks: Acks, sizeMax: number): Promise<void> {
  const entries = await store.range(0, 1_000_000);
  assert.ok(
    entries.length >= acks.size && entries.length <= sizeMax,
    `${acks.size} acknowledged, ${entries.length} there`,
  );
  assert.deepEqual(
    entries.map(({ index }) => index),
    entries.map((_, at) => at),
  );
  for (const [name, index] of acks) assert.equal(entries[index]?.stream, name);
  assert.equal(new Set(entries.map((one) => one.stream)).size, entries.length);
  const { size, root } = await store.head();
  assert.equal(size, entries.length);
  assert.deepEqual(plain(root), naiveRoot(entries.map(({ header }) => leaf(header))));
}
