// One simulated history: everything in it follows from its seed.
import type { Instant } from "../../src/core/brand.ts";
import { newSurroundings, openSurroundings, type Limits } from "../../src/engine/index.ts";
import type { Store } from "../../src/ports/store.ts";
import { openMemoryStore } from "../../src/stores/memory/index.ts";
import { Dice } from "../crash/dice.ts";
import { audit } from "./audit.ts";
import { cast } from "./actors.ts";
import { Checker, type Violation } from "./checker.ts";
import { isLinearizable, subjectOf, type Observed } from "./linear.ts";
import { contextOf, newLife, type Instance, type Run } from "./machine.ts";
import { perform, wordsOf, type Answer, type Operation } from "./operations.ts";
import { Schedule } from "./schedule.ts";
import { changedWorld, firstWorld, SECOND, START, type World } from "./world.ts";

/** Which faults a history knows. Each seed draws its own few, so that some go long ways undisturbed. */
export type Faults = {
  readonly crashes: boolean;
  /** The store over a network: connections break before a commit, or after it. */
  readonly away: boolean;
  readonly loss: boolean;
  readonly duplicates: boolean;
  readonly clocks: boolean;
  readonly reloads: boolean;
};

export type CrashPoint = "before the commit" | "after the commit" | "after the answer";

/** What came of one seed. */
export type Outcome = {
  readonly seed: number;
  readonly violation: Violation | null;
  readonly steps: number;
  readonly commits: number;
  readonly operations: number;
  /** How often each operation ended how, such as `redeem ok`. */
  readonly told: ReadonlyMap<string, number>;
};

const LIMITS: Limits = {
  pendingPerAgent: 2,
  deferredPerAgent: 2,
  evaluationsPerMinute: 1000,
  denialCooldownMs: 120 * SECOND,
  evaluationTtlMs: 600 * SECOND,
  approvedForMs: 180 * SECOND,
  waitMaxMs: 60 * SECOND,
  waitersMax: 1000,
};
/** One append in so many kills its instance, where crashes are among the faults. */
const CRASH_ONE_IN = 14;
/** One append in so many loses its connection, where that is among the faults. */
const AWAY_ONE_IN = 8;
/** Seconds that a clock may be off, either way. */
const CLOCK_JUMP_MAX = 90;

/** For what never waits. */
const PATIENT: { readonly signal: AbortSignal; readonly done: () => void } = {
  signal: new AbortController().signal,
  done: () => {},
};

export class History {
  readonly seed: number;
  readonly dice: Dice;
  readonly schedule: Schedule;
  readonly memory: Store = openMemoryStore();
  readonly limits: Limits = LIMITS;
  readonly checker: Checker;
  readonly faults: Faults;
  readonly instances: readonly Instance[];
  readonly observed: Observed[] = [];
  readonly told: Map<string, number> = new Map();
  readonly #lines: string[] | null;
  #world: World;
  #now = START;
  #runs = 0;
  #drawn = 0;

  constructor(seed: number, lines: string[] | null = null) {
    this.seed = seed;
    this.#lines = lines;
    // Neighbouring seeds must not begin alike.
    this.dice = new Dice(Math.imul(seed, 0x9e3779b1) ^ 0x5eed);
    this.schedule = new Schedule(this.dice);
    this.checker = new Checker({ cooldownMs: LIMITS.denialCooldownMs, pendingMax: LIMITS.pendingPerAgent });
    const often = (times: number): boolean => this.schedule.oneIn(times);
    this.faults = {
      crashes: often(3),
      away: often(4),
      loss: often(3),
      duplicates: often(2),
      clocks: often(4),
      reloads: often(2),
    };
    this.#world = firstWorld(this.dice);
    const count = this.dice.between(1, 4);
    this.instances = Array.from({ length: count }, (_, place) => ({
      name: `i${place + 1}`,
      offset: 0,
      world: this.#world,
      life: newLife(newSurroundings(this.memory)),
    }));
    this.trace(
      () =>
        `faults: ${Object.entries(this.faults)
          .flatMap(([name, on]) => (on ? [name] : []))
          .join(", ")}`,
    );
    const { law, owners, members } = this.#world;
    const groups = [...members].map(([group, of]) => `${group} ${[...of.keys()].join(" ")}`).join("; ");
    this.trace(() => `law ${JSON.stringify(law)}; agent of ${owners.join(" ")}; ${groups}`);
  }

  /** One line of the readable trace; nothing is formatted when nobody reads it. */
  trace(line: () => string): void {
    if (this.#lines === null) return;
    const time = ((this.#now - START) / SECOND).toFixed(3).padStart(8);
    this.#lines.push(`${String(this.schedule.step).padStart(4)} ${time}s  ${line()}`);
  }

  /** The true time, by which the store goes. */
  get time(): number {
    return this.#now;
  }

  clockOf({ offset }: Instance): number {
    return this.#now + offset;
  }

  /** Bytes that differ at every call, and repeat with the seed. */
  bytes(length: number): Uint8Array {
    const bytes = Buffer.alloc(length);
    bytes.writeUInt32BE(this.seed >>> 0, length - 8);
    bytes.writeUInt32BE(++this.#drawn, length - 4);
    return bytes;
  }

  /** Sends an operation through one instance, which answers, or dies over it. */
  async carryOut(op: Operation, instance: Instance): Promise<Answer> {
    const { life } = instance;
    if (!life.alive) return { said: "lost" };
    const number = ++this.#runs;
    const run: Run = { number, op, instance, life, since: this.checker.commits, seen: [] };
    const from = this.schedule.step;
    this.trace(() => `${instance.name} #${number} ${wordsOf(op)}`);
    const { signal, done } = op.kind === "wait" ? this.#patience(life) : PATIENT;
    let answer: Answer = { said: "lost" };
    try {
      answer = await perform(contextOf(this, run), op, signal);
    } catch (error) {
      this.checker.law("default.crash", false, "no operation ends in a fault", `op ${number}: ${String(error)}`);
    }
    done();
    // Whatever a dying instance still computes, nobody hears.
    if (!life.alive) answer = { said: "lost" };
    this.trace(() => `${instance.name} #${number} says ${JSON.stringify(answer, shown)}`);
    this.checker.answered(number, op, answer);
    const to = answer.said === "lost" ? Infinity : this.schedule.step;
    if (subjectOf(op) !== null) this.observed.push({ op, from, to, answer });
    const key = `${op.kind} ${answer.said === "refused" ? answer.code : answer.said}`;
    this.told.set(key, (this.told.get(key) ?? 0) + 1);
    return answer;
  }

  /** A wait ends by what it waits for, by its time, or with its instance. */
  #patience({ waits }: Instance["life"]): typeof PATIENT {
    const over = new AbortController();
    const end = (): void => over.abort("over");
    const withdraw = this.schedule.seldom(end);
    waits.add(end);
    return {
      signal: over.signal,
      done: () => {
        withdraw();
        waits.delete(end);
      },
    };
  }

  /** Where the append that is about to happen kills its instance, if it does. */
  crashPoint(): CrashPoint | null {
    if (!this.faults.crashes || !this.schedule.oneIn(CRASH_ONE_IN)) return null;
    return (["before the commit", "after the commit", "after the answer"] as const)[this.dice.between(0, 3)] ?? null;
  }

  /** Whether the connection to the store breaks over an append that is about to happen, and when. */
  isAway(): "before" | "after" | null {
    if (!this.faults.away || !this.schedule.oneIn(AWAY_ONE_IN)) return null;
    return this.schedule.oneIn(2) ? "before" : "after";
  }

  /** The instance dies, with all that it was doing; some time later it starts anew. */
  crash(instance: Instance, point: CrashPoint): void {
    this.trace(() => `${instance.name} dies ${point}`);
    instance.life.alive = false;
    for (const end of instance.life.waits) end();
    this.schedule.seldom(() => {
      // A start reads what the ledger has of sessions before anybody is served.
      void openSurroundings(this.memory, this.#now as Instant).then((around) => {
        instance.life = newLife(around);
        instance.world = this.#world;
        this.trace(() => `${instance.name} starts anew`);
      });
    });
  }

  /** The operator changes the rules. Instances read them again one by one. */
  reload(): void {
    const { world, what } = changedWorld(this.#world, this.dice, this.#now);
    this.#world = world;
    this.trace(() => `the rules change: ${what}`);
    for (const instance of this.instances) {
      this.schedule.later(() => {
        if (instance.world.version < world.version) instance.world = world;
        this.trace(() => `${instance.name} has rules ${instance.world.version}`);
      });
    }
  }

  /** Time goes by: a little, or up to an instant at which something ends by some instance's clock; or a clock jumps. */
  pass(): void {
    const instance = this.instances[this.dice.between(0, this.instances.length)];
    if (instance === undefined) return;
    if (this.faults.clocks && this.schedule.oneIn(3)) {
      instance.offset = this.dice.between(-CLOCK_JUMP_MAX, CLOCK_JUMP_MAX) * SECOND;
      this.trace(() => `${instance.name} has a clock that is ${instance.offset} ms off`);
      return;
    }
    const ends = this.checker.boundaries();
    const end = ends[this.dice.between(0, ends.length)];
    const seldom = [...this.checker.requests.values()].some(({ status }) => status === "approved") ? 2 : 4;
    const upTo =
      end === undefined || !this.schedule.oneIn(seldom)
        ? null
        : end - instance.offset - (this.schedule.oneIn(4) ? 1 : 0);
    const to = upTo ?? this.#now + this.dice.between(1, 20) * SECOND;
    if (to <= this.#now) return;
    this.#now = to;
    this.trace(() => "time has passed");
  }

  async run(): Promise<Outcome> {
    cast(this);
    await this.schedule.run(
      () => this.pass(),
      () => this.checker.violation === null,
    );
    if (this.checker.violation === null) {
      await audit(this.memory, this.checker);
      this.#linearity();
    }
    await this.#end();
    const { violation, commits } = this.checker;
    if (violation !== null) this.trace(() => `VIOLATION ${violation.threat}: ${violation.law} (${violation.where})`);
    return { seed: this.seed, violation, steps: this.schedule.step, commits, operations: this.#runs, told: this.told };
  }

  /** Nothing may hold the process: whoever still waits is told that all instances are dead. */
  async #end(): Promise<void> {
    for (const { life } of this.instances) {
      life.alive = false;
      for (const end of life.waits) end();
    }
    await this.schedule.drain();
  }

  #linearity(): void {
    for (const id of this.checker.requests.keys()) {
      const history = this.observed.filter(({ op }) => subjectOf(op) === id);
      const fits = isLinearizable(history);
      this.checker.law("permit.raced", fits, "some order explains what everybody was answered", `request ${id}`);
    }
  }
}

function shown(member: string, value: unknown): unknown {
  return member === "jws" ? undefined : value;
}

/** Runs the history of one seed. */
export function runHistory(seed: number, lines: string[] | null = null): Promise<Outcome> {
  return new History(seed, lines).run();
}
