import type { RequestState } from "../core/approval/index.ts";
import type { RequestId } from "../core/brand.ts";

export type Listener = (state: RequestState) => void;

/** Whoever waits for one request. It must not throw; it runs in the committer's turn. */
export type Waiter = {
  /** The request was changed. */
  heard(state: RequestState): void;
  /** The server ends: it has to leave. */
  released(): void;
};

/**
 * Tells listeners in this process what has been committed, never before. It is a hint to look, not a record:
 * whoever must not miss anything reads the store when it (re)connects.
 */
export class Bus {
  /** With what is called when the server ends. */
  readonly #listeners = new Map<Listener, () => void>();
  readonly #residents = new Set<Listener>();
  /** Mostly one for each request: a set is only made for several. */
  readonly #waiters = new Map<RequestId, Waiter | Set<Waiter>>();
  #waiting = 0;
  #isReleased = false;

  /**
   * Until the returned function is called. A listener must not throw; it runs in the committer's turn. `released` is
   * called when the server ends, and has to leave.
   */
  subscribe(listener: Listener, released: () => void = () => {}): () => void {
    this.#listeners.set(listener, released);
    if (this.#isReleased) queueMicrotask(released); // not before whoever calls can leave
    return () => this.#listeners.delete(listener);
  }

  /** As `subscribe`, for a part of the server itself, which lives as long as it does and is not counted. */
  attend(listener: Listener): () => void {
    this.#residents.add(listener);
    return () => this.#residents.delete(listener);
  }

  /** Tells a waiter of one request until it leaves: it costs nothing while others change. */
  enter(id: RequestId, waiter: Waiter): void {
    const known = this.#waiters.get(id);
    if (known === undefined) this.#waiters.set(id, waiter);
    else if (known instanceof Set) known.add(waiter);
    else this.#waiters.set(id, new Set([known, waiter]));
    this.#waiting += 1;
    if (this.#isReleased) waiter.released();
  }

  /** May be called of one that has left already. */
  leave(id: RequestId, waiter: Waiter): void {
    const known = this.#waiters.get(id);
    const isThere = known instanceof Set ? known.delete(waiter) : known === waiter;
    if (!isThere) return;
    if (!(known instanceof Set) || known.size === 0) this.#waiters.delete(id);
    this.#waiting -= 1;
  }

  publish(state: RequestState): void {
    for (const listener of this.#residents) listener(state);
    for (const listener of this.#listeners.keys()) listener(state);
    for (const waiter of this.#waitersFor(state.opened.id)) waiter.heard(state);
  }

  /** Sends everybody away who listens or waits, and whoever still comes: the server ends. */
  release(): void {
    this.#isReleased = true;
    for (const released of this.#listeners.values()) released();
    for (const id of this.#waiters.keys()) for (const waiter of this.#waitersFor(id)) waiter.released();
  }

  /** Streams and polls that wait. */
  get size(): number {
    return this.#listeners.size + this.#waiting;
  }

  /** A copy, because they leave when they hear. */
  #waitersFor(id: RequestId): readonly Waiter[] {
    const known = this.#waiters.get(id);
    if (known === undefined) return [];
    return known instanceof Set ? [...known] : [known];
  }
}
