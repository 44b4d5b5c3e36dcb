import { seatingOf, statusAt } from "../approval/index.ts";
import type { Relation, RequestState, RequestStatus, Review, Verdict } from "../approval/index.ts";
import type { Instant, PersonId } from "../brand.ts";
import { limited } from "./limited.ts";
import type { Limited } from "./limited.ts";
import type { CardNames } from "./names.ts";
import { plain, shown } from "./shown.ts";
import type { Literal } from "./shown.ts";

/** How a request stands: names of people are the directory's, reasons are theirs. */
export type CardProgress = {
  readonly status: RequestStatus;
  /** The version of the request that this was made of: a later one replaces it. */
  readonly version: number;
  readonly at: Instant;
  /** What is left to review, or to use an approval, in milliseconds; null when it is over. */
  readonly leftMs: number | null;
  readonly terms: Limited<{
    readonly group: string;
    readonly quorum: number;
    readonly filled: number;
    readonly people: readonly string[];
  }>;
  /** Newest last; the oldest are hidden first. */
  readonly reviews: Limited<CardReview>;
  /** Who may not approve, and why. */
  readonly barred: Limited<{ readonly person: string; readonly relation: Relation }>;
  /** Who ended it where somebody did, and the reason given; an expiry has neither. */
  readonly ended: { readonly by: Literal | null; readonly because: Literal | null } | null;
  readonly permit: "none" | "issued" | "redeemed" | "expired" | null;
  readonly outcome: "succeeded" | "failed" | "unknown" | null;
};

export type CardReview = {
  readonly person: string;
  readonly verdict: Verdict;
  readonly at: Instant;
  readonly reason: Literal | null;
  readonly channel: string;
  /** It no longer counts. */
  readonly voided: boolean;
};

/** Reviews that a card shows. */
export const CARD_REVIEWS_MAX = 12;
const PEOPLE_MAX = 16;
const REASON_CHARS_MAX = 600;
const NAME_CHARS_MAX = 120;

/** The part of a card that changes. */
export function progressOf(state: RequestState, names: CardNames, at: Instant): CardProgress {
  const person = (id: PersonId): string => plain(names.person(id), NAME_CHARS_MAX);
  const { progress } = state;
  const approved = progress.status === "approved" ? progress : null;
  return {
    status: statusAt(state, at),
    version: state.version,
    at,
    leftMs: leftMs(state, at),
    terms: limited(seatingOf(state).terms, PEOPLE_MAX, ({ group, quorum, filled, people }) => ({
      group: plain(group, NAME_CHARS_MAX),
      quorum,
      filled,
      people: people.slice(0, PEOPLE_MAX).map(person),
    })),
    reviews: reviewsOf(state, person),
    barred: limited(state.barred, PEOPLE_MAX, (bar) => ({ person: person(bar.person), relation: bar.relation })),
    ended: endedOf(state, person),
    permit: approved?.permit.status ?? null,
    outcome: approved?.outcome?.status ?? null,
  };
}

function leftMs(state: RequestState, at: Instant): number | null {
  const { progress, opened } = state;
  if (statusAt(state, at) === "pending") return opened.expiresAt - at;
  const waits =
    progress.status === "approved" && (progress.permit.status === "none" || progress.permit.status === "issued");
  return waits ? Math.max(0, progress.approvedUntil - at) : null;
}

function reviewsOf(state: RequestState, person: (id: PersonId) => string): Limited<CardReview> {
  const of = (review: Review, voided: boolean): { readonly review: Review; readonly voided: boolean } => ({
    review,
    voided,
  });
  const all = [
    ...state.reviews.map((review) => of(review, false)),
    ...state.voided.map(({ review }) => of(review, true)),
  ].toSorted((a, b) => a.review.at - b.review.at);
  const items = all.slice(-CARD_REVIEWS_MAX).map(({ review, voided }) => ({
    person: person(review.person),
    verdict: review.verdict,
    at: review.at,
    reason: review.reason === null ? null : shown(review.reason, REASON_CHARS_MAX),
    channel: plain(review.channel, NAME_CHARS_MAX),
    voided,
  }));
  return { items, hidden: all.length - items.length };
}

function endedOf({ progress, reviews }: RequestState, person: (id: PersonId) => string): CardProgress["ended"] {
  switch (progress.status) {
    case "denied": {
      const reason = reviews.find((one) => one.person === progress.by)?.reason ?? null;
      const because = reason === null ? null : shown(reason, REASON_CHARS_MAX);
      return { by: shown(person(progress.by), NAME_CHARS_MAX), because };
    }
    case "cancelled":
      return { by: shown(progress.by, NAME_CHARS_MAX), because: null };
    case "failed":
      return { by: null, because: shown(progress.because, REASON_CHARS_MAX) };
    case "pending":
    case "approved":
    case "expired":
      return null;
    default:
      return progress satisfies never;
  }
}
