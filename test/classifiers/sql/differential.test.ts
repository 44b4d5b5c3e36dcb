import assert from "node:assert/strict";
import { test } from "node:test";
import { isReader, loadSql } from "../../../src/classifiers/sql/index.ts";
import { findPostgres, openSession, startPostgres } from "../../support/postgres.ts";
import type { Session } from "../../support/postgres.ts";
import { passes } from "../passing.ts";
import { PINNED } from "./fixture.ts";
import { generator, SCHEMA } from "./generate.ts";

const bin = findPostgres();
// Where no PostgreSQL is installed this proves nothing, and says so; CI has one.
const skip =
  bin === null && process.env["CI"] === undefined ? "PostgreSQL is not installed: install `postgresql`" : false;

const seed = Number(process.env["SQL_SEED"] ?? Date.now() % 2 ** 32);
const PASSING_WANTED = 2_500;
const STATEMENTS_MAX = 20_000;
const BATCH = 100;

/** SQLSTATE of a write that a READ ONLY transaction refuses. */
const READ_ONLY_REFUSAL = "25006";

/** One text for everything that a statement could leave behind. */
const STATE = `SELECT md5(concat(${[
  ...["items", "orders", "customers", "cheap"].map(
    (table) => `(SELECT string_agg(t::text, ',' ORDER BY t::text) FROM ${table} AS t)`,
  ),
  ...["counter", "orders_id_seq"].map((sequence) => `(SELECT concat(last_value, is_called) FROM ${sequence})`),
  ...[
    "pg_class WHERE relpersistence <> 't' AND relnamespace <> 'pg_toast'::regnamespace",
    ..."pg_proc pg_type pg_namespace pg_authid pg_auth_members pg_db_role_setting pg_largeobject_metadata pg_largeobject".split(
      " ",
    ),
    ..."pg_policy pg_trigger pg_rewrite pg_description pg_default_acl pg_statistic pg_statistic_ext pg_operator".split(
      " ",
    ),
    ..."pg_attrdef pg_constraint pg_enum pg_extension pg_replication_slots pg_publication pg_subscription pg_seclabel".split(
      " ",
    ),
    ..."pg_event_trigger pg_prepared_xacts pg_foreign_server pg_language pg_cast pg_database pg_tablespace".split(" "),
  ].map(
    (catalogue) => `(SELECT string_agg(t::text, ',' ORDER BY t::text) FROM ${catalogue.replace(/^(\w+)/, "$1 AS t")})`,
  ),
].join(", ")}))`;

/** What later statements of the session mean and may do. */
const SESSION = `SELECT ${[
  ..."search_path standard_conforming_strings role session_authorization datestyle intervalstyle timezone".split(" "),
  ..."default_transaction_read_only statement_timeout log_statement row_security client_encoding".split(" "),
]
  .map((name) => `current_setting('${name}')`)
  .join(" || '|' || ")}`;

async function one(session: Session, sql: string): Promise<string> {
  const { code, rows } = await session.ask(sql);
  assert.equal(code, null, sql);
  return rows()[0]?.[0] ?? "";
}

/** A call of every overload of every function that is called a reader, with small values of the right types. */
const CALLS = `SELECT p.proname, format('SELECT %I.%I(%s)', 'pg_catalog', p.proname, (
  SELECT string_agg(format('%L::%s', CASE
    WHEN t.typcategory = 'N' THEN '1' WHEN t.typcategory = 'B' THEN 't' WHEN t.typcategory = 'A' THEN '{}'
    WHEN t.typcategory = 'D' THEN '2026-01-02' WHEN t.typcategory = 'T' THEN '1 day' WHEN t.typname IN ('json', 'jsonb') THEN '{}'
    WHEN t.typcategory = 'R' THEN 'empty' WHEN t.typname = 'xml' THEN '<a/>' WHEN t.typname = 'uuid' THEN NULL
    WHEN t.typcategory IN ('S', 'U') THEN 'a' ELSE NULL END,
    CASE WHEN t.typname IN ('any', 'anyelement', 'anynonarray', 'anycompatible', 'anycompatiblenonarray') THEN 'text'
      WHEN t.typname IN ('anyarray', 'anycompatiblearray') THEN 'text[]' WHEN t.typname IN ('anyrange', 'anycompatiblerange') THEN 'int4range'
      WHEN t.typname IN ('anymultirange', 'anycompatiblemultirange') THEN 'int4multirange' WHEN t.typname = 'anyenum' THEN 'mood'
      ELSE format_type(t.oid, NULL) END), ', ' ORDER BY a.place)
  FROM unnest(p.proargtypes) WITH ORDINALITY AS a(type, place) JOIN pg_type AS t ON t.oid = a.type))
  FROM pg_proc AS p WHERE p.pronamespace = 'pg_catalog'::regnamespace ORDER BY p.oid`;

test("what passes never writes: a real PostgreSQL agrees", { skip, timeout: 120_000 }, async (t) => {
  assert.ok(bin !== null, "CI needs PostgreSQL: install `postgresql`");
  t.diagnostic(`SQL_SEED=${seed}`);
  const sql = await loadSql();
  const server = await startPostgres(bin);
  try {
    const session = await openSession(server.port);
    // The time limit is for what is tried, not for looking at it.
    const watcher = await openSession(server.port);
    await watcher.ask("SET statement_timeout = 0");
    assert.equal((await watcher.ask(SCHEMA)).code, null);

    // The oracle is alive: it refuses what writes, and the text of the state sees what was written.
    for (const write of [
      "DELETE FROM items",
      "SELECT bump(1)",
      "SELECT nextval('counter')",
      "SELECT a @#@ a FROM items AS a",
    ]) {
      await session.ask("BEGIN READ ONLY");
      assert.equal((await session.ask(write)).code, READ_ONLY_REFUSAL, write);
      await session.ask("ROLLBACK");
    }
    const empty = await one(watcher, STATE);
    for (const [write, undo] of [
      ["INSERT INTO customers VALUES (2, 'b')", "DELETE FROM customers WHERE id = 2"],
      ["SELECT lo_create(7)", "SELECT lo_unlink(7)"],
    ] as const) {
      await session.ask(write);
      assert.notEqual(await one(watcher, STATE), empty, write);
      await session.ask(undo);
    }

    const generated = generator(seed);
    const passing: string[] = [];
    let made = 0;
    for (; made < STATEMENTS_MAX && passing.length < PASSING_WANTED; made += 1) {
      const statement = generated.statement();
      if (passes(sql.classify(statement, PINNED))) passing.push(statement);
    }
    assert.equal(passing.length, PASSING_WANTED, `only ${passing.length} of ${made} pass`);
    const { code, rows } = await watcher.ask(CALLS);
    assert.equal(code, null);
    const calls = rows()
      .filter(([name = ""]) => isReader(name))
      .map(([, call = ""]) => call);
    assert.ok(calls.length > 2_000, `${calls.length} calls`);
    for (const call of calls) assert.ok(passes(sql.classify(call, PINNED)), call);

    const before = await one(watcher, STATE);
    const meaning = await one(session, SESSION);
    const all = [...passing, ...calls];
    const succeeded = { generated: 0, calls: 0 };
    for (let start = 0; start < all.length; start += BATCH) {
      const batch = all.slice(start, start + BATCH);
      const answers = await session.askAll(batch.flatMap((statement) => ["BEGIN READ ONLY", statement, "ROLLBACK"]));
      for (const [place, statement] of batch.entries()) {
        const code = answers[3 * place + 1]?.code;
        assert.notEqual(code, READ_ONLY_REFUSAL, statement);
        if (code === null) succeeded[start + place < passing.length ? "generated" : "calls"] += 1;
      }
    }
    assert.equal(await one(watcher, STATE), before, "a trace of what ran in READ ONLY");
    for (let start = 0; start < all.length; start += BATCH) {
      const batch = all.slice(start, start + BATCH);
      const answers = await session.askAll(batch.flatMap((statement) => [statement, "COMMIT", SESSION]));
      for (const [place, statement] of batch.entries()) {
        assert.equal(answers[3 * place + 2]?.rows()[0]?.[0], meaning, `${statement}: what later statements mean`);
      }
    }
    assert.equal(await one(watcher, STATE), before, "a trace of what ran without READ ONLY");
    t.diagnostic(`${made} generated, ${passing.length} pass, ${succeeded.generated} of them succeed`);
    t.diagnostic(`${calls.length} calls of functions, ${succeeded.calls} succeed`);
    // What fails for reasons of types proves little: most of it must really run.
    assert.ok(succeeded.generated > 500 && succeeded.calls > 1_500, JSON.stringify(succeeded));
    session.close();
    watcher.close();
  } finally {
    await server.stop();
  }
});
