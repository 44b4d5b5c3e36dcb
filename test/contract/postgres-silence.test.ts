// A commit does not fail because nobody reads the news of commits. What fills PostgreSQL's own queue are 8 GB: here a function
// before the real one fails as it does, at the commit, when a test says so.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import type { Store } from "../../src/ports/store.ts";
import { migratePostgres, openPostgres } from "../../src/stores/postgres/index.ts";
import { findPostgres, openSession, startPostgres } from "../support/postgres.ts";
import type { Postgres } from "../support/postgres.ts";
import { until } from "../support/process.ts";
import { appendFor } from "./store/acks.ts";
import { entry } from "./store/changes.ts";

const bin = findPostgres();
const skip =
  bin === null && process.env["CI"] === undefined ? "PostgreSQL is not installed: install `postgresql`" : false;

const QUEUE = `
  create schema queue;
  create table queue.state (is_full boolean not null);
  insert into queue.state values (false);
  create table queue.told (payload text);
  create function queue.find_room() returns trigger language plpgsql as $$
    begin
      if (select is_full from queue.state) then
        raise 'too many notifications in the NOTIFY queue' using errcode = 'program_limit_exceeded';
      end if;
      return null;
    end $$;
  create constraint trigger find_room after insert on queue.told deferrable initially deferred
    for each row execute function queue.find_room();
  create function queue.pg_notify(text, text) returns void language sql as
    'insert into queue.told values ($2); select pg_catalog.pg_notify($1, $2)';`;

void describe("a PostgreSQL with no room for news", { skip }, () => {
  let postgres: Postgres;
  before(async () => {
    assert.ok(bin !== null, "CI needs PostgreSQL: install `postgresql`");
    postgres = await startPostgres(bin, ["fsync=off"]);
    await migratePostgres({ url: postgres.url() });
    await ask(QUEUE);
  });
  after(() => postgres.stop());

  const ask = async (sql: string): Promise<void> => {
    const session = await openSession(postgres.port);
    const { code } = await session.ask(sql);
    session.close();
    assert.equal(code, null, sql);
  };

  /** A store whose sessions find that function first. */
  const open = (ledger: string, notes: string[]): Promise<Store> => {
    const url = new URL(postgres.url());
    url.searchParams.set("options", "-c search_path=queue,pg_catalog");
    return openPostgres({ url: url.href, ledger, patienceMs: 2000, onLog: (note) => void notes.push(note) });
  };

  void test("commits go on, others see them by themselves, and hear of them again when there is room", async () => {
    const ledger = randomUUID();
    const notes: string[] = [];
    await using store = await open(ledger, notes);
    await using other = await open(ledger, []);
    let told = 0;
    const stop = other.onAdvance(() => (told += 1));
    const about = (words: string): number => notes.filter((note) => note.includes(words)).length;

    let version = 0;
    const append = (): Promise<unknown> => store.append({ entries: [entry("a", version++)] });
    const isTold = async (): Promise<boolean> => {
      await append();
      return told > 0;
    };
    await until("it follows", isTold);
    await ask("update queue.state set is_full = true");
    const before = told;
    for (let count = 0; count < 3; count += 1) await append();
    // Few are committed in one thread, many in another: each finds it by itself.
    const { acks, finish } = appendFor(store, 16);
    await until("many are acknowledged", () => acks.size > 200);
    assert.deepEqual(await finish(), []);
    await until("the other one has looked", () => told > before);
    assert.deepEqual([about("takes no news of commits"), about("takes news of commits again")], [2, 0]);

    await ask("update queue.state set is_full = false");
    const isToldAgain = async (): Promise<boolean> => {
      await append();
      return about("takes news of commits again") > 0;
    };
    await until("they are told again", isToldAgain, 15_000);
    stop();
  });
});
