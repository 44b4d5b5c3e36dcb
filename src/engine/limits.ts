import type { AgentId, Instant } from "../core/brand.ts";

/** Named limits of one installation; `keyturn.yaml` may change each. */
export type Limits = {
  /** Requests of one agent that may wait for people at a time. */
  readonly pendingPerAgent: number;
  /** Actions of one agent that may wait for facts at a time. */
  readonly deferredPerAgent: number;
  /** Evaluations of one agent in a minute. */
  readonly evaluationsPerMinute: number;
  /** After people denied an action, how long the same one is denied without asking them again, in milliseconds. */
  readonly denialCooldownMs: number;
  /** How long an evaluation that asks for approval may be followed by a request, in milliseconds. */
  readonly evaluationTtlMs: number;
  /** How long an approval may wait to be used, in milliseconds. */
  readonly approvedForMs: number;
  /** Tasks that one long poll may wait for, in milliseconds. */
  readonly waitMaxMs: number;
  /** Streams and long polls that are open at a time in one server. */
  readonly waitersMax: number;
};

export const LIMITS_DEFAULT: Limits = {
  pendingPerAgent: 100,
  deferredPerAgent: 20,
  evaluationsPerMinute: 6000,
  denialCooldownMs: 10 * 60_000,
  evaluationTtlMs: 10 * 60_000,
  approvedForMs: 60 * 60_000,
  waitMaxMs: 60_000,
  waitersMax: 40_000,
};

const WINDOW_MS = 60_000;
/** Agents whose windows are kept; the least recently started go first. */
const WINDOWS_MAX = 10_000;

type Window = { startedAt: number; count: number; told: boolean };

export type Admission =
  | { readonly admitted: true }
  | { readonly admitted: false; readonly retryAfterMs: number; readonly first: boolean };

/** Counts evaluations per agent in windows of a minute, in memory: a restart forgives at most one window. */
export class RateWindows {
  readonly #windows = new Map<AgentId, Window>();

  /** Counts one more. `first` is true once per window and agent, so that a flood makes one entry and one alert. */
  admit(agent: AgentId, perMinute: number, now: Instant): Admission {
    let window = this.#windows.get(agent);
    if (window === undefined || now - window.startedAt >= WINDOW_MS || now < window.startedAt) {
      this.#windows.delete(agent);
      window = { startedAt: now, count: 0, told: false };
      this.#windows.set(agent, window);
      if (this.#windows.size > WINDOWS_MAX)
        for (const oldest of this.#windows.keys()) {
          this.#windows.delete(oldest);
          break;
        }
    }
    window.count += 1;
    if (window.count <= perMinute) return { admitted: true };
    const first = !window.told;
    window.told = true;
    return { admitted: false, retryAfterMs: window.startedAt + WINDOW_MS - now, first };
  }
}
