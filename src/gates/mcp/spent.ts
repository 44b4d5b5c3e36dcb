import { randomUUID } from "node:crypto";

/** Requests and states that are remembered as used. Older ones are refused by their own end, or ask people anew. */
const SPENT_MAX = 20_000;

/** What was used up in this run of the gateway, so that a replay is told from a call that still waits. */
export class Spent {
  /** This run; what belongs to another run counts as used. */
  readonly run: string = randomUUID();
  readonly #used = new Set<string>();

  has(one: string): boolean {
    return this.#used.has(one);
  }

  /** Uses it up; false when it was used before. */
  use(one: string): boolean {
    if (this.#used.has(one)) return false;
    for (const oldest of this.#used) {
      if (this.#used.size < SPENT_MAX) break;
      this.#used.delete(oldest);
    }
    this.#used.add(one);
    return true;
  }
}
