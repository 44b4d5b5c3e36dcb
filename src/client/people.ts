import type { JsonObject } from "../core/action/index.ts";
import type { RiskLevel } from "../core/risk/index.ts";
import type { Reader } from "./read.ts";
import { anyObject, boolean, list, moment, nullable, number, object, oneOf, optional, text } from "./read.ts";
import type { TaskStatus, TermProgress } from "./wire.ts";
import { readRiskLevel, readTaskStatus, readTermProgress } from "./wire.ts";

export type Named = { readonly id: string; readonly name: string };
export type Me = { readonly person: Named & { readonly groups: readonly string[] } };
export type SignedIn = { readonly person: Named; readonly session?: string };
export type ViewReview = {
  readonly person: Named;
  readonly verdict: "approve" | "deny";
  readonly at: string;
  readonly reason: string | null;
  readonly channel: string;
  readonly voided: boolean;
  /** Why it counts no longer; absent from older servers. */
  readonly voided_because?: string;
};

/** One approval request as people see it. */
export type View = {
  readonly id: string;
  readonly status: TaskStatus;
  readonly digest: string;
  /** What was rendered, to be sent back with a review. */
  readonly card_digest?: string;
  readonly opened_at: string;
  readonly expires_at: string;
  readonly closed_at: string | null;
  readonly approved_until: string | null;
  readonly subject: JsonObject;
  readonly agent: { readonly id: string; readonly owners: readonly Named[] };
  readonly on_behalf_of: readonly string[];
  readonly action: { readonly name: string; readonly properties?: JsonObject };
  readonly resource: { readonly type: string; readonly id: string; readonly properties?: JsonObject };
  readonly environment: string | null;
  /** The canonical action: the text whose SHA-256 is `digest`. */
  readonly canonical: string;
  readonly title: string | null;
  readonly effects: readonly { readonly effect: string; readonly because: string; readonly provenance: string }[];
  readonly facts: readonly JsonObject[];
  readonly opaque: readonly string[];
  /** What makes the effects worse than their names say. */
  readonly traits: readonly { readonly id: string; readonly because: string }[];
  readonly risk: {
    readonly score: number;
    readonly level: RiskLevel;
    readonly contributions: readonly { readonly id: string; readonly points: number; readonly evidence: string }[];
    readonly floors: readonly { readonly id: string; readonly level: RiskLevel; readonly evidence: string }[];
  };
  readonly holds: readonly { readonly policy: string; readonly because: string }[];
  readonly terms: readonly TermProgress[];
  readonly reviews: readonly ViewReview[];
  readonly barred: readonly { readonly person: Named; readonly relation: string; readonly evidence: string }[];
  readonly claim: { readonly reason: string | null };
  readonly gate: string;
  readonly permit: { readonly status: string; readonly at: string | null } | null;
  readonly outcome: { readonly status: string; readonly at: string; readonly details: JsonObject } | null;
  readonly me?: {
    readonly can_approve: boolean;
    readonly can_deny: boolean;
    readonly refusal: { readonly code: string; readonly because: string } | null;
  };
};
export type ViewPage = { readonly requests: readonly View[]; readonly next_cursor: string | null };

const readNamed: Reader<Named> = object<Named>({ id: text, name: text });

export const readMe: Reader<Me> = object<Me>({
  person: object<Me["person"]>({ id: text, name: text, groups: list(text) }),
});

export const readSignedIn: Reader<SignedIn> = object<SignedIn>({ person: readNamed, session: optional(text) });

/** A verdict this version does not know is shown as a denial. */
const readVerdict = oneOf<"approve" | "deny">(["approve", "deny"], "deny");

const readReview = object<ViewReview>({
  person: readNamed,
  verdict: readVerdict,
  at: moment,
  reason: nullable(text),
  channel: text,
  voided: boolean,
  voided_because: optional(text),
});

const readRisk = object<View["risk"]>({
  score: number,
  level: readRiskLevel,
  contributions: list(object<View["risk"]["contributions"][number]>({ id: text, points: number, evidence: text })),
  floors: list(object<View["risk"]["floors"][number]>({ id: text, level: readRiskLevel, evidence: text })),
});

export const readView: Reader<View> = object<View>({
  id: text,
  status: readTaskStatus,
  digest: text,
  card_digest: optional(text),
  opened_at: moment,
  expires_at: moment,
  closed_at: nullable(moment),
  approved_until: nullable(moment),
  subject: anyObject,
  agent: object<View["agent"]>({ id: text, owners: list(readNamed) }),
  on_behalf_of: list(text),
  action: object<View["action"]>({ name: text, properties: optional(anyObject) }),
  resource: object<View["resource"]>({ type: text, id: text, properties: optional(anyObject) }),
  environment: nullable(text),
  canonical: text,
  title: nullable(text),
  effects: list(object<View["effects"][number]>({ effect: text, because: text, provenance: text })),
  facts: list(anyObject),
  opaque: list(text),
  traits: list(object<View["traits"][number]>({ id: text, because: text })),
  risk: readRisk,
  holds: list(object<View["holds"][number]>({ policy: text, because: text })),
  terms: list(readTermProgress),
  reviews: list(readReview),
  barred: list(object<View["barred"][number]>({ person: readNamed, relation: text, evidence: text })),
  claim: object<View["claim"]>({ reason: nullable(text) }),
  gate: text,
  permit: nullable(object<NonNullable<View["permit"]>>({ status: text, at: nullable(moment) })),
  outcome: nullable(object<NonNullable<View["outcome"]>>({ status: text, at: moment, details: anyObject })),
  me: optional(
    object<NonNullable<View["me"]>>({
      can_approve: boolean,
      can_deny: boolean,
      refusal: nullable(object<{ code: string; because: string }>({ code: text, because: text })),
    }),
  ),
});

export const readViewPage: Reader<ViewPage> = object<ViewPage>({
  requests: list(readView),
  next_cursor: nullable(text),
});

/** A request inside of `{request: …}`. */
export const readReviewed: Reader<{ readonly request: View }> = object<{ request: View }>({ request: readView });
