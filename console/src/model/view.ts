/** JSON as the server sends it. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [member: string]: Json };

export type Status = "pending" | "approved" | "denied" | "expired" | "cancelled" | "failed";
export type Level = "low" | "medium" | "high" | "critical";
export type Verdict = "approve" | "deny";

type PersonRef = { readonly id: string; readonly name: string };
export type Entity = { readonly type: string; readonly id: string; readonly properties?: JsonObject | null };
type FoundEffect = { readonly effect: string; readonly because: string; readonly provenance: string };
export type Fact = { readonly name: string; readonly value: Json; readonly provenance: string };
type Contribution = { readonly id: string; readonly points: number; readonly evidence: string };
type Floor = { readonly id: string; readonly level: Level; readonly evidence: string };
export type Term = { readonly group: string; readonly quorum: number; readonly filled: number };
type Barred = { readonly person: PersonRef; readonly relation: string; readonly evidence: string };
export type Review = {
  readonly person: PersonRef;
  readonly verdict: Verdict;
  readonly at: string;
  readonly reason: string | null;
  readonly channel: string;
  /** True when the reviewer lost the right to review after all: the place is open again. */
  readonly voided: boolean;
  readonly voided_because?: string | null;
};

/** One approval request as one signed-in person sees it. Times are RFC 3339. */
export type View = {
  readonly id: string;
  readonly status: Status;
  readonly digest: string;
  /** What was rendered; it goes back with the review. */
  readonly card_digest?: string;
  readonly opened_at: string;
  readonly expires_at: string;
  readonly closed_at: string | null;
  readonly approved_until: string | null;
  readonly subject: Entity;
  readonly agent: { readonly id: string; readonly owners: readonly PersonRef[] };
  readonly on_behalf_of: readonly string[];
  readonly action: { readonly name: string; readonly properties?: JsonObject | null };
  readonly resource: Entity;
  readonly environment: string | null;
  /** The canonical action: the text whose SHA-256 is `digest`. */
  readonly canonical: string;
  readonly title: string | null;
  readonly effects: readonly FoundEffect[];
  readonly facts: readonly Fact[];
  readonly opaque: readonly string[];
  readonly traits: readonly { readonly id: string; readonly because: string }[];
  readonly risk: {
    readonly score: number;
    readonly level: Level;
    readonly contributions: readonly Contribution[];
    readonly floors: readonly Floor[];
  };
  readonly holds: readonly { readonly policy: string; readonly because: string }[];
  readonly terms: readonly Term[];
  readonly reviews: readonly Review[];
  readonly barred: readonly Barred[];
  /** What the agent says of itself: never a fact. */
  readonly claim: { readonly reason: string | null };
  readonly gate: string;
  readonly permit: { readonly status: "issued" | "redeemed" | "expired"; readonly at: string | null } | null;
  readonly outcome: { readonly status: string; readonly at: string; readonly details: Json } | null;
  readonly me: {
    readonly can_approve: boolean;
    readonly can_deny: boolean;
    readonly refusal: { readonly code: string; readonly because: string } | null;
    /** What an approval is signed with; null where the click is enough. */
    readonly sign?: "passkey" | "sign_in" | null;
  };
};

/** What a passkey signs: a decision, word for word. */
export type Statement = {
  readonly v: number;
  readonly ledger: string;
  readonly request: string;
  readonly digest: string;
  readonly verdict: Verdict;
  readonly policies: string;
  readonly approver: string;
  readonly not_after: number;
  readonly nonce: string;
  readonly card: string;
};

export type Page = { readonly requests: readonly View[]; readonly next_cursor: string | null };
export type Person = PersonRef & { readonly groups: readonly string[] };
export type DemoPerson = Person & { readonly note: string | null };

/** Who is signed in; `demo` is set only where anyone may act as anyone. */
export type Me = { readonly person: Person; readonly demo: { readonly people: readonly DemoPerson[] } | null };
