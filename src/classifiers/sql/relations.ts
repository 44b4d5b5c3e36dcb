import { quoted } from "../../core/risk/index.ts";
import { relationName, text } from "./tree.ts";
import type { Tree } from "./tree.ts";
import { doubtPath, report } from "./visit.ts";
import type { Finding, Scope, Visit } from "./visit.ts";

/** Relations of one text; a policy on tables must see all of them or none. */
const TABLES_MAX = 64;

const PASSWORDS: Finding = {
  effects: ["secret.read"],
  traits: ["secret_access"],
  because: "It reads a catalogue that holds passwords, connection strings or large objects.",
};
const SERVER_FILES: Finding = {
  effects: ["read"],
  traits: ["file_access"],
  because: "It reads files of the server's configuration.",
};
const SAMPLES: Finding = {
  effects: ["export"],
  traits: [],
  because: "It reads statistics, which hold samples of every table's values.",
};

/** Catalogues that are not harmless to read. */
const CATALOGUES: ReadonlyMap<string, Finding> = new Map([
  ...["pg_authid", "pg_shadow", "pg_user_mapping", "pg_user_mappings", "pg_subscription", "pg_largeobject"].map(
    (name) => [name, PASSWORDS] as const,
  ),
  ["user_mapping_options", PASSWORDS],
  ["_pg_user_mappings", PASSWORDS],
  ["pg_hba_file_rules", SERVER_FILES],
  ["pg_ident_file_mappings", SERVER_FILES],
  ["pg_file_settings", SERVER_FILES],
  ["pg_statistic", SAMPLES],
  ["pg_statistic_ext_data", SAMPLES],
  ["pg_stats", SAMPLES],
  ["pg_stats_ext", SAMPLES],
  ["pg_stats_ext_exprs", SAMPLES],
]);

const AUDIT_WORDS = new Set([
  "audit",
  "audits",
  "auditing",
  "auditlog",
  "log",
  "logs",
  "logging",
  "journal",
  "pgaudit",
]);
const AUDIT_TAGS = new Set(["audit", "log"]);

/** Adds a relation that the statement reads; a common table expression of that name in scope is not one. */
export function readRelation(visit: Visit, rangeVar: Tree, scope: Scope | null): void {
  const schema = text(rangeVar, "schemaname");
  const name = text(rangeVar, "relname");
  if (schema === "" && inScope(scope, name)) return;
  const relation = relationName(rangeVar);
  const tags = noteRelation(visit, relation);
  visit.totals.reads.add(relation);
  if (schema === "") doubtPath(visit);
  if (tags.length > 0) visit.sensitiveReads.add(relation);
  const catalogue = CATALOGUES.get(name);
  if (catalogue !== undefined && (schema === "" || isSystem(schema))) readCatalogue(visit, catalogue, rangeVar);
  if (visit.options.doubtful?.(relation) === true) {
    visit.findings.opaque(`What ${quoted(relation)} hides is not known.`);
  }
}

function readCatalogue(visit: Visit, finding: Finding, rangeVar: Tree): void {
  // PostgreSQL shows samples to those who may read the column: where no table is marked, they are no worse than the table.
  if (finding === SAMPLES && visit.options.sensitive === undefined) return;
  report(visit, finding, visit.spanOf(rangeVar));
}

/** How a statement changes a relation. */
export type Change = "insert" | "change" | "redefine";

/** Adds a relation that the statement changes. An INSERT alone does not weaken a record that is only added to. */
export function changeRelation(visit: Visit, relation: string, change: Change): void {
  if (relation === "") return;
  const tags = noteRelation(visit, relation);
  if (change !== "insert" && isAudit(visit, relation, tags)) {
    report(visit, {
      effects: [],
      traits: ["defence_evasion"],
      because: `It changes ${quoted(relation)}, a record that others rely on.`,
    });
  }
  const [first = "", second] = relation.split(".");
  if (second === undefined ? first.startsWith("pg_") : isSystem(first)) {
    report(visit, {
      effects: ["escalate"],
      traits: ["privilege_change"],
      because: `It changes the system catalogue ${quoted(relation)}.`,
    });
  }
}

/** Writes a relation into the facts and gives its tags. */
function noteRelation(visit: Visit, relation: string): readonly string[] {
  const { tables } = visit.totals;
  if (tables.size >= TABLES_MAX && !tables.has(relation)) {
    visit.findings.opaque(`It names more than ${TABLES_MAX} relations.`);
  } else tables.add(relation);
  visit.findings.name("tables", relation);
  const tags = visit.options.sensitive?.(relation) ?? [];
  for (const tag of tags) visit.findings.name("sensitivity", tag);
  return tags;
}

function isAudit(visit: Visit, relation: string, tags: readonly string[]): boolean {
  if (tags.some((tag) => AUDIT_TAGS.has(tag))) return true;
  if (visit.options.audit !== undefined) return visit.options.audit(relation);
  return relation
    .toLowerCase()
    .split(/[^a-z]+/)
    .some((word) => AUDIT_WORDS.has(word));
}

function isSystem(schema: string): boolean {
  return schema === "pg_catalog" || schema === "information_schema" || schema === "pg_toast";
}

function inScope(scope: Scope | null, name: string): boolean {
  for (let at = scope; at !== null; at = at.parent) {
    const place = at.names.get(name);
    if (place !== undefined && place < at.upTo) return true;
  }
  return false;
}
