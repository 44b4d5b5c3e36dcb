import type { Instant } from "../core/brand.ts";
import type { Context } from "./context.ts";

/** A session that nobody used for so long is over, whatever its end says. */
export const SESSION_IDLE_MS: number = 2 * 3_600_000;
/** Use is written down at most so often: the limit above is exact to this. */
const WRITTEN_EVERY_MS = 5 * 60_000;
const KNOWN_MAX = 10_000;
const DOCUMENT = "session_seen";

/** When each session was used last. It lies beside the session itself, so that writing it can never undo a revocation. */
export class Seen {
  readonly #ctx: Pick<Context, "store" | "clock">;
  readonly #known = new Map<string, Instant>();

  constructor(ctx: Pick<Context, "store" | "clock">) {
    this.#ctx = ctx;
  }

  /** Notes that a session is used now; false where it was idle for too long and is over. */
  async use(id: string, createdAt: Instant): Promise<boolean> {
    const now = this.#ctx.clock.now();
    let last = this.#known.get(id);
    // Another instance may have seen it since.
    if (last === undefined || now - last >= WRITTEN_EVERY_MS) last = await this.#read(id, createdAt);
    if (now - last >= SESSION_IDLE_MS) return false;
    if (now - last >= WRITTEN_EVERY_MS) {
      await this.#ctx.store.append({ entries: [], documents: [{ kind: DOCUMENT, id, body: { at: now } }] });
      last = now;
    }
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(id, last);
    return true;
  }

  /** When it was used last, exact to a few minutes. */
  async at(id: string, createdAt: Instant): Promise<Instant> {
    return this.#read(id, createdAt);
  }

  async #read(id: string, createdAt: Instant): Promise<Instant> {
    const at = (await this.#ctx.store.document(DOCUMENT, id))?.body["at"];
    return typeof at === "number" ? (at as Instant) : createdAt;
  }
}

/** What is left of a session when it has ended. */
export function unseen(id: string): { readonly kind: string; readonly id: string; readonly body: null } {
  return { kind: DOCUMENT, id, body: null };
}
