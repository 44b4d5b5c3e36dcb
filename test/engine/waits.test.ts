import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { RequestState } from "../../src/core/approval/index.ts";
import type { RequestId } from "../../src/core/brand.ts";
import { Wait, waitFor } from "../../src/engine/index.ts";
import { WatchedStore } from "../../src/server/watched.ts";
import { openMemoryStore } from "../../src/stores/memory/index.ts";
import { exportRows } from "../support/actions.ts";
import { Bench } from "../support/bench.ts";

const LONG_MS = 10_000;

/** A wait of the request's own agent, which is not over yet. */
async function enter(bench: Bench, id: RequestId): Promise<Wait> {
  const found = await waitFor(bench.ctx, bench.caller(), id, "pending");
  assert.ok(found instanceof Wait, "it waits");
  return found;
}

function over(wait: Wait, waitMs: number): Promise<RequestState | null> {
  return new Promise((resolve) => wait.until(waitMs, resolve));
}

function statusOf(state: RequestState | null): string {
  return state === null ? "gone" : state.progress.status;
}

test("a waiter hears of a decision at once, of one before it asked at once, and of nothing at its time-out", async () => {
  using bench = new Bench();
  const decided = await bench.ask(exportRows(12_000));
  const waiting = over(await enter(bench, decided.opened.id), LONG_MS);
  await bench.ask(exportRows(12_000)); // attaches: no change of status
  await bench.review("ann", decided, "deny");
  assert.equal(statusOf(await waiting), "denied");
  const again = await waitFor(bench.ctx, bench.caller(), decided.opened.id, "pending");
  assert.ok(!(again instanceof Wait) && !("refused" in again));
  assert.equal(again.progress.status, "denied");
  const still = await bench.ask(exportRows(1));
  assert.equal(statusOf(await over(await enter(bench, still.opened.id), 20)), "pending");
  assert.equal(bench.ctx.bus.size, 0, "nobody is left waiting");
});

test("each waiter hears of its own request alone, and none that has left", async () => {
  using bench = new Bench();
  const [alone, shared, other] = [
    await bench.ask(exportRows(1)),
    await bench.ask(exportRows(2)),
    await bench.ask(exportRows(3)),
  ];
  const heard: string[] = [];
  const listen = async (name: string, { opened }: RequestState): Promise<Wait> => {
    const wait = await enter(bench, opened.id);
    wait.until(LONG_MS, (after) => void after.then((state) => heard.push(`${name} ${statusOf(state)}`)));
    return wait;
  };
  const left = [await listen("left alone", other), await listen("left shared", shared)];
  await listen("alone", alone);
  for (const name of ["one", "two", "three"]) await listen(name, shared);
  for (const wait of [...left, ...left]) wait.leave();
  assert.equal(bench.ctx.bus.size, 4);
  await bench.review("ann", shared, "deny");
  await bench.review("ann", other, "deny");
  assert.deepEqual(heard.toSorted(), ["one denied", "three denied", "two denied"]);
  await bench.review("ann", alone, "deny");
  assert.equal(heard.at(-1), "alone denied");
  assert.equal(bench.ctx.bus.size, 0);
});

test("a decision between entering and reading is told to the request's own agent, and to nobody else", async () => {
  const store = new WatchedStore(openMemoryStore());
  using bench = new Bench({}, {}, store);
  const rows: readonly (readonly [caller: string, found: string])[] = [
    ["report-bot", "denied"],
    ["other-bot", "request_unknown"],
  ];
  const read = store.stream;
  for (const [n, [caller, found]] of rows.entries()) {
    const state = await bench.ask(exportRows(100 + n));
    store.stream = async (...given) => {
      const entries = await read(...given);
      store.stream = read;
      await bench.review("ann", state, "deny"); // after what was read, before it is answered
      return entries;
    };
    const answer = await waitFor(bench.ctx, bench.caller(caller), state.opened.id, "pending");
    const told = answer instanceof Wait ? await over(answer, LONG_MS) : answer;
    assert.equal(told !== null && "refused" in told ? told.refused : statusOf(told), found, caller);
    assert.equal(bench.ctx.bus.size, 0, caller);
  }
});

test("a server that ends lets everybody go, and whoever comes then does not wait", async () => {
  using bench = new Bench();
  const { opened } = await bench.ask(exportRows(12_000));
  const waiting = [over(await enter(bench, opened.id), LONG_MS), over(await enter(bench, opened.id), LONG_MS)];
  let streams = 0;
  const leave = [1, 2].map(() => {
    const end = bench.ctx.bus.subscribe(
      () => {},
      () => {
        streams += 1;
        end();
      },
    );
    return end;
  });
  bench.ctx.bus.release();
  assert.deepEqual((await Promise.all(waiting)).map(statusOf), ["pending", "pending"]);
  assert.equal(streams, leave.length);
  assert.equal(statusOf(await over(await enter(bench, opened.id), LONG_MS)), "pending");
  assert.equal(bench.ctx.bus.size, 0);
});

test("while it waits, nothing is kept of a request but its id", async () => {
  using bench = new Bench();
  const { opened } = await bench.ask(exportRows(12_000));
  const count = 500;
  const before = heapBytes();
  const waits: Wait[] = [];
  for (let n = 0; n < count; n += 1) {
    const wait = await enter(bench, opened.id);
    wait.until(LONG_MS, () => {});
    waits.push(wait);
  }
  const each = (heapBytes() - before) / count;
  for (const wait of waits) wait.leave();
  // A request alone, as it is read from the ledger, takes some 15,000.
  assert.ok(each < 2_000, `${each} bytes`);
});

function heapBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  setFlagsFromString("--no-expose-gc");
  collect();
  return process.memoryUsage().heapUsed;
}
