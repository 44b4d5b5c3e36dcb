import { expire, isOpen, statusAt, type RequestState } from "../core/approval/index.ts";
import { parseId } from "../core/ids.ts";
import type { AppendResult, Timer } from "../ports/store.ts";
import type { Context } from "./context.ts";
import { DEFERRAL_TIMER, endDeferral } from "./deferrals.ts";
import { commitRequest, deniedSlot, freeIfHeld, loadRequest } from "./journal.ts";
import { ALONE, isFenced, type Fence, type Leadership } from "./lease.ts";
import { reminderOf } from "./notify.ts";
import { repeat } from "./repeat.ts";

/** Timers handled before the loop looks at the clock again. */
const BATCH = 256;
/** The longest sleep: a timer set by somebody else is seen at the latest then. */
const SLEEP_MAX_MS = 1000;

/**
 * Writes down what time has decided. Nothing waits for it: reviews and redemptions read the clock themselves,
 * so a late sweeper makes a late entry and never releases anything. Ends where somebody else leads by now.
 */
export async function sweep(ctx: Context, fence: Fence = []): Promise<number> {
  const due = await ctx.store.dueTimers(ctx.clock.now(), BATCH);
  for (const timer of due) {
    const result = await handle(ctx, timer, fence);
    if (result !== null && isFenced(result)) break;
  }
  return due.length;
}

/** What became of the append that the timer came to; null where its own versions fence it, or there is nothing to do. */
async function handle(ctx: Context, timer: Timer, fence: Fence): Promise<AppendResult | null> {
  if (timer.kind === DEFERRAL_TIMER) return endDeferral(ctx, timer, fence);
  const state = await loadRequest(ctx, parseId("request", timer.stream.slice("request/".length)));
  if (timer.kind === "expiry" && state !== null && isOpen(state)) {
    const at = ctx.clock.now();
    const events = expire(state, at);
    // A lost race leaves the timer where the winner put it; an early one was read before the winner moved it.
    if (events.length > 0) await commitRequest(ctx, state, events, at);
    return null;
  }
  if (timer.kind === "reminder") return remind(ctx, timer, state, fence);
  const slot = state === null ? null : deniedSlot(state.opened);
  // The slot may have passed to a newer denial of the same action, which has a timer of its own.
  const mine = timer.kind === "cooldown" && slot !== null && (await ctx.store.slot(slot)) === timer.stream;
  const slots = mine ? freeIfHeld(slot, timer.stream) : [];
  return ctx.store.append({ entries: [], slots: [...fence, ...slots], timers: [{ clear: timer.id }] });
}

/** Queues the reminder of a request that still waits; the outbox looks again when it sends. */
async function remind(ctx: Context, timer: Timer, state: RequestState | null, fence: Fence): Promise<AppendResult> {
  const at = ctx.clock.now();
  const waits = state !== null && statusAt(state, at) === "pending";
  const outbox = waits && ctx.isQuiet !== true ? [reminderOf(state, at)] : [];
  return ctx.store.append({ entries: [], slots: fence, timers: [{ clear: timer.id }], outbox });
}

/**
 * Sweeps until the signal aborts, while this instance leads; a failing store ends it with the store's error, one that is
 * away for now does not. Two that sweep at once do no harm: of the same change one wins in the store.
 */
export async function keepTime(ctx: Context, signal: AbortSignal, leadership: Leadership = ALONE): Promise<void> {
  await repeat(signal, () => sweepOnce(ctx, leadership.fence()), { everyMs: SLEEP_MAX_MS });
}

/** Answers how many milliseconds may pass until the next time. */
async function sweepOnce(ctx: Context, fence: Fence | null): Promise<number> {
  if (fence === null) return SLEEP_MAX_MS;
  if ((await sweep(ctx, fence)) === BATCH) return 0;
  const next = await ctx.store.nextTimer();
  return next === null ? SLEEP_MAX_MS : Math.max(1, Math.min(SLEEP_MAX_MS, next - ctx.clock.now()));
}
