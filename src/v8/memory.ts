import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** How long the thread has to have been idle, and the share of that time that still counts as idle. */
const QUIET_MS = 1000;
const BUSY_MAX = 0.05;

/**
 * Gives back to the system what only loading needed in this thread (parsers' garbage, the young generation that it made grow:
 * some 15 MB in a server's first thread, 4 in that of its store), in the thread's first quiet second. V8 does so by itself
 * only after a full collection, which a quiet thread never has. It stops the thread for a tenth of a second, so a busy one,
 * which collects in any case, is left alone. Not once the signal has aborted, where there is one.
 */
export function releaseWhenQuiet(signal?: AbortSignal): void {
  let before = performance.eventLoopUtilization();
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    if (utilization > BUSY_MAX) return;
    stop();
    collect();
  }, QUIET_MS);
  timer.unref();
  const stop = (): void => {
    clearInterval(timer);
    signal?.removeEventListener("abort", stop);
  };
  signal?.addEventListener("abort", stop, { once: true });
}

/**
 * V8's function is given to contexts that are made while the flag is up: to this one, and to nobody else. The flag is that of
 * the process: where another thread has just taken it down, nothing is collected, and nothing but memory is lost.
 */
function collect(): void {
  setFlagsFromString("--expose-gc");
  try {
    runInNewContext("globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })");
  } finally {
    setFlagsFromString("--no-expose-gc");
  }
}
