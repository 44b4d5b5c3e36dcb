import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { getHeapSpaceStatistics } from "node:v8";
import { Worker } from "node:worker_threads";
import { releaseWhenQuiet } from "../../src/v8/memory.ts";

/** Bytes that V8 holds for young objects: 1 MB at first, up to 32 as they survive. */
function young(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space")?.space_size ?? 0;
}

/** Makes the young generation grow, as loading does. */
function grow(): number {
  const kept: object[] = [];
  for (let round = 0; round < 300_000; round++) kept.push({ round, text: `${round}` });
  assert.equal(kept.length, 300_000);
  return young();
}

test("what loading needed is given back once it is quiet, and not before", async () => {
  const grown = grow();
  assert.ok(grown >= 4_000_000, `the young generation has ${grown} bytes, so that there is nothing to give back`);
  releaseWhenQuiet(new AbortController().signal);
  const busyUntil = performance.now() + 1500;
  while (performance.now() < busyUntil) {
    const until = performance.now() + 20;
    while (performance.now() < until); // busy, with pauses in which timers run
    await sleep(1);
  }
  assert.ok(young() >= grown / 2, "a busy thread is not stopped");
  for (let tries = 0; tries < 40 && young() >= grown / 2; tries++) await sleep(100);
  assert.ok(young() < grown / 2, `${young()} of ${grown} bytes are still held`);
});

test("nothing happens after the server has closed", async () => {
  const closing = new AbortController();
  const grown = grow();
  releaseWhenQuiet(closing.signal);
  closing.abort();
  await sleep(1300);
  assert.ok(young() >= grown / 2);
});

test("a thread gives back its own, and ends when it has nothing to do but that", async () => {
  const quiet = JSON.stringify(new URL("../../src/v8/memory.ts", import.meta.url));
  const thread = `
    const { releaseWhenQuiet } = await import(${quiet});
    const { getHeapSpaceStatistics } = await import("node:v8");
    const { parentPort } = await import("node:worker_threads");
    const kept = [];
    for (let round = 0; round < 300_000; round++) kept.push({ round, text: String(round) });
    const young = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space").space_size;
    const grown = young();
    releaseWhenQuiet();
    for (let tries = 0; tries < 40 && young() >= grown / 2; tries++) await new Promise((go) => setTimeout(go, 100));
    releaseWhenQuiet();
    parentPort.postMessage({ grown, kept: kept.length, now: young() });
  `;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(thread)}`));
  const ended = once(worker, "exit");
  const [{ grown, now }] = (await once(worker, "message")) as [{ grown: number; now: number }];
  assert.ok(grown >= 4_000_000 && now < grown / 2, `${now} of ${grown} bytes are still held`);
  assert.deepEqual(await ended, [0]);
});
