import { isOpen, recheck } from "../core/approval/index.ts";
import { parseId } from "../core/ids.ts";
import type { Instant, RequestId } from "../core/brand.ts";
import type { Context } from "./context.ts";
import { commitRequest, loadRequest } from "./journal.ts";

/** Requests that are looked at in one go. Beyond them, redemption looks again all the same. */
const OPEN_MAX = 20_000;
const ROUNDS_MAX = 4;

/**
 * Looks at every open request by the roster in force now, and voids the reviews of those who may approve it no longer. An
 * approved request goes back to pending, with the reason. Answers how many requests changed. Redemption looks again anyway:
 * this is for people to see it at once.
 */
export async function voidStaleReviews(ctx: Context): Promise<number> {
  // Every open request has one timer, for its end: the shortest list of them that there is.
  const timers = await ctx.store.dueTimers(Number.MAX_SAFE_INTEGER as Instant, OPEN_MAX);
  const ids = new Set(
    timers.filter(({ kind }) => kind === "expiry").map(({ stream }) => stream.slice("request/".length)),
  );
  let voided = 0;
  for (const id of ids) if (await voidIn(ctx, parseId("request", id))) voided++;
  return voided;
}

async function voidIn(ctx: Context, id: RequestId): Promise<boolean> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const state = await loadRequest(ctx, id);
    if (state === null || !isOpen(state) || state.reviews.length === 0) return false;
    const at = ctx.clock.now();
    const voids = recheck(state, ctx.rules().directory, at);
    if (voids.length === 0) return false;
    if ((await commitRequest(ctx, state, voids, at)).status === "committed") return true;
  }
  return false;
}
