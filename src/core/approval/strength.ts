import type { Account, LinkStrength, Person } from "./people.ts";

const STRENGTHS: readonly LinkStrength[] = ["L0", "L1", "L2", "L3", "L4"];

/** Only an account that both sides have proven may review: weaker links may read and be invited to link. */
export const REVIEW_LINK_MIN: LinkStrength = "L3";

/** How strong evidence is, from 0 on. */
export function strengthOf(link: LinkStrength): number {
  return STRENGTHS.indexOf(link);
}

/** Whether a link is strong enough to review with. */
export function isFirm(link: LinkStrength): boolean {
  return strengthOf(link) >= strengthOf(REVIEW_LINK_MIN);
}

/**
 * The account by which a person is told something, of those that fit: one that may review, or else any. Whoever has not
 * proven theirs is told all the same, and cannot decide.
 */
export function accountToTell(
  { accounts }: Pick<Person, "accounts">,
  fits: (account: Account) => boolean,
): Account | null {
  const own = accounts.filter(fits);
  return own.find(({ strength }) => isFirm(strength)) ?? own[0] ?? null;
}
