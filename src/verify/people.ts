import { ShapeError } from "./shapes.ts";
import type { Opened, Review, Term } from "./shapes.ts";

/** Distinct groups of one request's terms: every subset of them is looked at. */
export const GROUPS_MAX = 16;

/** A3: a person's own passkey. A4 is that of two people, whom the terms then ask for. */
export const ASSURANCE_PERSONAL_MAX = 3;
/** From here on a review shows what proves it: a fresh sign-in (A2) or a signature (A3). */
export const ASSURANCE_PROVEN = 2;

/** What the people rules look at: the request, who stands behind it, and the reviews that stand. */
export type Panel = {
  readonly opened: Opened;
  readonly barred: ReadonlySet<string>;
  readonly raised: boolean;
  readonly reviews: ReadonlyMap<string, Review>;
};

/** What is wrong with an approval by these people, a sentence each; none when it stands. */
export function faultsOfApproval(panel: Panel, by: readonly string[]): readonly string[] {
  const faults: string[] = [];
  if (new Set(by).size !== by.length) faults.push("one person is counted twice");
  const standing: Review[] = [];
  for (const person of new Set(by)) {
    const review = panel.reviews.get(person);
    if (review?.verdict !== "approve") faults.push(`\`${person}\` is counted but has no approval that stands`);
    else if (panel.barred.has(person)) faults.push(`\`${person}\` is counted but stands behind the action`);
    else if (review.assurance < Math.min(panel.opened.assurance, ASSURANCE_PERSONAL_MAX))
      faults.push(`the evidence of \`${person}\` is too weak`);
    else standing.push(review);
  }
  if (panel.opened.assurance > ASSURANCE_PERSONAL_MAX && standing.length < 2)
    faults.push("A4 takes two people's passkeys");
  const short = shortOf(termsOf(panel), standing);
  return short === null ? faults : [...faults, short];
}

/** Where no human is known behind an attempt, one person must not be enough. */
function termsOf(panel: Panel): readonly Term[] {
  const [first, ...rest] = panel.opened.terms;
  if (!panel.raised || first === undefined || rest.length > 0 || first.quorum >= 2) return panel.opened.terms;
  return [{ ...first, quorum: 2 }];
}

/**
 * Which places cannot be filled by distinct people, or null. By Hall's theorem everyone can have a place of their own
 * exactly if no set of groups asks for more people than belong to any of them. It is tried for every set of groups:
 * slower than the matching that the product uses, and nothing in common with it.
 */
export function shortOf(terms: readonly Term[], reviews: readonly Pick<Review, "person" | "groups">[]): string | null {
  if (terms.length === 0) return "the request asks nobody to approve";
  const wanted = new Map<string, number>();
  for (const { group, quorum } of terms) wanted.set(group, (wanted.get(group) ?? 0) + quorum);
  const groups = [...wanted.keys()];
  if (groups.length > GROUPS_MAX) throw new ShapeError(`its terms name more than ${GROUPS_MAX} groups`);
  const people = new Map(reviews.map((review) => [review.person, review.groups]));
  for (let subset = 1; subset < 2 ** groups.length; subset++) {
    const asked = groups.filter((_, bit) => (subset & (1 << bit)) !== 0);
    const places = asked.reduce((sum, group) => sum + (wanted.get(group) ?? 0), 0);
    const able = [...people.values()].filter((member) => member.some((group) => asked.includes(group))).length;
    if (able < places) return `${asked.join(" and ")} need ${places} distinct people, and ${able} approved`;
  }
  return null;
}
