import { isJsonList, isJsonObject, jsonText } from "../core/action/index.ts";
import type { Json, JsonObject, Question } from "../core/action/index.ts";
import { EFFECTS, NEW_SESSION, NO_COUNTS, rowsOf, tagsOf, WEIGHTS } from "../core/risk/index.ts";
import type { Classification, Counts, Effect, SessionSeen, Spans, Stretch } from "../core/risk/index.ts";
import { SPANS_MS, Windows } from "./session-windows.ts";
import type { Added } from "./session-windows.ts";

/** Sessions of one agent that are told apart, and pairs of effect and type of resource; further ones share a last one. */
export const SESSIONS_PER_AGENT_MAX = 256;
export const ALIKE_PER_AGENT_MAX = 256;
/** Sensitivity tags that one agent or session is remembered for. Whoever touches more counts as having touched the worst. */
export const TAGS_MAX = 256;
/** Pairs of effect and resource of one agent that are not new any more. */
export const NOVELTY_PER_AGENT_MAX = 4_096;
/** The session of attempts that name none ends when the agent was silent for so long; a named one after a day. */
const ROLLING_IDLE_MS = 60 * 60_000;
const NAMED_IDLE_MS = 24 * 60 * 60_000;
/** The name of the session of attempts that name none, and of what is beyond the limit: no session of a gate is empty. */
const ROLLING = "";
const BEYOND = "\n";
/** What sessions are after their names were erased: one, for a day, of all that are named in it. */
const NAMELESS = "\t";

/** What counts of one action. */
export type Deed = {
  readonly session: string | null;
  readonly at: number;
  readonly effects: readonly Effect[];
  readonly type: string;
  readonly resource: string;
  readonly added: Added;
  readonly tags: readonly string[];
  /** The gate says that the agent has read what strangers wrote. */
  readonly untrusted: boolean;
};

/** What counts of an action at a time. */
export function deedOf(question: Question, classification: Classification, at: number): Deed {
  const { rows, unknown } = rowsOf(classification);
  const effects = classification.effects.map(({ effect }) => effect);
  const { type, id } = question.resource;
  return {
    session: question.context.session ?? null,
    at,
    effects: effects.length < 2 ? effects : [...new Set(effects)].sort(),
    type,
    resource: id,
    added: { actions: 1, rows, unknown: unknown ? 1 : 0 },
    tags: tagsOf(classification.facts),
    untrusted: question.context.provenance === "untrusted",
  };
}

type Session = {
  since: number;
  last: number;
  actions: number;
  denied: number;
  held: number;
  untrusted: boolean;
  readonly effects: Set<Effect>;
  readonly tags: Set<string>;
};

/** What one agent did: its sessions, and its windows, which no name of a session divides. */
export class AgentLog {
  readonly #sessions = new Map<string, Session>();
  readonly #all: Windows;
  readonly #alike = new Map<string, Windows>();
  readonly #effectsAt = new Map<Effect, number>();
  readonly #tagsAt = new Map<string, number>();
  readonly #seen = new Set<string>();

  constructor(all: Windows = new Windows()) {
    this.#all = all;
  }

  /** Counts an action that was let through. */
  pass(deed: Deed): void {
    const session = this.#session(deed.session, deed.at);
    session.actions += 1;
    for (const effect of deed.effects) session.effects.add(effect);
    for (const tag of deed.tags) addTag(session.tags, tag);
    this.#all.add(deed.at, deed.added);
    for (const effect of deed.effects) {
      this.#windows(effect, deed.type).add(deed.at, deed.added);
      this.#effectsAt.set(effect, Math.max(deed.at, this.#effectsAt.get(effect) ?? 0));
      this.#see(`${effect} ${deed.type}/${deed.resource}`);
    }
    for (const tag of deed.tags) this.#touch(tag, deed.at);
  }

  /** Gives back what was counted for an action that was not let through after all; what it touched stays, to be careful. */
  takeBack(deed: Deed): void {
    const session = this.#session(deed.session, deed.at);
    session.actions = Math.max(0, session.actions - 1);
    this.#all.takeBack(deed.at, deed.added);
    for (const effect of deed.effects) this.#windows(effect, deed.type).takeBack(deed.at, deed.added);
  }

  /** More rows came of an action than were expected. */
  more(deed: Pick<Deed, "at" | "effects" | "type">, rows: number): void {
    const added = { actions: 0, rows, unknown: 0 };
    this.#all.add(deed.at, added);
    for (const effect of deed.effects) this.#windows(effect, deed.type).add(deed.at, added);
  }

  count(what: "denied" | "held", session: string | null, at: number): void {
    this.#session(session, at)[what] += 1;
  }

  distrust(session: string | null, at: number): void {
    this.#session(session, at).untrusted = true;
  }

  session(name: string | null, now: number): SessionSeen {
    const key = this.#nameOf(name, now);
    const session = this.#sessions.get(key);
    if (session === undefined || isOver(key, session, now)) return NEW_SESSION;
    return {
      actions: session.actions,
      denied: session.denied,
      held: session.held,
      effects: [...session.effects].sort(),
      sensitivities: [...session.tags].sort(),
      minutes: Math.max(0, Math.floor((now - session.since) / 60_000)),
      untrusted: session.untrusted,
    };
  }

  /** The agent as a whole, with `added` counted as well. */
  recent(now: number, added: Added): Spans<Stretch> {
    const counts = withAdded(this.#all.counts(now), added);
    const effects = sinceEach(this.#effectsAt, now);
    const tags = sinceEach(this.#tagsAt, now);
    const of = (span: keyof Spans<unknown>): Stretch => {
      const { actions, rows, unknown } = counts[span];
      return { actions, rows, unknown, effects: effects[span], sensitivities: tags[span] };
    };
    return { minutes5: of("minutes5"), hour: of("hour"), day: of("day") };
  }

  /** The same effect on the same type of resource, with `added` counted as well. */
  alike(effect: Effect, type: string, now: number, added: Added): Spans<Counts> {
    const known = this.#alike.get(this.#keyOf(effect, type));
    return withAdded(known?.counts(now) ?? NO_COUNTS, added);
  }

  /** Makes one session of all that have names, so that no name is left; what they did is not forgotten. */
  forgetNames(now: number): void {
    const named = [...this.#sessions].filter(([name]) => name !== ROLLING && name !== BEYOND);
    if (named.length === 0) return;
    const sum = (what: "actions" | "denied" | "held"): number => named.reduce((all, [, one]) => all + one[what], 0);
    for (const [name] of named) this.#sessions.delete(name);
    this.#sessions.set(NAMELESS, {
      since: now,
      last: now,
      actions: sum("actions"),
      denied: sum("denied"),
      held: sum("held"),
      untrusted: named.some(([, { untrusted }]) => untrusted),
      effects: new Set(named.flatMap(([, { effects }]) => [...effects])),
      tags: new Set(named.flatMap(([, { tags }]) => [...tags])),
    });
  }

  isNovel(effect: Effect, type: string, resource: string): boolean {
    return !this.#seen.has(`${effect} ${type}/${resource}`);
  }

  dump(): JsonObject {
    return {
      all: this.#all.dump(),
      alike: Object.fromEntries([...this.#alike].map(([key, windows]) => [`=${key}`, windows.dump()])),
      effects: [...this.#effectsAt].map(([effect, at]) => [effect, at]),
      tags: [...this.#tagsAt].map(([tag, at]) => [tag, at]),
      sessions: [...this.#sessions].map(([name, session]) => ({
        ...session,
        name,
        effects: [...session.effects],
        tags: [...session.tags],
      })),
    };
  }

  /** Reads what `dump` wrote. */
  static restore(json: JsonObject): AgentLog {
    const log = new AgentLog(Windows.restore(json["all"]));
    const { alike, effects, tags, sessions } = json;
    for (const [key, windows] of Object.entries(isJsonObject(alike) ? alike : {})) {
      log.#alike.set(key.slice(1), Windows.restore(windows));
    }
    for (const [effect, at] of pairs(effects)) {
      const known = EFFECTS.find((one) => one === effect);
      if (known !== undefined) log.#effectsAt.set(known, at);
    }
    for (const [tag, at] of pairs(tags)) log.#tagsAt.set(tag, at);
    for (const one of sessions !== undefined && isJsonList(sessions) ? sessions : []) {
      if (isJsonObject(one)) log.#sessions.set(jsonText(one["name"]), sessionIn(one));
    }
    return log;
  }

  #session(name: string | null, at: number): Session {
    const key = this.#nameOf(name, at);
    let session = this.#sessions.get(key);
    if (session === undefined || isOver(key, session, at)) {
      this.#forgetOver(at);
      session = {
        since: at,
        last: at,
        actions: 0,
        denied: 0,
        held: 0,
        untrusted: false,
        effects: new Set(),
        tags: new Set(),
      };
      this.#sessions.set(this.#nameOf(name, at), session);
    }
    session.last = Math.max(session.last, at);
    return session;
  }

  /** A session beyond the limit shares one with all others beyond it: nothing is forgotten to make room. */
  #nameOf(name: string | null, now: number): string {
    const key = name ?? ROLLING;
    const nameless = this.#sessions.get(NAMELESS);
    if (nameless !== undefined && key !== ROLLING && now - nameless.since < NAMED_IDLE_MS && !this.#sessions.has(key)) {
      return NAMELESS;
    }
    return this.#sessions.has(key) || this.#sessions.size < SESSIONS_PER_AGENT_MAX ? key : BEYOND;
  }

  #forgetOver(at: number): void {
    if (this.#sessions.size < SESSIONS_PER_AGENT_MAX) return;
    for (const [name, session] of this.#sessions) if (isOver(name, session, at)) this.#sessions.delete(name);
  }

  /** Types of resource are an agent's own words: those beyond the limit are counted together, which is never less. */
  #keyOf(effect: Effect, type: string): string {
    const key = `${effect} ${type}`;
    return this.#alike.has(key) || this.#alike.size < ALIKE_PER_AGENT_MAX ? key : `${effect} ${BEYOND}`;
  }

  #windows(effect: Effect, type: string): Windows {
    const key = this.#keyOf(effect, type);
    let windows = this.#alike.get(key);
    if (windows === undefined) this.#alike.set(key, (windows = new Windows()));
    return windows;
  }

  #touch(tag: string, at: number): void {
    const names = this.#tagsAt.has(tag) || this.#tagsAt.size < TAGS_MAX ? [tag] : Object.keys(WEIGHTS.sensitivity);
    for (const name of names) this.#tagsAt.set(name, Math.max(at, this.#tagsAt.get(name) ?? 0));
  }

  /** Forgetting makes things new again, which only raises a score. */
  #see(key: string): void {
    if (this.#seen.size >= NOVELTY_PER_AGENT_MAX && !this.#seen.has(key)) {
      for (const oldest of this.#seen) {
        this.#seen.delete(oldest);
        break;
      }
    }
    this.#seen.add(key);
  }
}

function addTag(tags: Set<string>, tag: string): void {
  if (tags.has(tag) || tags.size < TAGS_MAX) tags.add(tag);
  else for (const worst of Object.keys(WEIGHTS.sensitivity)) tags.add(worst);
}

function isOver(name: string, { last }: Session, now: number): boolean {
  return now - last >= (name === ROLLING ? ROLLING_IDLE_MS : NAMED_IDLE_MS);
}

/** Names that were touched within each span, sorted. An agent mostly does all the day what it did in the last minutes. */
function sinceEach<T extends string>(times: ReadonlyMap<T, number>, now: number): Spans<readonly T[]> {
  const day = since(times, now - SPANS_MS.day);
  const within = (known: readonly T[], span: keyof Spans<unknown>): readonly T[] => {
    const from = now - SPANS_MS[span];
    for (const name of known) {
      if ((times.get(name) ?? 0) < from) return known.filter((one) => (times.get(one) ?? 0) >= from);
    }
    return known;
  };
  const hour = within(day, "hour");
  return { minutes5: within(hour, "minutes5"), hour, day };
}

function since<T extends string>(times: ReadonlyMap<T, number>, from: number): readonly T[] {
  const names: T[] = [];
  for (const [name, at] of times) if (at >= from) names.push(name);
  return names.length < 2 ? names : names.sort();
}

function withAdded({ minutes5, hour, day }: Spans<Counts>, added: Added): Spans<Counts> {
  return { minutes5: sumOf(minutes5, added), hour: sumOf(hour, added), day: sumOf(day, added) };
}

function sumOf(counts: Counts, { actions, rows, unknown }: Added): Counts {
  return {
    actions: counts.actions + actions,
    rows: Math.min(Number.MAX_SAFE_INTEGER, counts.rows + rows),
    unknown: counts.unknown + unknown,
  };
}

function pairs(json: Json | undefined): readonly (readonly [string, number])[] {
  if (json === undefined || !isJsonList(json)) return [];
  return json.flatMap((pair) => (isJsonList(pair) ? [[jsonText(pair[0]), Number(pair[1])] as const] : []));
}

function sessionIn(json: JsonObject): Session {
  const texts = (value: Json | undefined): readonly string[] =>
    value !== undefined && isJsonList(value) ? value.map(String) : [];
  return {
    since: Number(json["since"]),
    last: Number(json["last"]),
    actions: Number(json["actions"]),
    denied: Number(json["denied"]),
    held: Number(json["held"]),
    untrusted: json["untrusted"] === true,
    effects: new Set(EFFECTS.filter((effect) => texts(json["effects"]).includes(effect))),
    tags: new Set(texts(json["tags"])),
  };
}
