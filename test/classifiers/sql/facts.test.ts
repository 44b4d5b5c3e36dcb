import assert from "node:assert/strict";
import { test } from "node:test";
import { EXPORT_ROWS_MAX, loadSql } from "../../../src/classifiers/sql/index.ts";
import type { SqlOptions } from "../../../src/classifiers/sql/index.ts";
import type { Classification, FactValue } from "../../../src/core/risk/index.ts";
import { passes, summary } from "../passing.ts";
import { PINNED, SHOP } from "./fixture.ts";

const sql = await loadSql();

function fact(found: Classification, name: string): FactValue | undefined {
  return found.facts.find((one) => one.name === name)?.value;
}

test("tables are those that are really named, common table expressions are not", () => {
  const cases: readonly (readonly [string, readonly string[] | undefined])[] = [
    ["SELECT 1", undefined],
    ["SELECT * FROM a, s.b JOIN c USING (x)", ["a", "c", "s.b"]],
    ["WITH a AS (SELECT 1) SELECT * FROM a", undefined],
    ["WITH a AS (SELECT * FROM a) SELECT * FROM a", ["a"]],
    ["WITH RECURSIVE a AS (SELECT * FROM a) SELECT * FROM a", undefined],
    ["WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a, b", ["b"]],
    ["SELECT * FROM (WITH a AS (SELECT 1) SELECT * FROM a) x, a", ["a"]],
    ["WITH a AS (SELECT 1) SELECT * FROM s.a", ["s.a"]],
    ["WITH a AS (SELECT 1) INSERT INTO a SELECT * FROM a", ["a"]],
    ["WITH a AS (SELECT 1) DELETE FROM b USING a", ["b"]],
    ["DO $$ BEGIN EXECUTE 'DROP TABLE a, s.b'; END $$", ["a", "s.b"]],
    ["DROP VIEW a, s.b", ["a", "s.b"]],
    ["TRUNCATE a", ["a"]],
    ["ALTER TABLE s.a DROP COLUMN b", ["s.a"]],
    ['SELECT * FROM "Ä"."t t"', ["Ä.t t"]],
  ];
  for (const [text, tables] of cases) assert.deepEqual(fact(sql.classify(text, PINNED), "tables"), tables, text);
});

test("columns, kinds, limits and conditions", () => {
  const cases: readonly (readonly [string, string, FactValue | undefined])[] = [
    ["SELECT a, t.b, * FROM t WHERE c = 1", "columns", ["*", "a", "b", "c"]],
    ["UPDATE t SET a = b WHERE c = 1", "columns", ["a", "b", "c"]],
    ["INSERT INTO t (a, b) VALUES (1, 2)", "columns", ["a", "b"]],
    ["SELECT 1; DELETE FROM t", "statement_kinds", ["delete", "select"]],
    ["EXPLAIN UPDATE t SET a = 1", "statement_kinds", ["explain", "update"]],
    ["DROP INDEX i", "statement_kinds", ["drop", "drop_index"]],
    ["SELECT a FROM t LIMIT 10", "limit_rows", 10],
    ["SELECT a FROM t LIMIT 0", "limit_rows", 0],
    ["SELECT a FROM t UNION SELECT b FROM u LIMIT 7", "limit_rows", 7],
    ["SELECT a FROM t LIMIT 10; SELECT a FROM t LIMIT 5", "limit_rows", 15],
    ["SELECT a FROM t LIMIT 10; SELECT a FROM t", "limit_rows", undefined],
    ["SELECT a FROM t LIMIT ALL", "limit_rows", undefined],
    ["SELECT a FROM t LIMIT $1", "limit_rows", undefined],
    ["SELECT a FROM t LIMIT 5 + 5", "limit_rows", undefined],
    ["SELECT a FROM t LIMIT 99999999999", "limit_rows", undefined],
    ["SELECT a FROM t ORDER BY a FETCH FIRST 3 ROWS WITH TIES", "limit_rows", undefined],
    ["SELECT array_agg(a) FROM t LIMIT 1", "limit_rows", undefined],
    ["DELETE FROM t WHERE a = 1", "has_where", true],
    ["DELETE FROM t WHERE a = 1; UPDATE t SET a = 1", "has_where", false],
    ["SELECT 1", "has_where", undefined],
    ["SELECT f(1), s.g(2), lower('x')", "functions", ["f", "s.g"]],
  ];
  for (const [text, name, value] of cases) {
    assert.deepEqual(fact(sql.classify(text, PINNED), name), value, `${name} of ${text}`);
  }
  const wide = Array.from({ length: 70 }, (_, at) => `c${at}`).join(", ");
  assert.equal(fact(sql.classify(`SELECT ${wide} FROM t`, PINNED), "columns_capped"), true);
  const many = Array.from({ length: 65 }, (_, at) => `t${at}`).join(", ");
  assert.match(sql.classify(`SELECT 1 FROM ${many}`, PINNED).opaque.join(), /more than 64 relations/);
});

test("reads of a sensitive relation are exports unless a small literal LIMIT or an aggregate bounds them", () => {
  const cases: readonly (readonly [string, boolean])[] = [
    ["SELECT * FROM customers LIMIT 10", true],
    [`SELECT * FROM customers LIMIT ${EXPORT_ROWS_MAX}`, true],
    [`SELECT * FROM customers LIMIT ${EXPORT_ROWS_MAX + 1}`, false],
    ["SELECT count(*), max(age) FROM public.customers", true],
    ["EXPLAIN SELECT * FROM customers LIMIT 5", true],
    ["WITH c AS (SELECT * FROM customers) SELECT * FROM c LIMIT 5", true],
    ["WITH customers AS (SELECT 1) SELECT * FROM customers", true],
    ["SELECT * FROM customers", false],
    ["SELECT * FROM customers LIMIT ALL", false],
    ["SELECT * FROM orders WHERE id IN (SELECT id FROM customers)", false],
    ["WITH customers AS (SELECT * FROM customers) SELECT * FROM customers", false],
    ["SELECT (SELECT string_agg(mail, ',') FROM customers) LIMIT 1", false],
    ["SELECT ARRAY(SELECT mail FROM customers) LIMIT 1", false],
    ["SELECT json_arrayagg(mail) FROM customers LIMIT 1", false],
    ["SELECT count(*) FROM customers GROUP BY mail", false],
    ["SELECT count(*) OVER (), sum(1) OVER () FROM customers", false],
    ["SELECT mail FROM customers LIMIT 5 OFFSET 0; SELECT mail FROM customers", false],
    ["PREPARE p AS SELECT * FROM customers", false],
    ["DECLARE c CURSOR FOR SELECT * FROM customers", false],
    ["SELECT * FROM pg_stats", false],
  ];
  for (const [text, passing] of cases) {
    const found = sql.classify(text, SHOP);
    assert.equal(passes(found), passing, `${text}: ${summary(found)}`);
    if (!passing) assert.match(summary(found), /export/, text);
    if (/FROM customers/.test(text) && !text.includes("AS (SELECT 1)")) {
      assert.deepEqual(fact(found, "sensitivity"), ["personal"], text);
    }
  }
  for (const text of [
    "COPY customers TO STDOUT",
    "INSERT INTO copy SELECT * FROM customers",
    "CREATE TABLE copy AS SELECT * FROM customers",
    "UPDATE customers SET a = 1 WHERE id = 1 RETURNING *",
  ]) {
    assert.match(summary(sql.classify(text, SHOP)), /export/, text);
  }
  for (const text of ["INSERT INTO customers VALUES (1)", "UPDATE customers SET a = 1 WHERE id = 1"]) {
    assert.doesNotMatch(summary(sql.classify(text, SHOP)), /export/, text);
  }
});

test("the operator's words are heard: audit records, views in doubt, functions that only read", () => {
  const audit: SqlOptions = { ...PINNED, audit: (relation) => relation === "history" };
  assert.match(summary(sql.classify("DELETE FROM history WHERE id = 1", audit)), /defence_evasion/);
  assert.doesNotMatch(summary(sql.classify("DELETE FROM audit_log WHERE id = 1", audit)), /defence_evasion/);
  const tagged: SqlOptions = { ...PINNED, sensitive: () => ["audit"] };
  assert.match(summary(sql.classify("DELETE FROM anything WHERE id = 1", tagged)), /defence_evasion/);
  const doubtful: SqlOptions = { ...PINNED, doubtful: (name) => name === "v" };
  assert.ok(!passes(sql.classify("SELECT * FROM v", doubtful)));
  assert.ok(!passes(sql.classify("SELECT 'x'::v", doubtful)));
  assert.ok(passes(sql.classify("SELECT 'x'::w FROM t", doubtful)));
  const functions: SqlOptions = { ...PINNED, functions: new Set(["app.price"]) };
  assert.ok(passes(sql.classify("SELECT app.price(1)", functions)));
  assert.ok(!passes(sql.classify("SELECT price(1), other.price(1)", functions)));
  const wrong: SqlOptions = {
    ...PINNED,
    functions: new Set(["pg_read_file", "nextval", "set_config", "query_to_xml"]),
  };
  for (const call of [
    "pg_read_file('x')",
    "nextval('s')",
    "set_config('role', 'x', true)",
    "query_to_xml('x', true, true, '')",
  ])
    assert.ok(!passes(sql.classify(`SELECT ${call}`, wrong)), call);
});

test("an operator's function that throws makes the text opaque", () => {
  const failing: SqlOptions = {
    ...PINNED,
    sensitive: () => {
      throw new Error("down");
    },
  };
  assert.match(sql.classify("SELECT * FROM t", failing).opaque.join(), /classifier failed.*down/);
});

test("spans point at the evidence, in UTF-16, in the parameter the text stood in", () => {
  const text = "SELECT 'ä€😀' FROM \"😀\".t; DELETE FROM t; SELECT pg_read_file('ü'), lo_get(1)";
  const found = sql.classify(text, { ...PINNED, pointer: "/action/properties/sql" });
  const shown = new Map(found.effects.map(({ effect, span }) => [effect, text.slice(span?.start, span?.end)]));
  assert.equal(shown.get("read"), "SELECT 'ä€😀' FROM \"😀\".t");
  assert.equal(shown.get("delete"), "DELETE FROM t");
  assert.equal(shown.get("secret.read"), "pg_read_file");
  assert.equal(shown.get("export"), "lo_get");
  assert.ok(found.effects.every(({ span }) => span?.pointer === "/action/properties/sql"));
  const nested = "SELECT 1; DO $$ BEGIN DELETE FROM t; END $$";
  const inside = sql.classify(nested, PINNED).effects.find(({ effect }) => effect === "delete")?.span;
  assert.equal(nested.slice(inside?.start, inside?.end), "DO $$ BEGIN DELETE FROM t; END $$");
});

test("a text that is no SQL as a whole still shows the statements in it, with their places", () => {
  const text = "SELECT 'é' FROM; DROP TABLE t; SELECT pg_read_file('x'); SELEC";
  const found = sql.classify(text, PINNED);
  const shown = new Map(found.effects.map(({ effect, span }) => [effect, text.slice(span?.start, span?.end)]));
  assert.ok(shown.has("opaque"));
  assert.equal(shown.get("delete"), "DROP TABLE t");
  assert.equal(shown.get("secret.read"), "pg_read_file");
});
