import { quoted } from "../../core/risk/index.ts";
import type { Effect, TraitId } from "../../core/risk/index.ts";
import { STABLE_FUNCTIONS, TYPES } from "./catalogue.ts";
import { changeSetting, readSetting } from "./settings.ts";
import { list, literal, nameParts } from "./tree.ts";
import type { Tree } from "./tree.ts";
import { doubtPath, report } from "./visit.ts";
import type { Visit } from "./visit.ts";

type Group = {
  /** Names, and beginnings that end with `*`; the schema does not matter, because extensions choose theirs. */
  readonly names: string;
  readonly effects: readonly Effect[];
  readonly traits: readonly TraitId[];
  readonly what: string;
};

const GROUPS: readonly Group[] = [
  {
    names:
      "pg_read_file* pg_read_binary_file pg_stat_file pg_ls_* pg_current_logfile pg_logdir_ls pg_hba_file_rules " +
      "pg_ident_file_mappings pg_show_all_file_settings pg_file_read pg_file_length pg_file_settings file_fdw_*",
    effects: ["secret.read"],
    traits: ["file_access"],
    what: "reads files of the server",
  },
  {
    names: "pg_file_write pg_file_rename pg_file_unlink pg_file_sync",
    effects: ["write", "execute"],
    traits: ["file_access", "persistence"],
    what: "writes files of the server",
  },
  {
    names: "lo_import* lo_export lo_* loread lowrite",
    effects: ["write", "export"],
    traits: ["file_access"],
    what: "moves large objects, which no table's rights guard, or files of the server",
  },
  {
    names: "dblink* postgres_fdw_* http http_* net.http_* curl_* aws_s3.* aws_lambda.* aws_commons.* ora_* mysql_fdw_*",
    effects: ["network", "execute"],
    traits: ["remote_target", "network_egress"],
    what: "connects to another server",
  },
  {
    names:
      "plpgsql_inline_handler plpython3_inline_handler plperl_inline_handler plperlu_inline_handler sys_eval sys_exec " +
      "pg_execute_* cron.* pgagent.*",
    effects: ["execute"],
    traits: ["program_execution", "dynamic_code"],
    what: "runs code of its argument",
  },
  {
    names:
      "pg_terminate_backend pg_cancel_backend pg_promote pg_wal_replay_pause pg_wal_replay_resume pg_sleep pg_sleep_for " +
      "pg_sleep_until pg_advisory_* pg_try_advisory_* pg_prewarm",
    effects: ["execute"],
    traits: ["availability"],
    what: "stops, delays or locks out sessions",
  },
  {
    names:
      "pg_reload_conf pg_rotate_logfile* pg_switch_wal pg_switch_xlog pg_stat_reset* pg_stat_statements_reset " +
      "pg_log_backend_memory_contexts pg_create_restore_point pg_backup_start pg_backup_stop pg_start_backup pg_stop_backup",
    effects: ["execute"],
    traits: ["defence_evasion"],
    what: "turns over logs, statistics or configuration of the server",
  },
  {
    names:
      "pg_create_logical_replication_slot pg_create_physical_replication_slot pg_copy_logical_replication_slot " +
      "pg_copy_physical_replication_slot pg_drop_replication_slot pg_replication_slot_advance pg_logical_* pg_replication_origin_* " +
      "pg_export_snapshot pg_sync_replication_slots",
    effects: ["export", "write"],
    traits: ["replication"],
    what: "steers replication, by which data leaves",
  },
  {
    names:
      "table_to_xml table_to_xml_and_xmlschema schema_to_xml schema_to_xml_and_xmlschema database_to_xml " +
      "database_to_xml_and_xmlschema",
    effects: ["export"],
    traits: [],
    what: "gives out whole tables that the statement does not name",
  },
  {
    names:
      "binary_upgrade_* pg_extension_config_dump pg_import_system_collations pg_stop_making_pinned_objects pg_nextoid",
    effects: ["ddl", "escalate"],
    traits: ["privilege_change"],
    what: "changes the system catalogue",
  },
  {
    names: "nextval setval txid_current pg_current_xact_id brin_* gin_clean_pending_list gin_desummarize_range",
    effects: ["write"],
    traits: [],
    what: "changes a sequence, a counter or an index",
  },
  { names: "pg_notify", effects: ["write"], traits: [], what: "sends a message to every listener" },
  { names: "setseed", effects: ["write"], traits: [], what: "makes later random numbers foreseeable" },
];

/** Functions whose first argument is SQL, or the name of a cursor of whatever SQL. */
const SQL_ARGUMENT = new Set(
  (
    "query_to_xml query_to_xml_and_xmlschema query_to_xmlschema cursor_to_xml cursor_to_xmlschema ts_stat ts_rewrite " +
    "crosstab crosstab2 crosstab3 crosstab4 xpath_table"
  ).split(" "),
);

/** Volatile only because their answer changes: each was read in PostgreSQL's documentation and writes nothing. */
const VOLATILE_READS =
  "random clock_timestamp timeofday gen_random_uuid current_query currval lastval pg_is_in_recovery pg_is_wal_replay_paused " +
  "pg_get_wal_replay_pause_state pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_current_wal_lsn " +
  "pg_current_wal_insert_lsn pg_current_wal_flush_lsn pg_relation_size pg_total_relation_size pg_table_size pg_indexes_size " +
  "pg_database_size pg_tablespace_size pg_blocking_pids pg_safe_snapshot_blocking_pids pg_lock_status pg_prepared_xact " +
  "pg_partition_tree pg_partition_ancestors pg_xact_status txid_status pg_xact_commit_timestamp pg_last_committed_xact " +
  "pg_collation_actual_version pg_database_collation_actual_version pg_control_checkpoint pg_control_system pg_control_init " +
  "pg_control_recovery pg_notification_queue_usage pg_jit_available pg_sequence_last_value";

/**
 * How built-in types are written and read, by name: `int4in('7')`. Immutable in the catalogue of every version since 13;
 * the list that is made from it leaves them out because they take or give `cstring`.
 */
const TYPE_TEXTS =
  "bit_in bit_out boolin boolout box_in box_out bpcharin bpcharout byteain byteaout charin charout cidin cidout " +
  "cidr_in cidr_out circle_in circle_out float4in float4out float8in float8out gtsvectorin gtsvectorout inet_in " +
  "inet_out int2in int2out int4in int4out int8in int8out json_in json_out jsonb_in jsonb_out jsonpath_in " +
  "jsonpath_out line_in line_out lseg_in lseg_out macaddr_in macaddr_out macaddr8_in macaddr8_out namein " +
  "nameout numeric_in numeric_out oidin oidout path_in path_out point_in point_out textin textout tidin tidout " +
  "time_out timetz_out tsqueryin tsqueryout tsvectorin tsvectorout txid_snapshot_in txid_snapshot_out uuid_in " +
  "uuid_out varbit_in varbit_out varcharin varcharout xidin xidout xid8in xid8out xml_out";

const COLLECTORS = new Set(
  (
    "array_agg string_agg json_agg jsonb_agg json_object_agg jsonb_object_agg xmlagg range_agg " +
    "range_intersect_agg percentile_cont percentile_disc"
  ).split(" "),
);

const NAMED = new Map<string, Group>();
const BEGINNINGS: (readonly [string, Group])[] = [];
for (const group of GROUPS) {
  for (const name of group.names.split(" ")) {
    if (name.endsWith("*")) BEGINNINGS.push([name.slice(0, -1), group]);
    else NAMED.set(name, group);
  }
}

// `float8('1')` is a cast, so that the names of types are functions too.
const READS = new Set(
  [...STABLE_FUNCTIONS, ...VOLATILE_READS.split(" "), ...TYPE_TEXTS.split(" "), ...TYPES].filter(
    (name) => !groupOf("", name),
  ),
);

/** Whether the classifier knows a built-in function only to read. */
export function isReader(name: string): boolean {
  return READS.has(name) && !SQL_ARGUMENT.has(name);
}

/** A call: only what is known to read passes without a word. */
export function callFunction(visit: Visit, node: Tree): void {
  const parts = nameParts(list(node, "funcname"));
  const name = parts.at(-1) ?? "";
  const schema = parts.length > 1 ? parts.slice(0, -1).join(".") : "";
  if (schema === "") doubtPath(visit);
  visit.reads = true;
  if (COLLECTORS.has(name)) visit.collects = true;
  if ((schema === "" || schema === "pg_catalog") && isReader(name)) {
    if (name === "current_setting") readSetting(visit, literal(list(node, "args")[0]) ?? "", visit.spanOf(node));
    return;
  }
  const written = parts.join(".");
  const group = groupOf(schema, name);
  // What is known to do harm under this name does not become harmless by being listed.
  const isDangerous = group !== undefined || name === "set_config" || SQL_ARGUMENT.has(name);
  if (!isDangerous && visit.options.functions?.has(written) === true) return;
  visit.findings.name("functions", written);
  if (name === "set_config") setConfig(visit, node);
  else if (SQL_ARGUMENT.has(name)) sqlArgument(visit, node, written);
  else {
    if (group === undefined) visit.findings.opaque(`The function ${quoted(written)} is not known to only read.`);
    else report(visit, { ...group, because: `The function ${quoted(written)} ${group.what}.` }, visit.spanOf(node));
  }
}

function setConfig(visit: Visit, node: Tree): void {
  const setting = literal(list(node, "args")[0]);
  if (setting !== undefined) changeSetting(visit, setting, visit.spanOf(node));
  else {
    const because = "`set_config` changes a setting that only its run will name.";
    report(visit, { effects: ["write"], traits: ["code_injection", "dynamic_code"], because }, visit.spanOf(node));
    visit.findings.opaque(because);
  }
}

function sqlArgument(visit: Visit, node: Tree, written: string): void {
  visit.collects = true;
  const sql = literal(list(node, "args")[0]);
  if (sql !== undefined && !written.includes("cursor_to") && !written.includes("ts_rewrite")) {
    visit.script(sql, visit.level + 1, visit.spanOf(node));
  }
  const because = `The function ${quoted(written)} runs SQL that stands in its argument.`;
  report(visit, { effects: ["execute"], traits: ["dynamic_code"], because }, visit.spanOf(node));
  if (sql === undefined) visit.findings.opaque(because);
}

function groupOf(schema: string, name: string): Group | undefined {
  const qualified = `${schema}.${name}`;
  return (
    NAMED.get(name) ??
    NAMED.get(qualified) ??
    BEGINNINGS.find(([start]) => (start.includes(".") ? qualified : name).startsWith(start))?.[1]
  );
}
