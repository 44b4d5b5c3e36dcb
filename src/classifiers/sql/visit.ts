import type { Effect, Findings, Span, TraitId } from "../../core/risk/index.ts";
import type { Parser } from "./parser.ts";
import type { Tree } from "./tree.ts";

/** What the gate vouches for of the session that will run the text. */
export type SqlSession = {
  /** `standard_conforming_strings` is on, so that a backslash in plain quotes is a backslash. */
  readonly standardConformingStrings: boolean;
  /** `search_path` is set to schemas that only the operator's people create in, and a role of the gate's choosing. */
  readonly searchPathPinned: boolean;
};

/** Names are passed as written: `schema.name` when the text says the schema, else `name`. */
export type SqlOptions = {
  /** RFC 6901 pointer of the parameter that the text stood in, for the spans. */
  readonly pointer?: string;
  /** The operator's sensitivity tags of a relation, such as `personal`; [] for none. */
  readonly sensitive?: (relation: string) => readonly string[];
  /** Left out, nothing is vouched for: backslashes and names without a schema are opaque. */
  readonly session?: SqlSession;
  /** Whether a relation holds a record that others rely on; without it, names with `audit`, `log` or `journal` do. */
  readonly audit?: (relation: string) => boolean;
  /** Whether the operator does not vouch for what a relation or type hides: a view's query, the CHECK of a domain. */
  readonly doubtful?: (name: string) => boolean;
  /** Functions that the operator knows only to read, named as the text names them. */
  readonly functions?: ReadonlySet<string>;
};

/** Over all statements of a text and the scripts in it. */
export type Totals = {
  nodes: number;
  scripts: number;
  readonly tables: Set<string>;
  /** Those of them that are read. */
  readonly reads: Set<string>;
  readonly columns: Set<string>;
  /** Sum of the literal LIMITs; null as soon as one statement that gives rows has none. */
  limit: number | null;
  limited: number;
  /** UPDATE and DELETE statements, and those of them that a WHERE bounds. */
  changes: number;
  bounded: number;
};

/** What a classification shares with the scripts that stand inside it. */
export type Shared = {
  readonly findings: Findings;
  readonly parser: Parser;
  readonly options: SqlOptions;
  readonly pinned: boolean;
  readonly standardConformingStrings: boolean;
  readonly totals: Totals;
  /** Classifies SQL that stands in a literal or a body, and adds what it finds. */
  readonly script: (sql: string, level: number, span: Span, form?: "script" | "body") => void;
};

/** One statement being walked. */
export type Visit = Shared & {
  readonly sql: string;
  readonly level: number;
  /** The statement's own text, for the parser of function bodies. */
  readonly source: string;
  /** Of the statement, or of whatever the script stood in. */
  readonly span: Span;
  /** Span of a node of the parser's tree that knows its place. */
  readonly spanOf: (node: Tree) => Span;
  /** Whether it is an EXPLAIN without ANALYZE: the planner changes nothing, whatever the planned statement would. */
  readonly planned: boolean;
  /** Sensitive relations that this statement reads from. */
  readonly sensitiveReads: Set<string>;
  /** Whether it folds many rows into one value, so that LIMIT bounds nothing. */
  collects: boolean;
  /** Whether it reads anything or computes a value. */
  reads: boolean;
};

/** Names of earlier common table expressions; `upTo` of them are visible. */
export type Scope = {
  readonly names: ReadonlyMap<string, number>;
  readonly upTo: number;
  readonly parent: Scope | null;
};

/** What a rule finds: effects and traits with one sentence of evidence. */
export type Finding = {
  readonly effects: readonly Effect[];
  readonly traits: readonly TraitId[];
  readonly because: string;
};

/** Adds a finding to the draft. */
export function report(visit: Visit, finding: Finding, span: Span = visit.span): void {
  for (const effect of finding.effects) visit.findings.effect(effect, finding.because, span);
  for (const trait of finding.traits) visit.findings.trait(trait, finding.because, span);
}

/** Says that a name's meaning hangs on a search path that nobody vouches for. */
export function doubtPath(visit: Visit): void {
  if (visit.pinned) return;
  visit.findings.opaque(
    "The gate does not vouch for `search_path`: what names without a schema mean, operators included, is not known.",
  );
}
