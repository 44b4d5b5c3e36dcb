import type { Json, JsonObject } from "../core/action/index.ts";
import type { LedgerEntry } from "../verify/index.ts";

/** An entry as a store, a published folder or the wire has it; stream, version and type are read from the header. */
export type RawEntry = Pick<LedgerEntry, "index" | "header" | "payload" | "salt">;

/** How an action stands, by its entries. */
export type RecordStatus =
  | "denied_by_policy" // evaluated, and nobody may be asked
  | "allowed" // evaluated, and passed at once; no outcome told yet
  | "held" // evaluated to need people, and no request followed that we know of
  | "pending" // people are asked
  | "approved" // granted, not used yet
  | "redeemed" // released; no outcome told yet
  | "completed" // executed, and the outcome told
  | "denied" // people said no
  | "expired" // nobody said enough in time
  | "unused" // granted, and the permit's time passed
  | "cancelled" // the requester gave up
  | "failed" // ended by the server, such as after a change of policy
  | "unknown"; // the entries that would say so are not among those given

/** What an approver's passkey signed; bytes in base64url, the key as SubjectPublicKeyInfo (docs/passkeys.md). */
export type ProofRecord = {
  readonly statement: JsonObject;
  readonly rp: string;
  readonly credential: string;
  readonly publicKey: string;
  readonly authenticatorData: string;
  readonly clientDataJSON: string;
  readonly signature: string;
};

/** One person's review. `standing` is false once it was voided, or replaced by a later one. */
export type ReviewRecord = {
  readonly index: number;
  readonly at: number;
  readonly person: string | null;
  readonly verdict: string;
  readonly assurance: string;
  readonly groups: readonly string[];
  readonly channel: string | null;
  readonly account: { readonly issuer: string; readonly subject: string } | null;
  readonly reason: string | null;
  readonly standing: boolean;
  /** Null where nothing beyond a session vouches for it, or where that was erased. */
  readonly proof: ProofRecord | null;
};

/** A try that did not count (`refused`), or a review that stopped counting (`voided`): who, which rule, the sentence. */
export type RefusalRecord = {
  readonly index: number;
  readonly at: number;
  readonly person: string | null;
  readonly verdict: string | null;
  readonly rule: string;
  readonly because: string | null;
};

/** One answer of policy. A held action has one before its request, and one more each time the approval is applied. */
export type EvaluationRecord = {
  readonly index: number;
  readonly id: string;
  readonly at: number;
  readonly gate: string | null;
  readonly outcome: string;
  /** Why it was denied: the code and the sentence. */
  readonly code: string | null;
  readonly because: string | null;
  /** The policies that decided: those that allow or deny, or the holds. */
  readonly policies: readonly string[];
  readonly reason: string | null;
  readonly session: string | null;
  /** The action as it was seen then: a catalogue may have changed since. */
  readonly shown: ActionShown;
};

/** What was evaluated or asked for: the same for all entries of one digest. Null members were erased. */
export type ActionShown = {
  readonly agent: string | null;
  readonly agentType: string | null;
  readonly action: string | null;
  readonly parameters: JsonObject | null;
  readonly resource: { readonly type: string; readonly id: string } | null;
  readonly environment: string | null;
  readonly effects: readonly string[];
  /** What made it `opaque`, where it is. */
  readonly opaque: readonly string[];
  readonly risk: { readonly score: number | null; readonly level: string | null };
  readonly weights: string | null;
};

/**
 * One action as an auditor reads it, folded from the entries of its evaluation or of its request with the evaluations
 * that the request names. Times are milliseconds since 1970, by the entries' headers. What an erased payload would
 * have said is null or empty; what headers show stays.
 */
export type ActionRecord = ActionShown & {
  /** `arq_…` for a request, `eval_…` for an evaluation without one. */
  readonly id: string;
  readonly kind: "request" | "evaluation";
  readonly stream: string;
  readonly status: RecordStatus;
  readonly gate: string | null;
  readonly digest: string | null;
  /** The earliest entry's time, and the latest's. */
  readonly at: number;
  readonly changedAt: number;
  readonly evaluations: readonly EvaluationRecord[];
  /** Policies of all evaluations and holds, in order, without repeats. */
  readonly policies: readonly string[];
  readonly holds: readonly { readonly policy: string; readonly because: string }[];
  readonly terms: readonly { readonly group: string; readonly quorum: number }[];
  readonly assurance: string | null;
  readonly barred: readonly { readonly person: string; readonly relation: string; readonly evidence: string }[];
  readonly reason: string | null;
  readonly openedAt: number | null;
  readonly expiresAt: number | null;
  readonly reviews: readonly ReviewRecord[];
  readonly refusals: readonly RefusalRecord[];
  readonly voids: readonly RefusalRecord[];
  /** The grant that stands, or stood at the end: whose approvals were counted. Null after a void. */
  readonly approval: {
    readonly index: number;
    readonly id: string | null;
    readonly at: number;
    readonly by: readonly string[];
    readonly until: number | null;
  } | null;
  readonly permits: readonly {
    readonly index: number;
    readonly id: string | null;
    readonly at: number;
    readonly gate: string | null;
    readonly expiresAt: number | null;
  }[];
  readonly redeemed: {
    readonly index: number;
    readonly at: number;
    readonly permit: string | null;
    readonly gate: string | null;
  } | null;
  readonly completed: {
    readonly index: number;
    readonly at: number;
    readonly status: string;
    readonly details: { readonly [name: string]: Json } | null;
  } | null;
  /** How it ended without being used: the entry, who or why. */
  readonly closed: {
    readonly index: number;
    readonly at: number;
    readonly type: string;
    readonly by: string | null;
    readonly because: string | null;
  } | null;
  /** Every entry that this record was made from, by index. */
  readonly entries: readonly { readonly index: number; readonly type: string; readonly at: number }[];
  /** A payload of these entries was erased. */
  readonly erased: boolean;
  /** The stream's first entry is not among those given: the record tells its end only. */
  readonly partial: boolean;
};
