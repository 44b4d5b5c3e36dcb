// What one instance appends is given to another with the news of it, where both share a secret; anything else is a hint to read.
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Append, NewEntry, Store, StoredEntry } from "../../src/ports/store.ts";
import { openPostgres } from "../../src/stores/postgres/index.ts";
import type { PostgresStoreOptions } from "../../src/stores/postgres/index.ts";
import { readNotice, writeNotice } from "../../src/stores/postgres/notice.ts";
import { NewsSeal } from "../../src/stores/postgres/seal.ts";
import { skip, startDatabase } from "../support/instances.ts";
import type { Postgres } from "../support/postgres.ts";
import { until } from "../support/process.ts";
import { entry, plainEntry } from "./store/changes.ts";

const SECRET = randomBytes(32);
/** The poll may be faster than the news of one append, hardly of three. */
const ROUNDS = 3;

type News = readonly StoredEntry[] | undefined;

void describe("news between instances of one PostgreSQL", { skip }, () => {
  let postgres: Postgres;
  before(async () => {
    postgres = await startDatabase();
  });
  after(() => postgres.stop());

  const open = (ledger: string, options: Partial<PostgresStoreOptions> = {}): Promise<Store> =>
    openPostgres({ url: postgres.url("app"), ledger, newsSecret: SECRET, ...options });

  /** Any role that may connect: it holds no right to anything of ours. */
  const stranger = async (): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: postgres.url("stranger") });
    await client.connect();
    return client;
  };
  /** Such a one that listens, and what it hears. */
  const overhear = async (): Promise<{ readonly ear: pg.Client; readonly notices: readonly string[] }> => {
    const ear = await stranger();
    const notices: string[] = [];
    ear.on("notification", ({ payload = "" }) => notices.push(payload));
    await ear.query("listen keyturn");
    return { ear, notices };
  };
  before(async () => {
    const owner = new pg.Client({ connectionString: postgres.url() });
    await owner.connect();
    await owner.query("create role stranger login");
    await owner.end();
  });

  /** Listens, from the moment on at which `there` is heard. */
  const listen = async (here: Store, there: Store): Promise<News[]> => {
    const heard: News[] = [];
    here.onAdvance((news) => void heard.push(news));
    const owner = new pg.Client({ connectionString: postgres.url() });
    await owner.connect();
    const sql = "select 1 from pg_stat_activity where query = 'listen keyturn' and state = 'idle'";
    await until("it listens", async () => (await owner.query(sql)).rowCount !== 0);
    await owner.end();
    let version = 0;
    while (heard.length === 0) {
      await there.append({ entries: [entry("begin", version)] });
      version += 1;
      await sleep(20);
    }
    await sleep(20);
    heard.length = 0;
    return heard;
  };

  const wide = (stream: string, version: number): NewEntry => ({
    ...entry(stream, version),
    payload: randomBytes(6000),
  });

  void test("who listens is given what is awaited, as a read would answer it", async () => {
    const ledger = randomUUID();
    await using there = await open(ledger);
    await using here = await open(ledger);
    const heard = await listen(here, there);
    const from = (await here.head()).size;
    // Together in one commit, of which one append is awaited.
    const changes = (round: number): Append[] => [
      { entries: [entry("asked", 2 * round), entry("asked", 2 * round + 1)], awaited: true },
      { entries: [{ ...entry(`Ä\0 "${round}"`, 0), payload: new Uint8Array(0) }] },
    ];
    for (let round = 0; round < ROUNDS; round += 1) {
      await Promise.all(changes(round).map((change) => there.append(change)));
      await until("it is told", () => heard.length > round);
    }
    const given = heard.flatMap((news) => news ?? []);
    assert.notEqual(given.length, 0);
    const all = (await here.range(0, 100)).map(plainEntry);
    for (const one of given) assert.deepEqual(plainEntry(one), all[one.index]);
    assert.equal(all.length, from + 3 * ROUNDS);
  });

  const silent: [string, Partial<PostgresStoreOptions>, Partial<PostgresStoreOptions>, (round: number) => Append][] = [
    ["nobody waits for it", {}, {}, (n) => ({ entries: [entry("s", n)] })],
    ["it is large", {}, {}, (n) => ({ entries: [wide("s", n)], awaited: true })],
    ["it takes payloads away", {}, {}, (n) => ({ entries: [entry("s", n)], erase: [0], awaited: true })],
    ["whoever appends knows no secret", { newsSecret: new Promise(() => {}) }, {}, awaited],
    ["whoever hears of it knows no secret", {}, { newsSecret: new Promise(() => {}) }, awaited],
    ["it is another secret", {}, { newsSecret: randomBytes(32) }, awaited],
  ];
  for (const [why, theirs, mine, change] of silent) {
    void test(`an append is told without its entries, and can be read, where ${why}`, async () => {
      const ledger = randomUUID();
      await using there = await open(ledger, theirs);
      await using here = await open(ledger, mine);
      const heard = await listen(here, there);
      const from = (await here.head()).size;
      for (let round = 0; round < ROUNDS; round += 1) {
        await there.append(change(round));
        await until("it is told", () => heard.length > round);
      }
      assert.deepEqual([...new Set(heard)], [undefined]);
      assert.equal((await here.range(from, 100)).length, ROUNDS);
    });
  }

  void test("a secret that is known later serves from then on", async () => {
    const ledger = randomUUID();
    const secret = Promise.withResolvers<Uint8Array>();
    await using there = await open(ledger, { newsSecret: secret.promise });
    await using here = await open(ledger, { newsSecret: secret.promise });
    const heard = await listen(here, there);
    secret.resolve(SECRET);
    let round = 0;
    await until("it is given entries", async () => {
      await there.append(awaited(round));
      round += 1;
      await sleep(20);
      return heard.some((news) => news !== undefined);
    });
  });

  void test("ledger.false-news: who may only connect to the database reads nothing of the news, makes up none, and silences none", async () => {
    const ledger = randomUUID();
    await using there = await open(ledger);
    await using here = await open(ledger);
    const heard = await listen(here, there);
    const { ear, notices } = await overhear();
    const needle = randomUUID();
    await there.append({ entries: [{ ...entry("s", 0), payload: Buffer.from(needle) }], awaited: true });
    await until("both have heard of it", () => heard.length === 1 && notices.length === 1);
    const [text = ""] = notices;
    const notice = readNotice(text);
    assert.ok(notice?.sealed != null);
    assert.ok(!text.includes(needle) && !Buffer.from(notice.sealed, "base64").includes(needle));

    const { writer, sealed } = notice;
    const index = (await here.head()).size;
    const other = new NewsSeal(randomBytes(32), { writer, ledger });
    const forgeries: [string, (commits: number) => string][] = [
      ["another secret", (n) => writeNotice({ writer, commits: n, ledger }, [{ ...entry("s", 1), index }], other)],
      ["an old one under a new number", (n) => `${writer} ${n} ${ledger} ${sealed}`],
      ["an old one in another name", (n) => `${randomUUID()} ${n} ${ledger} ${sealed}`],
      ["what is nothing", (n) => `${writer} ${n} ${ledger} ${"A".repeat(7000)}`],
      ["a number that no commit will ever have", () => `${writer} ${Number.MAX_SAFE_INTEGER} ${ledger}`],
    ];
    for (const [at, [what, forge]] of forgeries.entries()) {
      await ear.query("select pg_notify('keyturn', $1)", [forge(notice.commits + 1 + at)]);
      await until(what, () => heard.length > at + 1);
    }
    await until("the poll has put the number right", () => heard.length > forgeries.length + 1, 3000);
    assert.deepEqual([...new Set(heard.slice(1))], [undefined]);
    heard.length = 0;
    // Neither the old one as it was, nor what no instance would say.
    for (const none of [text, `${writer} NaN ${ledger}`, `${writer} -1 ${ledger}`, ledger, ""]) {
      await ear.query("select pg_notify('keyturn', $1)", [none]);
    }
    await sleep(100);
    assert.deepEqual(heard, []);
    let version = 1;
    await until("what is true is given as before", async () => {
      await there.append({ entries: [entry("s", version)], awaited: true });
      version += 1;
      await sleep(20);
      return heard.some((news) => news !== undefined);
    });
    // A number that comes true before anybody has looked.
    const last = readNotice(notices.at(-1) ?? "")?.commits ?? 0;
    await ear.query("select pg_notify('keyturn', $1)", [`${writer} ${last + 1} ${ledger}`]);
    await sleep(20);
    heard.length = 0;
    await there.append({ entries: [entry("s", version)], awaited: true });
    await until("it was doubted", () => heard.length > 0, 3000);
    await ear.end();
  });

  void test("privacy.erase: what was erased does not come back by old news", async () => {
    const ledger = randomUUID();
    await using there = await open(ledger);
    await using here = await open(ledger);
    const heard = await listen(here, there);
    const { ear, notices } = await overhear();
    const { size: index } = await here.head();
    await there.append({ entries: [entry("s", 0)], awaited: true });
    await there.append({ entries: [entry("t", 0)], erase: [index], awaited: true });
    await until("both have heard of it", () => heard.length === 2 && notices.length === 2);
    const [old = "", erased = ""] = notices;
    const [[writer, commits, , sealed], [, next, , nothing]] = [old.split(" "), erased.split(" ")];
    assert.deepEqual([Number(commits) + 1, nothing, heard[1]], [Number(next), undefined, undefined]);
    for (const again of [old, `${writer} ${Number(next) + 1} ${ledger} ${sealed}`]) {
      await ear.query("select pg_notify('keyturn', $1)", [again]);
    }
    await until("one is a hint", () => heard.length > 2);
    assert.deepEqual([...new Set(heard.slice(1))], [undefined]);
    assert.equal((await here.range(index, 1))[0]?.payload, null);
    await ear.end();
  });
});

function awaited(version: number): Append {
  return { entries: [entry("s", version)], awaited: true };
}
