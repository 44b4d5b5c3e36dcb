import type { Instant } from "../../src/core/brand.ts";
import type { Clock } from "../../src/ports/clock.ts";

/** A clock that stands still until a test sets it. */
export class HandClock implements Clock {
  #now: number;

  constructor(start: number = Date.UTC(2026, 5, 1, 12)) {
    this.#now = start;
  }

  now(): Instant {
    return this.#now as Instant;
  }

  pass(ms: number): void {
    this.#now += ms;
  }
}

export const SECOND = 1000;
export const MINUTE: number = 60 * SECOND;
export const HOUR: number = 60 * MINUTE;
