import { Unavailable, WireError } from "./errors.ts";

/** The first pause between two attempts, in milliseconds; each further one doubles. */
export const BACKOFF_FIRST_MS = 100;
/** No pause is longer than this, unless the server asks for it with `Retry-After`. */
export const BACKOFF_MAX_MS = 5_000;

/**
 * How long to wait after attempt `attempt` (counted from 0), or null when another attempt would not help.
 * `chance` is in [0, 1): half of the pause is fixed and half is jitter, so that many callers spread out.
 */
export function retryDelay(failure: unknown, attempt: number, chance: number): number | null {
  if (!mayPass(failure)) return null;
  const asked = failure instanceof WireError ? failure.retryAfterMs : null;
  return Math.max(backoffDelay(attempt, chance), asked ?? 0);
}

/** The pause after attempt `attempt` (counted from 0): exponential, half of it jitter. */
export function backoffDelay(attempt: number, chance: number): number {
  const full = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(attempt, 16));
  return full / 2 + (full / 2) * chance;
}

/** Whether a failure may be gone at the next attempt: no answer, too many requests, or a server in trouble. */
export function mayPass(failure: unknown): boolean {
  if (failure instanceof Unavailable) return failure.code === "unreachable" || failure.code === "timed_out";
  return failure instanceof WireError && (failure.status === 429 || failure.status >= 500);
}

/** Resolves after `ms`; rejects with the signal's reason as soon as it aborts. The timer is gone in both cases. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(reasonOf(signal));
      return;
    }
    const onAbort = (): void => {
      clearTimeout(timer);
      if (signal !== undefined) reject(reasonOf(signal));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** Why a signal was aborted, always as an error. */
export function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new Error("aborted", { cause: reason });
}
