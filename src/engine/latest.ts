import { isOpen, type RequestState } from "../core/approval/index.ts";
import type { RequestId } from "../core/brand.ts";

/** Open requests that are remembered; the one that changed longest ago goes first. */
const LATEST_MAX = 1000;
/** Requests of which is remembered how far they were told. */
const TOLD_MAX = 10_000;

/**
 * How open requests were when this process last heard of them. Another instance may have changed one since, so whatever is
 * decided on it is appended under its version, and a refusal is never based on it. Of a request that is over nothing is
 * kept: it may be erased.
 */
export class Latest {
  readonly #states = new Map<RequestId, RequestState>();
  readonly #told = new Map<RequestId, number>();

  /** An open request as it was last heard of, or null. */
  of(id: RequestId): RequestState | null {
    return this.#states.get(id) ?? null;
  }

  /** A request as it has become, here or at another instance; false where something later was heard of it before. */
  heard(state: RequestState): boolean {
    const { id } = state.opened;
    if ((this.#told.get(id) ?? -1) >= state.version) return false;
    remember(this.#told, id, state.version, TOLD_MAX);
    if (isOpen(state)) remember(this.#states, id, state, LATEST_MAX);
    else this.#states.delete(id);
    return true;
  }

  forget(id: RequestId): void {
    this.#states.delete(id);
  }
}

/** Puts an item last, and lets the first ones go where there are more than `max`. */
function remember<K, T>(items: Map<K, T>, key: K, item: T, max: number): void {
  items.delete(key);
  items.set(key, item);
  for (const oldest of items.keys()) {
    if (items.size <= max) return;
    items.delete(oldest);
  }
}
