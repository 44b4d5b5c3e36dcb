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

/**
 * Waits for something that cannot be taken back once it is sent. When the signal aborts first, the wait ends at once,
 * and `onLate` is given the answer when it arrives after all, so that it can be undone.
 */
export function orStopped<T>(sent: Promise<T>, signal: AbortSignal, onLate: (answer: T) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(signal.reason instanceof Error ? signal.reason : aborted(signal.reason));
      sent.then(onLate, () => undefined);
    };
    if (signal.aborted) {
      onAbort();
      return;
    }
    signal.addEventListener("abort", onAbort, { once: true });
    const settled = (): void => signal.removeEventListener("abort", onAbort);
    sent.then(
      (answer) => {
        settled();
        resolve(answer);
      },
      (error: Error) => {
        settled();
        reject(error);
      },
    );
  });
}

function aborted(cause: unknown): Cancelled {
  return new Cancelled({ code: "aborted", message: "the caller gave up. Nothing was executed", cause });
}
