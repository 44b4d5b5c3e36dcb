import type { Classification, Contribution } from "./facts.ts";
import { rowsOf } from "./moment.ts";
import type { Moment } from "./moment.ts";
import { WEIGHTS } from "./weights.ts";
import { effectWords } from "./words.ts";

/** What a model, or anybody who is asked, adds to a score: 0 to 40 points and one sentence. It never takes away. */
export type Advice = { readonly raise: number; readonly because: string };

/** Points for what holds of this moment alone; each has an id that begins with `moment.`, and none is negative. */
export function momentPoints(classification: Classification, moment: Moment): Contribution[] {
  const { novel, rows, rate, offHours, load, untrusted } = WEIGHTS.moment;
  const { approvals, local, session } = moment;
  const earlier = largest(moment, "day", "rows") - rowsOf(classification).rows;
  const often = largest(moment, "minutes5", "actions");
  const isLoaded = approvals.pending >= load.pending || approvals.busiest >= load.busiest;
  const points: Contribution[] = [];
  // Most moments add nothing, and every answer comes through here: a sentence is made only where there is a point.
  const add = (id: string, count: number, evidence: () => string): void => {
    if (count > 0) points.push({ id: `moment.${id}`, points: count, evidence: evidence() });
  };
  add(
    "novel",
    moment.novel.length > 0 ? novel : 0,
    () => `This agent was not seen to ${effectWords(moment.novel, "or")} on this resource before.`,
  );
  add("rows", stepped(earlier, rows), () => `It took ${earlier} rows of this kind within the day before this attempt.`);
  add("rate", stepped(often, rate), () => `It did this ${often} times within five minutes, this attempt included.`);
  add("hours", local.working ? 0 : offHours, () => "Nobody works at this hour.");
  add("load", isLoaded ? load.points : 0, () => {
    const { pending, busiest } = approvals;
    const waiting = pending === 1 ? "1 request waits" : `${pending} requests wait`;
    return `People are busy: ${waiting}, and one person approved ${busiest} within the hour.`;
  });
  add(
    "untrusted",
    session.untrusted ? untrusted : 0,
    () => "The gate says that the agent has read what strangers wrote.",
  );
  return points;
}

function largest({ alike }: Moment, span: "day" | "minutes5", what: "rows" | "actions"): number {
  let most = 0;
  for (const spans of alike.values()) most = Math.max(most, spans[span][what]);
  return most;
}

/** Points per power of ten from a number on, counted in digits: floating logarithms differ between engines. */
function stepped(count: number, { from, perPower, max }: { from: number; perPower: number; max: number }): number {
  if (count < from) return 0;
  const powers = String(Math.trunc(Math.min(count, Number.MAX_SAFE_INTEGER))).length - String(from).length + 1;
  return Math.min(max, powers * perPower);
}
