import { expire, isOpen } from "../core/approval/index.ts";
import { parseId } from "../core/ids.ts";
import type { Timer } from "../ports/store.ts";
import type { Context } from "./context.ts";
import { commitRequest, deniedSlot, loadRequest } from "./journal.ts";

/** Timers handled before the loop looks at the clock again. */
const BATCH = 256;
/** The longest sleep: a timer set by somebody else is seen at the latest then. */
const SLEEP_MAX_MS = 1000;

/**
 * Writes down what time has decided. Nothing waits for it: reviews and redemptions read the clock themselves,
 * so a late sweeper makes a late entry and never releases anything.
 */
export async function sweep(ctx: Context): Promise<number> {
  const due = await ctx.store.dueTimers(ctx.clock.now(), BATCH);
  for (const timer of due) await handle(ctx, timer);
  return due.length;
}

async function handle(ctx: Context, timer: Timer): Promise<void> {
  const state = await loadRequest(ctx, parseId("request", timer.stream.slice("request/".length)));
  if (timer.kind === "expiry" && state !== null && isOpen(state)) {
    const at = ctx.clock.now();
    const events = expire(state, at);
    // A lost race leaves the timer where the winner put it; an early one was read before the winner moved it.
    if (events.length > 0) await commitRequest(ctx, state, events, at);
    return;
  }
  const slot = state === null ? null : deniedSlot(state.opened);
  // The slot may have passed to a newer denial of the same action, which has a timer of its own.
  const mine = timer.kind === "cooldown" && slot !== null && (await ctx.store.slot(slot)) === timer.stream;
  await ctx.store.append({ entries: [], slots: mine ? [{ free: slot }] : [], timers: [{ clear: timer.id }] });
}

/** Sweeps until the signal aborts; a failing store ends it with the store's error. */
export async function keepTime(ctx: Context, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const handled = await sweep(ctx);
    if (handled === BATCH) continue;
    const next = await ctx.store.nextTimer();
    const wait = next === null ? SLEEP_MAX_MS : Math.max(1, Math.min(SLEEP_MAX_MS, next - ctx.clock.now()));
    await pause(wait, signal);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
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
