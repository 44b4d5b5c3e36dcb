import { EFFECTS } from "../../core/risk/index.ts";
import type { Classification, Effect, Fact, FactType, FoundEffect, Trait, TraitId } from "../../core/risk/index.ts";

/** Reasons that are told, and members of a fact that is a set. */
const OPAQUE_REASONS_MAX = 16;
const FACT_NAMES_MAX = 64;

/**
 * The whole of an action: what the catalogue and the gate say of it, and what its texts do. Everything adds up; whatever
 * contradicts itself is opaque. Facts have one value each, because policies read them by name.
 */
export function joinTexts(
  own: Classification,
  texts: readonly Classification[],
  factTypes: ReadonlyMap<string, FactType>,
): Classification {
  const all = [own, ...texts];
  const reasons = new Set(all.flatMap(({ opaque }) => opaque));
  const facts = joinFacts(all, factTypes, reasons);
  const effects = new Map<Effect, FoundEffect>();
  for (const found of all.flatMap(({ effects: some }) => some)) {
    const known = effects.get(found.effect);
    // What a parser or the operator knows is no longer only the gate's word.
    if (known === undefined || (known.provenance === "gate" && found.provenance !== "gate")) {
      effects.set(found.effect, found);
    }
  }
  const [reason] = reasons;
  if (reason !== undefined && !effects.has("opaque")) {
    effects.set("opaque", { effect: "opaque", because: reason, provenance: "parsed" });
  }
  const traits = new Map<TraitId, Trait>();
  for (const trait of all.flatMap((one) => one.traits ?? [])) if (!traits.has(trait.id)) traits.set(trait.id, trait);
  return {
    effects: EFFECTS.flatMap((effect) => effects.get(effect) ?? []),
    facts,
    opaque: told([...reasons]),
    traits: [...traits.values()],
  };
}

function joinFacts(
  all: readonly Classification[],
  factTypes: ReadonlyMap<string, FactType>,
  reasons: Set<string>,
): readonly Fact[] {
  const facts = new Map<string, Fact>();
  for (const fact of all.flatMap(({ facts: some }) => some)) {
    const type = factTypes.get(fact.name);
    const known = facts.get(fact.name);
    if (type !== undefined && type !== typeOf(fact)) {
      reasons.add(`A text gives \`${fact.name}\` as ${typeOf(fact)}, and the catalogue has it as ${type}.`);
    } else if (known === undefined) facts.set(fact.name, fact);
    else {
      const joined = joinFact(known, fact);
      if (joined === null) reasons.add(`The action says two things of \`${fact.name}\`.`);
      else facts.set(fact.name, joined);
    }
  }
  return [...facts.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Sets unite, and whatever is irreversible once is so; of two numbers the larger is the careful one. */
function joinFact(known: Fact, more: Fact): Fact | null {
  const { value: a } = known;
  const { value: b } = more;
  if (typeof a === "object" && typeof b === "object") {
    return { ...known, value: [...new Set([...a, ...b])].sort().slice(0, FACT_NAMES_MAX) };
  }
  if (a === b) return known;
  if (typeof a === "number" && typeof b === "number") return a > b ? known : more;
  if (known.name === "irreversible" && typeof a === "boolean" && typeof b === "boolean") return a ? known : more;
  return null;
}

function typeOf({ value }: Fact): FactType {
  if (typeof value === "number") return "integer";
  if (typeof value === "boolean") return "boolean";
  return typeof value === "string" ? "string" : "strings";
}

function told(reasons: readonly string[]): readonly string[] {
  if (reasons.length <= OPAQUE_REASONS_MAX) return reasons;
  return [...reasons.slice(0, OPAQUE_REASONS_MAX), `and ${reasons.length - OPAQUE_REASONS_MAX} more reasons.`];
}
