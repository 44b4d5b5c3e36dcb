import { openFindings, quoted } from "../../core/risk/index.ts";
import type { Classification, Findings, Span } from "../../core/risk/index.ts";
import { loadParser } from "./parser.ts";
import type { Parser, Statement } from "./parser.ts";
import { finishRows, isPlanOnly } from "./reads.ts";
import { offsetsOf, refuseText, showsOtherwise } from "./text.ts";
import type { Tree } from "./tree.ts";
import type { Shared, SqlOptions, Totals, Visit } from "./visit.ts";
import { walk } from "./walk.ts";

/** Levels of scripts in scripts: a literal in a body in a literal. */
const LEVELS_MAX = 5;

/** Scripts that stand in literals and bodies of one text. */
const SCRIPTS_MAX = 500;

/** Statements of one text or script. */
const STATEMENTS_MAX = 1_000;

/** Classifies SQL texts of PostgreSQL; synchronous, without side effect, and it never throws. */
export type SqlClassifier = {
  readonly classify: (sql: string, options?: SqlOptions) => Classification;
  /** Whether the parser failed, so that everything is opaque until the process loads it anew. */
  readonly broken: () => boolean;
};

/** Loads PostgreSQL's parser, once per process, and gives the classifier that uses it. */
export async function loadSql(): Promise<SqlClassifier> {
  const parser = await loadParser();
  return { classify: (sql, options = {}) => classify(parser, sql, options), broken: parser.broken };
}

function classify(parser: Parser, sql: string, options: SqlOptions): Classification {
  const findings = openFindings();
  try {
    classifyText(findings, parser, sql, options);
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unknown error";
    findings.opaque(`The classifier failed: ${quoted(reason)}.`);
  }
  return findings.done();
}

function classifyText(findings: Findings, parser: Parser, sql: string, options: SqlOptions): void {
  const totals: Totals = {
    nodes: 0,
    scripts: 0,
    tables: new Set(),
    reads: new Set(),
    columns: new Set(),
    limit: 0,
    limited: 0,
    changes: 0,
    bounded: 0,
  };
  const shared: Shared = {
    findings,
    parser,
    options,
    pinned: options.session?.searchPathPinned === true,
    standardConformingStrings: options.session?.standardConformingStrings === true,
    totals,
    script: (inner, level, span, form = "script") => readScript(shared, inner, level, span, form),
  };
  readScript(shared, sql, 0, null, "script");
  if (totals.limit !== null && totals.limited > 0) findings.fact("limit_rows", totals.limit);
  if (totals.changes > 0) findings.fact("has_where", totals.bounded === totals.changes);
}

/** One text: all its statements, each by the strictest of its nodes. `within` is set for a text inside another one. */
function readScript(shared: Shared, sql: string, level: number, within: Span | null, form: "script" | "body"): void {
  const { findings, totals, parser } = shared;
  totals.scripts += 1;
  if (level > LEVELS_MAX) return findings.opaque(`SQL stands more than ${LEVELS_MAX} levels deep in SQL.`);
  if (totals.scripts > SCRIPTS_MAX) return findings.opaque(`It holds more than ${SCRIPTS_MAX} scripts.`);
  const refusal = refuseText(sql, parser, shared.standardConformingStrings);
  if (refusal !== null) return findings.opaque(refusal);
  const parsed = parser.parse(sql);
  if ("problem" in parsed) findings.opaque(`It is not understood as PostgreSQL: ${quoted(parsed.problem)}.`);
  const statements = "problem" in parsed ? recover(parser, sql) : parsed.value;
  if ("problem" in parsed && statements.length === 0) return;
  if (statements.length === 0) return findings.opaque("It has no statement.");
  if (statements.length > STATEMENTS_MAX) return findings.opaque(`It has more than ${STATEMENTS_MAX} statements.`);
  const offset = offsetsOf(sql);
  const pointer = shared.options.pointer ?? "";
  if (showsOtherwise(sql)) {
    findings.trait("obfuscated", "It has characters that turn the direction of writing.", within ?? undefined);
  }
  for (const [place, statement] of statements.entries()) {
    const span = within ?? spanOf(statement, sql, offset, pointer);
    if (place === 1 && form === "script") findings.trait("multiple", `It has ${statements.length} statements.`, span);
    readStatement({ shared, sql, level, offset, within, pointer, span, form }, statement);
  }
}

/** Pieces between semicolons of a text that is no SQL as a whole. */
const PIECES_MAX = 100;

/**
 * The statements of a text of which another part is no SQL. The text is opaque already; but whoever runs it piece by piece,
 * as psql does, runs these, and a reviewer should see them.
 */
function recover(parser: Parser, sql: string): readonly Statement[] {
  const scanned = parser.scan(sql);
  if ("problem" in scanned) return [];
  const offset = offsetsOf(sql);
  const ends = scanned.value.filter(({ text }) => text === ";").map(({ start }) => start);
  if (ends.length === 0 || ends.length > PIECES_MAX) return [];
  return [0, ...ends.map((end) => end + 1)].flatMap((start, place) => {
    const parsed = parser.parse(sql.slice(offset(start), offset(ends[place] ?? sql.length * 4)));
    return "problem" in parsed ? [] : parsed.value.map(({ root }) => ({ root, start, end: ends[place], base: start }));
  });
}

type Script = {
  readonly shared: Shared;
  readonly sql: string;
  readonly level: number;
  readonly offset: (byte: number) => number;
  readonly within: Span | null;
  readonly pointer: string;
  readonly span: Span;
  readonly form: "script" | "body";
};

function readStatement(
  { shared, sql, level, offset, within, pointer, span, form }: Script,
  statement: Statement,
): void {
  const visit: Visit = {
    ...shared,
    sql,
    level,
    source: sql.slice(offset(statement.start), statement.end === undefined ? undefined : offset(statement.end)),
    span,
    spanOf: (node) => within ?? placeOf(node, sql, (byte) => offset(statement.base + byte), pointer, span),
    planned: isPlanOnly(statement.root),
    sensitiveReads: new Set(),
    collects: false,
    reads: false,
  };
  walk(visit, statement.root);
  if (visit.reads) shared.findings.effect("read", reading(shared.totals.reads), span);
  if (form === "script") finishRows(visit, statement.root);
}

function reading(tables: ReadonlySet<string>): string {
  if (tables.size === 0) return "It reads or computes values.";
  return `It reads ${[...tables]
    .slice(0, 3)
    .map((name) => quoted(name))
    .join(", ")}${tables.size > 3 ? " and others" : ""}.`;
}

/** From the statement's first visible character to its semicolon. */
function spanOf(statement: Statement, sql: string, offset: (byte: number) => number, pointer: string): Span {
  const end = statement.end === undefined ? sql.length : offset(statement.end);
  const start = offset(statement.start);
  const blank = /^\s*/.exec(sql.slice(start, end))?.[0].length ?? 0;
  return { pointer, start: start + blank, end };
}

const NAME = /[\p{L}\p{N}_$."]{1,128}/uy;

/** Where a node stands: the parser gives its start, the name there its end. */
function placeOf(node: Tree, sql: string, offset: (byte: number) => number, pointer: string, otherwise: Span): Span {
  const location = node["location"] ?? 0;
  if (typeof location !== "number" || location < 0) return otherwise;
  const start = offset(location);
  NAME.lastIndex = start;
  const length = NAME.exec(sql)?.[0].length ?? 1;
  return { pointer, start, end: Math.min(start + length, sql.length) };
}
