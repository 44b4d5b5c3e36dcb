import { quoted } from "../../core/risk/index.ts";
import { OPERATORS } from "./catalogue.ts";
import { readSetting } from "./settings.ts";
import { integer, isTree, list, nameParts, ofKind, text, tree, unwrap } from "./tree.ts";
import type { Tree } from "./tree.ts";
import { doubtPath, report } from "./visit.ts";
import type { Visit } from "./visit.ts";

/** Rows up to which a literal LIMIT keeps a read of a sensitive relation from being an export. */
export const EXPORT_ROWS_MAX = 1_000;

/** Names in the facts; further ones are left out, which the fact `columns_capped` says. */
const COLUMNS_MAX = 64;

const KNOWN_OPERATORS = new Set(OPERATORS);
const SAMPLING = new Set(["bernoulli", "system"]);

/** Aggregates that give one small value however many rows they read. */
const SCALAR_AGGREGATES = new Set(
  (
    "count sum avg min max bool_and bool_or every bit_and bit_or bit_xor stddev stddev_pop stddev_samp variance " +
    "var_pop var_samp corr covar_pop covar_samp"
  ).split(" "),
);

/** An operator by its symbol; BETWEEN and the like are named by their keyword. */
export function useOperator(visit: Visit, node: Tree): void {
  const kind = text(node, "kind");
  if (kind.includes("BETWEEN")) doubtPath(visit);
  else checkOperator(visit, list(node, "name"));
}

/** The operator of `x = ANY (…)`, of ORDER BY … USING, or an implied `=`. */
export function checkOperator(visit: Visit, name: readonly unknown[]): void {
  if (name.length === 0) return;
  const parts = nameParts(name);
  const symbol = parts.at(-1) ?? "";
  if (parts.length === 1) doubtPath(visit);
  else if (parts.length > 2 || parts[0] !== "pg_catalog") {
    visit.findings.opaque(`The operator ${quoted(parts.join("."))} is not a built-in one.`);
  }
  if (!KNOWN_OPERATORS.has(symbol)) visit.findings.opaque(`The operator ${quoted(symbol)} is not a built-in one.`);
}

/** A subquery in an expression: its operator, and ARRAY (SELECT …), which folds rows into one value. */
export function useSubquery(visit: Visit, node: Tree): void {
  const kind = text(node, "subLinkType");
  if (kind === "ARRAY_SUBLINK") visit.collects = true;
  if (kind === "ANY_SUBLINK" || kind === "ALL_SUBLINK") doubtPath(visit);
  checkOperator(visit, list(node, "operName"));
}

/** USING and NATURAL compare with whatever `=` the search path finds. */
export function useJoin(visit: Visit, node: Tree): void {
  if (list(node, "usingClause").length > 0 || node["isNatural"] === true) doubtPath(visit);
}

/**
 * A type that is used. As behind a table's name, there is what its owner defined: the CHECK of a domain, the function of a
 * cast. Those definitions were held when they were made, and READ ONLY refuses what they write.
 */
export function useType(visit: Visit, node: Tree): void {
  const parts = nameParts(list(node, "names"));
  const name = parts.join(".");
  if (parts.length === 1) doubtPath(visit);
  if (visit.options.doubtful?.(name) === true)
    visit.findings.opaque(`What the type ${quoted(name)} hides is not known.`);
}

/** TABLESAMPLE by one of the two methods that PostgreSQL brings. */
export function useSample(visit: Visit, node: Tree): void {
  const method = nameParts(list(node, "method")).join(".");
  if (!SAMPLING.has(method)) visit.findings.opaque(`The sampling method ${quoted(method)} is not a built-in one.`);
}

/** A column, for the facts: its last name, or `*`. */
export function useColumn(visit: Visit, node: Tree): void {
  visit.reads = true;
  const last = list(node, "fields").at(-1);
  const name = ofKind(last, "String");
  noteColumn(visit, name === undefined ? "*" : text(name, "sval"));
}

/** Writes a column into the facts. */
export function noteColumn(visit: Visit, column: string): void {
  const { columns } = visit.totals;
  if (columns.has(column)) return;
  if (columns.size >= COLUMNS_MAX) {
    visit.findings.fact("columns_capped", true);
    return;
  }
  columns.add(column);
  visit.findings.name("columns", column);
}

/** SHOW: `ALL` shows to each role what it may see. */
export function showSetting(visit: Visit, node: Tree): void {
  readSetting(visit, text(node, "name"), visit.span);
}

/** FOR UPDATE and its kin write the locks into the rows. */
export function lockRows(visit: Visit): void {
  if (visit.planned) return;
  report(visit, { effects: ["write"], traits: [], because: "It locks rows, as an UPDATE of them would." });
}

const OFF = new Set(["off", "false", "0"]);

/** Whether a statement is EXPLAIN and nothing in it turns ANALYZE on, so that only the planner runs. */
export function isPlanOnly(root: Tree): boolean {
  const explain = ofKind(root, "ExplainStmt");
  if (explain === undefined) return false;
  return list(explain, "options").every((item) => {
    const option = ofKind(item, "DefElem");
    if (option === undefined || text(option, "defname") !== "analyze") return option !== undefined;
    return OFF.has(text(ofKind(option["arg"], "String") ?? {}, "sval").toLowerCase());
  });
}

/** What a whole statement gives out: the query that bounds it, if rows leave it at all. */
function rowsOf(root: unknown): { readonly leaves: boolean; readonly query: Tree | undefined } {
  const [kind, node] = unwrap(root) ?? ["", undefined];
  if (node === undefined) return { leaves: false, query: undefined };
  switch (kind) {
    case "SelectStmt":
      return { leaves: true, query: node };
    case "ExplainStmt":
    case "PrepareStmt":
    case "DeclareCursorStmt":
    case "CreateTableAsStmt":
      return rowsOf(node["query"]);
    case "CopyStmt":
      // COPY itself is an export; this is for the limit.
      return node["is_from"] === true ? { leaves: false, query: undefined } : { leaves: true, query: undefined };
    case "InsertStmt": {
      const source = rowsOf(node["selectStmt"]);
      return isTree(node["returningClause"]) ? { leaves: true, query: source.query } : source;
    }
    case "UpdateStmt":
    case "DeleteStmt":
    case "MergeStmt":
      return { leaves: isTree(node["returningClause"]), query: undefined };
    default:
      return { leaves: false, query: undefined };
  }
}

/** At the end of a statement: whether rows of a sensitive relation leave it without a bound, and its LIMIT as a fact. */
export function finishRows(visit: Visit, root: Tree): void {
  const { leaves, query } = rowsOf(root);
  if (!leaves) return;
  const bound = visit.collects || query === undefined ? null : boundOf(query);
  visit.totals.limited += 1;
  if (bound === null || visit.totals.limit === null) visit.totals.limit = null;
  else visit.totals.limit += bound;
  if (visit.sensitiveReads.size === 0 || (bound !== null && bound <= EXPORT_ROWS_MAX)) return;
  const [first = ""] = visit.sensitiveReads;
  const because = `It reads ${quoted(first)}, which is marked sensitive, without a limit of ${EXPORT_ROWS_MAX} rows or fewer.`;
  report(visit, { effects: ["export"], traits: ["unbounded"], because });
}

/** The rows that a query can give at most, or null. */
function boundOf(query: Tree): number | null {
  const limit = query["limitCount"];
  if (limit !== undefined) {
    const rows = integer(limit);
    return rows === undefined || rows < 0 || text(query, "limitOption") !== "LIMIT_OPTION_COUNT" ? null : rows;
  }
  if (text(query, "op") !== "SETOP_NONE") return null;
  const values = list(query, "valuesLists");
  if (values.length > 0) return values.length;
  if (list(query, "groupClause").length > 0) return null;
  const targets = list(query, "targetList");
  return targets.length > 0 && targets.every(isScalarAggregate) ? 1 : null;
}

function isScalarAggregate(target: unknown): boolean {
  const call = ofKind(ofKind(target, "ResTarget")?.["val"], "FuncCall");
  if (call === undefined || tree(call, "over") !== undefined) return false;
  const parts = nameParts(list(call, "funcname"));
  return SCALAR_AGGREGATES.has(parts.at(-1) ?? "") && (parts.length === 1 || parts[0] === "pg_catalog");
}
