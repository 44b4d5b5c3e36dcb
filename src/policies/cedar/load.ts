import { basename } from "node:path";
import type { GroupName } from "../../core/brand.ts";
import { canonicalBytes, digest } from "../../core/action/index.ts";
import type { Assurance, Term } from "../../core/policy/index.ts";
import { EFFECTS } from "../../core/risk/index.ts";
import type { Effect, FactType, PolicyId } from "../../core/risk/index.ts";
import { ConfigError } from "../../ports/config.ts";
import type { ConfigProblem } from "../../ports/config.ts";
import type { PolicySet } from "../../ports/policy.ts";
import { readMeaning } from "./annotations.ts";
import type { Meaning } from "./annotations.ts";
import { CACHE_ENTRIES_MAX, judge, VerdictCache } from "./evaluate.ts";
import { digestOf, readFolder, readSchemaFile } from "./files.ts";
import { parseFile, validatePolicies } from "./parse.ts";
import type { ParsedPolicy } from "./parse.ts";
import { probeSchema } from "./probe.ts";
import { generateSchema } from "./schema.ts";
import { READS_ALL, readsOf } from "./reads.ts";
import type { Reads } from "./reads.ts";
import { appliesTo, compile } from "./shards.ts";
import { fileProblem, problemAt } from "./source.ts";
import type { SourceFile } from "./source.ts";

/** Policies of one set. */
const POLICIES_MAX = 2_000;

export type LoadOptions = {
  /** The folder whose `*.cedar` files are the set. */
  readonly dir: string;
  /** Every group with the number of its active members: what a quorum can be met with. */
  readonly groups: ReadonlyMap<GroupName, number>;
  /** The facts of the catalogue, from which the schema is made. */
  readonly factTypes: ReadonlyMap<string, FactType>;
  /** A Cedar schema of the operator's own, instead of the generated one. */
  readonly schemaFile?: string;
};

/** One policy as a list for people shows it. */
export type PolicySummary = {
  readonly id: PolicyId;
  readonly kind: Meaning["kind"];
  readonly because: string;
  readonly file: string;
  readonly line: number;
  /** What a hold asks for; empty for the others. */
  readonly terms: readonly Term[];
  /** How strong the evidence of each approval has to be; null for the others. */
  readonly assurance: Assurance | null;
};

/** A set that has been loaded from files, what is in it, and the schema that it was validated against. */
export type LoadedPolicies = PolicySet & {
  readonly policies: readonly PolicySummary[];
  readonly schema: string;
  /** The files as they were read, by their names in the folder: what an auditor reads. */
  readonly texts: readonly { readonly file: string; readonly text: string }[];
};

type MeantPolicy = ParsedPolicy & { readonly meaning: Meaning };

/**
 * Loads and checks a folder of Cedar policies as a whole: it is a valid set, or a `ConfigError` (`policies_invalid`) that
 * names every problem with file, line, column and what to write instead. Nothing is skipped, nothing is half understood.
 */
export function loadPolicies(options: LoadOptions): LoadedPolicies {
  const { files, schema, policies } = readPolicies(options);
  const ready = policies.map(({ meaning, statement, json }) => {
    return { id: meaning.id, text: statement.text, action: json.action };
  });
  const shape = { sharded: true, hierarchy: options.schemaFile !== undefined };
  const demanding = new Set(policies.filter(({ meaning }) => "demand" in meaning).map(({ meaning }) => meaning.id));
  const set = {
    evaluator: compile(
      schema.text,
      ready.filter(({ id }) => !demanding.has(id)),
      shape,
    ),
    // Asked apart: an answer of Cedar's that denies names the forbids, and not the permits and holds beside them.
    demander:
      demanding.size === 0
        ? null
        : compile(
            schema.text,
            ready.filter(({ id }) => demanding.has(id)),
            shape,
          ),
    meanings: new Map(policies.map(({ meaning }) => [meaning.id, meaning])),
    factTypes: options.factTypes,
    reads: readsByEffect(policies, options.schemaFile !== undefined),
    cache: new VerdictCache(CACHE_ENTRIES_MAX),
  };
  return {
    digest: digest(canonicalBytes({ v: 1, policies: digestOf(files), schema: schema.digest })),
    schema: schema.text,
    policies: policies.map(summaryOf),
    texts: files.map(({ name, text }) => ({ file: basename(name), text })),
    notify: new Map(
      policies.flatMap(({ meaning }) => (meaning.kind === "hold" ? [[meaning.id, meaning.notify] as const] : [])),
    ),
    verdict: (effect, input) => judge(effect, input, set),
  };
}

/** What the policies of each effect look at. A schema of the operator's own may look at values too, such as ids of a list. */
function readsByEffect(policies: readonly MeantPolicy[], ownSchema: boolean): ReadonlyMap<Effect, Reads> {
  const readsFor = (effect: Effect): Reads =>
    ownSchema
      ? READS_ALL
      : readsOf(policies.map(({ json }) => json).filter((json) => appliesTo(json.action, effect, false)));
  return new Map(EFFECTS.map((effect) => [effect, readsFor(effect)]));
}

/** The files, parsed, validated and understood, or all that is wrong with them. */
function readPolicies(options: LoadOptions): {
  readonly files: readonly SourceFile[];
  readonly schema: SourceFile;
  readonly policies: readonly MeantPolicy[];
} {
  const problems: ConfigProblem[] = [];
  const files = readFolder(options.dir, problems);
  const schema = readSchema(options, problems);
  const parsed = files.map(parseFile);
  problems.push(...parsed.flatMap((one) => one.problems));
  const all = parsed.flatMap((one) => one.policies);
  if (all.length > POLICIES_MAX) {
    problems.push(fileProblem(options.dir, `holds more than ${POLICIES_MAX} policies`, "join some"));
  } else if (schema !== null) problems.push(...validatePolicies(schema.text, all));
  const policies = all.flatMap((policy) => understand(policy, options, problems));
  problems.push(...repeatedIds(all));
  if (schema !== null && problems.length === 0) return { files, schema, policies };
  throw new ConfigError({ code: "policies_invalid", problems: inOrder(problems) });
}

function readSchema({ schemaFile, factTypes }: LoadOptions, problems: ConfigProblem[]): SourceFile | null {
  if (schemaFile === undefined) {
    const text = generateSchema(factTypes);
    return { name: "generated", text, digest: digest(Buffer.from(text)) };
  }
  const schema = readSchemaFile(schemaFile, problems);
  if (schema !== null) problems.push(...probeSchema(schema, factTypes));
  return schema;
}

function understand(
  policy: ParsedPolicy,
  { groups, factTypes }: Pick<LoadOptions, "groups" | "factTypes">,
  problems: ConfigProblem[],
): readonly MeantPolicy[] {
  const { json, statement } = policy;
  const annotations = new Map(Object.entries(json.annotations ?? {}));
  const { meaning, complaints } = readMeaning(json.effect, annotations, groups, factTypes);
  for (const { about, message, hint } of complaints) {
    const offset = about === null ? 0 : (statement.annotations.get(about) ?? 0);
    problems.push(problemAt(statement, offset, message, hint));
  }
  return meaning === null ? [] : [{ ...policy, meaning }];
}

function repeatedIds(policies: readonly ParsedPolicy[]): readonly ConfigProblem[] {
  const first = new Map<string, ConfigProblem>();
  return policies.flatMap(({ statement, json }) => {
    const id = json.annotations?.["id"];
    if (typeof id !== "string") return [];
    const here = problemAt(statement, statement.annotations.get("id") ?? 0, `the id \`${id}\` is used twice`, null);
    const before = first.get(id);
    first.set(id, before ?? here);
    return before === undefined ? [] : [{ ...here, hint: `the first is at ${basename(before.file)}:${before.line}` }];
  });
}

function summaryOf({ meaning, statement }: MeantPolicy): PolicySummary {
  const { id, kind, because } = meaning;
  const { file, line } = problemAt(statement, 0, "", null);
  const { terms, assurance } = meaning.kind === "hold" ? meaning.hold : { terms: [], assurance: null };
  return { id, kind, because, file, line, terms, assurance };
}

function inOrder(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  return [...problems].sort(
    (a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) || a.line - b.line || a.column - b.column,
  );
}
