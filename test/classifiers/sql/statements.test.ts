import assert from "node:assert/strict";
import { test } from "node:test";
import { loadSql } from "../../../src/classifiers/sql/index.ts";
import { passes, summary } from "../passing.ts";
import { PINNED } from "./fixture.ts";

const sql = await loadSql();

/** Effects and traits, then the statement; a line that begins with `#` is a heading. */
const STATEMENTS = String.raw`
# reads
read  <=  SELECT 1
read  <=  SELECT a, b.c FROM s.t AS b WHERE a = 1 AND lower(c) LIKE 'x%' ORDER BY 1 LIMIT 10
read  <=  VALUES (1, 2), (3, 4)
read  <=  TABLE t
read  <=  SELECT count(*) FILTER (WHERE a > 1), sum(b) OVER (PARTITION BY c) FROM t GROUP BY ROLLUP (a)
read  <=  WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r
read  <=  SELECT x::status, ARRAY[1, 2]::int[], CAST(a AS numeric(4, 2)) FROM t
read  <=  SELECT EXTRACT(year FROM now()), substring('abc' FROM 2), a AT TIME ZONE 'UTC', coalesce(a, b) FROM t
read  <=  SELECT j -> 'a' ->> 'b', j @> '{}', j #> '{a}' FROM t
read  <=  SELECT * FROM generate_series(1, 3) AS g, LATERAL unnest(ARRAY[g]) AS u
read  <=  SELECT * FROM json_table('[]'::jsonb, '$[*]' COLUMNS (a int PATH '$'))
read  <=  SELECT xmlelement(name a, b), current_user, CASE a WHEN 1 THEN 2 END FROM t
read  <=  SELECT random(), clock_timestamp(), pg_total_relation_size('t'), gen_random_uuid()
read  <=  SELECT * FROM t TABLESAMPLE system (1)
read  <=  SELECT a FROM t WHERE b IN (SELECT c FROM u) AND EXISTS (SELECT 1 FROM v) AND d = ANY ($1)
read  <=  EXPLAIN SELECT * FROM t
read  <=  EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM t
read  <=  EXPLAIN DELETE FROM t
read  <=  EXPLAIN (ANALYZE off) UPDATE t SET a = 1
read  <=  PREPARE p AS SELECT * FROM t WHERE a = $1
read  <=  DECLARE c CURSOR FOR SELECT * FROM t
read  <=  SHOW search_path
read  <=  SET enable_seqscan = off
read  <=  RESET enable_seqscan
read  <=  SET LOCAL work_mem = '64MB'
read  <=  SET TRANSACTION READ ONLY
read  <=  BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY
read  <=  SAVEPOINT s
read  <=  DEALLOCATE p
read  <=  CLOSE c
read  <=  LISTEN jobs
read | multiple  <=  SELECT 1; SELECT 2
read  <=  SELECT '\' || '; DROP TABLE victim; --'
read  <=  SELECT U&"\0061" FROM t -- ; DROP TABLE t
read  <=  SELECT $tag$ DROP TABLE t; $tag$
read  <=  SELECT pg_catalog.lower(a) OPERATOR(pg_catalog.||) b FROM t
# writes and locks
read write  <=  INSERT INTO t VALUES (1)
read write  <=  INSERT INTO t (a) SELECT b FROM u ON CONFLICT (a) DO UPDATE SET b = 1
read write  <=  UPDATE t SET a = 1 WHERE id = 3
read delete  <=  DELETE FROM t WHERE id = 3
delete  <=  DELETE FROM t WHERE CURRENT OF c
read delete  <=  DELETE FROM t USING u WHERE t.id = u.id
read write  <=  MERGE INTO t USING s ON t.a = s.a WHEN NOT MATCHED THEN INSERT VALUES (1)
read write delete  <=  MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE
read write  <=  WITH w AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM w
read delete  <=  SELECT (WITH w AS (DELETE FROM t WHERE id = 1 RETURNING 1) SELECT 1)
read write ddl  <=  SELECT * INTO u FROM t
read write ddl  <=  CREATE TEMP TABLE u AS SELECT * FROM t
read write  <=  SELECT * FROM t FOR UPDATE
read write  <=  SELECT * FROM (SELECT * FROM t FOR SHARE) AS x
read write  <=  SELECT nextval('s'), 1
read write  <=  SELECT setval('s', 1)
read delete  <=  EXPLAIN ANALYZE DELETE FROM t WHERE id = 1
read write  <=  EXPLAIN (ANALYZE on, VERBOSE) INSERT INTO t VALUES (1)
read delete  <=  EXPLAIN (ANALYZE off, ANALYZE) DELETE FROM t WHERE id = 1
read write  <=  PREPARE p AS INSERT INTO t VALUES ($1)
write  <=  COPY t FROM STDIN
write | availability  <=  VACUUM t
write | availability  <=  ANALYZE t
write | availability  <=  REINDEX TABLE t
write | availability  <=  CLUSTER t
write | availability  <=  LOCK TABLE t
write  <=  NOTIFY jobs, 'x'
write  <=  COMMIT
write  <=  ROLLBACK
write  <=  PREPARE TRANSACTION 'x'
write  <=  REFRESH MATERIALIZED VIEW v
write  <=  SET CONSTRAINTS ALL DEFERRED
read write  <=  SELECT pg_notify('jobs', 'x')
read write  <=  SELECT txid_current()
read write  <=  SELECT brin_summarize_range('i', 1)
# unbounded and irreversible
write | irreversible unbounded  <=  UPDATE t SET a = 1
delete | irreversible unbounded  <=  DELETE FROM t
delete | irreversible unbounded  <=  DELETE FROM t WHERE true
delete | irreversible unbounded  <=  DELETE FROM t WHERE 1 = 1
read delete | irreversible unbounded  <=  DELETE FROM t WHERE id = id
read delete | irreversible unbounded  <=  DELETE FROM t WHERE id = 3 OR 'a' = 'a'
read delete  <=  DELETE FROM t WHERE id = 3 AND true
delete | irreversible unbounded  <=  TRUNCATE t, u
delete ddl | irreversible  <=  DROP TABLE t
delete ddl | irreversible unbounded  <=  DROP SCHEMA s CASCADE
delete ddl | irreversible  <=  DROP FUNCTION f(int)
delete ddl | irreversible unbounded  <=  DROP DATABASE d
delete ddl escalate | irreversible privilege_change unbounded  <=  DROP OWNED BY r
delete ddl | irreversible  <=  ALTER TABLE t DROP COLUMN a
delete ddl | irreversible  <=  ALTER TABLE t ALTER COLUMN a TYPE text
delete ddl | irreversible  <=  ALTER TABLE t DETACH PARTITION p
# definitions
read ddl  <=  CREATE TABLE t (a int PRIMARY KEY, b status DEFAULT 'x', CHECK (a > 0))
read ddl  <=  CREATE INDEX ON t (lower(a))
read ddl  <=  CREATE VIEW v AS SELECT * FROM t
ddl  <=  ALTER TABLE t ADD COLUMN a int
ddl  <=  ALTER TABLE t RENAME TO u
ddl  <=  COMMENT ON TABLE t IS 'x'
ddl  <=  CREATE TYPE status AS ENUM ('a')
ddl | persistence  <=  CREATE TRIGGER x AFTER INSERT ON t EXECUTE FUNCTION f()
delete ddl | code_injection irreversible persistence unbounded  <=  CREATE RULE r AS ON INSERT TO t DO INSTEAD DELETE FROM u
read ddl secret.read | file_access  <=  CREATE SCHEMA s CREATE VIEW v AS SELECT pg_read_file('x')
ddl | persistence  <=  CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION f()
# rights
escalate | privilege_change  <=  GRANT SELECT ON t TO PUBLIC
escalate | privilege_change  <=  REVOKE ALL ON t FROM r
escalate | privilege_change  <=  GRANT admin TO r
escalate | privilege_change secret_access  <=  CREATE ROLE r SUPERUSER PASSWORD 'x'
write escalate | code_injection persistence  <=  ALTER ROLE r SET search_path = evil
escalate | privilege_change  <=  ALTER ROLE r WITH BYPASSRLS
escalate | privilege_change  <=  DROP ROLE r
escalate | privilege_change  <=  SET ROLE r
escalate | privilege_change  <=  RESET ROLE
escalate | privilege_change  <=  SET SESSION AUTHORIZATION r
escalate | privilege_change  <=  SET LOCAL "Role" = r
escalate | privilege_change  <=  SET row_security = off
read escalate | privilege_change  <=  SELECT set_config('role', 'r', true)
ddl escalate | privilege_change  <=  ALTER TABLE t OWNER TO r
escalate | privilege_change  <=  ALTER SCHEMA s OWNER TO r
escalate | privilege_change  <=  ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO r
escalate | privilege_change  <=  REASSIGN OWNED BY a TO b
ddl escalate | privilege_change  <=  ALTER TABLE t DISABLE ROW LEVEL SECURITY
ddl escalate | privilege_change  <=  ALTER TABLE t NO FORCE ROW LEVEL SECURITY
escalate | privilege_change  <=  CREATE POLICY p ON t USING (true)
escalate | privilege_change  <=  ALTER POLICY p ON t USING (true)
delete ddl escalate | irreversible privilege_change  <=  DROP POLICY p ON t
ddl escalate | privilege_change  <=  CREATE SCHEMA s AUTHORIZATION r
ddl escalate | privilege_use  <=  ALTER FUNCTION f() SECURITY DEFINER
escalate | privilege_change  <=  SECURITY LABEL ON TABLE t IS 'x'
read write escalate | privilege_change  <=  UPDATE pg_proc SET prosrc = 'x' WHERE oid = 1
read write escalate | privilege_change  <=  UPDATE pg_catalog.pg_class SET relowner = 10 WHERE oid = 1
read escalate | defence_evasion  <=  SET TRANSACTION READ WRITE
read escalate | defence_evasion  <=  BEGIN READ WRITE
# settings
write | code_injection  <=  SET search_path = evil, pg_catalog
write | code_injection  <=  SET standard_conforming_strings = off
write | code_injection  <=  SET datestyle = 'DMY'
write | code_injection  <=  SET timezone = 'UTC'
write | availability  <=  SET statement_timeout = 0
execute | program_execution  <=  SET session_preload_libraries = 'x'
write | defence_evasion  <=  SET log_statement = 'none'
write opaque  <=  SET app.tenant = '7'
write | code_injection  <=  RESET ALL
write | code_injection  <=  DISCARD ALL
read write | code_injection  <=  SELECT set_config('search_path', 'evil', false)
read write opaque | code_injection dynamic_code  <=  SELECT set_config(a, 'x', false) FROM t
execute escalate | defence_evasion persistence program_execution  <=  ALTER SYSTEM SET archive_command = 'sh x'
write escalate | code_injection persistence  <=  ALTER DATABASE d SET search_path = evil
read opaque  <=  SET TRANSACTION SNAPSHOT '0-1-1'
# server, files and programs
read execute export | file_access program_execution unbounded  <=  COPY t TO PROGRAM 'cat > /tmp/x'
write execute | file_access program_execution  <=  COPY t FROM PROGRAM 'id'
read write export | file_access unbounded  <=  COPY t TO '/tmp/x'
write secret.read | file_access  <=  COPY t FROM '/etc/passwd'
read export | unbounded  <=  COPY (SELECT 1) TO STDOUT
read export | unbounded  <=  COPY t TO STDOUT
read secret.read | file_access  <=  SELECT pg_read_file('/etc/passwd')
read secret.read | file_access  <=  SELECT * FROM pg_ls_dir('.')
read write export | file_access  <=  SELECT lo_import('/etc/passwd')
read write export | file_access  <=  SELECT lo_export(1, '/tmp/x')
read write export | file_access  <=  SELECT lo_get(1)
read network execute | network_egress remote_target  <=  SELECT dblink_exec('host=x', 'DROP TABLE t')
read network execute | network_egress remote_target  <=  SELECT * FROM extensions.dblink('host=x', 'SELECT 1') AS t(a int)
read execute | defence_evasion  <=  SELECT pg_reload_conf()
read execute | defence_evasion  <=  SELECT pg_rotate_logfile()
read execute | defence_evasion  <=  SELECT pg_switch_wal()
read execute | defence_evasion  <=  SELECT pg_stat_reset()
read execute | availability  <=  SELECT pg_terminate_backend(1)
read execute | availability  <=  SELECT pg_sleep(1000)
read execute | availability  <=  SELECT pg_advisory_lock(1)
read write export | replication  <=  SELECT pg_create_logical_replication_slot('a', 'pgoutput')
read write export | replication  <=  SELECT pg_logical_slot_peek_changes('a', NULL, NULL)
read write export | replication  <=  SELECT pg_export_snapshot()
execute | code_injection program_execution  <=  LOAD 'evil'
execute ddl | program_execution  <=  CREATE EXTENSION dblink
execute ddl | program_execution  <=  CREATE LANGUAGE plpython3u
execute ddl opaque | dynamic_code persistence program_execution  <=  CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'evil', 'f'
execute ddl opaque | dynamic_code persistence program_execution  <=  CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS 'import os'
ddl opaque | persistence  <=  CREATE FUNCTION f() RETURNS int LANGUAGE plperl AS 'return 1'
execute opaque | dynamic_code program_execution  <=  DO LANGUAGE plpython3u 'import os'
network ddl | network_egress remote_target  <=  CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw
network ddl | network_egress remote_target secret_access  <=  CREATE USER MAPPING FOR r SERVER s OPTIONS (password 'x')
network ddl | network_egress remote_target  <=  CREATE FOREIGN TABLE f (a int) SERVER s
network ddl | network_egress remote_target  <=  IMPORT FOREIGN SCHEMA public FROM SERVER s INTO l
export ddl | replication  <=  CREATE PUBLICATION p FOR ALL TABLES
network export ddl | network_egress remote_target replication secret_access  <=  CREATE SUBSCRIPTION s CONNECTION 'host=x' PUBLICATION p
network export ddl | network_egress remote_target replication  <=  ALTER SUBSCRIPTION s DISABLE
export delete ddl | irreversible replication unbounded  <=  DROP SUBSCRIPTION s
ddl | file_access  <=  CREATE TABLESPACE x LOCATION '/tmp'
write | availability  <=  CHECKPOINT
read export  <=  SELECT table_to_xml('t', true, true, '')
read export  <=  SELECT database_to_xml(true, true, '')
# secrets
read secret.read | secret_access  <=  SELECT rolpassword FROM pg_authid
read secret.read | secret_access  <=  TABLE pg_catalog.pg_shadow
read secret.read | secret_access  <=  SELECT * FROM pg_user_mappings
read secret.read | secret_access  <=  SELECT subconninfo FROM pg_subscription
read export secret.read | secret_access unbounded  <=  COPY pg_authid TO STDOUT
read | file_access  <=  SELECT * FROM pg_hba_file_rules
read secret.read | secret_access  <=  SHOW primary_conninfo
read secret.read | secret_access  <=  SELECT current_setting('primary_conninfo')
# audit
read delete | defence_evasion  <=  DELETE FROM audit_log WHERE id = 1
read write | defence_evasion  <=  UPDATE app.login_audit SET a = 1 WHERE id = 1
delete | defence_evasion irreversible unbounded  <=  TRUNCATE logs
delete ddl | defence_evasion irreversible  <=  DROP TABLE audit.events
read write  <=  INSERT INTO audit_log VALUES (1)
read delete  <=  DELETE FROM catalog WHERE id = 1
ddl | defence_evasion  <=  ALTER TABLE t DISABLE TRIGGER ALL
delete ddl | defence_evasion irreversible  <=  DROP TRIGGER x ON t
# code
read execute  <=  DO $$ BEGIN PERFORM 1; END $$
execute delete | irreversible unbounded  <=  DO $$ BEGIN DELETE FROM t; END $$
execute delete ddl | irreversible  <=  DO $$ BEGIN EXECUTE 'DROP TABLE t'; END $$
read execute opaque | dynamic_code  <=  DO $$ BEGIN EXECUTE 'DROP TABLE ' || x FROM t; END $$
execute delete | irreversible unbounded  <=  DO $$ BEGIN EXECUTE $e$ DO $f$ BEGIN EXECUTE 'TRUNCATE t'; END $f$ $e$; END $$
read write execute export | file_access  <=  DO $$ DECLARE n int := nextval('s'); BEGIN n := lo_unlink(1); COMMIT; END $$
execute opaque  <=  DO $$ BEGIN FOR r IN EXECUTE 'DELETE FROM t' LOOP NULL; END LOOP; END $$
read network execute delete | irreversible network_egress remote_target unbounded  <=  DO $$ DECLARE r record; BEGIN FOR r IN EXECUTE 'DELETE FROM t' LOOP PERFORM dblink_connect(r.x); END LOOP; END $$
execute opaque  <=  DO $$ BEGIN y := 1; END $$
read delete ddl | persistence  <=  CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'DELETE FROM t WHERE id = $1 RETURNING 1'
read delete ddl | irreversible persistence unbounded  <=  CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; TRUNCATE t; END
read ddl secret.read escalate | file_access persistence privilege_use  <=  CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN new.a := pg_read_file('x'); RETURN new; END $$
read ddl | persistence  <=  CREATE FUNCTION f() RETURNS int LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS 'SELECT 1'
ddl escalate | persistence privilege_change  <=  CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN SET ROLE r; END $$
read execute delete | dynamic_code irreversible unbounded  <=  SELECT query_to_xml('DELETE FROM t', true, true, '')
read execute opaque | dynamic_code  <=  SELECT query_to_xml(a, true, true, '') FROM t
read execute | dynamic_code  <=  SELECT * FROM ts_stat('SELECT v FROM t')
read execute opaque  <=  CALL p()
opaque  <=  EXECUTE p
opaque  <=  FETCH ALL FROM c
read opaque | multiple  <=  PREPARE p AS SELECT 1; EXECUTE p
# not known
read opaque  <=  SELECT f(a) FROM t
read opaque  <=  SELECT public.lower(a) FROM t
read opaque  <=  SELECT "Lower"(a) FROM t
read opaque  <=  SELECT a @#@ b FROM t
read opaque  <=  SELECT a OPERATOR(evil.=) b FROM t
read opaque  <=  SELECT * FROM t ORDER BY a USING @#@
read opaque  <=  SELECT * FROM t TABLESAMPLE evil.sample(1)
read opaque  <=  SELECT sum(a) FROM f() AS t(a int)
# not SQL
opaque  <=  SELEC 1
opaque  <=  -- nothing
opaque  <=  SELECT :x
opaque  <=  /*!50000 DROP TABLE t */ SELECT 1`;

test("each statement has the effects and traits of its strictest part", () => {
  const lines = STATEMENTS.trim().split("\n");
  const found = lines.map((line) => {
    const [, statement] = line.split("  <=  ");
    return statement === undefined ? line : `${summary(sql.classify(statement, PINNED))}  <=  ${statement}`;
  });
  assert.deepEqual(found, lines);
});

test("only lines that read pass, and every one of those does", () => {
  const wrong = STATEMENTS.trim()
    .split("\n")
    .filter((line) => {
      const [expected, statement] = line.split("  <=  ");
      if (statement === undefined) return false;
      return passes(sql.classify(statement, PINNED)) !== (expected === "read" || expected === "read | multiple");
    });
  assert.deepEqual(wrong, []);
});
