import { quoted } from "../../core/risk/index.ts";
import { noteColumn } from "./reads.ts";
import { changeRelation, readRelation } from "./relations.ts";
import { isTree, list, nameParts, ofKind, relationName, text, tree, unwrap } from "./tree.ts";
import type { Tree } from "./tree.ts";
import { report } from "./visit.ts";
import type { Finding, Visit } from "./visit.ts";

/** Tables that a statement changes stand in this field; they are targets, not reads. */
export const TARGET_FIELD: ReadonlyMap<string, string> = new Map(
  ["InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"].map((kind) => [kind, "relation"]),
);

/** INSERT, with or without ON CONFLICT DO UPDATE. */
export function insertRows(visit: Visit, node: Tree): void {
  if (planOnly(visit, node)) return;
  const updates = text(tree(node, "onConflictClause") ?? {}, "action") === "ONCONFLICT_UPDATE";
  const relation = target(visit, node, updates ? "change" : "insert");
  report(visit, { effects: ["write"], traits: [], because: `It inserts into ${quoted(relation)}.` });
  noteTargets(visit, list(node, "cols"));
}

/** UPDATE; without a WHERE that bounds it, of every row. */
export function updateRows(visit: Visit, node: Tree): void {
  if (planOnly(visit, node)) return;
  const relation = target(visit, node, "change");
  report(visit, { effects: ["write"], traits: [], because: `It updates ${quoted(relation)}.` });
  noteTargets(visit, list(node, "targetList"));
  checkBound(visit, node, `It updates every row of ${quoted(relation)}.`);
}

/** DELETE; without a WHERE that bounds it, of every row. */
export function deleteRows(visit: Visit, node: Tree): void {
  if (planOnly(visit, node)) return;
  const relation = target(visit, node, "change");
  report(visit, { effects: ["delete"], traits: [], because: `It deletes from ${quoted(relation)}.` });
  checkBound(visit, node, `It deletes every row of ${quoted(relation)}.`);
}

/** MERGE: it writes, and deletes where one of its branches does. */
export function mergeRows(visit: Visit, node: Tree): void {
  if (planOnly(visit, node)) return;
  const relation = target(visit, node, "change");
  const because = `It merges into ${quoted(relation)}.`;
  report(visit, { effects: ["write"], traits: [], because });
  for (const item of list(node, "mergeWhenClauses")) {
    const clause = ofKind(item, "MergeWhenClause");
    if (clause === undefined || text(clause, "commandType") !== "CMD_DELETE") continue;
    report(visit, { effects: ["delete"], traits: [], because: `It merges into ${quoted(relation)}, deleting rows.` });
  }
}

/** TRUNCATE. */
export function truncate(visit: Visit, node: Tree): void {
  for (const item of list(node, "relations")) {
    const relation = relationName(ofKind(item, "RangeVar") ?? {});
    changeRelation(visit, relation, "redefine");
    const because = `It empties ${quoted(relation)} for good.`;
    report(visit, { effects: ["delete"], traits: ["irreversible", "unbounded"], because });
  }
}

/** COPY in all its directions: a program, a file of the server, or the connection. */
export function copy(visit: Visit, node: Tree): void {
  const from = node["is_from"] === true;
  const rangeVar = tree(node, "relation");
  const relation = rangeVar === undefined ? "" : relationName(rangeVar);
  const what = relation === "" ? "the rows of its query" : quoted(relation);
  if (from) {
    changeRelation(visit, relation, "insert");
    report(visit, { effects: ["write"], traits: [], because: `It copies rows into ${what}.` });
  } else {
    visit.reads = true;
    report(visit, { effects: ["export"], traits: ["unbounded"], because: `It gives out ${what}.` });
  }
  const file = text(node, "filename");
  if (node["is_program"] === true) {
    const because = `It runs ${quoted(file)} in a shell on the database server.`;
    report(visit, { effects: ["execute"], traits: ["program_execution", "file_access"], because });
  } else if (file !== "") {
    const because = `It ${from ? "reads" : "writes"} the file ${quoted(file)} on the database server.`;
    report(visit, { effects: from ? ["secret.read"] : ["write"], traits: ["file_access"], because });
  }
}

/** SELECT … INTO and CREATE TABLE AS. */
export function createFromQuery(visit: Visit, node: Tree): void {
  const relation = relationName(tree(node, "rel") ?? {});
  changeRelation(visit, relation, "redefine");
  report(visit, { effects: ["write", "ddl"], traits: [], because: `It creates ${quoted(relation)} from a query.` });
}

/** Under EXPLAIN without ANALYZE the target is only named. */
function planOnly(visit: Visit, node: Tree): boolean {
  if (visit.planned) readRelation(visit, tree(node, "relation") ?? {}, null);
  return visit.planned;
}

function target(visit: Visit, node: Tree, change: "insert" | "change"): string {
  const relation = relationName(tree(node, "relation") ?? {});
  changeRelation(visit, relation, change);
  // RETURNING reads the table that it changes.
  if (isTree(node["returningClause"]) && (visit.options.sensitive?.(relation) ?? []).length > 0) {
    visit.sensitiveReads.add(relation);
  }
  return relation;
}

function noteTargets(visit: Visit, targets: readonly unknown[]): void {
  for (const item of targets) {
    const column = text(ofKind(item, "ResTarget") ?? {}, "name");
    if (column !== "") noteColumn(visit, column);
  }
}

function checkBound(visit: Visit, node: Tree, because: string): void {
  visit.totals.changes += 1;
  if (bounds(node["whereClause"])) {
    visit.totals.bounded += 1;
    return;
  }
  const finding: Finding = { effects: [], traits: ["irreversible", "unbounded"], because };
  report(visit, finding);
}

/**
 * Whether a condition can keep any row out: it names a column, and no OR of it is true of all rows. The depth of the
 * recursion is the parser's, which `refuseText` bounds.
 */
function bounds(condition: unknown): boolean {
  const [kind, node] = unwrap(condition) ?? ["", undefined];
  if (node === undefined) return false;
  if (kind === "CurrentOfExpr") return true;
  if (kind === "BoolExpr") {
    const args = list(node, "args");
    return text(node, "boolop") === "OR_EXPR" ? args.every(bounds) : args.some(bounds);
  }
  if (kind === "A_Expr" && sameColumn(node["lexpr"], node["rexpr"])) return false;
  return namesColumn(node);
}

/** `id = id` is no condition. */
function sameColumn(left: unknown, right: unknown): boolean {
  const [one, other] = [ofKind(left, "ColumnRef"), ofKind(right, "ColumnRef")];
  if (one === undefined || other === undefined) return false;
  return nameParts(list(one, "fields")).join(".") === nameParts(list(other, "fields")).join(".");
}

function namesColumn(node: Tree): boolean {
  const waiting: unknown[] = [node];
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (Array.isArray(value)) for (const item of value) waiting.push(item);
    else if (isTree(value)) {
      if ("ColumnRef" in value) return true;
      for (const key in value) if (value[key] !== undefined) waiting.push(value[key]);
    }
  }
  return false;
}
