import { StoreError } from "../ports/store.ts";

export type Repetition = {
  /** The pause after a time that named none, or that failed, in milliseconds. */
  readonly everyMs: number;
  /** Told of what is no store's error; without it, such a fault ends the repetition. */
  readonly onFault?: (error: unknown) => void;
};

/**
 * Does something again and again until the signal aborts, with as many milliseconds between two times as the work answers.
 * A store that is away for now is waited for; rejects with the error of one that has failed.
 */
export async function repeat(
  signal: AbortSignal,
  work: () => Promise<number | void>,
  { everyMs, onFault }: Repetition,
): Promise<void> {
  while (!signal.aborted) {
    let waitMs = everyMs;
    try {
      waitMs = (await work()) ?? everyMs;
    } catch (error) {
      const isAway = error instanceof StoreError && error.code === "store_unavailable";
      if (!isAway && (error instanceof StoreError || onFault === undefined)) throw error;
      if (!isAway) onFault?.(error);
    }
    await pause(waitMs, signal);
  }
}

/** Resolves after so many milliseconds, or at once when the signal aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}
