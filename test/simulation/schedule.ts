// One seeded scheduler with virtual time: of everything that could happen next it picks one, and lets it happen alone.
import type { Dice } from "../crash/dice.ts";

type Item = { readonly run: () => void };

/** Nothing after so many steps: a history that does not end is a fault of the simulation. */
const STEPS_MAX = 4000;
/** One step in so many lets idle things happen although others wait: time-outs, restarts, passing time. */
const IDLE_ONE_IN = 12;
/** And at one in so many of those steps time goes by. */
const PASS_ONE_IN = 4;

/** What is under way in one history. A step is one item; between steps nothing can run. */
export class Schedule {
  readonly dice: Dice;
  readonly #busy: Item[] = [];
  readonly #idle: Item[] = [];
  #step = 0;

  constructor(dice: Dice) {
    this.dice = dice;
  }

  get step(): number {
    return this.#step;
  }

  /** True with a probability of one in `times`. */
  oneIn(times: number): boolean {
    return this.dice.between(0, times) === 0;
  }

  /** Something that can happen at any step from now on, before or after everything else that waits. */
  later(run: () => void): void {
    this.#busy.push({ run });
  }

  /** Something that happens seldom, or when nothing else can. The answer withdraws it. */
  seldom(run: () => void): () => void {
    const item = { run };
    this.#idle.push(item);
    return () => {
      const at = this.#idle.indexOf(item);
      if (at >= 0) this.#idle.splice(at, 1);
    };
  }

  /** A pause of an actor: everything else may happen before it goes on. */
  pause(): Promise<void> {
    return new Promise((resolve) => this.later(resolve));
  }

  /** Lets everything that waits come to its end in a world where nothing works any more. */
  async drain(): Promise<void> {
    for (let item = this.#busy.pop(); item !== undefined; item = this.#busy.pop()) {
      item.run();
      await quiet();
    }
  }

  /** Steps until nothing is left; `between` runs after each, and `pass` lets time go by. */
  async run(pass: () => void, between: () => boolean): Promise<void> {
    await quiet();
    while (this.#busy.length + this.#idle.length > 0) {
      if (++this.#step > STEPS_MAX) throw new Error(`the history has not ended after ${STEPS_MAX} steps`);
      const seldom = this.#busy.length === 0 || this.oneIn(IDLE_ONE_IN);
      if (seldom && this.oneIn(PASS_ONE_IN)) pass();
      const from = seldom && this.#idle.length > 0 ? this.#idle : this.#busy;
      const at = this.dice.between(0, from.length);
      const item = from[at];
      if (item === undefined) continue;
      const last = from.pop();
      if (last !== undefined && last !== item) from[at] = last;
      item.run();
      await quiet();
      if (!between()) return;
    }
  }
}

/** Resolves when no promise has anything left to do: Node empties the queue of promises before it takes the next tick. */
function quiet(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
