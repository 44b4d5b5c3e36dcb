import { ChannelError } from "./channel.ts";

/** How often something may happen: `burst` at once, then `perSecond`. */
export type Rate = { readonly burst: number; readonly perSecond: number };

/** The longest that a call waits for its turn; what would wait longer is left to the outbox. */
export const PACE_WAIT_MS_MAX = 5000;
/** Places of which the pace is remembered. */
const KEYS_MAX = 10_000;

/** Keeps calls under the rates that a service documents, so that its own limit is the exception. */
export class Pace {
  readonly #next = new Map<string, number>();
  readonly #sleep: (ms: number) => Promise<void>;
  readonly #now: () => number;

  constructor(sleep: (ms: number) => Promise<void>, now: () => number) {
    this.#sleep = sleep;
    this.#now = now;
  }

  /** Resolves when it is this call's turn; rejects with `channel_rate_limited` where that is too far away. */
  async turn(key: string, { burst, perSecond }: Rate): Promise<void> {
    const everyMs = 1000 / perSecond;
    const now = this.#now();
    // As if the bucket's last drop had been taken this long ago (GCRA: one number a key).
    const from = Math.max(this.#next.get(key) ?? 0, now - (burst - 1) * everyMs);
    const waitMs = Math.ceil(from - now);
    if (waitMs > PACE_WAIT_MS_MAX) {
      const message = "more is sent than the service takes; it goes out one after the other";
      throw new ChannelError({ code: "channel_rate_limited", message, retryAfterMs: Math.ceil(waitMs / 2) });
    }
    if (this.#next.size >= KEYS_MAX) this.#forgetOld(now);
    this.#next.set(key, from + everyMs);
    if (waitMs > 0) await this.#sleep(waitMs);
  }

  #forgetOld(now: number): void {
    for (const [key, next] of this.#next) if (next <= now) this.#next.delete(key);
  }
}
