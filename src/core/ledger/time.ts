import type { Instant } from "../brand.ts";

const DAY_MS = 86_400_000;
/** 9999-12-31T23:59:59.999Z: RFC 3339 has four digits for the year. */
const INSTANT_MAX = 253_402_300_799_999;

/** An instant as RFC 3339 in UTC with milliseconds, such as `2026-11-21T20:05:00.000Z`; from 1970 to 9999. */
export function formatInstant(at: Instant): string {
  if (!Number.isSafeInteger(at) || at < 0 || at > INSTANT_MAX) {
    throw new RangeError(`\`${at}\` is not milliseconds between the years 1970 and 9999`);
  }
  const day = Math.floor(at / DAY_MS);
  const [year, month, date] = civil(day);
  const rest = at - day * DAY_MS;
  const hour = Math.floor(rest / 3_600_000);
  const minute = Math.floor(rest / 60_000) % 60;
  const second = Math.floor(rest / 1000) % 60;
  const clock = `${pad(hour, 2)}:${pad(minute, 2)}:${pad(second, 2)}.${pad(rest % 1000, 3)}`;
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(date, 2)}T${clock}Z`;
}

const UNITS: readonly (readonly [ms: number, name: string])[] = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1000, "s"],
];

/** A span of time in its two largest units, such as `2 h 5 min`, `45 s` or `300 ms`. */
export function formatSpan(ms: number): string {
  const first = UNITS.findIndex(([unit]) => ms >= unit);
  if (first === -1) return `${Math.round(ms)} ms`;
  let rest = ms;
  const parts = UNITS.slice(first, first + 2).flatMap(([unit, name]) => {
    const count = Math.floor(rest / unit);
    rest -= count * unit;
    return count === 0 ? [] : [`${count} ${name}`];
  });
  return parts.join(" ");
}

const PATTERN = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})\.(\d{3})Z$/;

/** Reads exactly what `formatInstant` writes; another spelling or a date that does not exist is a RangeError. */
export function parseInstant(text: string): Instant {
  const fields = PATTERN.exec(text)?.slice(1).map(Number);
  if (fields === undefined) throw notInstant(text);
  const [year = 0, month = 0, date = 0, hour = 0, minute = 0, second = 0, ms = 0] = fields;
  const at = daysBefore(year, month, date) * DAY_MS + hour * 3_600_000 + minute * 60_000 + second * 1000 + ms;
  // A 31st of April or a 25th hour would be read as the next day: only what is written back the same is that time.
  if (at < 0 || at > INSTANT_MAX || formatInstant(at as Instant) !== text) throw notInstant(text);
  return at as Instant;
}

// The Gregorian calendar repeats every 400 years of 146,097 days. Years are counted from March, so that the leap day
// is the last of its year and the months' lengths follow one line: 153 days in every five months.

/** Year, month and date of a day counted from 1970-01-01. */
function civil(day: number): readonly [year: number, month: number, date: number] {
  const shifted = day + 719_468; // days since 0000-03-01
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const leaps = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leaps) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const date = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  return [era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, date];
}

/** The day, counted from 1970-01-01, of a date. */
function daysBefore(year: number, month: number, date: number): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const marchMonth = month <= 2 ? month + 9 : month - 3;
  const leaps = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400);
  return marchYear * 365 + leaps + Math.floor((153 * marchMonth + 2) / 5) + date - 1 - 719_468;
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, "0");
}

function notInstant(text: string): RangeError {
  return new RangeError(`\`${text.slice(0, 32)}\` is not a time like \`2026-11-21T20:05:00.000Z\``);
}
