import type { LocalTime } from "../core/risk/index.ts";

/** When people work: hours from 0 to 24, `to` excluded; weekdays from 1 (Monday). */
export type WorkingHours = { readonly from: number; readonly to: number; readonly weekdays: readonly number[] };

/** Tells the time where the people are. */
export type LocalClock = (at: number) => LocalTime;

/** Zones change their offset at whole quarters of an hour, so that one look at the calendar serves a quarter. */
const QUARTER_MS = 15 * 60_000;
const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** A clock of one time zone (an IANA name); RangeError where there is none of that name. */
export function localClock(timeZone: string, hours: WorkingHours | null): LocalClock {
  const format = new Intl.DateTimeFormat("en-US", { timeZone, hour: "numeric", hourCycle: "h23", weekday: "short" });
  let quarter = Number.NaN;
  let known: LocalTime = { hour: 0, weekday: 1, working: true };
  return (at) => {
    if (Math.floor(at / QUARTER_MS) === quarter) return known;
    const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]));
    const hour = Number(parts.get("hour"));
    const weekday = WEEKDAYS.indexOf(parts.get("weekday") ?? "") + 1;
    quarter = Math.floor(at / QUARTER_MS);
    known = { hour, weekday, working: hours === null || isWithin(hours, hour, weekday) };
    return known;
  };
}

function isWithin({ from, to, weekdays }: WorkingHours, hour: number, weekday: number): boolean {
  return weekdays.includes(weekday) && hour >= from && hour < to;
}
