import { Cancelled } from "./errors.ts";
import { expired } from "./refusals.ts";

/** What may end an attempt before it runs: the caller's signal and the caller's time limit, as one signal of ours. */
export type Stop = {
  /** Its reason is always a `Cancelled` or an `Expired`. */
  readonly signal: AbortSignal;
  /** Takes away the timer and the listener. */
  release(): void;
};

export function stopOf(signal: AbortSignal | undefined, timeoutMs: number | undefined): Stop {
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(aborted(signal?.reason));
  const onTimeout = (): void => controller.abort(expired("wait_timed_out", null));
  const timer = timeoutMs === undefined ? undefined : setTimeout(onTimeout, timeoutMs);
  if (signal?.aborted === true) onAbort();
  else signal?.addEventListener("abort", onAbort, { once: true });
  return {
    signal: controller.signal,
    release: () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    },
  };
}

/** How long a caller that gave up still listens for an answer that has to be undone, in milliseconds. */
export const LATE_MS = 2_000;

/**
 * Waits for something that cannot be taken back once it is sent. When the signal aborts first, the wait ends at once;
 * `send` is told by its own signal a moment later, and `onLate` is given the answer if it arrives until then after all,
 * so that it can be undone.
 */
export function orStopped<T>(
  send: (until: AbortSignal) => Promise<T>,
  signal: AbortSignal,
  onLate: (answer: T) => void,
): Promise<T> {
  const late = new AbortController();
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(signal.reason instanceof Error ? signal.reason : aborted(signal.reason));
      setTimeout(() => late.abort(), LATE_MS).unref();
    };
    if (signal.aborted) {
      onAbort();
      return;
    }
    signal.addEventListener("abort", onAbort, { once: true });
    send(late.signal)
      .then(
        (answer) => {
          if (signal.aborted) onLate(answer);
          resolve(answer);
        },
        (error: Error) => reject(error),
      )
      .finally(() => signal.removeEventListener("abort", onAbort));
  });
}

function aborted(cause: unknown): Cancelled {
  return new Cancelled({ code: "aborted", message: "the caller gave up. Nothing was executed", cause });
}
