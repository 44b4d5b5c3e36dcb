import assert from "node:assert/strict";
import { test } from "node:test";
import { Follower } from "../../src/engine/index.ts";
import { WatchedStore } from "../../src/server/watched.ts";
import { openMemoryStore } from "../../src/stores/memory/index.ts";
import { exportRows } from "../support/actions.ts";
import { Bench } from "../support/bench.ts";

test("the size that is known holds our own entries, those of others once they were read, and none that are on their way", async () => {
  const ledger = openMemoryStore();
  const store = new WatchedStore(ledger);
  using here = new Bench({}, {}, store);
  using there = new Bench({}, {}, ledger);
  const follower = new Follower(here.ctx, 0, () => Promise.resolve());
  const meanwhile: (number | null)[] = [];
  store.watch((change, result) => {
    follower.wrote(change, result);
    meanwhile.push(follower.knownSize);
  });
  assert.equal(follower.knownSize, 0);
  await here.ask(exportRows(1));
  const ours = await there.size();
  assert.equal(follower.knownSize, ours);
  assert.deepEqual(new Set(meanwhile), new Set([null]));
  await there.ask(exportRows(2));
  const theirs = await there.size();
  assert.ok(theirs > ours);
  assert.equal(follower.knownSize, ours, "nobody has told of it");
  await here.ask(exportRows(3));
  assert.equal(follower.knownSize, ours, "ours stand behind what is not known");
  await follower.catchUp();
  assert.equal(follower.knownSize, await there.size());
  await here.ask(exportRows(4));
  assert.equal(follower.knownSize, await there.size());
});
