import type { RequestState } from "../core/approval/index.ts";

export type Listener = (state: RequestState) => void;

/**
 * Tells listeners in this process what has been committed, never before. It is a hint to look, not a record:
 * whoever must not miss anything reads the store when it (re)connects.
 */
export class Bus {
  readonly #listeners = new Set<Listener>();
  readonly #residents = new Set<Listener>();

  /** Until the returned function is called. A listener must not throw; it runs in the committer's turn. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** As `subscribe`, for a part of the server itself, which lives as long as it does and is not counted. */
  attend(listener: Listener): () => void {
    this.#residents.add(listener);
    return () => this.#residents.delete(listener);
  }

  publish(state: RequestState): void {
    for (const listener of this.#residents) listener(state);
    for (const listener of this.#listeners) listener(state);
  }

  /** Streams and polls that wait. */
  get size(): number {
    return this.#listeners.size;
  }
}
