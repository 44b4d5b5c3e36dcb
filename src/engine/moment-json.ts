import type { Json, JsonObject } from "../core/action/index.ts";
import { utc } from "../core/risk/index.ts";
import type { Counts, LocalTime, Moment, Spans, Stretch } from "../core/risk/index.ts";

/**
 * What an answer saw, for its entry, so that anybody can compute score and verdict again. Every entry pays for it, so that
 * it is short: counts of five minutes, an hour and a day are one text of `actions rows unknown` each; sets of the three
 * spans are one list where they are the same; what is empty, and the local time where it is UTC's, is left out.
 */
export function momentJson({ session, recent, alike, novel, approvals, local }: Moment, at: number): JsonObject {
  const moment: { [member: string]: Json } = { recent: countsText(recent) };
  const kinds: { [effect: string]: Json } = {};
  for (const [effect, spans] of alike) kinds[effect] = countsText(spans);
  moment["alike"] = kinds;
  addSets(moment, "effects", recent);
  addSets(moment, "sensitivities", recent);
  const before = sessionJson(session);
  if (before !== null) moment["session"] = before;
  if (novel.length > 0) moment["novel"] = [...novel];
  if (approvals.pending > 0 || approvals.busiest > 0) moment["approvals"] = [approvals.pending, approvals.busiest];
  if (!isUtc(local, at)) moment["local"] = { hour: local.hour, weekday: local.weekday, working: local.working };
  return moment;
}

function countsText({ minutes5, hour, day }: Spans<Counts>): string {
  const text = ({ actions, rows, unknown }: Counts): string => `${actions} ${rows} ${unknown}`;
  return `${text(minutes5)}, ${text(hour)}, ${text(day)}`;
}

function addSets(
  moment: { [member: string]: Json },
  what: "effects" | "sensitivities",
  { minutes5, hour, day }: Spans<Stretch>,
): void {
  if (day[what].length === 0) return;
  // Sets of a shorter span are parts of those of a longer one.
  const isSame = minutes5[what].length === day[what].length;
  moment[what] = isSame ? [...day[what]] : [[...minutes5[what]], [...hour[what]], [...day[what]]];
}

function sessionJson(session: Moment["session"]): JsonObject | null {
  const { actions, denied, held, minutes, untrusted, effects, sensitivities } = session;
  if (actions + denied + held === 0 && !untrusted) return null;
  return {
    actions,
    minutes,
    ...(denied === 0 ? {} : { denied }),
    ...(held === 0 ? {} : { held }),
    ...(untrusted ? { untrusted } : {}),
    ...(effects.length === 0 ? {} : { effects: [...effects] }),
    ...(sensitivities.length === 0 ? {} : { sensitivities: [...sensitivities] }),
  };
}

function isUtc({ hour, weekday, working }: LocalTime, at: number): boolean {
  const there = utc(at);
  return working && hour === there.hour && weekday === there.weekday;
}
