import type { Instant } from "../core/brand.ts";

/** Time and chance, the two things that `core` never takes for itself. */
export interface Clock {
  now(): Instant;
}
export interface Chance {
  /** Cryptographically random bytes. */
  bytes(length: number): Uint8Array;
}
