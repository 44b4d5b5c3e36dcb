import { expire, isOpen, statusAt, type RequestState } from "../core/approval/index.ts";
import { parseId } from "../core/ids.ts";
import { StoreError } from "../ports/store.ts";
import type { Timer } from "../ports/store.ts";
import type { Context } from "./context.ts";
import { DEFERRAL_TIMER, endDeferral } from "./deferrals.ts";
import { ALONE, type Leadership } from "./lease.ts";
import { commitRequest, deniedSlot, loadRequest } from "./journal.ts";
import { reminderOf } from "./notify.ts";

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
  if (timer.kind === DEFERRAL_TIMER) return endDeferral(ctx, timer);
  const state = await loadRequest(ctx, parseId("request", timer.stream.slice("request/".length)));
  if (timer.kind === "expiry" && state !== null && isOpen(state)) {
    const at = ctx.clock.now();
    const events = expire(state, at);
    // A lost race leaves the timer where the winner put it; an early one was read before the winner moved it.
    if (events.length > 0) await commitRequest(ctx, state, events, at);
    return;
  }
  if (timer.kind === "reminder") return remind(ctx, timer, state);
  const slot = state === null ? null : deniedSlot(state.opened);
  // The slot may have passed to a newer denial of the same action, which has a timer of its own.
  const mine = timer.kind === "cooldown" && slot !== null && (await ctx.store.slot(slot)) === timer.stream;
  await ctx.store.append({ entries: [], slots: mine ? [{ free: slot }] : [], timers: [{ clear: timer.id }] });
}

/** Queues the reminder of a request that still waits; the outbox looks again when it sends. */
async function remind(ctx: Context, timer: Timer, state: RequestState | null): Promise<void> {
  const at = ctx.clock.now();
  const waits = state !== null && statusAt(state, at) === "pending";
  const outbox = waits ? [reminderOf(state, at)] : [];
  await ctx.store.append({ entries: [], timers: [{ clear: timer.id }], outbox });
}

/**
 * Sweeps until the signal aborts, while this instance leads; a failing store ends it with the store's error, one that is
 * away for now does not. Two that sweep at once do no harm: of the same change one wins in the store.
 */
export async function keepTime(ctx: Context, signal: AbortSignal, leadership: Leadership = ALONE): Promise<void> {
  while (!signal.aborted) await pause(leadership.leads ? await sweepOnce(ctx) : SLEEP_MAX_MS, signal);
}

/** Answers how many milliseconds may pass until the next time. */
async function sweepOnce(ctx: Context): Promise<number> {
  try {
    if ((await sweep(ctx)) === BATCH) return 0;
    const next = await ctx.store.nextTimer();
    return next === null ? SLEEP_MAX_MS : Math.max(1, Math.min(SLEEP_MAX_MS, next - ctx.clock.now()));
  } catch (error) {
    if (error instanceof StoreError && error.code === "store_unavailable") return SLEEP_MAX_MS;
    throw error;
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
