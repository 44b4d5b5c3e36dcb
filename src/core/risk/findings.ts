import { EFFECTS } from "./facts.ts";
import type { Classification, Effect, Fact, FoundEffect, Span, Trait, TraitId } from "./facts.ts";

/** Reasons told of one text that was not understood. */
const OPAQUE_REASONS_MAX = 16;

/** Names in one list of a fact, and characters of each. */
const FACT_NAMES_MAX = 64;
const FACT_NAME_CHARS_MAX = 256;

/** Characters of hostile text that one reason quotes. */
const QUOTED_CHARS_MAX = 80;

/** A parser's classification in the making: what was once found is never taken back. */
export type Findings = {
  readonly effect: (effect: Effect, because: string, span?: Span) => void;
  readonly trait: (id: TraitId, because: string, span?: Span) => void;
  readonly opaque: (reason: string) => void;
  /** Sets a fact of one value; the last one stays. */
  readonly fact: (name: string, value: string | number | boolean) => void;
  /** Adds a name to a fact that is a set of names. */
  readonly name: (fact: string, name: string) => void;
  /** Takes over everything of another classification. */
  readonly join: (other: Classification) => void;
  /** The classification so far. Nothing found is opaque, because nothing was proven. */
  readonly done: () => Classification;
};

/** Opens an empty draft whose findings are all of provenance `parsed`. */
export function openFindings(): Findings {
  const effects = new Map<Effect, FoundEffect>();
  const traits = new Map<TraitId, Trait>();
  const facts = new Map<string, Fact>();
  const names = new Map<string, Set<string>>();
  const opaque = new Set<string>();
  const effect: Findings["effect"] = (found, because, span) => {
    if (found === "opaque") opaque.add(because);
    else if (!effects.has(found)) effects.set(found, { effect: found, because, provenance: "parsed", ...at(span) });
  };
  const trait: Findings["trait"] = (id, because, span) => {
    if (!traits.has(id)) traits.set(id, { id, because, ...at(span) });
  };
  const name: Findings["name"] = (fact, item) => {
    const set = names.get(fact) ?? new Set();
    if (set.size < FACT_NAMES_MAX) set.add(item.slice(0, FACT_NAME_CHARS_MAX).toWellFormed());
    names.set(fact, set);
  };
  const join: Findings["join"] = (other) => {
    for (const found of other.effects) {
      if (found.effect !== "opaque" && !effects.has(found.effect)) effects.set(found.effect, found);
    }
    for (const found of other.traits ?? []) trait(found.id, found.because, found.span);
    for (const reason of other.opaque) opaque.add(reason);
    for (const fact of other.facts) {
      if (typeof fact.value === "object") for (const item of fact.value) name(fact.name, item);
      else facts.set(fact.name, fact);
    }
  };
  const done = (): Classification => {
    const reasons = [...opaque];
    if (reasons.length === 0 && effects.size === 0) reasons.push("Nothing is known of what it does.");
    return {
      effects: [...EFFECTS.flatMap((one) => effects.get(one) ?? []), ...opaqueEffect(reasons)],
      facts: [...facts.values(), ...[...names].map(([fact, set]) => namesFact(fact, set))].toSorted(byName),
      opaque: told(reasons),
      traits: [...traits.values()],
    };
  };
  const fact: Findings["fact"] = (key, value) => {
    const kept = typeof value === "string" ? value.slice(0, FACT_NAME_CHARS_MAX).toWellFormed() : value;
    facts.set(key, { name: key, value: kept, provenance: "parsed" });
  };
  return { effect, trait, fact, name, join, done, opaque: (reason) => void opaque.add(reason) };
}

/** Hostile text for a reason: cut, and its invisible characters written out, so that it cannot pass for our words. */
export function quoted(text: string): string {
  const cut = text.slice(0, QUOTED_CHARS_MAX).toWellFormed();
  const visible = cut.replaceAll(
    /[\p{C}\p{Zl}\p{Zp}`\\]/gu,
    (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  );
  return cut.length < text.length ? `\`${visible}…\`` : `\`${visible}\``;
}

function at(span: Span | undefined): { readonly span?: Span } {
  return span === undefined ? {} : { span };
}

function opaqueEffect([first]: readonly string[]): FoundEffect[] {
  return first === undefined ? [] : [{ effect: "opaque", because: first, provenance: "parsed" }];
}

function namesFact(name: string, set: ReadonlySet<string>): Fact {
  return { name, value: [...set].toSorted(), provenance: "parsed" };
}

function byName(a: Fact, b: Fact): number {
  return a.name < b.name ? -1 : 1;
}

function told(reasons: readonly string[]): readonly string[] {
  if (reasons.length <= OPAQUE_REASONS_MAX) return reasons;
  return [...reasons.slice(0, OPAQUE_REASONS_MAX), `and ${reasons.length - OPAQUE_REASONS_MAX} more reasons.`];
}
