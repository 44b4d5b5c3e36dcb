import type {
  AgentId,
  ApprovalId,
  Digest,
  EvaluationId,
  GateId,
  GroupName,
  Instant,
  PermitId,
  PersonId,
  RequestId,
} from "../brand.ts";
import type { Json, JsonObject, Question } from "../action/index.ts";
import type { Assurance, Hold, Term } from "../policy/index.ts";
import type { Classification, Risk } from "../risk/index.ts";
import type { Refusal } from "./refusals.ts";
import type { ReviewProof, Verdict } from "./statement.ts";

/** ARAP's task states. All but `pending` and `approved` are final; `approved` ends with its permit. */
export type RequestStatus = "pending" | "approved" | "denied" | "expired" | "cancelled" | "failed";

/** How a person stands behind an action, and the evidence for it. The weakest evidence suffices to bar. */
export type Relation =
  | "caller"
  | "on_behalf_of"
  | "agent_owner"
  | "agent_deployer"
  | "prompter"
  | "token_holder"
  | "ci_actor"
  | "commit_author"
  | "actor_chain"
  | "delegator"
  | "delegate"
  | "editor";

export type Barred = { readonly person: PersonId; readonly relation: Relation; readonly evidence: string };

/** Everything that was shown, fixed when the request was opened. */
export type OpenedRequest = {
  readonly id: RequestId;
  readonly evaluation: EvaluationId;
  readonly digest: Digest;
  /** The canonical action, exactly the bytes under the digest, as text. */
  readonly canonical: string;
  readonly question: Question;
  readonly agent: AgentId;
  readonly gate: GateId;
  readonly classification: Classification;
  readonly risk: Risk;
  readonly holds: readonly Hold[];
  /** What has to be met: the holds' terms, raised to two people where no human stands behind the action. */
  readonly terms: readonly Term[];
  readonly assurance: Assurance;
  readonly barred: readonly Barred[];
  readonly openedAt: Instant;
  readonly expiresAt: Instant;
  /** How long an approval may wait to be used, in milliseconds. */
  readonly approvedForMs: number;
  /** The client as ARAP describes it: text for the record only. */
  readonly client: JsonObject | null;
};

/** One act of one person. Its groups are those the person was in, long enough, when the review was made. */
export type Review = {
  readonly person: PersonId;
  readonly verdict: Verdict;
  readonly at: Instant;
  readonly groups: readonly GroupName[];
  readonly assurance: Assurance;
  /** Where it came from, such as `console` or `cli`, and the account that was used there. */
  readonly channel: string;
  readonly account: { readonly issuer: string; readonly subject: string };
  readonly reason: string | null;
  /** One per click: the same person's same verdict under the same nonce is the same review. */
  readonly nonce: string;
  /** The digest of the card that the person was shown, where the channel said which one that was. */
  readonly card?: Digest;
  /** What was signed, where more than a session vouches for the review. */
  readonly proof?: ReviewProof;
};

/** What the gate says happened, under the permit. */
export type Outcome = {
  readonly status: "succeeded" | "failed" | "unknown";
  readonly at: Instant;
  readonly details: { readonly [name: string]: Json };
};

/** What a request's stream may hold. The request is the fold of these. */
export type RequestEvent =
  | { readonly type: "request.opened"; readonly request: OpenedRequest }
  | {
      readonly type: "request.attached";
      readonly evaluation: EvaluationId;
      readonly gate: GateId;
      readonly barred: readonly Barred[];
      readonly raise: boolean;
      readonly reason: string | null;
    }
  | { readonly type: "review.recorded"; readonly review: Review }
  | { readonly type: "review.refused"; readonly person: PersonId; readonly verdict: Verdict; readonly refusal: Refusal }
  | { readonly type: "review.voided"; readonly person: PersonId; readonly refusal: Refusal }
  | {
      readonly type: "request.approved";
      readonly approval: ApprovalId;
      readonly by: readonly PersonId[];
      readonly approvedUntil: Instant;
    }
  | { readonly type: "request.denied"; readonly by: PersonId }
  | { readonly type: "request.expired" }
  | { readonly type: "request.cancelled"; readonly by: string }
  | { readonly type: "request.failed"; readonly because: string }
  | { readonly type: "permit.issued"; readonly permit: PermitId; readonly gate: GateId; readonly expiresAt: Instant }
  | { readonly type: "permit.redeemed"; readonly permit: PermitId; readonly gate: GateId; readonly attempt: string }
  | { readonly type: "permit.expired" }
  | { readonly type: "action.completed"; readonly outcome: Outcome };
