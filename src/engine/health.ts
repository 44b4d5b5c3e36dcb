import type { Instant } from "../core/brand.ts";
import { ChannelError } from "../ports/channel.ts";

/** The first wait after a failure, doubled with each one in a row, up to the longest. */
export const BACKOFF_FIRST_MS = 1000;
export const BACKOFF_MAX_MS: number = 10 * 60_000;
/** The longest that a service may tell us to stay away. */
const RETRY_AFTER_MAX_MS = 60 * 60_000;

/** How one channel does. A service that is down is asked again by one delivery at a time, not by all that wait. */
export class Health {
  #failures = 0;
  #pausedUntil = 0;
  #since: Instant | null = null;
  #because = "";

  /** When the channel may be tried again; null means now. */
  pausedUntil(now: Instant): Instant | null {
    return now < this.#pausedUntil ? (this.#pausedUntil as Instant) : null;
  }

  /** Since when nothing gets through, and why; null while all is well. */
  trouble(): { readonly since: Instant; readonly because: string } | null {
    return this.#since === null ? null : { since: this.#since, because: this.#because };
  }

  succeeded(): void {
    this.#failures = 0;
    this.#since = null;
  }

  /** Counts a failure, and answers when to try again. Failures of deliveries that were under way together count once. */
  failed(error: unknown, now: Instant): Instant {
    const retryAfterMs = error instanceof ChannelError ? error.retryAfterMs : undefined;
    if (now >= this.#pausedUntil) this.#failures += 1;
    const backoff = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(this.#failures - 1, 20));
    const waitMs = retryAfterMs === undefined ? backoff : Math.min(RETRY_AFTER_MAX_MS, Math.max(1, retryAfterMs));
    this.#pausedUntil = Math.max(this.#pausedUntil, now + waitMs);
    // Being too fast is no trouble: it is told to wait, and waits.
    if (!(error instanceof ChannelError && error.code === "channel_rate_limited")) {
      this.#since ??= now;
      this.#because = error instanceof Error ? error.message : String(error);
    }
    return this.#pausedUntil as Instant;
  }
}
