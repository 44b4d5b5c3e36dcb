import type { RequestEvent } from "../approval/index.ts";
import type { Card } from "./card.ts";
import type { Literal } from "./shown.ts";
import { needsText, statusText, titleText } from "./text.ts";

/** One line about a change in our words, and what the person who made it wrote. */
export type NewsLine = { readonly said: string; readonly reason: Literal | null };

/** Changes after which a request stands otherwise than before. */
const ENDS: readonly RequestEvent["type"][] = [
  "request.approved",
  "request.denied",
  "request.expired",
  "request.cancelled",
  "request.failed",
  "permit.expired",
  "action.completed",
];

/** Whether one of these changes ends something: whoever only waits for the end hears of it. */
export function isEnd(changes: readonly RequestEvent["type"][]): boolean {
  return changes.some((change) => ENDS.includes(change));
}

/** What has happened since, for the thread below a card: oldest first, and nothing of what is not worth a line. */
export function newsLines(card: Card, changes: readonly RequestEvent["type"][]): readonly NewsLine[] {
  const { progress } = card;
  const soFar = `So far ${needsText(progress)}.`;
  // The newest reviews, one for each that is told now.
  const recorded = changes.filter((change) => change === "review.recorded").length;
  const reviews = progress.reviews.items.slice(-recorded).values();
  return changes.flatMap((change): readonly NewsLine[] => {
    if (change === "review.recorded") {
      const review = reviews.next().value;
      if (review === undefined) return [];
      const verb = review.verdict === "approve" ? "approved" : "denied";
      return [{ said: `${review.person} ${verb}. ${soFar}`, reason: review.reason }];
    }
    if (change === "review.voided") return [{ said: `A review no longer counts. ${soFar}`, reason: null }];
    if (change === "permit.redeemed") return [{ said: "The approval was used: it runs.", reason: null }];
    return ENDS.includes(change) ? [{ said: `${statusText(progress)}: ${titleText(card)}.`, reason: null }] : [];
  });
}
