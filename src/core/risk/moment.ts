import type { Classification, Effect, Fact } from "./facts.ts";

/** Actions that were let through within a span of time, the rows that they were about, and how many told no trustworthy count. */
export type Counts = { readonly actions: number; readonly rows: number; readonly unknown: number };

/** The same of an agent as a whole, with what it touched: names are sorted. */
export type Stretch = Counts & { readonly effects: readonly string[]; readonly sensitivities: readonly string[] };

/** Three spans that end now. */
export type Spans<T> = { readonly minutes5: T; readonly hour: T; readonly day: T };

/** What one session of an agent did before this attempt. */
export type SessionSeen = {
  readonly actions: number;
  readonly denied: number;
  readonly held: number;
  readonly effects: readonly string[];
  readonly sensitivities: readonly string[];
  /** Whole minutes since its first attempt. */
  readonly minutes: number;
  /** The gate said of this attempt or an earlier one that the agent had read what others wrote. */
  readonly untrusted: boolean;
};

/**
 * The moment of an attempt: what its agent did before, and the clock and the people around it. Counts of `recent` and
 * `alike` include the attempt itself; sets, and the session, are of before. It can raise a score, never lower it.
 */
export type Moment = {
  readonly session: SessionSeen;
  /** All that the agent did, whatever session it named. */
  readonly recent: Spans<Stretch>;
  /** What it did with the same effect on the same type of resource. */
  readonly alike: ReadonlyMap<Effect, Spans<Counts>>;
  /** Effects that this agent was not seen to have on this resource before. */
  readonly novel: readonly Effect[];
  /** Requests that wait for people now, and the most approvals that one person gave in the last hour. */
  readonly approvals: { readonly pending: number; readonly busiest: number };
  readonly local: LocalTime;
};

/** The time where the people are: hour 0 to 23, weekday 1 (Monday) to 7. */
export type LocalTime = { readonly hour: number; readonly weekday: number; readonly working: boolean };

const NONE: Counts = { actions: 0, rows: 0, unknown: 0 };
const NOTHING: Stretch = { ...NONE, effects: [], sensitivities: [] };

/** Nothing before. */
export const NO_COUNTS: Spans<Counts> = { minutes5: NONE, hour: NONE, day: NONE };
/** Nothing before, of an agent as a whole. */
const NO_SPANS: Spans<Stretch> = { minutes5: NOTHING, hour: NOTHING, day: NOTHING };
/** A session in which nothing happened. */
export const NEW_SESSION: SessionSeen = {
  actions: 0,
  denied: 0,
  held: 0,
  effects: [],
  sensitivities: [],
  minutes: 0,
  untrusted: false,
};

/** A moment of which nothing is known, where nobody keeps sessions; the clock is UTC's. */
export function noMoment(at: number): Moment {
  return {
    session: NEW_SESSION,
    recent: NO_SPANS,
    alike: new Map(),
    novel: [],
    approvals: { pending: 0, busiest: 0 },
    local: utc(at),
  };
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** UTC's hour and weekday; 1970 began with a Thursday. */
export function utc(at: number): LocalTime {
  const [day, hour] = [Math.floor(at / DAY_MS), Math.floor(at / HOUR_MS)];
  return { hour: ((hour % 24) + 24) % 24, weekday: ((((day + 3) % 7) + 7) % 7) + 1, working: true };
}

/** Effects whose rows matter to whoever counts them. */
const ROWED: ReadonlySet<Effect> = new Set(["read", "export", "write", "delete"]);

/**
 * The rows that one action is about. `unknown` where nobody but the gate tells them, and the action is of a kind that has
 * rows: what is not known is not few.
 */
export function rowsOf({ facts, effects }: Classification): { readonly rows: number; readonly unknown: boolean } {
  let rows = 0;
  let known = false;
  for (const fact of facts) {
    if (!isCount(fact)) continue;
    rows = Math.max(rows, Number(fact.value));
    known ||= fact.provenance !== "gate";
  }
  return { rows, unknown: !known && effects.some(({ effect }) => ROWED.has(effect)) };
}

const NO_TAGS: readonly string[] = [];

/** The sensitivity tags of an action, sorted. */
export function tagsOf(facts: readonly Fact[]): readonly string[] {
  const tags = new Set<string>();
  for (const { name, value } of facts) {
    if (name !== "sensitivity") continue;
    if (typeof value !== "object") tags.add(String(value));
    else for (const tag of value) tags.add(tag);
  }
  return tags.size === 0 ? NO_TAGS : [...tags].sort();
}

function isCount({ name, value }: Fact): boolean {
  return name === "rows" && typeof value === "number" && value >= 0;
}
