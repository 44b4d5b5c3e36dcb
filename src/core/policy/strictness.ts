import type { Assurance, Decision, Hold, Term } from "./decision.ts";

/** Places of one approval: 16 people for one action is more than any house has asked for. */
export const QUORUM_MAX = 16;

/** Weakest first. */
export const ASSURANCES: readonly Assurance[] = ["A0", "A1", "A2", "A3", "A4"];

/** Whether evidence of strength `given` is enough where `wanted` is asked. */
export function assuranceCovers(given: Assurance, wanted: Assurance): boolean {
  return ASSURANCES.indexOf(given) >= ASSURANCES.indexOf(wanted);
}

/** Whether whoever meets the terms `met` also meets `wanted`: every group, with at least its quorum. */
export function coversTerms(met: readonly Term[], wanted: readonly Term[]): boolean {
  return wanted.every((term) => met.some((other) => other.group === term.group && other.quorum >= term.quorum));
}

/** Per group the largest quorum, sorted by group: no hold ever lowers what another asks. */
export function mergeTerms(lists: readonly (readonly Term[])[]): readonly Term[] {
  const largest = new Map<Term["group"], number>();
  for (const { group, quorum } of lists.flat()) largest.set(group, Math.max(quorum, largest.get(group) ?? 0));
  return [...largest].map(([group, quorum]) => ({ group, quorum })).sort((a, b) => compareText(a.group, b.group));
}

/** Of the action as it was asked for: `modify` and `defer` let it through in no case, a hold with approval. */
const RANK: Readonly<Record<Decision["outcome"], number>> = {
  allow: 0,
  require_approval: 1,
  modify: 2,
  defer: 3,
  deny: 4,
};

/**
 * Whether `a` lets through nothing that `b` would hold or deny: deny, defer, modify, then require_approval (more terms,
 * shorter expiry, stronger assurance are stricter), then allow. A partial order: two decisions that ask different groups
 * are not comparable.
 */
export function isAtLeastAsStrict(a: Decision, b: Decision): boolean {
  if (a.outcome !== "require_approval" || b.outcome !== "require_approval") return RANK[a.outcome] >= RANK[b.outcome];
  return coversTerms(a.terms, b.terms) && a.expiresInMs <= b.expiresInMs && assuranceCovers(a.assurance, b.assurance);
}

/** Whether a hold asks somebody for something. One that does not would be an approval by nobody. */
export function isMeaningful(hold: Hold): boolean {
  return (
    hold.terms.length > 0 &&
    hold.terms.every(({ quorum }) => Number.isInteger(quorum) && quorum >= 1 && quorum <= QUORUM_MAX) &&
    Number.isInteger(hold.expiresInMs) &&
    hold.expiresInMs > 0 &&
    ASSURANCES.includes(hold.assurance)
  );
}

/** By UTF-16 code units: the same order on every machine, whatever its locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
