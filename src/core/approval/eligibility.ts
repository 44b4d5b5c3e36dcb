import type { GroupName, Instant, PersonId } from "../brand.ts";
import { assuranceCovers, type Assurance, type Term } from "../policy/index.ts";
import type { RiskLevel } from "../risk/index.ts";
import { assuranceFor, lackingAssurance, personalAssurance } from "./assurance.ts";
import type { LinkStrength, Person, Roster } from "./people.ts";
import type { Refusal } from "./refusals.ts";
import type { Barred } from "./request.ts";
import type { Verdict } from "./statement.ts";
import { refuse } from "./refusals.ts";
import { isFirm } from "./strength.ts";

/** What the request asks of a reviewer. */
export type Ask = {
  readonly terms: readonly Term[];
  readonly barred: readonly Barred[];
  readonly assurance: Assurance;
  readonly openedAt: Instant;
  /** At the click: the risk, by which whoever has a passkey signs with it. Later it is not asked again. */
  readonly level?: RiskLevel;
  /** The rule that asks for this assurance, in words for people. */
  readonly rule?: string;
};

/** The proof of who reviews: a person, through one account, with so much assurance. */
export type Reviewer = { readonly person: PersonId; readonly link: LinkStrength; readonly assurance: Assurance };

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
  if (!isFirm(reviewer.link)) return refuse("link_too_weak");
  if (verdict === "approve") {
    const bar = ask.barred.find((b) => b.person === reviewer.person);
    if (bar !== undefined) return refuse("person_barred", `${RELATION_WORDS[bar.relation]} (${bar.evidence})`);
    const weak = weaknessOf(ask, reviewer, person);
    if (weak !== null) return weak;
  }
  return groupsFor(ask, reviewer.person, roster);
}

function weaknessOf({ assurance, level, rule = "policy" }: Ask, reviewer: Reviewer, person: Person): Refusal | null {
  const asked = personalAssurance(assurance);
  const wanted = level === undefined ? asked : assuranceFor(assurance, level, person);
  if (assuranceCovers(reviewer.assurance, wanted)) return null;
  const by = wanted === asked ? { wanted: assurance, rule } : { wanted, rule: `a ${level} risk` };
  return refuse("assurance_too_low", lackingAssurance(by, reviewer.assurance, person));
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
  editor: "you changed what it rests on",
};
