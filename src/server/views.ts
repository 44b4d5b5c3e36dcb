import type { JsonObject } from "../core/action/index.ts";
import {
  assuranceFor,
  assuranceWithin,
  outlook,
  seatingOf,
  statusAt,
  type Barred,
  type RequestState,
  type Reviewer,
} from "../core/approval/index.ts";
import { assuranceCovers, type Assurance } from "../core/policy/index.ts";
import type { Instant, PersonId } from "../core/brand.ts";
import { cardFace } from "../core/card/index.ts";
import { approvalOf } from "../core/ids.ts";
import { cardNames, type Rules } from "../engine/index.ts";
import type { Directory } from "../ports/directory.ts";

/** RFC 3339 in UTC with milliseconds. */
export function timeOf(instant: Instant): string {
  return new Date(instant).toISOString();
}

/** ARAP's task: what a gate sees of a request. */
export function taskOf(state: RequestState, base: string, now: Instant): JsonObject {
  const { opened } = state;
  const path = `${base}/access/v1/requests/${opened.id}`;
  return {
    id: opened.id,
    status: statusAt(state, now),
    status_endpoint: path,
    opened_at: timeOf(opened.openedAt),
    expires_at: timeOf(opened.expiresAt),
    digest: opened.digest,
    progress: { terms: seatingOf(state).terms.map(({ group, quorum, filled }) => ({ group, quorum, filled })) },
    links: { review: `${base}/requests/${opened.id}`, cancel: `${path}/cancel` },
  };
}

/** The task with what its status brings: a granted approval to evaluate again with, or who denied it and why. */
export function taskAnswer(state: RequestState, base: string, directory: Directory, now: Instant): JsonObject {
  const task = taskOf(state, base, now);
  const { progress } = state;
  switch (progress.status) {
    case "approved": {
      const approval = {
        id: progress.approval,
        approved_at: timeOf(progress.approvedAt),
        approved_until: timeOf(progress.approvedUntil),
      };
      return { task, result: { mode: "reevaluate", approval } };
    }
    case "denied": {
      const review = state.reviews.find((r) => r.person === progress.by);
      return { task, denial: { by: nameOf(progress.by, directory), reason: review?.reason ?? null } };
    }
    case "failed":
      return { task, denial: { by: "keyturn", reason: progress.because } };
    case "pending":
    case "expired":
    case "cancelled":
      return { task };
    default:
      return progress satisfies never;
  }
}

/** Everything that a reviewer is shown, and what this reader may do. `reader` is null for operators, who only read. */
export function viewOf(state: RequestState, reader: Reader | null, rules: Rules, now: Instant): JsonObject {
  const { opened } = state;
  const { directory } = rules;
  const card = cardFace(opened, cardNames(rules));
  const { question, classification } = opened;
  return {
    id: opened.id,
    status: statusAt(state, now),
    digest: opened.digest,
    card_digest: card.digest,
    headline: card.headline,
    opened_at: timeOf(opened.openedAt),
    expires_at: timeOf(opened.expiresAt),
    closed_at: state.progress.status === "pending" ? null : timeOf(state.changedAt),
    approved_until: state.progress.status === "approved" ? timeOf(state.progress.approvedUntil) : null,
    approval: state.progress.status === "approved" ? approvalOf(opened.id) : null,
    subject: plain(question.subject),
    agent: {
      id: opened.agent,
      owners: (directory.agents.get(opened.agent)?.owners ?? []).map((id) => personOf(id, directory)),
    },
    on_behalf_of: state.barred.filter((b) => b.relation !== "agent_owner").map((b) => nameOf(b.person, directory)),
    action: plain(question.action),
    resource: plain(question.resource),
    environment: question.context.environment ?? null,
    canonical: opened.canonical,
    title: rules.titles?.get(question.action.name) ?? null,
    effects: classification.effects.map(plain),
    facts: classification.facts.map(plain),
    opaque: [...classification.opaque],
    traits: (classification.traits ?? []).map(({ id, because }) => ({ id, because })),
    risk: plain(opened.risk),
    holds: opened.holds.map(({ policy, because }) => ({ policy, because })),
    terms: seatingOf(state).terms.map(({ group, quorum, filled }) => ({ group, quorum, filled })),
    assurance: opened.assurance,
    reviews: reviewsOf(state, directory),
    barred: state.barred.map((b) => barredOf(b, directory)),
    claim: { reason: question.context.reason ?? null },
    gate: opened.gate,
    ...afterwards(state),
    me: meOf(state, reader, directory, now),
  };
}

function afterwards({ progress }: RequestState): JsonObject {
  if (progress.status !== "approved") return { permit: null, outcome: null };
  const { permit, outcome } = progress;
  const shown =
    permit.status === "none" ? null : { status: permit.status, at: "at" in permit ? timeOf(permit.at) : null };
  return {
    permit: shown,
    outcome: outcome === null ? null : { status: outcome.status, at: timeOf(outcome.at), details: outcome.details },
  };
}

function reviewsOf(state: RequestState, directory: Directory): JsonObject[] {
  const live = state.reviews.map((review) => ({ review, voided: null }));
  const all = [...live, ...state.voided.map(({ review, refusal }) => ({ review, voided: refusal.because }))].sort(
    (a, b) => a.review.at - b.review.at,
  );
  return all.map(({ review, voided }) => ({
    person: personOf(review.person, directory),
    verdict: review.verdict,
    at: timeOf(review.at),
    reason: review.reason,
    channel: review.channel,
    assurance: review.assurance,
    voided: voided !== null,
    voided_because: voided,
  }));
}

/** Who looks; `within` is what the person could bring beside a passkey, such as a fresh sign-in. */
export type Reader = Reviewer & { readonly within?: Assurance };

function meOf(state: RequestState, reader: Reader | null, directory: Directory, now: Instant): JsonObject {
  if (reader === null) return { can_approve: false, can_deny: false, refusal: null, sign: null };
  const person = directory.people.get(reader.person) ?? { passkeys: [] };
  // Whoever has a passkey may sign with it on the page: what counts is the best that the person can bring.
  const assurance = assuranceWithin(reader.within ?? reader.assurance, person);
  const { canApprove, canDeny, refusal } = outlook(state, { ...reader, assurance }, directory, now);
  const signs = person.passkeys.length > 0;
  const wanted = assuranceFor(state.opened.assurance, state.opened.risk.level, person);
  return {
    can_approve: canApprove,
    can_deny: canDeny,
    refusal: refusal === null ? null : { code: refusal.refused, because: refusal.because },
    // What an approval has to be signed with; null where the click is enough.
    sign: !canApprove || assuranceCovers(reader.assurance, wanted) ? null : signs ? "passkey" : "sign_in",
  };
}

function barredOf(barred: Barred, directory: Directory): JsonObject {
  return { person: personOf(barred.person, directory), relation: barred.relation, evidence: barred.evidence };
}

export function personOf(id: PersonId, directory: Directory): { id: string; name: string } {
  return { id, name: nameOf(id, directory) };
}

function nameOf(id: PersonId, directory: Directory): string {
  return directory.people.get(id)?.name ?? id;
}

/** Core's values are JSON already; only the optional members make the compiler doubt it. */
function plain(value: object): JsonObject {
  return value as JsonObject;
}
