import type { ApprovalId, GateId, Instant, PersonId } from "../brand.ts";
import type { Term } from "../policy/index.ts";
import { atLeastTwo, seat, type Seating } from "./matching.ts";
import type { Refusal } from "./refusals.ts";
import type { Barred, OpenedRequest, Outcome, RequestEvent, RequestStatus, Review } from "./request.ts";

/** The permit of an approved request: none yet, issued, used, or never used in time. */
export type PermitState =
  | { readonly status: "none" }
  | { readonly status: "issued"; readonly at: Instant; readonly expiresAt: Instant; readonly gate: GateId }
  | { readonly status: "redeemed"; readonly at: Instant; readonly attempt: string }
  | { readonly status: "expired"; readonly at: Instant };

export type Progress =
  | { readonly status: "pending" }
  | {
      readonly status: "approved";
      readonly approval: ApprovalId;
      readonly by: readonly PersonId[];
      readonly approvedAt: Instant;
      readonly approvedUntil: Instant;
      readonly permit: PermitState;
      readonly outcome: Outcome | null;
    }
  | { readonly status: "denied"; readonly by: PersonId }
  | { readonly status: "expired" }
  | { readonly status: "cancelled"; readonly by: string }
  | { readonly status: "failed"; readonly because: string };

/** An approval request as its entries tell it. */
export type RequestState = {
  readonly opened: OpenedRequest;
  readonly progress: Progress;
  /** When `progress` last changed its status. */
  readonly changedAt: Instant;
  /** Everyone barred so far: later callers of the same action add to it, nothing takes away. */
  readonly barred: readonly Barred[];
  readonly terms: readonly Term[];
  /** Reviews that count. */
  readonly reviews: readonly Review[];
  readonly voided: readonly { readonly review: Review; readonly refusal: Refusal }[];
  /** The version that the next entry of the stream gets. */
  readonly version: number;
};

/** An event and the time of its entry. */
export type Recorded = { readonly event: RequestEvent; readonly at: Instant };

/** Folds a whole stream; null when it holds no request. */
export function foldRequest(entries: readonly Recorded[]): RequestState | null {
  return entries.reduce<RequestState | null>((state, entry) => applyEvent(state, entry), null);
}

/** One more entry. INVARIANT: a final status never changes again; events that would change it are faults. */
export function applyEvent(state: RequestState | null, { event, at }: Recorded): RequestState {
  if (event.type === "request.opened") {
    if (state !== null) throw new Error("a request is opened once");
    const { request } = event;
    const { barred, terms } = request;
    return {
      opened: request,
      progress: { status: "pending" },
      changedAt: at,
      barred,
      terms,
      reviews: [],
      voided: [],
      version: 1,
    };
  }
  if (state === null) throw new Error(`\`${event.type}\` before \`request.opened\``);
  return { ...change(state, event, at), version: state.version + 1 };
}

function change(
  state: RequestState,
  event: Exclude<RequestEvent, { type: "request.opened" }>,
  at: Instant,
): RequestState {
  // A refused try changes nothing, and what was used has an outcome; everything else ends with the request.
  if (!isOpen(state) && event.type !== "review.refused" && event.type !== "action.completed") {
    throw new Error(`\`${event.type}\` on a request that is over`);
  }
  switch (event.type) {
    case "request.attached": {
      const barred = [...state.barred, ...event.barred];
      return { ...state, barred, terms: event.raise ? atLeastTwo(state.terms) : state.terms };
    }
    case "review.recorded":
      if (state.progress.status !== "pending") throw new Error("a review of a request that is decided");
      return { ...state, reviews: [...withoutPerson(state.reviews, event.review.person), event.review] };
    case "review.refused":
      return state;
    case "review.voided": {
      const review = state.reviews.find((r) => r.person === event.person);
      const voided = review === undefined ? state.voided : [...state.voided, { review, refusal: event.refusal }];
      const reviews = withoutPerson(state.reviews, event.person);
      // The approval no longer stands on its reviews, so people are asked again.
      return {
        ...state,
        reviews,
        voided,
        ...(state.progress.status === "approved" ? settle(state, { status: "pending" }, at) : {}),
      };
    }
    case "request.approved": {
      const { approval, by, approvedUntil } = event;
      const permit: PermitState = { status: "none" };
      return {
        ...state,
        ...settle(
          state,
          { status: "approved", approval, by, approvedAt: at, approvedUntil, permit, outcome: null },
          at,
        ),
      };
    }
    case "request.denied":
      return { ...state, ...settle(state, { status: "denied", by: event.by }, at) };
    case "request.expired":
      return { ...state, ...settle(state, { status: "expired" }, at) };
    case "request.cancelled":
      return { ...state, ...settle(state, { status: "cancelled", by: event.by }, at) };
    case "request.failed":
      return { ...state, ...settle(state, { status: "failed", because: event.because }, at) };
    case "permit.issued":
      return withPermit(state, { status: "issued", at, expiresAt: event.expiresAt, gate: event.gate });
    case "permit.redeemed":
      return withPermit(state, { status: "redeemed", at, attempt: event.attempt });
    case "permit.expired":
      return withPermit(state, { status: "expired", at });
    case "action.completed": {
      if (state.progress.status !== "approved" || state.progress.permit.status !== "redeemed")
        throw new Error("an outcome without a redeemed permit");
      if (state.progress.outcome !== null) throw new Error("an outcome is recorded once");
      return { ...state, progress: { ...state.progress, outcome: event.outcome } };
    }
    default:
      return event satisfies never;
  }
}

/** INVARIANT: `pending` → anything; `approved` → `pending` only while it is open; all else is final. */
function settle(state: RequestState, next: Progress, at: Instant): Pick<RequestState, "progress" | "changedAt"> {
  const { progress } = state;
  const reopened = progress.status === "approved" && next.status === "pending";
  if (progress.status !== "pending" && !reopened) {
    throw new Error(`a request that is ${progress.status} cannot become ${next.status}`);
  }
  return { progress: next, changedAt: at };
}

function withPermit(state: RequestState, permit: PermitState): RequestState {
  if (state.progress.status !== "approved") throw new Error("a permit without an approval");

  return { ...state, progress: { ...state.progress, permit } };
}

function withoutPerson(reviews: readonly Review[], person: PersonId): readonly Review[] {
  return reviews.filter((review) => review.person !== person);
}

/** Where the people who approved sit now. Barred people have no seat, whenever they became barred. */
export function seatingOf(
  state: Pick<RequestState, "terms" | "reviews" | "barred">,
  terms: readonly Term[] = state.terms,
): Seating {
  const approvals = state.reviews.filter(
    (review) => review.verdict === "approve" && !state.barred.some((b) => b.person === review.person),
  );
  return seat(terms, approvals);
}

/** The status by the clock: a request whose time is over counts as expired before any timer says so. */
export function statusAt(state: RequestState, now: Instant): RequestStatus {
  return state.progress.status === "pending" && now >= state.opened.expiresAt ? "expired" : state.progress.status;
}

/** By its events alone: waiting for people, or approved and neither used nor over. Such a request holds its action's slot. */
export function isOpen({ progress }: RequestState): boolean {
  if (progress.status === "pending") return true;
  return progress.status === "approved" && (progress.permit.status === "none" || progress.permit.status === "issued");
}

/** Open, and in time by the clock: it may still release something. */
export function isLive(state: RequestState, now: Instant): boolean {
  const { opened, progress } = state;
  return isOpen(state) && now < (progress.status === "approved" ? progress.approvedUntil : opened.expiresAt);
}
