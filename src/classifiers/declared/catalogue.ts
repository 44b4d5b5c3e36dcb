import { z } from "zod";
import type { Digest } from "../../core/brand.ts";
import { canonicalBytes, digest, NAME_CHARS_MAX } from "../../core/action/index.ts";
import type { JsonObject } from "../../core/action/index.ts";
import { EFFECTS, RISK_FACTS } from "../../core/risk/index.ts";
import type { Effect, FactType, FactValue, RequestRule } from "../../core/risk/index.ts";
import { ConfigError } from "../../ports/config.ts";
import type { ConfigProblem } from "../../ports/config.ts";
import { readYaml } from "../../config/index.ts";
import { requestRules, requestsMember, TEXT_FACTS, textsMember, textSources } from "./texts.ts";
import type { TextSource } from "./texts.ts";

/** Actions, resources, and facts of one action in a catalogue. */
const ACTIONS_MAX = 5_000;
const RESOURCES_MAX = 20_000;
const FUNCTIONS_MAX = 2_000;
export const FACTS_MAX = 64;
/** Characters of a fact's text, and members of a list. */
export const FACT_CHARS_MAX = 1_024;
export const FACT_LIST_MAX = 64;
export const FACT_NAME_CHARS_MAX = 64;

/** Where a fact is read from, such as `["action", "properties", "limit"]`, and what it must be. */
export type Extraction = {
  readonly path: readonly string[];
  readonly type: FactType;
  /** When absent the fact is absent too, and a policy has to ask with `has`; otherwise the action is opaque. */
  readonly optional: boolean;
};

export type CatalogueAction = {
  readonly effects: readonly Effect[];
  readonly title: string | null;
  readonly facts: ReadonlyMap<string, Extraction>;
  readonly constants: ReadonlyMap<string, FactValue>;
  /** Without effects of its own, the action is whatever its texts do. */
  readonly texts: readonly TextSource[];
};

/** `id` ends with `*` when it stands for everything that begins so. */
export type CatalogueResource = { readonly type: string; readonly id: string; readonly sensitivity: readonly string[] };

/** What the operator knows of actions and resources. A snapshot never changes; a reload makes a new one. */
export type Catalogue = {
  /** SHA-256 of the canonical form of `content`, which is the file with its defaults written out. */
  readonly digest: Digest;
  readonly content: JsonObject;
  readonly actions: ReadonlyMap<string, CatalogueAction>;
  readonly resources: readonly CatalogueResource[];
  /** The tags of whatever no entry of `resources` names; without them nothing is known of it. */
  readonly unlabelled?: readonly string[];
  readonly environments: ReadonlySet<string>;
  /** HTTP requests whose effects are known. */
  readonly requests: readonly RequestRule[];
  /** Functions of the databases that only read, named as texts name them; left out for none. */
  readonly functions?: readonly string[];
  /** Every fact that policies may read, with its one type. */
  readonly factTypes: ReadonlyMap<string, FactType>;
};

const PATH = /^(action\.name|resource\.(type|id)|(action|resource)\.properties(\.[A-Za-z_][A-Za-z0-9_-]*){1,8})$/;
// eslint-disable-next-line no-control-regex -- control characters are what this refuses
const VISIBLE = /^[^\u0000-\u001f\u007f]+$/;

const name = z.string().min(1).max(NAME_CHARS_MAX).regex(VISIBLE, "must not contain control characters");
const tag = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, "write a tag in lower case, such as `personal`");
const factName = z.string().regex(/^[a-z][a-zA-Z0-9_]{0,63}$/, "write a name such as `rows` or `dry_run`");
const factText = z.string().max(FACT_CHARS_MAX);
const factWords = "write true, false, a whole number from 0 on, a text, or a list of texts";
const factValue = z.union(
  [z.boolean(), z.int().min(0, factWords), factText, z.array(factText).max(FACT_LIST_MAX)],
  factWords,
);
const effect = z.enum(EFFECTS, `write one of ${EFFECTS.join(", ")}`);
const extraction = z.strictObject({
  from: z
    .string()
    .regex(
      PATH,
      "write where to read it: `action.properties.NAME`, `resource.properties.NAME`, `resource.id`, `resource.type` or `action.name`",
    ),
  type: z.enum(["integer", "string", "boolean", "strings"], "write integer, string, boolean or strings"),
  optional: z.boolean("write true or false").default(false),
});
const action = z.strictObject({
  effects: z
    .array(effect, "write a list such as [read]")
    .min(1, "name at least one effect; `opaque` holds it always")
    .optional(),
  texts: textsMember.optional(),
  title: z.string().min(1).max(120).regex(VISIBLE, "must not contain control characters").optional(),
  facts: z.record(factName, extraction).default({}),
  constants: z.record(factName, factValue).default({}),
});
const resource = z.strictObject({
  type: name,
  id: name.regex(/^[^*]*\*?$/, "`*` may only stand at the end, for everything that begins so"),
  sensitivity: z.array(tag, "write a list such as [personal], or [] for what is not sensitive").max(FACT_LIST_MAX),
});
const catalogue = z.strictObject({
  actions: z.record(name, action, "write the actions, each under its name"),
  resources: z.array(resource).max(RESOURCES_MAX).default([]),
  unlabelled: z.array(tag, "write a list such as [personal]").min(1).max(FACT_LIST_MAX).optional(),
  requests: requestsMember.default([]),
  functions: z
    .array(
      z
        .string()
        .max(NAME_CHARS_MAX)
        .regex(/^(?:[a-z_][a-z0-9_$]*\.)*[a-z_][a-z0-9_$]*$/, "write a function as texts name it, such as `app.price`"),
    )
    .max(FUNCTIONS_MAX, `more than ${FUNCTIONS_MAX} functions`)
    .optional(),
  environments: z
    .array(name, "list the environments, such as [production, staging]")
    .min(1, "list at least one environment"),
});
type Written = z.infer<typeof catalogue>;
type At = (path: readonly PropertyKey[], message: string, hint: string | null) => ConfigProblem;

/** Reads and checks `catalogue.yaml`; throws a `ConfigError` that names every problem with its file and line. */
export function loadCatalogue(path: string): Catalogue {
  const { value, problem } = readYaml<Written>(path, catalogue, "catalogue_invalid");
  const factTypes = new Map(RISK_FACTS);
  const problems = [
    ...effectProblems(value, problem),
    ...factProblems(value, factTypes, problem),
    ...resourceProblems(value, problem),
  ];
  if (Object.keys(value.actions).length > ACTIONS_MAX) {
    problems.push(problem(["actions"], `more than ${ACTIONS_MAX} actions`, null));
  }
  if (problems.length > 0) throw new ConfigError({ code: "catalogue_invalid", problems });
  const content = JSON.parse(JSON.stringify(value)) as JsonObject;
  return {
    digest: digest(canonicalBytes(content)),
    content,
    actions: new Map(Object.entries(value.actions).map(([key, written]) => [key, actionOf(written)])),
    resources: value.resources,
    ...(value.unlabelled === undefined ? {} : { unlabelled: value.unlabelled }),
    environments: new Set(value.environments),
    requests: requestRules(value.requests),
    ...(value.functions === undefined ? {} : { functions: value.functions }),
    factTypes,
  };
}

function actionOf({ effects = [], title, facts, constants, texts = [] }: Written["actions"][string]): CatalogueAction {
  const extractions = Object.entries(facts).map(
    ([fact, { from, type, optional }]) => [fact, { path: from.split("."), type, optional }] as const,
  );
  return {
    effects: [...new Set(effects)],
    title: title ?? null,
    facts: new Map(extractions),
    constants: new Map(Object.entries(constants).map(([fact, value]) => [fact, normal(value)])),
    texts: textSources(texts),
  };
}

/** An action says what it does, or where that can be read. */
function effectProblems({ actions }: Written, at: At): ConfigProblem[] {
  return Object.entries(actions).flatMap(([key, { effects, texts = [] }]) => {
    const problems: ConfigProblem[] = [];
    if (effects === undefined && texts.length === 0) {
      const hint = "write `effects: [read]`, or `texts:` when a parameter says it; `opaque` holds it always";
      problems.push(at(["actions", key], "has neither `effects` nor `texts`", hint));
    }
    for (const [index, { as, session }] of texts.entries()) {
      const where = ["actions", key, "texts", index];
      if (session !== undefined && as !== "sql") {
        problems.push(at([...where, "session"], "`session` is for `as: sql` alone", "leave it out"));
      }
      if (as === "mcp" && effects === undefined) {
        problems.push(at(where, "arguments alone do not say what a tool does", "write the tool's `effects`"));
      }
    }
    return problems;
  });
}

/** Policies see one typed record of facts, so that a fact must be of the same type wherever it appears. */
function factProblems(written: Written, types: Map<string, FactType>, at: At): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  for (const [actionName, { facts, constants }] of Object.entries(written.actions)) {
    const found = [
      ...Object.entries(facts).map(([fact, { type }]) => [fact, type, ["facts", fact, "type"]] as const),
      ...Object.entries(constants).map(([fact, value]) => [fact, typeOf(value), ["constants", fact]] as const),
    ];
    if (found.length > FACTS_MAX) problems.push(at(["actions", actionName], `more than ${FACTS_MAX} facts`, null));
    for (const [fact, type, path] of found) {
      const known = types.get(fact);
      const where = ["actions", actionName, ...path];
      if (fact === "sensitivity") {
        problems.push(at(where, "`sensitivity` comes from `resources`", "mark the resource there and leave this out"));
      } else if (known !== undefined && known !== type) {
        problems.push(
          at(where, `the fact \`${fact}\` is ${type} here and ${known} elsewhere`, "use another name for one of them"),
        );
      } else types.set(fact, type);
    }
    for (const fact of Object.keys(constants).filter((key) => Object.hasOwn(facts, key))) {
      problems.push(
        at(["actions", actionName, "constants", fact], `\`${fact}\` is both read and fixed`, "keep one of the two"),
      );
    }
  }
  problems.push(...textFactProblems(written, types, at));
  if (types.size > FACTS_MAX) problems.push(at(["actions"], `more than ${FACTS_MAX} different facts`, null));
  return problems;
}

/** What a text is found to say are facts as well, each of one type. */
function textFactProblems({ actions }: Written, types: Map<string, FactType>, at: At): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  for (const [key, { texts = [] }] of Object.entries(actions)) {
    for (const [index, { as }] of texts.entries()) {
      for (const [fact, type] of Object.entries(TEXT_FACTS[as])) {
        const known = types.get(fact) ?? type;
        types.set(fact, known);
        if (known === type) continue;
        const message = `a text of ${as} has the fact \`${fact}\`, which is ${type} and not ${known}`;
        problems.push(at(["actions", key, "texts", index], message, `use another name than \`${fact}\` elsewhere`));
      }
    }
  }
  return problems;
}

function resourceProblems({ resources }: Written, at: At): ConfigProblem[] {
  const seen = new Set<string>();
  return resources.flatMap(({ type, id }, index) => {
    const key = JSON.stringify([type, id]);
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    return [at(["resources", index], `\`${type}\` \`${id}\` is listed twice`, "join the two")];
  });
}

/** Lists are sets: sorted, each text once, so that equal sets are equal. */
function normal(value: FactValue): FactValue {
  return typeof value === "object" ? [...new Set(value)].sort() : value;
}

/** The type of a value that the catalogue fixes. */
function typeOf(value: FactValue): FactType {
  if (typeof value === "number") return "integer";
  if (typeof value === "boolean") return "boolean";
  return typeof value === "string" ? "string" : "strings";
}
