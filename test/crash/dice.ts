/** Chance that can be had again: the same seed, the same numbers (mulberry32). */
export class Dice {
  readonly seed: number;
  #state: number;

  /** KEYTURN_SEED repeats a run. */
  constructor(seed: number = Number(process.env["KEYTURN_SEED"] ?? Math.floor(Math.random() * 2 ** 31))) {
    this.seed = seed;
    this.#state = seed;
  }

  /** A whole number from `least` up to, but not including, `end`. */
  between(least: number, end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return least + Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * (end - least));
  }

  shuffled<T>(items: readonly T[]): T[] {
    const left = [...items];
    return items.flatMap(() => left.splice(this.between(0, left.length), 1));
  }
}
