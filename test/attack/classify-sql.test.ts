import assert from "node:assert/strict";
import { test } from "node:test";
import { loadSql } from "../../src/classifiers/sql/index.ts";
import type { SqlOptions } from "../../src/classifiers/sql/index.ts";
import type { Effect, TraitId } from "../../src/core/risk/index.ts";
import { passes, summary } from "../classifiers/passing.ts";

const sql = await loadSql();
const PINNED: SqlOptions = { session: { standardConformingStrings: true, searchPathPinned: true } };

/** Holds each text, and for the effect or trait that it hides. */
function hidden(wanted: Effect | TraitId, texts: readonly string[], options: SqlOptions = PINNED): void {
  for (const text of texts) {
    const found = sql.classify(text, options);
    assert.ok(!passes(found), text);
    assert.ok(summary(found).split(" ").includes(wanted), `${text}: ${summary(found)}`);
  }
}

test("classify.wrapper: a DELETE is found inside whatever runs it", () => {
  hidden("delete", [
    "EXPLAIN ANALYZE DELETE FROM t",
    "EXPLAIN (FORMAT json, ANALYZE) DELETE FROM t",
    "explain(analyze true)delete from t",
    "PREPARE p AS DELETE FROM t",
    "SELECT 1; DELETE FROM t",
    "BEGIN; SELECT 1; DELETE FROM t; COMMIT",
    "CREATE RULE r AS ON SELECT TO v DO INSTEAD DELETE FROM t",
    "DO $$ BEGIN DELETE FROM t; END $$",
    "DO 'BEGIN EXECUTE ''DELETE FROM t''; END'",
    "DO $$ BEGIN IF false THEN NULL; ELSIF true THEN DELETE FROM t; END IF; END $$",
    "DO $$ BEGIN NULL; EXCEPTION WHEN others THEN DELETE FROM t; END $$",
    "DO $$ DECLARE c refcursor; BEGIN OPEN c FOR EXECUTE $e$ DELETE FROM t RETURNING 1 $e$; END $$",
    "CREATE FUNCTION f() RETURNS SETOF int LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'DELETE FROM t RETURNING 1'; END $$",
    "CREATE OR REPLACE PROCEDURE p() LANGUAGE sql AS 'SELECT 1; DELETE FROM t'",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN (WITH d AS (DELETE FROM t RETURNING 1) SELECT 1 FROM d)",
    "SELECT * FROM query_to_xml('DELETE FROM t RETURNING 1', true, true, '')",
  ]);
});

test("classify.encoding: escapes, quotes and comments do not hide a name", () => {
  hidden("secret.read", [
    "SELECT \"pg_read_file\"('x')",
    "SELECT U&\"pg\\005fread\\005ffile\"('x')",
    "SELECT U&\"pg!005fread_file\" UESCAPE '!' ('x')",
    "SELECT pg_catalog . /* */ pg_read_file ('x')",
    "SELECT PG_READ_FILE('x')",
    "SELECT pg_read_file -- ()\n('x')",
    "SELECT '' FROM pg_read_file('x')",
    "SELECT (pg_stat_file('x')).size",
  ]);
  hidden("opaque", [
    "SELECT 1 /*! ; DROP TABLE t */",
    "SELECT 1 \\; DROP TABLE t",
    "\\copy t to program 'sh'",
    "SELECT 1 \\gexec",
    "SELECT \ud800",
    "SELECT 1 FROM t WHERE a = 'x\u2019 OR '1'='1'",
  ]);
  hidden("obfuscated", ["SELECT '\u202e' FROM t", "SELECT 1 -- \u2066 DROP"]);
  // A no-break space is part of a name, not a space: the server and we read one name.
  assert.ok(!passes(sql.classify("SELECT lower\u00a0('x')", PINNED)));
});

test("classify.nul: what stands behind a NUL is not seen by the parser, so that the text is refused", () => {
  for (const text of ["SELECT 1;\0 DROP TABLE t", "\0", "SELECT '\0'", "SELECT 1 -- \0"]) {
    assert.deepEqual(sql.classify(text, PINNED).opaque, ["The text has a NUL character."]);
  }
  hidden("opaque", ["DO $$ BEGIN EXECUTE E'SELECT 1;\\000 DROP TABLE t'; END $$"]);
});

test("classify.scs-off: a backslash is only believed where the gate vouches for standard_conforming_strings", () => {
  const texts = ["SELECT '\\' || '; DROP TABLE victim; --'", "SELECT E'\\''", "SELECT 1 -- \\"];
  for (const text of texts) {
    assert.ok(passes(sql.classify(text, PINNED)), text);
    for (const session of [undefined, { standardConformingStrings: false, searchPathPinned: true }]) {
      assert.ok(!passes(sql.classify(text, session === undefined ? {} : { session })), text);
    }
  }
  hidden("code_injection", [
    "SET standard_conforming_strings = off",
    "SET LOCAL Standard_Conforming_Strings TO off",
    "SELECT set_config('standard_conforming_strings', 'off', false)",
    "RESET ALL",
    "SET backslash_quote = on",
    "SET client_encoding = 'SJIS'",
    "SET NAMES 'GBK'",
  ]);
});

test("classify.scs-off: names mean nothing where the gate does not vouch for search_path", () => {
  const loose: SqlOptions = { session: { standardConformingStrings: true, searchPathPinned: false } };
  for (const text of [
    "SELECT lower('x')",
    "SELECT * FROM t",
    "SELECT a FROM s.t WHERE a = 1",
    "SELECT a FROM s.t WHERE a BETWEEN 1 AND 2",
    "SELECT a FROM s.t WHERE a IN (SELECT b FROM s.u)",
    "SELECT s.t.a FROM s.t JOIN s.u USING (a)",
    "SELECT CASE a WHEN 1 THEN 2 END FROM s.t",
    "SELECT a::mood FROM s.t",
    "SELECT a FROM s.t ORDER BY a USING <",
  ]) {
    assert.ok(passes(sql.classify(text, PINNED)), text);
    assert.ok(!passes(sql.classify(text, loose)), text);
  }
  for (const text of [
    "SELECT 1",
    "SELECT pg_catalog.lower('x')",
    "SELECT a FROM s.t WHERE a OPERATOR(pg_catalog.=) 1",
  ]) {
    assert.ok(passes(sql.classify(text, loose)), text);
  }
  hidden("code_injection", ["SET search_path = evil", "SELECT set_config('search_path', 'evil', true)"]);
});

test("classify.cte-write: a write in any common table expression is a write", () => {
  hidden("delete", [
    "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d",
    "WITH a AS (SELECT 1), d AS (DELETE FROM t) SELECT * FROM a",
    "SELECT * FROM (WITH d AS (DELETE FROM t RETURNING 1) SELECT * FROM d) AS x",
    "SELECT 1 WHERE EXISTS (WITH d AS (DELETE FROM t RETURNING 1) SELECT 1 FROM d)",
    "(SELECT 1) UNION (WITH d AS (DELETE FROM t RETURNING 1) SELECT * FROM d)",
    "COPY (WITH d AS (DELETE FROM t RETURNING 1) SELECT * FROM d) TO STDOUT",
    "DECLARE c CURSOR FOR WITH d AS (DELETE FROM t RETURNING 1) SELECT * FROM d",
    "VALUES ((WITH d AS (DELETE FROM t RETURNING 1) SELECT 1 FROM d))",
  ]);
  hidden("write", [
    "WITH w AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM w",
    "WITH w AS (UPDATE t SET a = 1 WHERE id = 1 RETURNING *) TABLE w",
    "WITH w AS (MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DO NOTHING RETURNING 1) SELECT 1",
    "SELECT * INTO u FROM t",
    "WITH w AS (SELECT 1) SELECT * INTO u FROM w",
    "(SELECT 1 AS a INTO u) UNION SELECT 2",
    "SELECT * FROM t FOR NO KEY UPDATE OF t SKIP LOCKED",
  ]);
  // A common table expression that bears a table's name hides the table only where it is in scope.
  const sensitive: SqlOptions = { ...PINNED, sensitive: (name) => (name === "customers" ? ["personal"] : []) };
  hidden(
    "export",
    [
      "WITH customers AS (SELECT * FROM customers) SELECT * FROM customers",
      "SELECT * FROM (WITH customers AS (SELECT 1) SELECT 1) AS x, customers",
      "WITH a AS (SELECT * FROM customers), customers AS (SELECT 1) SELECT * FROM a",
    ],
    sensitive,
  );
});

test("classify.copy-program: COPY never passes, and a program on the server is called one", () => {
  hidden("program_execution", [
    "COPY t TO PROGRAM 'sh'",
    "COPY t FROM PROGRAM 'curl example.org'",
    "COPY (SELECT 1) TO PROGRAM 'cat > /etc/cron.d/x'",
    "copy/**/t/**/to/**/program/**/$$sh$$",
    "DO $$ BEGIN COPY t TO PROGRAM 'sh'; END $$",
    "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ COPY t TO PROGRAM 'sh' $$",
    "LOAD '/tmp/evil.so'",
    "CREATE FUNCTION f() RETURNS int LANGUAGE C AS '/tmp/evil.so', 'f'",
    'CREATE FUNCTION f() RETURNS int LANGUAGE "plpython3u" AS $$ import os $$',
    "DO $$ import os $$ LANGUAGE plpython3u",
    "CREATE EXTENSION IF NOT EXISTS plpython3u CASCADE",
    "ALTER SYSTEM SET archive_command = 'sh'",
    "ALTER ROLE r SET session_preload_libraries = 'evil'",
  ]);
  hidden("file_access", [
    "COPY t FROM '/etc/passwd'",
    "COPY t TO '/tmp/x'",
    "SELECT lo_export(1, '/tmp/x')",
    "SELECT pg_read_binary_file('x')",
    "SELECT * FROM pg_ls_waldir()",
    "SELECT encode(lo_get(lo_import('/etc/passwd')), 'escape')",
  ]);
  hidden("network_egress", [
    "SELECT dblink_connect('host=evil')",
    "SELECT * FROM ext.dblink('host=evil', 'SELECT 1') AS t(a int)",
    "CREATE SERVER s FOREIGN DATA WRAPPER dblink_fdw",
    "CREATE SUBSCRIPTION s CONNECTION 'host=evil' PUBLICATION p",
  ]);
});

test("classify.function: a function passes only when it is known to read", () => {
  hidden("opaque", [
    "SELECT my_report()",
    "SELECT public.lower('x')",
    "SELECT \"LOWER\"('x')",
    "SELECT pg_catalog.my_report()",
    "SELECT other_db.pg_catalog.lower('x')",
    "SELECT * FROM ROWS FROM (my_report())",
    "SELECT sum(my_price(a)) OVER (ORDER BY my_price(b)) FROM t",
    "SELECT 1 ORDER BY my_report()",
    "SELECT 1 LIMIT my_report()",
    "SELECT * FROM t TABLESAMPLE system (my_report())",
    "SELECT ARRAY(SELECT my_report())",
    "EXPLAIN SELECT my_report()",
    "PREPARE p AS SELECT my_report()",
    "SELECT a @@@@ b FROM t",
    "SELECT a OPERATOR(public.=) b FROM t",
    "SELECT a = ANY (SELECT my_report())",
    "SELECT xmlelement(name a, my_report())",
    "SELECT * FROM json_table(my_report(), '$' COLUMNS (a int PATH '$'))",
    "SELECT my_report FROM my_report()",
    "CALL my_report()",
    "EXECUTE p",
    "FETCH c",
  ]);
  hidden("dynamic_code", [
    "SELECT query_to_xml(q, true, true, '') FROM t",
    "SELECT * FROM ts_stat('SELECT ' || q)",
    "SELECT cursor_to_xml('c', 1, true, true, '')",
    "DO $$ BEGIN EXECUTE format('DROP TABLE %I', x); END $$",
    "DO $$ DECLARE q text := 'DROP TABLE t'; BEGIN EXECUTE q; END $$",
  ]);
  hidden("escalate", [
    "SET ROLE admin",
    "SET SESSION AUTHORIZATION DEFAULT",
    "SELECT set_config('role', 'admin', false)",
    "SELECT pg_catalog.set_config(setting_name => 'Role', new_value => 'x', is_local => false), set_config('ROLE', 'x', true)",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
    "UPDATE pg_authid SET rolsuper = true WHERE rolname = 'me'",
    "ALTER TABLE t DISABLE ROW LEVEL SECURITY",
  ]);
});
