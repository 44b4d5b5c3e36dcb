const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Below this the remaining time counts as running out. */
const SOON_MS: number = 5 * MINUTE;

export type Left = { readonly text: string; readonly spoken: string; readonly tone: "calm" | "soon" | "over" };

/** Milliseconds of an RFC 3339 time, or null where there is none to be read. */
export function instant(time: string | null): number | null {
  const at = time === null ? Number.NaN : Date.parse(time);
  return Number.isNaN(at) ? null : at;
}

const two = (value: number): string => String(value).padStart(2, "0");
const many = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? "" : "s"}`;

/** What is left until `expiresAt`: as digits, in words for a screen reader, and whether it runs out. */
export function timeLeft(expiresAt: string, now: number): Left {
  const at = instant(expiresAt);
  const left = at === null ? 0 : at - now;
  if (left <= 0) return { text: "0:00", spoken: "no time left", tone: "over" };
  const tone = left < SOON_MS ? "soon" : "calm";
  const days = Math.floor(left / DAY);
  const hours = Math.floor((left % DAY) / HOUR);
  const minutes = Math.floor((left % HOUR) / MINUTE);
  const seconds = Math.floor((left % MINUTE) / SECOND);
  if (days > 0) return { text: `${days} d ${hours} h`, spoken: `${many(days, "day")} ${many(hours, "hour")}`, tone };
  if (hours > 0)
    return {
      text: `${hours} h ${two(minutes)} min`,
      spoken: `${many(hours, "hour")} ${many(minutes, "minute")}`,
      tone,
    };
  const spoken = minutes > 0 ? many(minutes, "minute") : `less than a minute`;
  return { text: `${minutes}:${two(seconds)}`, spoken, tone };
}

/** The time of day where the reader is, with the date unless it is today: `14:05`, `21 Nov, 14:05`. */
export function clock(time: string, now: number): string {
  const at = instant(time);
  if (at === null) return "unknown";
  const then = new Date(at);
  const today = new Date(now);
  const day = { day: "numeric", month: "short" } as const;
  const isToday = then.toDateString() === today.toDateString();
  const year = then.getFullYear() === today.getFullYear() ? {} : ({ year: "numeric" } as const);
  const hours = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  return then.toLocaleString("en-GB", isToday ? hours : { ...day, ...year, ...hours });
}

/** How long ago, in the largest unit that says something: `just now`, `4 min ago`, `3 h ago`, `2 d ago`. */
export function ago(time: string, now: number): string {
  const at = instant(time);
  if (at === null) return "at an unknown time";
  const past = now - at;
  if (past < 45 * SECOND) return "just now";
  if (past < HOUR) return `${Math.max(1, Math.round(past / MINUTE))} min ago`;
  if (past < DAY) return `${Math.floor(past / HOUR)} h ago`;
  return `${Math.floor(past / DAY)} d ago`;
}
