import { quoted } from "../../core/risk/index.ts";
import type { Effect, TraitId } from "../../core/risk/index.ts";
import { changeRelation } from "./relations.ts";
import { setStatement, transactionModes } from "./settings.ts";
import { list, nameParts, ofKind, relationName, text, tree } from "./tree.ts";
import type { Tree } from "./tree.ts";
import { report } from "./visit.ts";
import type { Finding, Visit } from "./visit.ts";

/** Kinds of DROP that take rights, guards or data streams rather than data. */
const DROPPED: ReadonlyMap<string, Pick<Finding, "effects" | "traits">> = new Map([
  ["OBJECT_POLICY", { effects: ["escalate"], traits: ["privilege_change"] }],
  ["OBJECT_TRIGGER", { effects: [], traits: ["defence_evasion"] }],
  ["OBJECT_EVENT_TRIGGER", { effects: [], traits: ["defence_evasion"] }],
  ["OBJECT_RULE", { effects: [], traits: ["defence_evasion"] }],
  ["OBJECT_PUBLICATION", { effects: [], traits: ["replication"] }],
]);

/** DROP of anything that has no statement of its own. */
export function drop(visit: Visit, node: Tree): void {
  const type = text(node, "removeType");
  const noun = type.replace("OBJECT_", "").replaceAll("_", " ").toLowerCase();
  visit.findings.name("statement_kinds", `drop_${noun.replaceAll(" ", "_")}`);
  const names = list(node, "objects").map((item) => nameParts(objectName(item)).join("."));
  const because = `It drops the ${noun} ${quoted(names.join(", "))}.`;
  report(visit, { effects: ["ddl", "delete"], traits: ["irreversible"], because });
  const more = DROPPED.get(type);
  if (more !== undefined) report(visit, { ...more, because });
  if (text(node, "behavior") === "DROP_CASCADE") {
    report(visit, { effects: [], traits: ["unbounded"], because: `CASCADE drops whatever depends on ${noun}s too.` });
  }
  if (isRelation(type)) for (const name of names) changeRelation(visit, name, "redefine");
  // `DROP TRIGGER t ON schema.table` names the table before the trigger.
  if (type === "OBJECT_TRIGGER" || type === "OBJECT_POLICY" || type === "OBJECT_RULE") {
    for (const name of names) changeRelation(visit, name.split(".").slice(0, -1).join("."), "redefine");
  }
}

function objectName(item: unknown): readonly unknown[] {
  const items = ofKind(item, "List");
  if (items !== undefined) return list(items, "items");
  const routine = ofKind(item, "ObjectWithArgs");
  if (routine !== undefined) return list(routine, "objname");
  const type = ofKind(item, "TypeName");
  return type === undefined ? [item] : list(type, "names");
}

function isRelation(type: string): boolean {
  return /^OBJECT_(TABLE|VIEW|MATVIEW|SEQUENCE|FOREIGN_TABLE)$/.test(type);
}

const RIGHTS: Pick<Finding, "effects" | "traits"> = { effects: ["escalate"], traits: ["privilege_change"] };
const LOSS: Pick<Finding, "effects" | "traits"> = { effects: ["delete"], traits: ["irreversible"] };
const BLINDING: Pick<Finding, "effects" | "traits"> = { effects: [], traits: ["defence_evasion"] };

/** What single commands of ALTER TABLE add to `ddl`. */
const TABLE_COMMANDS: ReadonlyMap<string, readonly [Pick<Finding, "effects" | "traits">, because: string]> = new Map([
  ["AT_DropColumn", [LOSS, "It drops a column."]],
  ["AT_AlterColumnType", [LOSS, "It rewrites a column as another type."]],
  ["AT_DropConstraint", [LOSS, "It drops a constraint."]],
  ["AT_DropExpression", [LOSS, "It drops a column's expression."]],
  ["AT_DropIdentity", [LOSS, "It drops a column's identity."]],
  ["AT_DetachPartition", [LOSS, "It takes a partition out of its table."]],
  ["AT_SetUnLogged", [LOSS, "It makes a table that a crash empties."]],
  ["AT_ChangeOwner", [RIGHTS, "It gives a table another owner."]],
  ["AT_EnableRowSecurity", [RIGHTS, "It changes row security."]],
  ["AT_DisableRowSecurity", [RIGHTS, "It disables row security."]],
  ["AT_ForceRowSecurity", [RIGHTS, "It changes row security."]],
  ["AT_NoForceRowSecurity", [RIGHTS, "It lets the owner past row security."]],
  ["AT_DisableTrig", [BLINDING, "It disables a trigger."]],
  ["AT_DisableTrigAll", [BLINDING, "It disables triggers."]],
  ["AT_DisableTrigUser", [BLINDING, "It disables triggers."]],
  ["AT_EnableReplicaTrig", [BLINDING, "It lets a trigger fire on replicas only."]],
  ["AT_EnableReplicaRule", [BLINDING, "It lets a rule act on replicas only."]],
  ["AT_DisableRule", [BLINDING, "It disables a rule."]],
]);

/** ALTER TABLE and its likes for views, sequences, indexes and types. */
export function alterTable(visit: Visit, node: Tree): void {
  const relation = relationName(tree(node, "relation") ?? {});
  report(visit, { effects: ["ddl"], traits: [], because: `It changes the definition of ${quoted(relation)}.` });
  changeRelation(visit, relation, "redefine");
  for (const item of list(node, "cmds")) {
    const known = TABLE_COMMANDS.get(text(ofKind(item, "AlterTableCmd") ?? {}, "subtype"));
    if (known !== undefined) report(visit, { ...known[0], because: known[1] });
  }
}

/** Statements that define something on one relation in a field of theirs. */
export function defineOn(field: string, effects: readonly Effect[], traits: readonly TraitId[], because: string) {
  return (visit: Visit, node: Tree): void => {
    report(visit, { effects, traits, because });
    changeRelation(visit, relationName(tree(node, field) ?? {}), "redefine");
  };
}

/** CREATE and ALTER ROLE: rights, and perhaps a password. */
export function changeRole(visit: Visit, node: Tree): void {
  report(visit, { effects: ["escalate"], traits: ["privilege_change"], because: "It changes what a role may do." });
  for (const item of list(node, "options")) {
    if (text(ofKind(item, "DefElem") ?? {}, "defname") !== "password") continue;
    report(visit, { effects: [], traits: ["secret_access"], because: "It sets a password, which stands in the text." });
  }
}

/** SET for a role or a database: what sets it for one session, for every later one. */
export function setForLater(visit: Visit, node: Tree): void {
  const because = "It changes settings of every later session.";
  report(visit, { effects: ["escalate"], traits: ["persistence", "code_injection"], because });
  setStatement(visit, tree(node, "setstmt") ?? {});
}

/** ALTER SYSTEM. */
export function alterSystem(visit: Visit, node: Tree): void {
  const because = "It changes the configuration of the whole server.";
  report(visit, { effects: ["escalate"], traits: ["defence_evasion", "persistence"], because });
  setStatement(visit, tree(node, "setstmt") ?? {});
}

/** Ends of transactions make lasting what came before, and leave the READ ONLY that a gate may have begun. */
export function transaction(visit: Visit, node: Tree): void {
  const kind = text(node, "kind").replace("TRANS_STMT_", "");
  if (kind === "BEGIN" || kind === "START") transactionModes(visit, list(node, "options"));
  else if (kind === "SAVEPOINT" || kind === "RELEASE") visit.reads = true;
  else {
    const because = "It ends a transaction: what follows no longer runs in the one that the gate began.";
    report(visit, { effects: ["write"], traits: [], because });
  }
}

/** CREATE SCHEMA … AUTHORIZATION gives the schema to another role. */
export function createSchema(visit: Visit, node: Tree): void {
  report(visit, { effects: ["ddl"], traits: [], because: "It creates a schema." });
  if (tree(node, "authrole") === undefined) return;
  report(visit, { effects: ["escalate"], traits: ["privilege_change"], because: "It gives a schema to a role." });
}
