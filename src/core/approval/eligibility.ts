import type { GroupName, Instant, PersonId } from "../brand.ts";
import type { Assurance, Term } from "../policy/index.ts";
import type { LinkStrength, Roster } from "./people.ts";
import type { Barred, Refusal, Verdict } from "./request.ts";
import { refuse } from "./refusals.ts";

/** What the request asks of a reviewer. */
export type Ask = {
  readonly terms: readonly Term[];
  readonly barred: readonly Barred[];
  readonly assurance: Assurance;
  readonly openedAt: Instant;
};

/** The proof of who reviews: a person, through one account, with so much assurance. */
export type Reviewer = { readonly person: PersonId; readonly link: LinkStrength; readonly assurance: Assurance };

const ASSURANCES: readonly Assurance[] = ["A0", "A1", "A2", "A3", "A4"];
const STRENGTHS: readonly LinkStrength[] = ["L0", "L1", "L2", "L3", "L4"];

/** Only an account that both sides have proven may review: weaker links may read and be invited to link. */
export const REVIEW_LINK_MIN: LinkStrength = "L3";

/**
 * May this person review, by today's roster? Answers the groups whose places the person may fill.
 * A barred person may still deny: stopping an action of one's own harms nobody.
 */
export function eligibility(
  ask: Ask,
  reviewer: Reviewer,
  verdict: Verdict,
  roster: Roster,
): { readonly groups: readonly GroupName[] } | Refusal {
  const person = roster.people.get(reviewer.person);
  if (person === undefined) return refuse("person_unknown");
  if (!person.active) return refuse("person_inactive");
  if (STRENGTHS.indexOf(reviewer.link) < STRENGTHS.indexOf(REVIEW_LINK_MIN)) return refuse("link_too_weak");
  if (verdict === "approve") {
    const bar = ask.barred.find((b) => b.person === reviewer.person);
    if (bar !== undefined) return refuse("person_barred", `${RELATION_WORDS[bar.relation]} (${bar.evidence})`);
    if (ASSURANCES.indexOf(reviewer.assurance) < ASSURANCES.indexOf(ask.assurance)) {
      return refuse("assurance_too_low", `${ask.assurance} is asked, this is ${reviewer.assurance}`);
    }
  }
  return groupsFor(ask, reviewer.person, roster);
}

/** The groups of the terms that the person was in when the request was opened. */
function groupsFor(ask: Ask, person: PersonId, roster: Roster): { readonly groups: readonly GroupName[] } | Refusal {
  const member = ask.terms.flatMap(({ group }) => {
    const membership = roster.groups.get(group)?.find((m) => m.person === person);
    return membership === undefined ? [] : [membership];
  });
  if (member.length === 0) return refuse("not_in_group", ask.terms.map((term) => term.group).join(", "));
  // Whoever joins the group after the request was opened may have been added for it.
  const early = member.filter((membership) => membership.since <= ask.openedAt);
  if (early.length === 0) return refuse("member_too_late");
  return { groups: early.map((membership) => membership.group) };
}

const RELATION_WORDS: Readonly<Record<Barred["relation"], string>> = {
  caller: "you started this action",
  on_behalf_of: "it is done on your behalf",
  agent_owner: "you own the agent",
  agent_deployer: "you deploy the agent",
  prompter: "you prompted it",
  token_holder: "you hold the token that asks",
  ci_actor: "you started the pipeline",
  commit_author: "you wrote the commit",
  actor_chain: "you are in the chain of actors",
  delegator: "your delegate stands behind it",
  delegate: "you are the delegate of someone behind it",
};
