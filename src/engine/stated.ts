import { canonicalBytes, digest, isJsonList, isJsonObject, jsonText } from "../core/action/index.ts";
import type { Json, JsonObject } from "../core/action/index.ts";
import type { Digest, Instant } from "../core/brand.ts";
import type { Classification, Effect, Fact, FactValue } from "../core/risk/index.ts";
import type { DocumentChange, Store } from "../ports/store.ts";

/** Statements that are kept at a time, facts of one, and how long one may be valid. */
export const STATEMENTS_MAX = 10_000;
export const STATED_FACTS_MAX = 32;
export const STATED_FOR_MAX_MS: number = 30 * 86_400_000;

/** What a statement is about: one action, or one resource. */
export type About = { readonly digest: Digest } | { readonly resource: { readonly type: string; readonly id: string } };

/** Facts that a source told: what is known of an action or a resource beside what the question says. */
export type Statement = {
  readonly about: About;
  readonly facts: readonly { readonly name: string; readonly value: FactValue }[];
  /** Who told it, in the operator's words. */
  readonly source: string;
  readonly until: Instant;
};

/** Of those that are over, so many go with each new one. */
const SWEPT_MAX = 256;

const KIND = "facts";

/** What sources have told, as long as it is valid. The latest statement about a thing replaces the one before it. */
export class Stated {
  readonly #statements = new Map<string, Statement>();

  async open(store: Store): Promise<void> {
    for (const { body } of await store.documents(KIND)) {
      const statement = statementIn(body);
      if (statement !== null) this.put(statement);
    }
  }

  /** Whether there is no room for a statement about one thing more; those that are over take none. */
  isFull(about: About, now: Instant): boolean {
    if (this.#statements.size < STATEMENTS_MAX || this.#statements.has(keyOf(about))) return false;
    return [...this.#statements.values()].every(({ until }) => until > now);
  }

  put(statement: Statement): void {
    this.#statements.set(keyOf(statement.about), statement);
  }

  /** The documents that make a statement last, and let go of those that are over. */
  documents(statement: Statement, now: Instant): readonly DocumentChange[] {
    const over = [...this.#statements].filter(([, { until }]) => until <= now).slice(0, SWEPT_MAX);
    for (const [key] of over) this.#statements.delete(key);
    const gone = over.map(([key]): DocumentChange => ({ kind: KIND, id: key, body: null }));
    return [...gone, { kind: KIND, id: keyOf(statement.about), body: asDocument(statement) }];
  }

  /** The facts of an action and of its resource. */
  factsOf(digest: Digest, resource: { readonly type: string; readonly id: string }, now: Instant): readonly Fact[] {
    if (this.#statements.size === 0) return [];
    const found = [this.#statements.get(keyOf({ digest })), this.#statements.get(keyOf({ resource }))];
    return found.flatMap((statement) => {
      if (statement === undefined || statement.until <= now) return [];
      return statement.facts.map(({ name, value }): Fact => ({ name, value, provenance: "source" }));
    });
  }
}

/**
 * A classification with what sources told. Facts that are missing are added; of two counts the larger stands, of two sets
 * both; any other contradiction is opaque, because somebody is wrong.
 */
export function withFacts(classification: Classification, told: readonly Fact[]): Classification {
  if (told.length === 0) return classification;
  const facts = new Map(classification.facts.map((fact) => [fact.name, fact]));
  const opaque = [...classification.opaque];
  for (const fact of told) {
    const known = facts.get(fact.name);
    const joined = known === undefined ? fact : joinedFact(known, fact);
    if (joined === null) opaque.push(`A source says another \`${fact.name}\` than the action.`);
    else facts.set(fact.name, joined);
  }
  const [reason] = opaque;
  const isOpaque = classification.effects.some(({ effect }) => effect === "opaque");
  const effects =
    reason === undefined || isOpaque
      ? classification.effects
      : [...classification.effects, { effect: "opaque" as Effect, because: reason, provenance: "source" as const }];
  return { ...classification, effects, opaque, facts: [...facts.values()].sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

function joinedFact(known: Fact, told: Fact): Fact | null {
  const { value: a } = known;
  const { value: b } = told;
  if (typeof a === "number" && typeof b === "number") return a > b ? known : told;
  if (typeof a === "object" && typeof b === "object") return { ...known, value: [...new Set([...a, ...b])].sort() };
  return a === b ? known : null;
}

/** Names of resources may be longer than a name of the store, and none may pass for an action's digest. */
function keyOf(about: About): string {
  if ("digest" in about) return about.digest;
  const { type, id } = about.resource;
  return `resource ${digest(canonicalBytes([type, id]))}`;
}

/** A statement as it is written down, and into the ledger. */
export function asDocument({ about, facts, source, until }: Statement): JsonObject {
  const told = facts.map(({ name, value }): Json => ({ name, value: typeof value === "object" ? [...value] : value }));
  return { about: { ...about }, facts: told, source, until };
}

function statementIn(body: JsonObject): Statement | null {
  const { about, facts, source, until } = body;
  if (about === undefined || !isJsonObject(about) || facts === undefined || !isJsonList(facts)) return null;
  // Written by `asDocument`, out of our own store.
  const statement = { about: about as About, facts: facts as Statement["facts"] };
  return { ...statement, source: jsonText(source), until: Number(until) as Instant };
}
