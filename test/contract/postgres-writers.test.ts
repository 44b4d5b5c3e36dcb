import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { AppendResult, Store } from "../../src/ports/store.ts";
import { migratePostgres, openPostgres } from "../../src/stores/postgres/index.ts";
import { findPostgres, openSession, startPostgres } from "../support/postgres.ts";
import type { Postgres } from "../support/postgres.ts";
import { entry } from "./store/changes.ts";

const bin = findPostgres();
const skip =
  bin === null && process.env["CI"] === undefined ? "PostgreSQL is not installed: install `postgresql`" : false;
/** Longer than after which a store goes back to its own thread. */
const QUIET_MS = 100;
/** More than a store commits in its own thread. */
const MANY = 40;

void describe("a store that commits few appends in its own thread, and many in a worker", { skip }, () => {
  let postgres: Postgres;
  before(async () => {
    assert.ok(bin !== null, "CI needs PostgreSQL: install `postgresql`");
    postgres = await startPostgres(bin, ["fsync=off", "logging_collector=on", "log_filename=all.log"]);
    await migratePostgres({ url: postgres.url() });
  });
  after(() => postgres.stop());

  const open = (ledger: string): Promise<Store> => openPostgres({ url: postgres.url(), ledger });

  /** Hears who commits to a ledger. */
  const listen = async (ledger: string): Promise<AsyncDisposable & { batches(): Promise<readonly number[]> }> => {
    const client = new pg.Client({ connectionString: postgres.url() });
    await client.connect();
    const counts = new Map<string, number>();
    client.on("notification", ({ payload = "" }) => {
      const [writer = "", , of] = payload.split(" ");
      if (of === ledger) counts.set(writer, (counts.get(writer) ?? 0) + 1);
    });
    await client.query("listen keyturn");
    return {
      /** How many batches each writer has committed, smallest first. */
      batches: async () => {
        await client.query("select 1"); // what was committed before is told before the answer
        return [...counts.values()].toSorted((a, b) => a - b);
      },
      [Symbol.asyncDispose]: () => client.end(),
    };
  };

  void test("what was asked for first is committed first, whichever of them commits it", async () => {
    const ledger = randomUUID();
    await using listener = await listen(ledger);
    await using store = await open(ledger);
    const asked: Promise<AppendResult>[] = [];
    const append = (size: number): void => {
      const version = asked.length;
      // Each one fits behind the one before it only: a version that came too early would be a conflict.
      asked.push(store.append({ entries: [{ ...entry("s", version), payload: new Uint8Array(size) }] }));
    };
    for (let round = 0; round < 4; round += 1) {
      append(10);
      await turn();
      append(round % 2 === 0 ? 10 : 100_000);
      for (let at = 0; at < MANY; at += 1) {
        append(10);
        if (at % 3 === 0) await turn();
      }
      await Promise.all(asked);
      await sleep(QUIET_MS);
    }
    const answers = await Promise.all(asked);
    answers.forEach((answer, index) =>
      assert.deepEqual(answer, { status: "appended", index, size: index + 1 }, String(index)),
    );
    assert.equal((await listener.batches()).length, 2, "both had their turn");
    const log = readFileSync(join(postgres.data, "log", "all.log"), "utf8");
    assert.equal(log.match(/ERROR:.*/), null, "whoever takes over looks first, and tries nothing in vain");
  });

  void test("few at a time never reach the worker, and an append that is large does", async () => {
    const ledger = randomUUID();
    await using listener = await listen(ledger);
    await using store = await open(ledger);
    for (let version = 0; version < 10; version += 1) {
      await Promise.all(["a", "b", "c"].map((stream) => store.append({ entries: [entry(stream, version)] })));
    }
    assert.deepEqual(await listener.batches(), [10]);
    await store.append({ entries: [{ ...entry("large", 0), payload: new Uint8Array(100_000) }] });
    assert.equal((await listener.batches()).length, 2);
  });

  void test("what either of them commits is no news to the store itself", async () => {
    const ledger = randomUUID();
    await using store = await open(ledger);
    await using other = await open(ledger);
    let told = 0;
    let toldThere = 0;
    const ends = [store.onAdvance(() => (told += 1)), other.onAdvance(() => (toldThere += 1))];
    await sleep(200); // until both have looked for the first time and listen
    told = 0;
    await store.append({ entries: [entry("few", 0)] });
    await Promise.all(Array.from({ length: MANY }, (_, at) => store.append({ entries: [entry(`many/${at}`, 0)] })));
    await sleep(QUIET_MS);
    await store.append({ entries: [entry("few", 1)] });
    for (let waited = 0; toldThere < 3 && waited < 100; waited += 1) await sleep(20);
    assert.ok(toldThere >= 3, `the other one was told ${toldThere} times of three batches`);
    assert.equal(told, 0);
    for (const end of ends) end();
  });

  void test("closing lets what waits finish at both, one after the other", async () => {
    const ledger = randomUUID();
    await using listener = await listen(ledger);
    const store = await open(ledger);
    // Both are connected.
    await Promise.all(Array.from({ length: MANY }, (_, at) => store.append({ entries: [entry(`many/${at}`, 0)] })));
    await sleep(QUIET_MS);
    await store.append({ entries: [entry("few", 0)] });
    const session = await openSession(postgres.port);
    await session.ask(`begin; select 1 from keyturn.head where ledger = '${ledger}' for update`);
    const waiting: Promise<AppendResult>[] = [];
    // The first waits for the ledger, the next two for the first, all others for these: each fits behind the one before it only.
    for (const until of [1, 3, MANY]) {
      for (let version = waiting.length; version < until; version += 1)
        waiting.push(store.append({ entries: [entry("s", version)] }));
      await turn();
    }
    await sleep(QUIET_MS);
    const closed = store[Symbol.asyncDispose]();
    await session.ask("rollback");
    session.close();
    await closed;
    const answers = await Promise.all(waiting);
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set(["appended"]));
    const [first = 0, second = 0] = await listener.batches();
    assert.ok(first >= 2 && second >= 2, `both had something to finish: ${first}, ${second}`);
  });
});
