import type { Instant } from "../brand.ts";
import { formatInstant } from "../ledger/index.ts";
import type { Card, Headline } from "./card.ts";
import { shortDigest } from "./digest.ts";
import type { CardProgress, CardReview } from "./progress.ts";
import type { Literal } from "./shown.ts";

/** A literal on one line: head, what is missing, tail, and what else has to be said of it. */
export function literalText({ text, cut, alike }: Literal): string {
  const whole =
    cut === null ? text : `${text} [… ${cut.hidden} characters not shown, ${shortDigest(cut.digest)} …] ${cut.tail}`;
  const note = alikeText(alike);
  return note === null ? whole : `${whole} [${note}]`;
}

/** What to say of a text whose letters look like others; null where they do not. */
export function alikeText(alike: Literal["alike"]): string | null {
  if (alike.length === 0) return null;
  const letters = alike.includes("compatibility") ? "styled copies of letters" : `${alike.join(" and ")} letters`;
  return `has ${letters} that look like others`;
}

/** The operator's title or the verb: what a request is about, without a word of an agent. */
export function titleText({ body: { headline } }: Pick<Card, "body">): string {
  return headline.title ?? `${headline.verb} …`;
}

/** What a card is to who looks at it: to review, to wait for, or how it ended. */
export function leadText({ progress }: Pick<Card, "progress">, viewer: "reviewer" | "requester"): string {
  if (progress.status !== "pending") return statusText(progress);
  return viewer === "requester" ? "Waits for others" : "Review";
}

/** `delete from table/customers in production`, or the operator's title before it. */
export function headlineText({ verb, title, object, environment }: Headline): string {
  const where = environment === null ? "" : ` in ${literalText(environment)}`;
  const what = title === null ? verb : `${title}:`;
  return `${what} ${literalText(object)}${where}`;
}

const ENDS: Readonly<Record<CardProgress["status"], string>> = {
  pending: "Waiting for review",
  approved: "Approved",
  denied: "Denied",
  // Nobody said no: an expiry is never told as a denial.
  expired: "Expired: nobody decided in time, so it will not run",
  cancelled: "Cancelled by the requester",
  failed: "Failed",
};

/** How it stands, in one sentence without anything that an agent wrote. */
export function statusText({ status, permit, outcome, leftMs }: CardProgress): string {
  if (status === "pending" && leftMs !== null) return `${ENDS.pending}, ${spanText(leftMs)} left`;
  if (status !== "approved") return ENDS[status];
  if (outcome !== null) return `Approved, and ran: ${outcome}`;
  if (permit === "redeemed") return "Approved, and running";
  return permit === "expired" ? "Approved, but not used in time" : ENDS.approved;
}

/** `45 s`, `12 min`, `3 h 05 min`, `2 days`. */
export function spanText(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, "0")} min`;
  return `${Math.floor(hours / 24)} days`;
}

/** `1 of 2 of security, 0 of 1 of data-owners`. */
export function needsText({ terms }: CardProgress): string {
  const items = terms.items.map(({ group, quorum, filled }) => `${filled} of ${quorum} of ${group}`);
  return [...items, ...(terms.hidden === 0 ? [] : [`${terms.hidden} more`])].join(", ");
}

/** `2026-11-21 20:05 UTC`. */
export function minuteText(at: Instant): string {
  return `${formatInstant(at).slice(0, 16).replace("T", " ")} UTC`;
}

/** What somebody did, without the reason that they gave. */
export function reviewText({ person, verdict, voided }: CardReview): string {
  return `${person} ${verdict === "approve" ? "approved" : "denied"}${voided ? ", which no longer counts" : ""}`;
}

/** Who cannot approve; null where nobody stands behind the action, or nobody is asked any more. */
export function barredText({ status, barred }: CardProgress): string | null {
  if (status !== "pending" || barred.items.length === 0) return null;
  const more = barred.hidden === 0 ? "" : ` and ${barred.hidden} more`;
  return `Stand behind it and cannot approve: ${barred.items.map(({ person }) => person).join(", ")}${more}`;
}

/** A text of at most so many characters, with an ellipsis where it had more. */
export function shortened(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 1)}…`;
}
