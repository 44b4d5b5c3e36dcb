import type { Question } from "../core/action/index.ts";
import type { RequestState } from "../core/approval/index.ts";
import type { AgentId, PersonId } from "../core/brand.ts";
import type { LocalTime, Moment } from "../core/risk/index.ts";
import { AgentLog, type Deed } from "./session-agent.ts";
import { Windows } from "./session-windows.ts";

/** Keys of what was counted here and is remembered, so that nothing is counted twice when the ledger is read again. */
export const COUNTED_MAX = 16_384;
/** Agents that are remembered; a directory has fewer. Those that were silent for longest go first. */
export const AGENTS_MAX = 20_000;
/** People whose approvals of the last hour are counted. */
const PEOPLE_MAX = 10_000;

/** One count that is made before its entry is on disk, so that two calls at once cannot both be the first. */
export type Reservation = {
  /** The entry is durable at this index. */
  settle(index: number): void;
  /** The entry was not written: the count is given back. */
  undo(): void;
};

/** Where an entry will stand at the earliest, or stands. */
type Counted = { floor: number; index: number | null };

/**
 * What every agent did: a projection of the ledger in memory. Counting is synchronous, at the moment of the decision. It
 * follows the entries of this process itself; `session-store.ts` keeps it over restarts and applies entries of others.
 */
export class SessionLog {
  readonly #agents = new Map<AgentId, AgentLog>();
  readonly #dirty = new Set<AgentId>();
  /** The younger half, and the older one: dropping a half is cheaper than dropping one after the other. */
  #counted = new Map<string, Counted>();
  #older = new Map<string, Counted>();
  readonly #pending = new Set<string>();
  readonly #approvals = new Map<PersonId, Windows>();
  #durable = 0;

  /** What an agent's attempt meets, with the attempt itself counted in. */
  look(agent: AgentId, deed: Deed, local: LocalTime): Moment {
    const log = this.#agents.get(agent) ?? EMPTY;
    const { at: now, effects, added, type, resource, session } = deed;
    const seen = log.session(session, now);
    const untrusted = seen.untrusted || deed.untrusted;
    return {
      session: untrusted === seen.untrusted ? seen : { ...seen, untrusted },
      recent: log.recent(now, added),
      alike: new Map(effects.map((effect) => [effect, log.alike(effect, type, now, added)])),
      novel: effects.filter((effect) => log.isNovel(effect, type, resource)),
      approvals: { pending: this.#pending.size, busiest: this.#busiest(now) },
      local,
    };
  }

  /** Counts an action that is let through. */
  pass(key: string, agent: AgentId, deed: Deed): Reservation {
    const log = this.agent(agent);
    log.pass(deed);
    return this.#reserve(key, () => log.takeBack(deed));
  }

  /** Counts an attempt that is denied or held. */
  note(key: string, agent: AgentId, what: "denied" | "held", session: string | null, at: number): Reservation {
    this.agent(agent).count(what, session, at);
    return this.#reserve(key, () => undefined); // an attempt it was all the same
  }

  /** An attempt of which nothing counts but that it was made, and on what the agent had read. */
  attempted(agent: AgentId, question: Question, at: number): void {
    const { provenance, session } = question.context;
    if (provenance === "untrusted") this.agent(agent).distrust(session ?? null, at);
  }

  /** More rows came of an action than were expected. */
  more(key: string, agent: AgentId, deed: Pick<Deed, "at" | "effects" | "type">, rows: number, index: number): void {
    this.agent(agent).more(deed, rows);
    this.#reserve(key, () => undefined).settle(index);
  }

  /** Whether a key was counted here already. */
  has(key: string): boolean {
    return this.#counted.has(key) || this.#older.has(key);
  }

  /** Hears of a request that was changed just now: of those that wait, and of who approved how much. */
  heard(state: RequestState, isNewest: boolean = true): void {
    const { id, agent, question } = state.opened;
    if (state.progress.status !== "pending") this.#pending.delete(id);
    else if (isNewest) this.#pending.add(id);
    const session = question.context.session ?? null;
    if (state.version === 1) this.#heard(`request/${id} held`, agent, "held", session, state.changedAt);
    if (state.progress.status === "denied")
      this.#heard(`request/${id} denied`, agent, "denied", session, state.changedAt);
    const last = state.reviews.at(-1);
    if (last?.verdict === "approve" && last.at === state.changedAt) this.#approved(last.person, last.at);
  }

  /** Lets go of every name that gates gave to sessions. */
  forgetNames(now: number): void {
    for (const [id, log] of this.#agents) {
      log.forgetNames(now);
      this.#dirty.add(id);
    }
  }

  /** Requests that wait, as the store has them at the start. */
  waiting(ids: readonly string[]): void {
    for (const id of ids) this.#pending.add(id);
  }

  agent(id: AgentId): AgentLog {
    let log = this.#agents.get(id);
    if (log === undefined) this.#agents.set(id, (log = new AgentLog()));
    this.#dirty.add(id);
    if (this.#agents.size > AGENTS_MAX) this.#forgetOne(id);
    return log;
  }

  /** Puts back an agent as it was written down. */
  restore(id: AgentId, log: AgentLog): void {
    this.#agents.set(id, log);
  }

  /** Keys that were counted before, in another life of this process. */
  remember(keys: readonly string[]): void {
    for (const key of keys) this.#remember(key, { floor: 0, index: Number.MAX_SAFE_INTEGER });
  }

  /**
   * All that is to be written down: agents that changed since the last time; the index from which the ledger has to be
   * read after it; and the keys at or behind that index which are counted in it already.
   */
  changes(limit: number = Number.MAX_SAFE_INTEGER): {
    readonly agents: ReadonlyMap<AgentId, AgentLog>;
    readonly upTo: number;
    readonly counted: readonly string[];
  } {
    let upTo = Math.min(limit, this.#durable);
    for (const half of [this.#older, this.#counted]) {
      for (const { index, floor } of half.values()) if (index === null) upTo = Math.min(upTo, floor);
    }
    const counted: string[] = [];
    for (const half of [this.#older, this.#counted]) {
      for (const [key, { index }] of half) if (index === null || index >= upTo) counted.push(key);
    }
    const agents = new Map([...this.#dirty].flatMap((id) => [...this.#entry(id)]));
    this.#dirty.clear();
    return { agents, upTo, counted };
  }

  /** They could not be written: next time again. */
  changed(agents: Iterable<AgentId>): void {
    for (const id of agents) this.#dirty.add(id);
  }

  /** Everything before this index is in here, or is nothing that counts. */
  advance(index: number): void {
    this.#durable = Math.max(this.#durable, index);
  }

  /** Where its entry stands was not told, so that its key is written down as long as it is remembered. */
  #heard(key: string, agent: AgentId, what: "denied" | "held", session: string | null, at: number): void {
    if (this.has(key)) return; // by its entry, which another instance wrote
    this.agent(agent).count(what, session, at);
    this.#remember(key, { floor: 0, index: Number.MAX_SAFE_INTEGER });
  }

  *#entry(id: AgentId): Generator<readonly [AgentId, AgentLog], void, undefined> {
    const log = this.#agents.get(id);
    if (log !== undefined) yield [id, log];
  }

  #reserve(key: string, giveBack: () => void): Reservation {
    const counted: Counted = { floor: this.#durable, index: null };
    this.#remember(key, counted);
    return {
      settle: (index) => {
        counted.index = Math.max(index, counted.floor);
        this.advance(index + 1);
      },
      undo: () => {
        this.#counted.delete(key);
        this.#older.delete(key);
        giveBack();
      },
    };
  }

  #remember(key: string, counted: Counted): void {
    this.#counted.set(key, counted);
    if (this.#counted.size < COUNTED_MAX / 2) return;
    const younger = this.#counted;
    // Those whose entries are still on the way stay.
    for (const [waiting, one] of this.#older) if (one.index === null) younger.set(waiting, one);
    this.#older = younger;
    this.#counted = new Map();
  }

  #approved(person: PersonId, at: number): void {
    let windows = this.#approvals.get(person);
    if (windows === undefined) this.#approvals.set(person, (windows = new Windows()));
    windows.add(at, { actions: 1, rows: 0, unknown: 0 });
    if (this.#approvals.size <= PEOPLE_MAX) return;
    for (const oldest of this.#approvals.keys()) {
      this.#approvals.delete(oldest);
      break;
    }
  }

  #busiest(now: number): number {
    let most = 0;
    for (const [person, windows] of this.#approvals) {
      const { hour } = windows.counts(now);
      if (hour.actions === 0) this.#approvals.delete(person);
      else most = Math.max(most, hour.actions);
    }
    return most;
  }

  #forgetOne(except: AgentId): void {
    for (const id of this.#agents.keys()) {
      if (id === except) continue;
      this.#agents.delete(id);
      this.#dirty.delete(id);
      return;
    }
  }
}

const EMPTY = new AgentLog();
