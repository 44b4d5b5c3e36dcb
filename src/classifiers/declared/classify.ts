import type { Declared, Json, JsonObject, Question } from "../../core/action/index.ts";
import { EFFECTS } from "../../core/risk/index.ts";
import type { Classification, Effect, Fact, FactType, FactValue, FoundEffect } from "../../core/risk/index.ts";
import { FACT_CHARS_MAX, FACT_LIST_MAX, FACT_NAME_CHARS_MAX, FACTS_MAX } from "./catalogue.ts";
import type { Catalogue, CatalogueAction } from "./catalogue.ts";

/** Effects that one question may declare, and reasons that are told of one that was not understood. */
const DECLARED_EFFECTS_MAX = 32;
const OPAQUE_REASONS_MAX = 16;

/** A classification in the making: every doubt goes into `opaque`, and no doubt is ever taken back. */
type Draft = {
  readonly effects: Map<Effect, FoundEffect>;
  readonly facts: Map<string, Fact>;
  readonly opaque: string[];
};

/** Answers at once. Of an action that has only texts it knows nothing: whoever composes the whole has to read them. */
export type DeclaredClassifier = { readonly classify: (question: Question) => Classification };

/**
 * A classifier of structured calls: the operator's catalogue says what an action does and where its facts stand; the gate
 * may add effects and facts. Whatever is unknown, missing, of the wrong type or contradicted is `opaque`, with the reason.
 */
export function declaredClassifier(catalogue: Catalogue): DeclaredClassifier {
  const sensitivity = sensitivityIndex(catalogue.resources);
  const effects = effectsIndex(catalogue);
  return { classify: (question) => classify({ catalogue, sensitivity, effects }, question) };
}

/** The catalogue, with what follows from it made once. */
type Known = {
  readonly catalogue: Catalogue;
  readonly sensitivity: SensitivityIndex;
  /** What it says that each action does. */
  readonly effects: ReadonlyMap<string, readonly FoundEffect[]>;
};

function effectsIndex({ actions }: Catalogue): Known["effects"] {
  return new Map(
    [...actions].map(([action, { effects }]) => [
      action,
      effects.map((effect): FoundEffect => {
        const because = `The catalogue names \`${effect}\` as an effect of ${quote(action)}.`;
        return { effect, because, provenance: "operator" };
      }),
    ]),
  );
}

function classify({ catalogue, sensitivity, effects }: Known, question: Question): Classification {
  const draft: Draft = { effects: new Map(), facts: new Map(), opaque: [] };
  const { name } = question.action;
  const declared = question.context.declared ?? {};
  const known = catalogue.actions.get(name);
  if (known !== undefined) addKnown(draft, known, effects.get(name) ?? [], question);
  else if ((declared.effects ?? []).length === 0) {
    draft.opaque.push(`${quote(name)} is not in the catalogue; held as opaque. Add it to catalogue.yaml.`);
  }
  addSensitivity(draft, sensitivity, question, catalogue.unlabelled ?? []);
  addDeclared(draft, catalogue, declared);
  const { environment } = question.context;
  if (environment !== undefined && !catalogue.environments.has(environment)) {
    draft.opaque.push(`The environment ${quote(environment)} is not in the catalogue.`);
  }
  return finish(draft);
}

function addKnown(draft: Draft, known: CatalogueAction, effects: readonly FoundEffect[], question: Question): void {
  for (const found of effects) {
    draft.effects.set(found.effect, found);
    if (found.effect === "opaque") draft.opaque.push(found.because);
  }
  for (const [fact, value] of known.constants) draft.facts.set(fact, { name: fact, value, provenance: "operator" });
  for (const [fact, extraction] of known.facts) {
    const found = lookUp(question, extraction.path);
    const where = (): string => extraction.path.join(".");
    if (found === undefined) {
      // An unknown row count is not a small one: what should be known and is not makes the whole action opaque.
      if (!extraction.optional) {
        const name = quote(question.action.name);
        draft.opaque.push(`${name} was called without \`${where()}\`, so that \`${fact}\` is not known.`);
      }
      continue;
    }
    const value = valueOf(found, extraction.type);
    if (value === null)
      draft.opaque.push(`\`${where()}\` is not ${described(extraction.type)}, so that \`${fact}\` is not known.`);
    else draft.facts.set(fact, { name: fact, value, provenance: "operator" });
  }
}

/** Tags by type: of ids as they are, and of beginnings of ids. */
type SensitivityIndex = ReadonlyMap<string, TagsOfType>;
type TagsOfType = {
  readonly exact: ReadonlyMap<string, readonly string[]>;
  readonly beginnings: ReadonlyMap<string, readonly string[]>;
};
const NO_TAGS: TagsOfType = { exact: new Map(), beginnings: new Map() };

function sensitivityIndex(resources: Catalogue["resources"]): SensitivityIndex {
  const index = new Map<
    string,
    { exact: Map<string, readonly string[]>; beginnings: Map<string, readonly string[]> }
  >();
  for (const { type, id, sensitivity } of resources) {
    const ofType = index.get(type) ?? { exact: new Map(), beginnings: new Map() };
    if (id.endsWith("*")) ofType.beginnings.set(id.slice(0, -1), sensitivity);
    else ofType.exact.set(id, sensitivity);
    index.set(type, ofType);
  }
  return index;
}

/**
 * Tags of every entry that fits the resource. One that no entry fits has those of `unlabelled`, or no such fact at all:
 * unknown is not harmless.
 */
function addSensitivity(
  draft: Draft,
  index: SensitivityIndex,
  { resource }: Question,
  unlabelled: readonly string[],
): void {
  const { exact, beginnings } = index.get(resource.type) ?? NO_TAGS;
  const fitting: (readonly string[])[] = [];
  for (const [start, tags] of beginnings) if (resource.id.startsWith(start)) fitting.push(tags);
  const own = exact.get(resource.id);
  if (own !== undefined) fitting.push(own);
  if (fitting.length === 0 && unlabelled.length > 0) fitting.push(unlabelled);
  if (fitting.length === 0) return;
  draft.facts.set("sensitivity", { name: "sensitivity", value: sorted(fitting.flat()), provenance: "operator" });
}

/** What the gate says. It may add; a contradiction of the operator is opaque, not a correction. */
function addDeclared(draft: Draft, catalogue: Catalogue, declared: Declared): void {
  const effects = declared.effects ?? [];
  const facts = Object.entries(declared.facts ?? {});
  if (effects.length > DECLARED_EFFECTS_MAX)
    draft.opaque.push(`The gate declares more than ${DECLARED_EFFECTS_MAX} effects.`);
  if (facts.length > FACTS_MAX) draft.opaque.push(`The gate declares more than ${FACTS_MAX} facts.`);
  for (const written of effects.slice(0, DECLARED_EFFECTS_MAX)) {
    const effect = EFFECTS.find((candidate) => candidate === written);
    if (effect === undefined)
      draft.opaque.push(`The gate declares the effect ${quote(written)}, which does not exist.`);
    else if (effect === "opaque") draft.opaque.push("The gate does not know what the action does.");
    else if (!draft.effects.has(effect)) {
      draft.effects.set(effect, { effect, because: `The gate declares ${effect}.`, provenance: "gate" });
    }
  }
  for (const [name, written] of facts.slice(0, FACTS_MAX)) addDeclaredFact(draft, catalogue, name, written);
}

function addDeclaredFact(draft: Draft, catalogue: Catalogue, name: string, written: Json): void {
  const type = catalogue.factTypes.get(name);
  const value = type === undefined ? anyValue(written) : valueOf(written, type);
  const label = quote(name);
  if (value === null || name.length > FACT_NAME_CHARS_MAX) {
    draft.opaque.push(`The gate declares ${label}, which is not ${type === undefined ? "a fact" : described(type)}.`);
    return;
  }
  const known = draft.facts.get(name);
  if (known === undefined) draft.facts.set(name, { name, value, provenance: "gate" });
  else if (name === "sensitivity" && isList(known.value) && isList(value)) {
    const joined = sorted([...known.value, ...value]);
    const provenance = joined.length > known.value.length ? "gate" : known.provenance;
    draft.facts.set(name, { name, value: joined, provenance });
  } else if (!same(known.value, value)) {
    draft.opaque.push(`The gate declares another ${label} than the catalogue finds.`);
  }
}

function finish(draft: Draft): Classification {
  const opaque = [...new Set(draft.opaque)];
  const [first] = opaque;
  if (first !== undefined && !draft.effects.has("opaque")) {
    draft.effects.set("opaque", { effect: "opaque", because: first, provenance: "operator" });
  }
  const told = opaque.slice(0, OPAQUE_REASONS_MAX);
  return {
    effects: inOrder(draft.effects),
    facts: [...draft.facts.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    opaque: opaque.length > told.length ? [...told, `and ${opaque.length - told.length} more reasons.`] : told,
  };
}

/** Of a few effects: most actions have one, which is in order by itself. */
function inOrder(effects: ReadonlyMap<Effect, FoundEffect>): readonly FoundEffect[] {
  if (effects.size < 2) return [...effects.values()];
  return EFFECTS.flatMap((effect) => effects.get(effect) ?? []);
}

/** The member of a question that a path of the catalogue names. */
export function lookUp(question: Question, path: readonly string[]): Json | undefined {
  let value: Json | undefined = path[0] === "action" ? question.action : question.resource;
  for (const step of path.slice(1)) {
    if (!isObject(value) || !Object.hasOwn(value, step)) return undefined;
    value = value[step];
  }
  return value;
}

/** The value as a fact of the type, or null. Below zero is refused too: −1 is many a tool's word for "no limit". */
function valueOf(written: Json, wanted: FactType): FactValue | null {
  const value = anyValue(written);
  switch (wanted) {
    case "integer":
      return typeof value === "number" ? value : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "string":
      return typeof value === "string" ? value : null;
    case "strings":
      return isList(value) ? value : null;
    default:
      wanted satisfies never;
      return null;
  }
}

function anyValue(written: Json): FactValue | null {
  if (typeof written === "boolean") return written;
  if (typeof written === "number") return Number.isSafeInteger(written) && written >= 0 ? written : null;
  if (typeof written === "string") return written.length <= FACT_CHARS_MAX ? written : null;
  if (!isJsonList(written) || written.length > FACT_LIST_MAX) return null;
  const texts = written.filter((item) => typeof item === "string" && item.length <= FACT_CHARS_MAX);
  return texts.length === written.length ? sorted(texts.map(String)) : null;
}

function described(type: FactType): string {
  switch (type) {
    case "integer":
      return "a whole number from 0 on";
    case "boolean":
      return "true or false";
    case "string":
      return `a text of at most ${FACT_CHARS_MAX} characters`;
    case "strings":
      return `a list of at most ${FACT_LIST_MAX} texts`;
    default:
      return type satisfies never;
  }
}

function same(a: FactValue, b: FactValue): boolean {
  if (!isList(a) || !isList(b)) return a === b;
  return a.length === b.length && a.every((item, index) => item === b[index]);
}

function sorted(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort();
}

function isList(value: FactValue | null): value is readonly string[] {
  return Array.isArray(value);
}

function isJsonList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What an agent wrote, cut to 80 characters and its invisible ones written out, so that it cannot pass for our words. */
function quote(text: string): string {
  const cut = text.slice(0, 80).toWellFormed(); // a cut surrogate pair would not be JSON
  const visible = cut.replaceAll(
    /[\p{C}\p{Zl}\p{Zp}`\\]/gu,
    (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  );
  return cut.length < text.length ? `\`${visible}…\`` : `\`${visible}\``;
}
