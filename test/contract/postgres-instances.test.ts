import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Append, Store } from "../../src/ports/store.ts";
import { migratePostgres, openPostgres } from "../../src/stores/postgres/index.ts";
import type { PostgresStoreOptions } from "../../src/stores/postgres/index.ts";
import { findPostgres, openSession, startPostgres } from "../support/postgres.ts";
import type { Postgres } from "../support/postgres.ts";
import { bytes, entry, everything, instant, message, plain, request, snapshot, stream } from "./store/changes.ts";
import { leaf, naiveRoot } from "./store/tree.ts";

const bin = findPostgres();
const skip =
  bin === null && process.env["CI"] === undefined ? "PostgreSQL is not installed: install `postgresql`" : false;
/** What the port promises for somebody else's append, with room for a slow machine on top of the poll of one second. */
const SEEN_WITHIN_MS = 1200;

void describe("several instances and ledgers in one PostgreSQL", { skip }, () => {
  let postgres: Postgres;
  before(async () => {
    assert.ok(bin !== null, "CI needs PostgreSQL: install `postgresql`");
    postgres = await startPostgres(bin, ["fsync=off", "checkpoint_timeout=1h"]);
    await ask("create role app login; create role other login");
    await migratePostgres({ url: postgres.url(), role: "app" });
  });
  after(() => postgres.stop());

  const open = (options: Partial<PostgresStoreOptions> = {}): Promise<Store> =>
    openPostgres({ url: postgres.url("app"), ledger: randomUUID(), ...options });

  /** The first column of the first row, or the SQLSTATE of the error. */
  const ask = async (sql: string, role: string = "kt", database: string = "postgres"): Promise<string | undefined> => {
    const session = await openSession(postgres.port, role, database);
    const { code, rows } = await session.ask(sql);
    session.close();
    return code ?? rows()[0]?.[0];
  };

  void test("an instance whose clock is slow does not use what is over by the database's clock", async () => {
    const store = await open();
    const late = { until: instant(Date.now() - 1000), now: instant(Date.now() - 3_600_000) };
    const refused = await store.append({ entries: [entry("late", 0)], inTime: late });
    assert.ok(refused.status === "conflict" && refused.on === "time", JSON.stringify(refused));
    assert.ok(Math.abs(refused.now - Date.now()) < 60_000);
    const inTime = { until: instant(Date.now() + 60_000), now: late.now };
    assert.equal((await store.append({ entries: [entry("late", 0)], inTime })).status, "appended");
    await store[Symbol.asyncDispose]();
  });

  void test("instances that append to one ledger at once make one gapless history under one tree", async () => {
    const ledger = randomUUID();
    const stores = await Promise.all(Array.from({ length: 3 }, () => open({ ledger })));
    const racers = stores.flatMap((store, instance) =>
      Array.from({ length: 8 }, async (_, caller) => {
        let won = 0;
        for (let turn = 0; turn < 25; turn += 1) {
          await store.append({ entries: [entry(`own/${instance}/${caller}/${turn}`, 0)] });
          // All race for the same versions of one stream, and for the same key.
          const race = await store.append({
            entries: [entry("race", turn, `${instance}/${caller}`)],
            idempotency: { key: `${caller}/${turn}`, fingerprint: "", answer: { instance } },
          });
          if (race.status === "appended") won += 1;
        }
        return won;
      }),
    );
    const won = (await Promise.all(racers)).reduce((sum, one) => sum + one, 0);
    const [first] = stores;
    assert.ok(first !== undefined);
    const entries = await first.range(0, 10_000);
    assert.equal(entries.length, 3 * 8 * 25 + won);
    assert.deepEqual(
      entries.map(({ index }) => index),
      entries.map((_, at) => at),
    );
    const race = entries.filter(({ stream }) => stream === "race").map(({ version }) => version);
    assert.deepEqual(
      race,
      race.map((_, at) => at),
    );
    const { root } = await first.head();
    assert.deepEqual(plain(root), naiveRoot(entries.map(({ header }) => leaf(header))));
    const shown = await snapshot(first);
    for (const store of stores) assert.deepEqual(await snapshot(store), shown);
    await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()));
  });

  // The statement that decides ahead has taken its snapshot before it waits for the head row: of what is committed
  // meanwhile it sees that row alone.
  const taken = { take: "x", holder: stream("theirs"), owner: "o", ownerMax: 1 };
  const key = { key: "k", fingerprint: "f", answer: {} };
  const ahead: [string, Append | null, Partial<Append>, object][] = [
    ["nothing, because it was rolled back", null, {}, { status: "appended", index: 2, size: 3 }],
    [
      "another stream, where all must be known",
      { entries: [entry("t", 0)] },
      { at: 2 },
      { status: "conflict", on: "size", expected: 2, actual: 3 },
    ],
    ["nothing, where all must be known", null, { at: 2 }, { status: "appended", index: 2, size: 3 }],
    ["another stream", { entries: [entry("t", 0)] }, {}, { status: "appended", index: 3, size: 4 }],
    [
      "the same version",
      { entries: [entry("s", 2)] },
      {},
      { status: "conflict", on: "version", stream: "s", expected: 2, actual: 3 },
    ],
    [
      "the same key, and no entry",
      { entries: [], idempotency: key },
      { idempotency: key },
      { status: "duplicate", fingerprint: "f", answer: {}, index: 2 },
    ],
    [
      "the slot, and no entry",
      { entries: [], slots: [taken] },
      { slots: [{ unheld: "x" }] },
      { status: "conflict", on: "slot", slot: "x", holder: "theirs" },
    ],
  ];
  for (const [title, theirs, mine, expected] of ahead) {
    void test(`what another instance commits while a batch that is decided ahead waits counts: ${title}`, async () => {
      const ledger = randomUUID();
      await using here = await open({ ledger });
      await using there = await open({ ledger });
      for (const version of [0, 1]) await here.append({ entries: [entry("s", version)] });
      const waits = async (query: string): Promise<void> => {
        const sql = `select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '${query}%'`;
        while ((await ask(sql)) !== "1") await sleep(5);
      };
      const session = await openSession(postgres.port);
      await session.ask(`begin; select 1 from keyturn.head where ledger = '${ledger}' for update`);
      const other = theirs === null ? null : there.append(theirs);
      if (other !== null) await waits("select size, frontier");
      const answer = here.append({ entries: [entry("s", 2)], ...mine });
      await waits("with moved");
      await session.ask("rollback");
      session.close();
      if (other !== null) assert.equal((await other).status, "appended");
      assert.deepEqual(await answer, expected);
      const entries = await here.range(0, 10);
      assert.deepEqual(plain((await here.head()).root), naiveRoot(entries.map(({ header }) => leaf(header))));
    });
  }

  void test("an instance that was away long goes on at the right place", async () => {
    const ledger = randomUUID();
    await using idle = await open({ ledger });
    await using busy = await open({ ledger });
    await idle.append({ entries: [entry("idle", 0)] });
    for (const [round, count] of [300, 1024, 1025, 1, 2000].entries()) {
      await Promise.all(
        Array.from({ length: count }, (_, at) => busy.append({ entries: [entry(`busy/${round}/${at}`, 0)] })),
      );
      const { size } = await busy.head();
      assert.deepEqual(await idle.append({ entries: [entry("idle", round + 1)] }), {
        status: "appended",
        index: size,
        size: size + 1,
      });
    }
    const entries = await idle.range(0, 10_000);
    assert.deepEqual(plain((await busy.head()).root), naiveRoot(entries.map(({ header }) => leaf(header))));
  });

  void test("of two instances each message goes to one", async () => {
    const ledger = randomUUID();
    await using a = await open({ ledger });
    await using b = await open({ ledger });
    const ids = Array.from({ length: 60 }, (_, at) => `m${at}`);
    await a.append({ entries: [], outbox: ids.map((id) => message(id, 5)) });
    const takers = Array.from({ length: 20 }, (_, at) =>
      (at % 2 === 0 ? a : b).takeMessages(instant(5), 4, instant(9)),
    );
    const taken = (await Promise.all(takers)).flat();
    assert.deepEqual(taken.map(({ id }) => id).toSorted(), ids.toSorted());
  });

  for (const wake of ["notify", "poll"] as const) {
    void test(`an append of another instance is told, by ${wake}, and one's own is no news`, async () => {
      const ledger = randomUUID();
      await using here = await open({ ledger, wake });
      await using there = await open({ ledger, wake });
      await using elsewhere = await open({ wake });
      let told = 0;
      let next = Promise.withResolvers<string>();
      const end = here.onAdvance(() => {
        told += 1;
        next.resolve("told");
      });
      await sleep(200); // until it has looked for the first time and listens
      await elsewhere.append({ entries: [entry("s", 0)] });
      for (let round = 0; round < 3; round += 1) {
        next = Promise.withResolvers();
        // Not all that others do is an entry.
        if (round === 1) await there.append({ entries: [], documents: [{ kind: "k", id: "d", body: {} }] });
        else await there.append({ entries: [entry(`there/${round}`, 0)] });
        assert.equal(await Promise.race([next.promise, sleep(SEEN_WITHIN_MS, "late")]), "told");
      }
      end();
      const before = told;
      await there.append({ entries: [entry("there", 0)] });
      await sleep(SEEN_WITHIN_MS);
      assert.equal(told, before, "who no longer listens is told no more");
      assert.ok(told < 10, `${told} calls for three appends`);
    });
  }

  void test("two ledgers in one database never meet", async () => {
    await using left = await open();
    await using right = await open();
    await left.append(everything("x"));
    const before = await snapshot(left, ["x-slot"]);
    const nothing = await snapshot(right, ["x-slot"]);
    assert.deepEqual([nothing.head.size, nothing.entries, nothing.messages, nothing.slots], [0, [], [], [null]]);
    assert.equal(await right.document("policy", "x-document"), null);
    assert.deepEqual(await right.takeMessages(instant(99), 9, instant(100)), []);
    await right.messageDone("x-message");
    await right.append({ entries: [], erase: [0, 1, 2], slots: [{ free: "x-slot" }], timers: [{ clear: "x-timer" }] });
    assert.deepEqual(await snapshot(left, ["x-slot"]), before);
    // The same keys, streams, slots and places for owners: all free over there.
    assert.deepEqual(await right.append(everything("x")), { status: "appended", index: 0, size: 3 });
    assert.deepEqual(await snapshot(left, ["x-slot"]), before);
    assert.deepEqual(await snapshot(right, ["x-slot"]), before);
  });

  void test("the role of the server cannot rewrite history, whatever it runs", async () => {
    await using store = await open();
    await store.append(everything("x"));
    const denied = "42501";
    const table: [string, string | undefined][] = [
      ["update keyturn.entries set header = ''", denied],
      ["delete from keyturn.entries", denied],
      ["truncate keyturn.entries", denied],
      ["update keyturn.tiles set root = ''", denied],
      ["delete from keyturn.tiles", denied],
      ["update keyturn.payloads set payload = ''", denied],
      ["delete from keyturn.answers", denied],
      ["update keyturn.answers set answer = ''", denied],
      ["delete from keyturn.head", denied],
      ["delete from keyturn.requests", denied],
      ["update keyturn.migrations set checksum = ''", denied],
      ["drop table keyturn.entries", denied],
      ["alter table keyturn.entries disable trigger all", denied],
      ["create table keyturn.more (one integer)", denied],
      ["select count(*) > 0 from keyturn.entries", "t"],
    ];
    for (const [sql, expected] of table) assert.equal(await ask(sql, "app"), expected, sql);
    for (const sql of ["select 1 from keyturn.entries", "select keyturn.forget()"]) {
      assert.equal(await ask(sql, "other"), denied, sql);
    }
    const notes: string[] = [];
    await (await open({ url: postgres.url("kt"), onLog: (note) => void notes.push(note) }))[Symbol.asyncDispose]();
    assert.ok(notes.some((note) => note.includes("may change and delete entries")));
  });

  void test(
    "privacy.erase: of an erased payload no byte is left in the tables of PostgreSQL",
    { timeout: 60_000 },
    async () => {
      const needle = `needle.${randomUUID()}@example.com`;
      /** The files of tables and indexes in which it lies; the write-ahead log is beside them, and not asked. */
      const filesWith = async (): Promise<string[]> => {
        await ask("checkpoint");
        const base = join(postgres.data, "base");
        const files = readdirSync(base, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
        return files
          .filter((file) => readFileSync(join(file.parentPath, file.name)).includes(needle))
          .map(({ name }) => name);
      };
      await using store = await open();
      const about = (version: number, pad: number) => ({
        ...entry("s", version),
        payload: bytes(`${needle} ${randomUUID().repeat(pad)}`),
      });
      // Within a page, and out of line.
      await store.append({ entries: [about(0, 1), entry("s", 1), about(2, 2000)] });
      await store.append({
        entries: [],
        idempotency: { key: "k", fingerprint: needle, answer: {} },
        requests: [{ ...request("r", 1), view: { for: needle } }],
        documents: [{ kind: "k", id: needle, body: { to: needle } }],
        outbox: [{ id: `m:${needle}`, topic: "t", body: { to: needle }, notBefore: instant(1) }],
      });
      await ask("analyze");
      assert.notDeepEqual(await filesWith(), []); // or the test would see nothing at the end either
      await store.messageDone(`m:${needle}`);
      await store.append({
        entries: [],
        erase: [0, 2, 3], // the last for the answer, whose append had no entry
        requests: [{ ...request("r", 1), view: {} }],
        documents: [{ kind: "k", id: needle, body: null }],
      });
      const { head } = await snapshot(store);
      await store.forget();
      await ask("analyze");
      assert.deepEqual(await filesWith(), []);
      assert.deepEqual((await snapshot(store)).head, head);
      assert.equal((await store.append({ entries: [entry("s", 3)] })).status, "appended");
    },
  );

  void test(
    "a database is brought to the schema once, and refused when it is none of ours",
    { timeout: 60_000 },
    async () => {
      await ask("create database fresh");
      const url = postgres.url().replace("/postgres", "/fresh");
      const store = (): Promise<Store> => openPostgres({ url, ledger: "one" });
      const refused = (pattern: RegExp) => ({ name: "StoreError", code: "store_unsupported", message: pattern });
      await assert.rejects(store(), refused(/no schema of Keyturn.*keyturn store migrate/u));
      // Several at once: one does it, the others find it done.
      const done = await Promise.all(Array.from({ length: 4 }, () => migratePostgres({ url })));
      assert.deepEqual(
        done.map(({ from }) => from).toSorted((a, b) => a - b),
        [0, 1, 1, 1],
      );
      await (await store())[Symbol.asyncDispose]();

      const inFresh = (sql: string) => ask(sql, "kt", "fresh");
      const checksum = await inFresh("select checksum from keyturn.migrations");
      await inFresh("update keyturn.migrations set checksum = 'other'");
      await assert.rejects(store(), refused(/another migration 1/u));
      await assert.rejects(migratePostgres({ url }), refused(/another migration 1/u));
      await inFresh(`update keyturn.migrations set checksum = '${checksum}'`);
      await inFresh("insert into keyturn.migrations (version, file, checksum) values (2, '0002-later.sql', 'x')");
      await assert.rejects(store(), refused(/schema version 2.*knows 1.*newer/u));
      await assert.rejects(migratePostgres({ url }), refused(/newer/u));

      await ask("create database latin encoding 'LATIN1' template template0 locale 'C'");
      await assert.rejects(migratePostgres({ url: url.replace("/fresh", "/latin") }), refused(/LATIN1.*UTF8/u));
      await assert.rejects(openPostgres({ url, ledger: "No Such" }), refused(/names no ledger/u));
      const nowhere = postgres.url("kt", 1).replace("kt@", "kt:secret@");
      await assert.rejects(openPostgres({ url: nowhere, ledger: "one" }), (error: Error) => {
        assert.match(error.message, /cannot be opened.*ECONNREFUSED/u);
        return !error.message.includes("secret");
      });
      await assert.rejects(migratePostgres({ url: postgres.url(), role: "nobody here" }), {
        code: "store_unavailable",
      });
    },
  );
});
