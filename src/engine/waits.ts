import { statusAt } from "../core/approval/index.ts";
import type { Refusal, RequestState, RequestStatus } from "../core/approval/index.ts";
import type { RequestId } from "../core/brand.ts";
import type { Waiter } from "./bus.ts";
import type { Context } from "./context.ts";
import type { Caller } from "./evaluate.ts";
import { loadRequest } from "./journal.ts";
import { requestFor } from "./requests.ts";

/** Told once how a request stands when a wait for it ends; null where it was erased meanwhile. */
export type Tell = (after: Promise<RequestState | null>) => void;

/**
 * A wait until the status of one request is no longer the known one. Servers hold tens of thousands of these for hours:
 * nothing is kept of the request but its id, and nothing waits in a promise.
 */
export class Wait implements Waiter {
  readonly #ctx: Context;
  readonly #id: RequestId;
  readonly #known: RequestStatus;
  #tell: Tell | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** It ended before anybody could be told: with what was heard, if anything was. */
  #early: { readonly heard: RequestState | null } | null = null;

  constructor(ctx: Context, id: RequestId, known: RequestStatus) {
    this.#ctx = ctx;
    this.#id = id;
    this.#known = known;
    ctx.bus.enter(id, this);
  }

  /** Calls `tell` when the wait ends, after `waitMs` at the latest; not after `leave`. */
  until(waitMs: number, tell: Tell): void {
    this.#tell = tell;
    if (this.#early !== null) this.#end(this.#early.heard);
    else this.#timer = setTimeout(timeOut, Math.min(waitMs, this.#ctx.limits.waitMaxMs), this);
  }

  heard(state: RequestState): void {
    if (state.progress.status !== this.#known) this.#end(state);
  }

  released(): void {
    this.#end(null);
  }

  /** Nobody waits any more; may be called again. */
  leave(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#tell = null;
    this.#ctx.bus.leave(this.#id, this);
  }

  #end(heard: RequestState | null): void {
    const tell = this.#tell;
    this.leave();
    if (tell === null) this.#early = { heard };
    else tell(heard === null ? loadRequest(this.#ctx, this.#id) : Promise.resolve(heard));
  }
}

function timeOut(wait: Wait): void {
  wait.released();
}

/** The agent's own request, or a refusal; or, as long as its status is the known one, a wait for another. */
export async function waitFor(
  ctx: Context,
  caller: Caller,
  id: RequestId,
  known: RequestStatus,
): Promise<RequestState | Refusal | Wait> {
  // Entered before reading: a decision between the two cannot be missed.
  const wait = new Wait(ctx, id, known);
  let isWaiting = false;
  try {
    const now = await requestFor(ctx, caller, id);
    isWaiting = !("refused" in now) && statusAt(now, ctx.clock.now()) === known;
    return isWaiting ? wait : now;
  } finally {
    if (!isWaiting) wait.leave();
  }
}
