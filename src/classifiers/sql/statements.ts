import type { Effect, TraitId } from "../../core/risk/index.ts";
import { alterFunction, createFunction, runBlock } from "./bodies.ts";
import { copy, createFromQuery, deleteRows, insertRows, mergeRows, truncate, updateRows } from "./changes.ts";
import {
  alterSystem,
  alterTable,
  changeRole,
  createSchema,
  defineOn,
  drop,
  setForLater,
  transaction,
} from "./definitions.ts";
import { callFunction } from "./functions.ts";
import { lockRows, showSetting, useColumn, useJoin, useOperator, useSample, useSubquery, useType } from "./reads.ts";
import { checkOperator } from "./reads.ts";
import { setStatement } from "./settings.ts";
import { list } from "./tree.ts";
import type { Tree } from "./tree.ts";
import { doubtPath, report } from "./visit.ts";
import type { Visit } from "./visit.ts";

/** What one kind of node means, wherever in the tree it stands. */
export type Rule = (visit: Visit, node: Tree) => void;

/** A statement that means the same whatever its fields say. */
function always(effects: readonly Effect[], traits: readonly TraitId[], because: string): Rule {
  return (visit) => report(visit, { effects, traits, because });
}

function both(one: Rule, other: Rule): Rule {
  return (visit, node) => {
    one(visit, node);
    other(visit, node);
  };
}

function unknown(because: string): Rule {
  return (visit) => visit.findings.opaque(because);
}

const reads: Rule = (visit) => {
  visit.reads = true;
};
const ddl = always(["ddl"], [], "It defines or changes an object of the database.");
const lasting = always(["ddl"], ["persistence"], "It defines code that later statements of others will run.");
const rights = always(["escalate"], ["privilege_change"], "It gives, takes or moves rights or ownership.");
const foreign = always(
  ["ddl", "network"],
  ["remote_target", "network_egress"],
  "It connects the database with another server.",
);
const login = always(["ddl"], ["secret_access"], "It may hold a password, which stands in the text.");
const library = always(["ddl", "execute"], ["program_execution"], "It brings compiled code into the server.");
const replication = always(["ddl", "export"], ["replication"], "It sends data to, or takes it from, another server.");
const dropped = always(["ddl", "delete"], ["irreversible", "unbounded"], "It drops everything of it for good.");
const maintenance = always(["write"], ["availability"], "It rewrites or locks storage.");

/** Kinds of statements; the fact `statement_kinds` names them. */
export const STATEMENTS: ReadonlyMap<string, readonly [kind: string, rule: Rule]> = new Map<
  string,
  readonly [string, Rule]
>([
  ["SelectStmt", ["select", reads]],
  ["ExplainStmt", ["explain", reads]],
  ["PrepareStmt", ["prepare", reads]],
  ["DeclareCursorStmt", ["declare_cursor", reads]],
  ["DeallocateStmt", ["deallocate", reads]],
  ["ClosePortalStmt", ["close_cursor", reads]],
  ["VariableShowStmt", ["show", showSetting]],
  ["VariableSetStmt", ["set", setStatement]],
  ["TransactionStmt", ["transaction", transaction]],
  // What was prepared or declared under that name, this text cannot prove: its own PREPARE may have failed.
  ["ExecuteStmt", ["execute", unknown("EXECUTE runs a statement that was prepared elsewhere.")]],
  ["FetchStmt", ["fetch", unknown("FETCH runs a cursor that was declared elsewhere.")]],
  ["InsertStmt", ["insert", insertRows]],
  ["UpdateStmt", ["update", updateRows]],
  ["DeleteStmt", ["delete", deleteRows]],
  ["MergeStmt", ["merge", mergeRows]],
  ["TruncateStmt", ["truncate", truncate]],
  ["CopyStmt", ["copy", copy]],
  ["DoStmt", ["do", runBlock]],
  ["CreateFunctionStmt", ["create_function", createFunction]],
  ["AlterFunctionStmt", ["alter_function", alterFunction]],
  ["AlterTableStmt", ["alter_table", alterTable]],
  ["DropStmt", ["drop", drop]],
  ["CreateSchemaStmt", ["create_schema", createSchema]],
  ["CreateRoleStmt", ["create_role", changeRole]],
  ["AlterRoleStmt", ["alter_role", changeRole]],
  ["AlterRoleSetStmt", ["alter_role", setForLater]],
  ["AlterDatabaseSetStmt", ["alter_database", setForLater]],
  ["AlterSystemStmt", ["alter_system", alterSystem]],
  ["CreateTableAsStmt", ["create_table_as", ddl]],
  ["CreateStmt", ["create_table", defineOn("relation", ["ddl"], [], "It creates a table.")]],
  ["ViewStmt", ["create_view", defineOn("view", ["ddl"], [], "It creates a view.")]],
  ["IndexStmt", ["create_index", ddl]],
  ["RenameStmt", ["rename", defineOn("relation", ["ddl"], [], "It renames an object.")]],
  [
    "AlterObjectSchemaStmt",
    ["alter_schema", defineOn("relation", ["ddl"], [], "It moves an object to another schema.")],
  ],
  ["CreateTrigStmt", ["create_trigger", defineOn("relation", ["ddl"], ["persistence"], "It creates a trigger.")]],
  [
    "RuleStmt",
    ["create_rule", defineOn("relation", ["ddl"], ["persistence", "code_injection"], "It rewrites later statements.")],
  ],
  [
    "CreatePolicyStmt",
    ["create_policy", defineOn("table", ["escalate"], ["privilege_change"], "It changes row security.")],
  ],
  [
    "AlterPolicyStmt",
    ["alter_policy", defineOn("table", ["escalate"], ["privilege_change"], "It changes row security.")],
  ],
  ["RefreshMatViewStmt", ["refresh", defineOn("relation", ["write"], [], "It fills a materialised view anew.")]],
  ["CreateEventTrigStmt", ["create_event_trigger", lasting]],
  ["AlterEventTrigStmt", ["alter_event_trigger", always(["ddl"], ["defence_evasion"], "It changes an event trigger.")]],
  ["GrantStmt", ["grant", rights]],
  ["GrantRoleStmt", ["grant_role", rights]],
  ["DropRoleStmt", ["drop_role", rights]],
  ["AlterOwnerStmt", ["alter_owner", rights]],
  ["AlterDefaultPrivilegesStmt", ["alter_default_privileges", rights]],
  ["ReassignOwnedStmt", ["reassign_owned", rights]],
  ["SecLabelStmt", ["security_label", rights]],
  ["DropOwnedStmt", ["drop_owned", both(rights, dropped)]],
  ["DropdbStmt", ["drop_database", dropped]],
  ["DropTableSpaceStmt", ["drop_tablespace", dropped]],
  ["DropSubscriptionStmt", ["drop_subscription", both(replication, dropped)]],
  ["CreatePublicationStmt", ["create_publication", replication]],
  ["AlterPublicationStmt", ["alter_publication", replication]],
  ["CreateSubscriptionStmt", ["create_subscription", both(both(replication, foreign), login)]],
  ["AlterSubscriptionStmt", ["alter_subscription", both(replication, foreign)]],
  ...[
    "CreateFdwStmt",
    "AlterFdwStmt",
    "CreateForeignServerStmt",
    "AlterForeignServerStmt",
    "CreateForeignTableStmt",
  ].map((kind): [string, [string, Rule]] => [kind, ["foreign_data", foreign]]),
  ["ImportForeignSchemaStmt", ["foreign_data", foreign]],
  ["DropUserMappingStmt", ["foreign_data", foreign]],
  ["CreateUserMappingStmt", ["foreign_data", both(foreign, login)]],
  ["AlterUserMappingStmt", ["foreign_data", both(foreign, login)]],
  [
    "LoadStmt",
    ["load", always(["execute"], ["program_execution", "code_injection"], "It loads a library into the server.")],
  ],
  ["CreateExtensionStmt", ["create_extension", library]],
  ["AlterExtensionStmt", ["alter_extension", library]],
  ["AlterExtensionContentsStmt", ["alter_extension", library]],
  ["CreatePLangStmt", ["create_language", library]],
  ["CreateAmStmt", ["create_access_method", library]],
  ["CreateTransformStmt", ["create_transform", library]],
  ["CreateTableSpaceStmt", ["create_tablespace", always(["ddl"], ["file_access"], "It names a folder of the server.")]],
  ["VacuumStmt", ["vacuum", maintenance]],
  ["ClusterStmt", ["cluster", maintenance]],
  ["ReindexStmt", ["reindex", maintenance]],
  ["CheckPointStmt", ["checkpoint", maintenance]],
  ["LockStmt", ["lock", maintenance]],
  ["ListenStmt", ["listen", reads]],
  ["UnlistenStmt", ["unlisten", reads]],
  ["NotifyStmt", ["notify", always(["write"], [], "It sends a message to every listener.")]],
  ["DiscardStmt", ["discard", always(["write"], ["code_injection"], "It resets the session, `search_path` too.")]],
  ["ConstraintsSetStmt", ["set_constraints", always(["write"], [], "It moves checks to the end of the transaction.")]],
  ["CallStmt", ["call", always(["execute"], [], "It calls a procedure.")]],
  ...(
    "DefineStmt CompositeTypeStmt CreateEnumStmt CreateRangeStmt CreateDomainStmt CreateSeqStmt CreateStatsStmt CommentStmt " +
    "AlterEnumStmt AlterSeqStmt AlterDomainStmt AlterTypeStmt AlterStatsStmt AlterCollationStmt AlterOperatorStmt AlterOpFamilyStmt " +
    "AlterTSConfigurationStmt AlterTSDictionaryStmt AlterTableMoveAllStmt AlterTableSpaceOptionsStmt AlterObjectDependsStmt " +
    "CreateCastStmt CreateConversionStmt CreateOpClassStmt CreateOpFamilyStmt CreatedbStmt AlterDatabaseStmt " +
    "AlterDatabaseRefreshCollStmt ReplicaIdentityStmt"
  )
    .split(" ")
    .map((kind): [string, [string, Rule]] => [kind, ["define", ddl]]),
]);

/** Nodes inside statements that mean something by themselves. */
export const PARTS: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["FuncCall", callFunction],
  ["A_Expr", useOperator],
  ["SubLink", useSubquery],
  ["JoinExpr", useJoin],
  ["TypeName", useType],
  ["RangeTableSample", useSample],
  ["ColumnRef", useColumn],
  ["LockingClause", lockRows],
  ["IntoClause", createFromQuery],
  ["SortBy", (visit, node) => checkOperator(visit, list(node, "useOp"))],
  ["CaseExpr", (visit, node) => (node["arg"] === undefined ? undefined : doubtPath(visit))],
  // Their aggregates fold rows as `json_agg` does.
  ["JsonArrayAgg", folds],
  ["JsonObjectAgg", folds],
  ["JsonArrayQueryConstructor", folds],
]);

function folds(visit: Visit): void {
  visit.collects = true;
}
