import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { StoreError } from "../../src/ports/store.ts";
import type { Store } from "../../src/ports/store.ts";
import { migratePostgres, openPostgres } from "../../src/stores/postgres/index.ts";
import type { PostgresStoreOptions } from "../../src/stores/postgres/index.ts";
import { findPostgres, openSession, startPostgres } from "../support/postgres.ts";
import type { Postgres } from "../support/postgres.ts";
import { startProxy } from "../support/proxy.ts";
import { appendFor, assertLedger, type Acks } from "./store/acks.ts";
import { entry, instant, message, stream } from "./store/changes.ts";

const bin = findPostgres();
const skip =
  bin === null && process.env["CI"] === undefined ? "PostgreSQL is not installed: install `postgresql`" : false;
const CHILD = join(import.meta.dirname, "postgres-child.ts");

void describe("a PostgreSQL that fails", { skip }, () => {
  let postgres: Postgres;
  before(async () => {
    assert.ok(bin !== null, "CI needs PostgreSQL: install `postgresql`");
    postgres = await startPostgres(bin, []); // with the durability that it comes with
    await migratePostgres({ url: postgres.url() });
  });
  after(() => postgres.stop());

  const open = (options: Partial<PostgresStoreOptions> = {}): Promise<Store> =>
    openPostgres({ url: postgres.url(), ledger: randomUUID(), ...options });

  /** Runs a statement as the owner, behind the store's back. */
  const ask = async (sql: string): Promise<string | undefined> => {
    const session = await openSession(postgres.port);
    const { code, rows } = await session.ask(sql);
    session.close();
    assert.equal(code, null, sql);
    return rows()[0]?.[0];
  };

  void test(
    "no acknowledged append is lost, and none made twice, when the server is killed",
    { timeout: 60_000 },
    async () => {
      await using store = await open({ patienceMs: 20_000 });
      const { acks, finish } = appendFor(store, 16);
      for (const signal of ["SIGQUIT", "SIGKILL"] as const) {
        const before = acks.size;
        while (acks.size < before + 100) await sleep(5);
        await postgres.crash(signal);
        await postgres.start();
      }
      assert.deepEqual(await finish(), []);
      await assertLedger(store, acks, acks.size);
    },
  );

  void test(
    "a lost connection ends nothing: every append happens once, also those whose answer was lost",
    { timeout: 60_000 },
    async () => {
      await using proxy = await startProxy(postgres.port);
      await using store = await open({ url: postgres.url("kt", proxy.port), patienceMs: 20_000 });
      const { acks, finish } = appendFor(store, 16);
      for (let round = 0; round < 40; round += 1) {
        await sleep(5 + ((round * 7) % 31));
        proxy.reset();
      }
      assert.deepEqual(await finish(), []);
      await assertLedger(store, acks, acks.size);
    },
  );

  void test(
    "an answer that never comes is not waited for, and the append still happens once",
    { timeout: 60_000 },
    async () => {
      await using proxy = await startProxy(postgres.port);
      const limits = { statementTimeoutMs: 200, lockTimeoutMs: 200, idleTimeoutMs: 200, patienceMs: 20_000 };
      await using store = await open({ url: postgres.url("kt", proxy.port), ...limits });
      const { acks, finish } = appendFor(store, 8);
      for (let round = 0; round < 2; round += 1) {
        const before = acks.size;
        while (acks.size < before + 20) await sleep(5);
        proxy.swallow();
      }
      assert.deepEqual(await finish(), []);
      await assertLedger(store, acks, acks.size);
    },
  );

  void test(
    "while the database is away calls are refused in time, and it goes on when it is back",
    { timeout: 60_000 },
    async () => {
      await using proxy = await startProxy(postgres.port);
      const notes: string[] = [];
      await using store = await open({
        url: postgres.url("kt", proxy.port),
        patienceMs: 300,
        onLog: (note) => void notes.push(note),
      });
      await store.append({ entries: [entry("s", 0)] });
      proxy.open = false;
      proxy.reset();
      const away = { name: "StoreError", code: "store_unavailable" };
      await Promise.all([
        assert.rejects(store.append({ entries: [entry("s", 1)] }), away),
        assert.rejects(store.messageDone("m"), away),
        assert.rejects(store.head(), away),
      ]);
      proxy.open = true;
      assert.equal((await store.append({ entries: [entry("s", 1)] })).status, "appended");
      assert.equal((await store.head()).size, 2);
      assert.equal(await Promise.race([store.fault, sleep(20, "no fault")]), "no fault");
      assert.ok(notes.some((note) => note.includes("does not take anything now")));
      assert.ok(notes.some((note) => note.includes("takes appends again")));
      assert.ok(!notes.some((note) => note.includes("postgres://")), "an address may hold a password");
    },
  );

  void test("a stopped PostgreSQL holds callers up, and goes on where it was", { timeout: 60_000 }, async () => {
    await using store = await open({ patienceMs: 20_000 });
    const { acks, finish } = appendFor(store, 8);
    while (acks.size < 50) await sleep(5);
    postgres.signal("SIGSTOP");
    await sleep(500);
    postgres.signal("SIGCONT");
    assert.deepEqual(await finish(), []);
    await assertLedger(store, acks, acks.size);
  });

  void test(
    "an instance that is stopped in the middle keeps nobody from appending, and is right when it goes on",
    { timeout: 60_000 },
    async () => {
      const ledger = randomUUID();
      await using store = await open({ ledger, patienceMs: 20_000 });
      const child = spawn(process.execPath, [CHILD, postgres.url(), ledger, "8"], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const theirs: Acks = new Map();
      createInterface({ input: child.stdout }).on("line", (line) => {
        const [, index = "", name = ""] = line.split(" ");
        theirs.set(name, Number(index));
      });
      while (theirs.size < 20) await sleep(10);
      const { acks, finish } = appendFor(store, 8);
      for (let round = 0; round < 6; round += 1) {
        child.kill("SIGSTOP");
        const before = acks.size;
        while (acks.size < before + 20) await sleep(5); // whatever the child holds, the server takes away
        child.kill("SIGCONT");
        await sleep(20 + 13 * round);
      }
      assert.deepEqual(await finish(), []);
      child.kill("SIGKILL");
      await once(child, "close");
      // The child may have committed what it did not live to say: 8 callers, one append each.
      await assertLedger(store, new Map([...acks, ...theirs]), acks.size + theirs.size + 8);
    },
  );

  const refusals: [string, string, string][] = [
    ["53100", "a full disk", "store_unavailable"],
    ["57014", "a statement that takes too long", "store_unavailable"],
    ["22000", "what the database does not take", "store_unavailable"],
  ];
  for (const [state, title, code] of refusals) {
    void test(`${title} refuses the append, writes nothing of it, and leaves its neighbours alone`, async () => {
      const ledger = randomUUID();
      await using store = await open({ ledger, patienceMs: 100 });
      await ask(`create function refuse() returns trigger language plpgsql as $$ begin
          raise exception 'refused' using errcode = '${state}'; end $$;
        create trigger refuse before insert on keyturn.entries for each row
          when (new.ledger = '${ledger}' and new.stream = 'bad') execute function refuse()`);
      try {
        const [left, bad] = await Promise.allSettled([
          store.append({ entries: [entry("left", 0)] }),
          store.append({ entries: [entry("bad", 0)], outbox: [message("bad", 1)] }),
        ]);
        assert.ok(bad.status === "rejected" && bad.reason instanceof StoreError && bad.reason.code === code);
        // Of a disk that is full the neighbours hear as well: nobody could write.
        assert.equal(left.status, state === "22000" ? "fulfilled" : "rejected");
        assert.equal(await store.slot("x"), null);
        assert.deepEqual(await store.stream(stream("bad")), []);
        assert.deepEqual(await store.messages(9), []);
      } finally {
        await ask("drop trigger refuse on keyturn.entries; drop function refuse()");
      }
      const { size } = await store.head();
      assert.deepEqual(await store.append({ entries: [entry("bad", 0)] }), {
        status: "appended",
        index: size,
        size: size + 1,
      });
    });
  }

  void test("a ledger that somebody else holds is waited for, then refused, and nothing is written", async () => {
    const ledger = randomUUID();
    await using store = await open({ ledger, patienceMs: 300, lockTimeoutMs: 100 });
    const session = await openSession(postgres.port);
    await session.ask(`begin; select 1 from keyturn.head where ledger = '${ledger}' for update`);
    await assert.rejects(store.append({ entries: [entry("s", 0)] }), { code: "store_unavailable" });
    assert.equal((await store.head()).size, 0); // reads wait for nobody
    const late = store.append({ entries: [entry("s", 0)] });
    await session.ask("rollback");
    session.close();
    assert.equal((await late).status, "appended");
  });

  void test("a batch in doubt stays in doubt while somebody holds the ledger, and is not made again", async () => {
    const ledger = randomUUID();
    await using proxy = await startProxy(postgres.port);
    await using store = await open({ url: postgres.url("kt", proxy.port), ledger, lockTimeoutMs: 50 });
    await store.append({ entries: [entry("s", 0)] });
    // COMMIT takes its time, so that the connection can break while it is under way.
    await ask(`create function linger() returns trigger language plpgsql as $$ begin perform pg_sleep(0.5); return null; end $$;
      create constraint trigger linger after update on keyturn.head deferrable initially deferred
        for each row when (new.ledger = '${ledger}') execute function linger()`);
    const session = await openSession(postgres.port);
    const idempotency = { key: "k", fingerprint: "f", answer: {} };
    try {
      // Its entry tells what became of a batch; one without entries would find its own key if it were made again.
      for (const [change, size] of [
        [{ entries: [entry("s", 1)] }, 2],
        [{ entries: [], idempotency }, 2],
      ] as const) {
        const append = store.append(change);
        await sleep(150);
        const locked = session.ask(`begin; select 1 from keyturn.head where ledger = '${ledger}' for update`);
        await sleep(50);
        proxy.reset();
        await locked;
        await sleep(300); // the writer is back, and may not look
        await session.ask("rollback");
        assert.deepEqual(await append, { status: "appended", index: size - change.entries.length, size });
      }
    } finally {
      session.close();
      await ask("drop trigger linger on keyturn.head; drop function linger()");
    }
    assert.equal((await store.head()).size, 2);
  });

  void test("a batch that was lost is made again, though somebody else's entry stands in its place", async () => {
    const ledger = randomUUID();
    await using proxy = await startProxy(postgres.port);
    await using store = await open({ url: postgres.url("kt", proxy.port), ledger });
    await using other = await open({ ledger });
    await store.append({ entries: [entry("s", 0)] });
    await store.append({ entries: [entry("s", 1)] });
    const detained = proxy.detain();
    const append = store.append({ entries: [entry("s", 2)] });
    await detained.heard;
    assert.deepEqual(await other.append({ entries: [entry("t", 0)] }), { status: "appended", index: 2, size: 3 });
    proxy.reset();
    assert.deepEqual(await append, { status: "appended", index: 3, size: 4 });
    await detained.deliver();
    assert.equal((await store.head()).size, 4);
  });

  void test("what the network delivers after it was called off is not written", { timeout: 30_000 }, async () => {
    await using proxy = await startProxy(postgres.port);
    const limits = { lockTimeoutMs: 50, patienceMs: 400 };
    await using store = await open({ url: postgres.url("kt", proxy.port), ...limits });
    await store.append({ entries: [entry("s", 0)] });
    await store.append({ entries: [entry("s", 1)] });
    const sizes: number[] = [];
    for (const made of [false, true]) {
      const { size } = await store.head();
      // All of the batch is under way when the connection breaks, and none of it has arrived.
      const detained = proxy.detain();
      const append = store.append({ entries: [entry("s", size)], outbox: [message(`m${size}`, 1)] });
      append.catch(() => {});
      await detained.heard;
      const session = await openSession(postgres.port);
      if (!made) await session.ask("begin; lock table keyturn.payloads in access exclusive mode");
      proxy.reset();
      if (made) assert.equal((await append).status, "appended");
      else await assert.rejects(append, { code: "store_unavailable", message: /nothing was written/u });
      await session.ask("rollback");
      session.close();
      await detained.deliver();
      sizes.push((await store.head()).size);
    }
    assert.deepEqual(sizes, [2, 3]);
    assert.equal((await store.messages(9)).length, 1);
  });

  void test(
    "a commit that its standby did not confirm is not acknowledged, though the server says COMMIT",
    { timeout: 30_000 },
    async () => {
      await using store = await open({ statementTimeoutMs: 200, lockTimeoutMs: 200, patienceMs: 400 });
      await store.append({ entries: [entry("s", 0)] });
      const reload = async (setting: string): Promise<void> => {
        const session = await openSession(postgres.port);
        await session.ask(`alter system ${setting}`);
        await session.ask("select pg_reload_conf()");
        session.close();
        await sleep(100);
      };
      // Whose wait for a standby is cancelled, warns, and answers as if it had come.
      const cancel = `select count(pg_cancel_backend(pid)) from pg_stat_activity where wait_event = 'SyncRep'`;
      await reload("set synchronous_standby_names = 'nobody'");
      let cancelled = 0;
      try {
        const waiting = assert.rejects(store.append({ entries: [entry("s", 1)] }), { code: "store_unavailable" });
        const over = waiting.then(() => true);
        while ((await Promise.race([over, sleep(20, false)])) === false) cancelled += Number(await ask(cancel));
      } finally {
        await reload("reset synchronous_standby_names");
      }
      assert.ok(cancelled > 0);
      // It was there all the time; who repeats it is told.
      const again = await store.append({ entries: [entry("s", 1)] });
      assert.deepEqual(again, { status: "conflict", on: "version", stream: "s", expected: 1, actual: 2 });
    },
  );

  void test("a store whose worker ends refuses who waits and who comes, and says so", async () => {
    const ledger = randomUUID();
    const started = once(process, "worker");
    const store = await open({ ledger });
    const [worker] = await started;
    assert.ok(worker instanceof Worker);
    await store.append({ entries: [entry("s", 0)] });
    const session = await openSession(postgres.port);
    await session.ask(`begin; select 1 from keyturn.head where ledger = '${ledger}' for update`);
    const failed = { name: "StoreError", code: "store_failed" };
    const waiting = assert.rejects(store.append({ entries: [entry("s", 1)] }), failed);
    await sleep(20);
    await worker.terminate();
    const late = assert.rejects(store.append({ entries: [entry("s", 1)] }), failed);
    await Promise.all([waiting, late]);
    assert.equal((await store.fault).code, "store_failed");
    await store[Symbol.asyncDispose]();
    await session.ask("rollback");
    session.close();
    await using again = await open({ ledger });
    const { size } = await again.head();
    assert.equal((await again.append({ entries: [entry("s", size)] })).status, "appended");
  });

  void test("closing lets what waits for the ledger finish", async () => {
    const ledger = randomUUID();
    const store = await open({ ledger });
    const session = await openSession(postgres.port);
    await session.ask(`begin; select 1 from keyturn.head where ledger = '${ledger}' for update`);
    const waiting = [0, 1].map((version) => store.append({ entries: [entry("s", version)] }));
    const closed = store[Symbol.asyncDispose]();
    await assert.rejects(store.append({ entries: [] }), { code: "store_closed" });
    await session.ask("rollback");
    session.close();
    await closed;
    assert.deepEqual(
      (await Promise.all(waiting)).map(({ status }) => status),
      ["appended", "appended"],
    );
  });

  void test("a ledger that contradicts itself ends the store, and nothing is built on it", async () => {
    const ledger = randomUUID();
    const store = await open({ ledger });
    for (let version = 0; version < 3; version += 1) await store.append({ entries: [entry("s", version)] });
    await store.takeMessages(instant(0), 1, instant(1));
    await ask(`update keyturn.entries set header = '\\x00' where ledger = '${ledger}' and idx = 1`);
    await store[Symbol.asyncDispose]();
    const again = await open({ ledger });
    await assert.rejects(again.append({ entries: [entry("s", 3)] }), { code: "store_failed" });
    assert.equal((await again.fault).code, "store_failed");
    await assert.rejects(again.append({ entries: [] }), { code: "store_failed" });
    await assert.rejects(again.head(), { code: "store_failed" });
    await again[Symbol.asyncDispose]();
  });
});
