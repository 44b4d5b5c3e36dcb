import type { Witnessed } from "../core/ledger/index.ts";
import { formatInstant, formatSpan } from "../core/ledger/index.ts";
import type { Instant } from "../core/brand.ts";
import type { Header } from "./header.ts";
import type { Findings } from "./report.ts";

/** How far apart clocks may be, and how long an entry may have waited for its commit, in milliseconds. */
export const CLOCK_TOLERANCE_MS = 30_000;

/** Follows the times of entries: they are written by one clock, which goes forward. */
export class ClockCheck {
  readonly #findings: Findings;
  readonly #toleranceMs: number;
  #latest: number;

  constructor(findings: Findings, toleranceMs: number, latest = 0) {
    this.#findings = findings;
    this.#toleranceMs = toleranceMs;
    this.#latest = latest;
  }

  /** The latest time so far, by which the next entries are judged. */
  get latest(): number {
    return this.#latest;
  }

  /** An entry in its place. A clock that was set back is one finding, and is believed from then on. */
  follow(header: Pick<Header, "at" | "stream">, index: number): void {
    const { at } = header;
    if (at >= this.#latest) {
      this.#latest = at;
      return;
    }
    if (at >= this.#latest - this.#toleranceMs) return;
    const because = `the clock was set back by ${formatSpan(this.#latest - at)}: before this entry of ${spell(at)} it was ${spell(this.#latest)}`;
    this.#findings.add(because, index, header.stream);
    this.#latest = at;
  }

  /** What comes from here on was written after a witness had signed what is before it. */
  notBefore(witnessed: readonly Witnessed[], index: number): void {
    for (const { name, seconds } of witnessed) {
      const at = seconds * 1000;
      if (at - this.#toleranceMs > this.#latest) this.#latest = at;
      else if (at + 999 < this.#latest - this.#toleranceMs) this.#contradicts(name, at, index);
    }
  }

  /** The end: no entry is later than the witnesses that signed it, and nothing is from the future. */
  finish(witnessed: readonly Witnessed[], now: number): void {
    for (const { name, seconds } of witnessed) {
      const at = seconds * 1000;
      if (at + 999 < this.#latest - this.#toleranceMs) this.#contradicts(name, at, null);
      if (at > now + this.#toleranceMs) this.#findings.add(`\`${name}\` cosigned at ${spell(at)}, which is to come`);
    }
    if (this.#latest > now + this.#toleranceMs) {
      this.#findings.add(
        `the last entry is of ${spell(this.#latest)}, which is ${formatSpan(this.#latest - now)} from now`,
      );
    }
  }

  /** Something that has to come after something else, such as a redemption after its approval. */
  ordered(what: string, earlier: number, later: number, index: number, stream: string): void {
    if (later >= earlier - this.#toleranceMs) return;
    this.#findings.add(`${what}: ${spell(later)} is before ${spell(earlier)}`, index, stream);
  }

  /** A time that a payload says again: the review of a person, the opening of a request. */
  same(what: string, at: number, said: number, index: number, stream: string): void {
    if (Math.abs(at - said) <= this.#toleranceMs) return;
    this.#findings.add(`${what} at ${spell(said)} by its payload, and the entry is of ${spell(at)}`, index, stream);
  }

  #contradicts(name: string, at: number, index: number | null): void {
    const because = `\`${name}\` cosigned at ${spell(at)}, and an entry under its signature is of ${spell(this.#latest)}`;
    this.#findings.add(because, index);
  }
}

/** A time as entries spell it; far off ones as a number. */
function spell(at: number): string {
  try {
    return formatInstant(Math.floor(at) as Instant);
  } catch {
    return `${at} ms`;
  }
}
