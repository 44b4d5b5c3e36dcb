import { quoted } from "../../core/risk/index.ts";
import { isTree, list, literal, ofKind, text, tree, unwrap } from "./tree.ts";
import type { Tree } from "./tree.ts";
import { refuseBody, refuseText } from "./text.ts";
import { report } from "./visit.ts";
import type { Visit } from "./visit.ts";

/** Languages whose code the server keeps from files, processes and network; their code is still not read here. */
const TRUSTED = new Set(["plperl", "pltcl", "plv8", "pljs", "pllua", "plrust", "plcoffee", "plls"]);

/** Fields of PL/pgSQL statements whose expression gives text that is then run. */
const DYNAMIC_QUERY = new Set(["PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors"]);

/** DO: always held, because a block may do more than its parts show; its body adds what it does. */
export function runBlock(visit: Visit, node: Tree): void {
  const { language, body } = optionsOf(list(node, "args"));
  report(visit, { effects: ["execute"], traits: [], because: "It runs a block of procedural code." });
  readBody(visit, language ?? "plpgsql", body);
}

/** CREATE FUNCTION and CREATE PROCEDURE, with the body's effects, because somebody will call it. */
export function createFunction(visit: Visit, node: Tree): void {
  const options = list(node, "options");
  report(visit, { effects: ["ddl"], traits: ["persistence"], because: "It creates a function." });
  checkSecurity(visit, options);
  const { language, body } = optionsOf(options);
  if (node["sql_body"] === undefined) readBody(visit, language ?? "", body);
}

/** ALTER FUNCTION. */
export function alterFunction(visit: Visit, node: Tree): void {
  report(visit, { effects: ["ddl"], traits: [], because: "It changes a function." });
  checkSecurity(visit, list(node, "actions"));
}

function checkSecurity(visit: Visit, options: readonly unknown[]): void {
  for (const item of options) {
    const option = ofKind(item, "DefElem");
    if (option === undefined || tree(tree(option, "arg") ?? {}, "Boolean")?.["boolval"] !== true) continue;
    const name = text(option, "defname");
    if (name === "security") {
      const because = "SECURITY DEFINER: whoever calls the function acts with its owner's rights.";
      report(visit, { effects: ["escalate"], traits: ["privilege_use"], because });
    } else if (name === "leakproof") {
      const because = "LEAKPROOF: the function sees rows before row security has hidden them.";
      report(visit, { effects: ["escalate"], traits: ["privilege_change"], because });
    }
  }
}

type Body = { readonly language: string | undefined; readonly body: string | undefined };

function optionsOf(options: readonly unknown[]): Body {
  let language: string | undefined;
  let body: string | undefined;
  for (const item of options) {
    const option = ofKind(item, "DefElem");
    const argument = option?.["arg"];
    if (option === undefined) continue;
    if (text(option, "defname") === "language") language = text(ofKind(argument, "String") ?? {}, "sval").toLowerCase();
    if (text(option, "defname") !== "as") continue;
    const only = ofKind(argument, "String") ?? ofKind(list(ofKind(argument, "List") ?? {}, "items")[0], "String");
    body = only === undefined ? undefined : text(only, "sval");
  }
  return { language, body };
}

function readBody(visit: Visit, language: string, body: string | undefined): void {
  if (language === "sql" || language === "plpgsql") {
    if (body === undefined) visit.findings.opaque("It has no body that could be read.");
    else if (language === "sql") visit.script(body, visit.level + 1, visit.span);
    else readPlPgSql(visit, body);
    return;
  }
  visit.findings.opaque(`Code in the language ${quoted(language)} is not read.`);
  if (TRUSTED.has(language)) return;
  const because = `The language ${quoted(language)} can run anything on the database server.`;
  report(visit, { effects: ["execute"], traits: ["program_execution", "dynamic_code"], because });
}

function readPlPgSql(visit: Visit, body: string): void {
  const refusal = refuseBody(body);
  if (refusal !== null) {
    visit.findings.opaque(refusal);
    return;
  }
  const parsed = visit.parser.functionBody(visit.source);
  if ("problem" in parsed) {
    visit.findings.opaque(`The PL/pgSQL body is not understood: ${quoted(parsed.problem)}.`);
    return;
  }
  const functions = list(parsed.value, "plpgsql_funcs");
  if (functions.length === 0) visit.findings.opaque("The PL/pgSQL body is not understood.");
  walkBody(visit, functions);
}

function walkBody(visit: Visit, functions: readonly unknown[]): void {
  const statements: string[] = [];
  const waiting: { readonly value: unknown; readonly dynamic: boolean }[] = [{ value: functions, dynamic: false }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value, dynamic } = next;
    if (Array.isArray(value)) for (const item of value) waiting.push({ value: item, dynamic: false });
    if (!isTree(value)) continue;
    const [kind, node] = unwrap(value) ?? ["", value];
    if (kind === "PLpgSQL_expr") {
      const sql = dynamic ? runText(visit, text(node, "query")) : statementOf(visit, node);
      if (sql !== undefined) statements.push(sql);
      continue;
    }
    if (kind === "PLpgSQL_stmt_commit" || kind === "PLpgSQL_stmt_rollback") {
      report(visit, { effects: ["write"], traits: [], because: "It ends the transaction that it runs in." });
    }
    for (const key in node) {
      const isText = key === "dynquery" || (key === "query" && DYNAMIC_QUERY.has(kind));
      waiting.push({ value: node[key], dynamic: isText });
    }
  }
  // Each is complete: PL/pgSQL's lexer is PostgreSQL's own. A line of its own ends a comment.
  if (statements.length > 0) visit.script(statements.toReversed().join("\n;"), visit.level + 1, visit.span, "body");
}

/** EXECUTE: a literal is read as the SQL it is; anything else is SQL that exists only at run time. */
function runText(visit: Visit, expression: string): string | undefined {
  const evaluated = `SELECT ${expression}`;
  const parsed = refuseText(evaluated, visit.parser, true) === null ? visit.parser.parse(evaluated) : { value: [] };
  const select =
    "value" in parsed && parsed.value.length === 1 ? ofKind(parsed.value[0]?.root, "SelectStmt") : undefined;
  const targets = select === undefined ? [] : list(select, "targetList");
  const sql = targets.length === 1 ? literal(ofKind(targets[0], "ResTarget")?.["val"]) : undefined;
  if (sql !== undefined) {
    visit.script(sql, visit.level + 1, visit.span);
    return undefined;
  }
  const because = `EXECUTE of ${quoted(expression)}: what it runs exists only at run time.`;
  report(visit, { effects: ["execute"], traits: ["dynamic_code"], because });
  visit.findings.opaque(because);
  return evaluated;
}

/** The SQL of an expression by PL/pgSQL's parse modes: 0 is a statement, 2 an expression, 3 to 5 are assignments. */
function statementOf(visit: Visit, expression: Tree): string | undefined {
  const sql = text(expression, "query");
  const mode = expression["parseMode"];
  if (mode === 0 || mode === undefined) return sql;
  if (mode === 2) return `SELECT ${sql}`;
  const [place = ""] = /^[^=]*?:?=/s.exec(sql) ?? [];
  if (place !== "" && !place.includes("(")) return `SELECT ${sql.slice(place.length)}`;
  visit.findings.opaque(`The assignment ${quoted(sql)} is not understood.`);
  return undefined;
}
