import type { Digest, EvaluationId, GateId, Instant, PersonId } from "../brand.ts";
import { approvalOf } from "../ids.ts";
import { behindToday, editorsOf } from "./barred.ts";
import { eligibility, type Reviewer } from "./eligibility.ts";
import type { LinkStrength, Roster } from "./people.ts";
import { refuse } from "./refusals.ts";
import type { Refusal } from "./refusals.ts";
import type { Barred, RequestEvent, Review } from "./request.ts";
import type { Verdict } from "./statement.ts";
import { faultOfStatement, type ReviewProof } from "./statement.ts";
import { isLive, isOpen, seatingOf, statusAt, type RequestState } from "./state.ts";

/** A person's intent, as a channel brought it. Who the person is comes from the session, never from a body. */
export type ReviewCommand = {
  readonly reviewer: Reviewer;
  readonly account: { readonly issuer: string; readonly subject: string };
  readonly verdict: Verdict;
  /** The digest that the person was shown. */
  readonly digest: string;
  readonly reason: string | null;
  readonly channel: string;
  readonly nonce: string;
  readonly at: Instant;
  /** The card that the person was shown, and what it would be now; null where the channel did not say. */
  readonly card?: { readonly shown: string; readonly now: Digest } | null;
  /** What the person signed; its signature was verified where the key and the clock are. */
  readonly proof?: ReviewProof | null;
};

/** The issuer of the account that a one-time link signs in with; its subject is the person's id. */
export const OWN_ISSUER = "keyturn";

export type Events = readonly RequestEvent[];

/** Bytes of a review's reason in UTF-8. */
export const REVIEW_REASON_BYTES_MAX = 2048;

/** One person's review: records it, and settles the request when it is the last one needed, or a denial. */
export function review(state: RequestState, command: ReviewCommand, roster: Roster): Events | Refusal {
  const status = statusAt(state, command.at);
  if (status === "expired") return refuse("request_expired");
  if (status !== "pending") return refuse("request_closed");
  if (command.digest !== state.opened.digest) return refuse("digest_changed");
  const card = command.card ?? null;
  if (card !== null && card.shown !== card.now) return refuse("digest_changed");

  const { reviewer, verdict, at } = command;
  const proof = command.proof ?? null;
  const fault = proof === null ? null : faultOfProof(state, command, proof, roster);
  if (fault !== null) return fault;
  const ask = { ...askOf(state, roster, at), level: state.opened.risk.level, rule: askingRule(state) };
  const eligible = eligibility(ask, reviewer, verdict, roster);
  if ("refused" in eligible) return eligible;
  const earlier = state.reviews.find((r) => r.person === reviewer.person);
  if (earlier?.verdict === verdict) return refuse("already_reviewed");

  const recorded: Review = {
    person: reviewer.person,
    verdict,
    at,
    groups: eligible.groups,
    assurance: reviewer.assurance,
    channel: command.channel,
    account: command.account,
    reason: command.reason,
    nonce: command.nonce,
    ...(card === null ? {} : { card: card.now }),
    ...(proof === null ? {} : { proof }),
  };
  const events: RequestEvent[] = [{ type: "review.recorded", review: recorded }];
  if (verdict === "deny") return [...events, { type: "request.denied", by: reviewer.person }];
  return [...events, ...approvalIfComplete({ ...state, reviews: [...state.reviews, recorded] }, at)];
}

/** What was signed is this review and no other, and was signed with a key that is the person's now. */
function faultOfProof(state: RequestState, command: ReviewCommand, proof: ReviewProof, roster: Roster): Refusal | null {
  const { reviewer, verdict, nonce, at, digest } = command;
  const card = command.card?.now ?? null;
  const stated = { request: state.opened.id, digest, verdict, approver: reviewer.person, nonce, card, at };
  const fault = faultOfStatement(proof.statement, stated);
  if (fault !== null) return fault;
  // A review that fell may not be brought back by sending the same signature again.
  const isSpent = [...state.reviews, ...state.voided.map(({ review: fallen }) => fallen)].some(
    (r) => r.person === reviewer.person && r.nonce === nonce,
  );
  if (isSpent) return refuse("assertion_invalid", "it was used already");
  return hasKey(roster, reviewer.person, proof) ? null : refuse("passkey_revoked");
}

function hasKey(roster: Roster, person: PersonId, proof: ReviewProof): boolean {
  // A login at a provider stands by its link, which is looked at with every review.
  if (proof.kind === "provider") return true;
  const { credential, publicKey } = proof;
  const keys = roster.people.get(person)?.passkeys ?? [];
  return keys.some((key) => key.id === credential && key.publicKey === publicKey);
}

/** The hold that asks for the strongest evidence, by its name. */
function askingRule({ opened }: RequestState): string {
  const hold = opened.holds.find(({ assurance }) => assurance === opened.assurance);
  return hold === undefined ? "policy" : `policy \`${hold.policy}\``;
}

function approvalIfComplete(state: RequestState, at: Instant): Events {
  const seating = seatingOf(state);
  if (!seating.complete) return [];
  const approvedUntil = (at + state.opened.approvedForMs) as Instant;
  const by = seating.terms.flatMap((term) => term.people);
  return [{ type: "request.approved", approval: approvalOf(state.opened.id), by, approvedUntil }];
}

/** Whoever came to stand behind the action since it was asked for, by a change of the roster, is barred like the others. */
function askOf(state: RequestState, roster: Roster, at: Instant): Parameters<typeof eligibility>[0] {
  const { agent, question } = state.opened;
  const behind = behindToday(state.barred, question.subject, roster.agents.get(agent), roster, at);
  const barred = [...behind, ...editorsOf({ terms: state.terms, holds: state.opened.holds }, roster, at)];
  return { terms: state.terms, barred, assurance: state.opened.assurance, openedAt: state.opened.openedAt };
}

/** The same action is asked for again: nothing new opens, but whoever stands behind this attempt is barred as well. */
export function attach(
  state: RequestState,
  attempt: {
    readonly evaluation: EvaluationId;
    readonly gate: GateId;
    readonly barred: readonly Barred[];
    /** No human is known behind this attempt: the terms rise to two people. */
    readonly raise: boolean;
    readonly reason: string | null;
  },
): Events {
  const fresh = attempt.barred.filter(
    (b) => !state.barred.some((k) => k.person === b.person && k.relation === b.relation),
  );
  const attached: RequestEvent = { type: "request.attached", ...attempt, barred: fresh };
  const voided = state.reviews
    .filter((r) => r.verdict === "approve" && fresh.some((b) => b.person === r.person))
    .map((r): RequestEvent => ({
      type: "review.voided",
      person: r.person,
      refusal: refuse("person_barred", "behind the attempt that joined"),
    }));
  return [attached, ...voided];
}

/** Time is over: the end of a pending request, or of an approval that nobody used. Nothing to do is no event. */
export function expire(state: RequestState, at: Instant): Events {
  if (!isOpen(state) || isLive(state, at)) return [];
  return [state.progress.status === "approved" ? { type: "permit.expired" } : { type: "request.expired" }];
}

/** The requester gives up. */
export function cancel(state: RequestState, by: string, at: Instant): Events | Refusal {
  const status = statusAt(state, at);
  if (status === "expired") return refuse("request_expired");
  if (status !== "pending") return refuse("request_closed");
  return [{ type: "request.cancelled", by }];
}

/**
 * Looks at every approval again, by today's roster: whoever has been deactivated, barred or removed from the
 * group since has no say. Answers the events that void them; none when all still stand.
 */
export function recheck(state: RequestState, roster: Roster, at: Instant): Events {
  const ask = askOf(state, roster, at);
  return state.reviews.flatMap((r): Events => {
    if (r.verdict !== "approve") return [];
    const reviewer = { person: r.person, link: linkNow(roster, r), assurance: r.assurance };
    const still = eligibility(ask, reviewer, "approve", roster);
    if ("refused" in still) return [{ type: "review.voided", person: r.person, refusal: still }];
    if (r.proof !== undefined && !hasKey(roster, r.person, r.proof)) {
      return [{ type: "review.voided", person: r.person, refusal: refuse("passkey_revoked") }];
    }
    // A group left since the review lends its place no longer; the person may review again for the others.
    const kept = r.groups.every((group) => still.groups.includes(group));
    return kept
      ? []
      : [{ type: "review.voided", person: r.person, refusal: refuse("not_in_group", r.groups.join(", ")) }];
  });
}

/** How firmly the login of a review is its person's now. That of Keyturn's own one-time link is its person by name. */
function linkNow(roster: Roster, { person, account: { issuer, subject } }: Review): LinkStrength {
  if (issuer === OWN_ISSUER) return subject === person ? "L3" : "L0";
  const accounts = roster.people.get(person)?.accounts ?? [];
  return accounts.find((account) => account.issuer === issuer && account.subject === subject)?.strength ?? "L0";
}

/** What the console tells a person before the click: may approve, may deny, and if not, why. */
export function outlook(
  state: RequestState,
  reviewer: Reviewer,
  roster: Roster,
  at: Instant,
): { readonly canApprove: boolean; readonly canDeny: boolean; readonly refusal: Refusal | null } {
  const trial = (verdict: Verdict): Events | Refusal =>
    review(
      state,
      {
        reviewer,
        verdict,
        at,
        digest: state.opened.digest,
        account: { issuer: "", subject: "" },
        reason: null,
        channel: "outlook",
        nonce: "",
      },
      roster,
    );
  const approve = trial("approve");
  const deny = trial("deny");
  return {
    canApprove: !("refused" in approve),
    canDeny: !("refused" in deny),
    refusal: "refused" in approve ? approve : null,
  };
}
