import { quoted } from "../../core/risk/index.ts";
import type { Span } from "../../core/risk/index.ts";
import { integer, list, ofKind, text } from "./tree.ts";
import type { Tree } from "./tree.ts";
import { report } from "./visit.ts";
import type { Finding, Visit } from "./visit.ts";

/** Settings that change how fast an answer comes, how it is stored or which notices come with it: never the answer, nor what is allowed. */
const HARMLESS = new Set(
  (
    "enable_async_append enable_bitmapscan enable_distinct_reordering enable_eager_aggregate enable_gathermerge " +
    "enable_group_by_reordering enable_hashagg enable_hashjoin enable_incremental_sort enable_indexonlyscan enable_indexscan " +
    "enable_material enable_memoize enable_mergejoin enable_nestloop enable_parallel_append enable_parallel_hash " +
    "enable_partition_pruning enable_partitionwise_aggregate enable_partitionwise_join enable_presorted_aggregate enable_seqscan " +
    "enable_self_join_elimination enable_sort enable_tidscan seq_page_cost random_page_cost cpu_tuple_cost cpu_index_tuple_cost " +
    "cpu_operator_cost parallel_tuple_cost parallel_setup_cost min_parallel_table_scan_size min_parallel_index_scan_size " +
    "max_parallel_workers_per_gather parallel_leader_participation effective_cache_size plan_cache_mode from_collapse_limit " +
    "join_collapse_limit cursor_tuple_fraction constraint_exclusion recursive_worktable_factor geqo geqo_threshold geqo_effort " +
    "geqo_pool_size geqo_generations geqo_selection_bias geqo_seed jit jit_above_cost jit_inline_above_cost jit_optimize_above_cost " +
    "debug_parallel_query force_parallel_mode extra_float_digits bytea_output client_min_messages escape_string_warning work_mem " +
    "hash_mem_multiplier default_toast_compression vacuum_cost_delay vacuum_cost_limit vacuum_cost_page_hit vacuum_cost_page_miss " +
    "vacuum_cost_page_dirty plpgsql.extra_warnings plpgsql.print_strict_params"
  ).split(" "),
);

/** Exact names and beginnings (`log_*`) of settings that are worse than unknown. The first that fits is told. */
const DANGEROUS: readonly (readonly [names: string, finding: Omit<Finding, "because">, why: string])[] = [
  [
    "role session_authorization row_security session_replication_role allow_system_table_mods createrole_self_grant",
    { effects: ["escalate"], traits: ["privilege_change"] },
    "which decides what the session may do",
  ],
  [
    "transaction_read_only default_transaction_read_only",
    { effects: ["escalate"], traits: ["defence_evasion"] },
    "which keeps the session from writing",
  ],
  [
    "local_preload_libraries session_preload_libraries shared_preload_libraries dynamic_library_path jit_provider " +
      "archive_command archive_library restore_command archive_cleanup_command recovery_end_command " +
      "ssl_passphrase_command extension_control_path",
    { effects: ["execute"], traits: ["program_execution"] },
    "which names programs or libraries that the server runs",
  ],
  [
    "search_path standard_conforming_strings backslash_quote client_encoding datestyle intervalstyle timezone " +
      "timezone_abbreviations xmloption default_text_search_config lc_* transform_null_equals array_nulls quote_all_identifiers " +
      "check_function_bodies default_table_access_method default_tablespace temp_tablespaces plpgsql.* restrict_nonsystem_relation_kind",
    { effects: ["write"], traits: ["code_injection"] },
    "which changes what later statements mean",
  ],
  [
    "log_* logging_collector pgaudit.* auto_explain.* track_* application_name event_source syslog_* event_triggers compute_query_id " +
      "pg_stat_statements.*",
    { effects: ["write"], traits: ["defence_evasion"] },
    "which decides what is logged",
  ],
  [
    "statement_timeout lock_timeout idle_in_transaction_session_timeout idle_session_timeout transaction_timeout " +
      "deadlock_timeout temp_file_limit temp_buffers maintenance_work_mem logical_decoding_work_mem vacuum_freeze_* " +
      "vacuum_multixact_* vacuum_failsafe_age vacuum_multixact_failsafe_age synchronous_commit zero_damaged_pages ignore_system_indexes ignore_checksum_failure",
    { effects: ["write"], traits: ["availability"] },
    "which protects the server's resources or data",
  ],
];

const EXACT = new Map<string, Finding>();
const BEGINNINGS: (readonly [string, Finding])[] = [];
for (const [names, finding, why] of DANGEROUS) {
  for (const name of names.split(" ")) {
    const entry = { ...finding, because: why };
    if (name.endsWith("*")) BEGINNINGS.push([name.slice(0, -1), entry]);
    else EXACT.set(name, entry);
  }
}

const SECRET_SETTINGS = new Set(["primary_conninfo", "ssl_passphrase_command", "krb_server_keyfile"]);

/** SET and RESET of one setting, or `set_config` with a literal name. */
export function changeSetting(visit: Visit, written: string, span: Span): void {
  const name = written.toLowerCase();
  if (HARMLESS.has(name)) {
    visit.reads = true;
    return;
  }
  const known = EXACT.get(name) ?? BEGINNINGS.find(([start]) => name.startsWith(start))?.[1];
  const finding = known ?? {
    effects: ["write"],
    traits: [],
    // Policies of row security often ask for settings of the application's own, such as `app.tenant`.
    because: "of which it is not known what reads it",
  };
  report(visit, { ...finding, because: `It changes the setting ${quoted(name)}, ${finding.because}.` }, span);
  if (known === undefined) visit.findings.opaque(`The setting ${quoted(name)} is not known.`);
}

/** SHOW and `current_setting` of one setting. */
export function readSetting(visit: Visit, written: string, span: Span): void {
  visit.reads = true;
  if (!SECRET_SETTINGS.has(written.toLowerCase())) return;
  const because = `The setting ${quoted(written)} may hold a password.`;
  report(visit, { effects: ["secret.read"], traits: ["secret_access"], because }, span);
}

/** Any form of SET and RESET. */
export function setStatement(visit: Visit, node: Tree): void {
  const name = text(node, "name");
  switch (text(node, "kind")) {
    case "VAR_RESET_ALL":
      report(visit, {
        effects: ["write"],
        traits: ["code_injection"],
        because: "It resets every setting, `search_path` too.",
      });
      return;
    case "VAR_SET_MULTI":
      transactionModes(visit, list(node, "args"));
      return;
    default:
      changeSetting(visit, name, visit.span);
  }
}

/** The modes of a transaction: all but READ WRITE and a foreign snapshot are harmless. */
export function transactionModes(visit: Visit, options: readonly unknown[]): void {
  visit.reads = true;
  for (const option of options) {
    const mode = ofKind(option, "DefElem");
    const name = mode === undefined ? "" : text(mode, "defname");
    if (name === "transaction_isolation" || name === "transaction_deferrable") continue;
    if (name === "transaction_read_only" && mode !== undefined && integer(mode["arg"]) === 1) continue;
    if (name === "transaction_read_only") changeSetting(visit, name, visit.span);
    else visit.findings.opaque("It joins the snapshot of another session.");
  }
}
