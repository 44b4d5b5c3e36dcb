import { readRelation } from "./relations.ts";
import { TARGET_FIELD } from "./changes.ts";
import { PARTS, STATEMENTS } from "./statements.ts";
import { isTree, list, ofKind, text, tree, unwrap } from "./tree.ts";
import type { Tree } from "./tree.ts";
import type { Scope, Visit } from "./visit.ts";

/** Nodes of all trees of one text. */
const NODES_MAX = 200_000;

/** Kinds without a rule that mean no more than what stands in them. Every other kind is not understood. */
const PLAIN = new Set(
  (
    "A_ArrayExpr A_Const A_Indices A_Indirection A_Star AccessPriv Alias AlterTableCmd BitString BoolExpr Boolean BooleanTest " +
    "CTECycleClause CTESearchClause CaseWhen CoalesceExpr CollateClause ColumnDef CommonTableExpr Constraint CreateOpClassItem " +
    "CurrentOfExpr DefElem Float FunctionParameter GroupingFunc GroupingSet IndexElem InferClause Integer JsonAggConstructor " +
    "JsonArgument JsonArrayConstructor JsonBehavior JsonFormat JsonFuncExpr JsonIsPredicate JsonKeyValue JsonObjectConstructor " +
    "JsonOutput JsonParseExpr JsonReturning JsonScalarExpr JsonSerializeExpr JsonTable JsonTableColumn JsonTablePathSpec " +
    "JsonValueExpr List MergeWhenClause MinMaxExpr MultiAssignRef NamedArgExpr NullTest ObjectWithArgs OnConflictClause ParamRef " +
    "PartitionBoundSpec PartitionCmd PartitionElem PartitionRangeDatum PartitionSpec PublicationObjSpec PublicationTable RangeFunction " +
    "RangeSubselect RangeTableFunc RangeTableFuncCol ResTarget ReturnStmt ReturningClause ReturningOption RoleSpec RowExpr " +
    "SQLValueFunction SetToDefault StatsElem String TableLikeClause TriggerTransition TypeCast VacuumRelation WindowDef WithClause XmlExpr " +
    "XmlSerialize"
  ).split(" "),
);

/** Structs that stand in a field without naming their kind, by the field. */
const INLINE: ReadonlyMap<string, string> = new Map([
  ...["relation", "rel", "view", "table", "constrrel", "pktable", "typevar", "sequence", "identitySequence"].map(
    (field) => [field, "RangeVar"] as const,
  ),
  ...[
    "typeName",
    "argType",
    "datatype",
    "ofTypename",
    "returnType",
    "sourcetype",
    "storedtype",
    "targettype",
    "type_name",
  ].map((field) => [field, "TypeName"] as const),
  ...["larg", "rarg"].map((field) => [field, "SelectStmt"] as const),
  ...["into", "intoClause"].map((field) => [field, "IntoClause"] as const),
  ...["func", "fromsql", "tosql", "opername"].map((field) => [field, "ObjectWithArgs"] as const),
  ...["authrole", "grantor", "newowner", "newrole", "owner", "role", "user"].map(
    (field) => [field, "RoleSpec"] as const,
  ),
  ...["alias", "join_using_alias"].map((field) => [field, "Alias"] as const),
  ...["context_item", "expr", "value"].map((field) => [field, "JsonValueExpr"] as const),
  ...["on_empty", "on_error"].map((field) => [field, "JsonBehavior"] as const),
  ...["bound", "partbound"].map((field) => [field, "PartitionBoundSpec"] as const),
  ["action", "GrantStmt"],
  ["base", "CreateStmt"],
  ["collClause", "CollateClause"],
  ["constructor", "JsonAggConstructor"],
  ["cycle_clause", "CTECycleClause"],
  ["format", "JsonFormat"],
  ["funccall", "FuncCall"],
  ["infer", "InferClause"],
  ["onConflictClause", "OnConflictClause"],
  ["output", "JsonOutput"],
  ["over", "WindowDef"],
  ["partspec", "PartitionSpec"],
  ["pathspec", "JsonTablePathSpec"],
  ["pubtable", "PublicationTable"],
  ["returning", "JsonReturning"],
  ["returningClause", "ReturningClause"],
  ["search_clause", "CTESearchClause"],
  ["withClause", "WithClause"],
]);

/** Fields that a rule has read itself: constants, targets of changes, and options that are not run. */
const READ_BY_RULE: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ["A_Const", new Set(["ival", "fval", "boolval", "sval", "bsval"])],
  ["CreateFunctionStmt", new Set(["options"])],
  ["AlterFunctionStmt", new Set(["actions"])],
  ["DoStmt", new Set(["args"])],
  ...["AlterRoleSetStmt", "AlterDatabaseSetStmt", "AlterSystemStmt"].map(
    (kind) => [kind, new Set(["setstmt"])] as const,
  ),
  ["AlterObjectDependsStmt", new Set(["extname"])],
  ...[...TARGET_FIELD].map(([kind, field]) => [kind, new Set([field])] as const),
]);

type Waiting = { readonly kind: string; readonly node: Tree; readonly scope: Scope | null };

/** Applies the rules to every node of a statement. Without recursion: the depth of the tree is the sender's choice. */
export function walk(visit: Visit, root: Tree): void {
  const waiting: Waiting[] = [];
  add(visit, waiting, root, "", "", null);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    visit.totals.nodes += 1;
    if (visit.totals.nodes > NODES_MAX) {
      visit.findings.opaque(`It has more than ${NODES_MAX} nodes.`);
      return;
    }
    apply(visit, next);
    open(visit, waiting, next);
  }
}

function apply(visit: Visit, { kind, node, scope }: Waiting): void {
  const part = PARTS.get(kind);
  if (part !== undefined) part(visit, node);
  else if (kind === "RangeVar") readRelation(visit, node, scope);
  else if (!PLAIN.has(kind)) {
    const statement = STATEMENTS.get(kind);
    if (statement === undefined) visit.findings.opaque(`The classifier does not know \`${kind}\`.`);
    else {
      visit.findings.name("statement_kinds", statement[0]);
      statement[1](visit, node);
    }
  }
}

/** Puts the children of a node on the stack, each with the common table expressions that it sees. */
function open(visit: Visit, waiting: Waiting[], { kind, node, scope }: Waiting): void {
  if (kind === "String") return;
  const done = READ_BY_RULE.get(kind);
  const inner = scopeOf(node, scope);
  for (const field in node) {
    const value = node[field];
    if (typeof value !== "object" || value === null || done?.has(field) === true) continue;
    if (field === "withClause" && isTree(value)) {
      openWith(visit, waiting, value, scope, inner);
    } else if (Array.isArray(value)) {
      for (const item of value) add(visit, waiting, item, kind, field, inner);
    } else add(visit, waiting, value, kind, field, inner);
  }
}

function add(
  visit: Visit,
  waiting: Waiting[],
  value: unknown,
  parent: string,
  field: string,
  scope: Scope | null,
): void {
  const wrapped = unwrap(value);
  if (wrapped !== undefined) {
    waiting.push({ kind: wrapped[0], node: wrapped[1], scope });
    return;
  }
  if (!isTree(value) || isEmpty(value)) return;
  const kind = inlineKind(parent, field, value);
  if (kind === undefined) visit.findings.opaque(`The classifier does not know the field \`${parent}.${field}\`.`);
  else waiting.push({ kind, node: value, scope });
}

function inlineKind(parent: string, field: string, value: Tree): string | undefined {
  if (field === "name") return "relname" in value ? "RangeVar" : "ObjectWithArgs";
  if (field === "arg" && parent.startsWith("Json"))
    return parent === "JsonObjectAgg" ? "JsonKeyValue" : "JsonValueExpr";
  if (field === "val" && parent === "JsonArgument") return "JsonValueExpr";
  return INLINE.get(field);
}

function isEmpty(value: Tree): boolean {
  for (const _ in value) return false;
  return true;
}

function scopeOf(node: Tree, parent: Scope | null): Scope | null {
  const ctes = list(tree(node, "withClause") ?? {}, "ctes");
  if (ctes.length === 0) return parent;
  const names = new Map<string, number>();
  for (const [place, item] of ctes.entries()) {
    const name = text(ofKind(item, "CommonTableExpr") ?? {}, "ctename");
    if (!names.has(name)) names.set(name, place);
  }
  return { names, upTo: ctes.length, parent };
}

/** Without RECURSIVE an expression sees only those before it: `WITH t AS (SELECT * FROM t)` reads the table `t`. */
function openWith(visit: Visit, waiting: Waiting[], clause: Tree, outer: Scope | null, inner: Scope | null): void {
  for (const [place, item] of list(clause, "ctes").entries()) {
    const recursive = clause["recursive"] === true || inner === null;
    const scope = recursive ? inner : { names: inner.names, upTo: place, parent: outer };
    add(visit, waiting, item, "WithClause", "ctes", scope);
  }
}
