import type { Instant } from "../../core/brand.ts";

/** From and to, the end not included. */
export type Period = { readonly from: Instant; readonly to: Instant };

/** Entries by their index, the end not included. */
export type IndexRange = { readonly first: number; readonly end: number };

/**
 * Finds the entries of a period: from the first one that is not before it to the last that is not after it, and all
 * between. Entries stand in the order of commits and not quite of times, so that a few at the edges may be of a moment
 * before or after; none of the period is left out.
 */
export class RangeFinder {
  readonly #period: Period;
  #first: number | null = null;
  #end: number | null = null;
  #size = 0;
  /** The first entry that lies after the period: where an empty range stands. */
  #after: number | null = null;

  constructor(period: Period) {
    this.#period = period;
  }

  /** The next entry, in the order of indexes. */
  add(at: Instant): void {
    const index = this.#size++;
    const inside = at >= this.#period.from && at < this.#period.to;
    if (inside) [this.#first, this.#end] = [this.#first ?? index, index + 1];
    else if (at >= this.#period.to) this.#after ??= index;
  }

  /** The range so far; empty, at its place in the ledger, where nothing happened. */
  get range(): IndexRange {
    const nowhere = this.#after ?? this.#size;
    return { first: this.#first ?? nowhere, end: this.#end ?? nowhere };
  }
}
