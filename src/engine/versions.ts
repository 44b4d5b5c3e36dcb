import type { StreamName } from "../core/brand.ts";
import type { AppendResult, Store } from "../ports/store.ts";

/** Versions that an append was given, one after another in each stream, and which are to be accounted for by `settle`. */
export type Reserved = ReadonlyMap<
  StreamName,
  { readonly first: number; readonly count: number; readonly era: number }
>;

/** What is thought of one stream: its next free version, and how often that had to be taken back. */
type Known = { next: number; era: number };

/**
 * The next free versions of streams that many write to, with those of appends under way counted: callers of this process
 * append at once and need not lose to each other. It only saves work and is never sure: the store checks every version,
 * and its conflict says which one would have fitted. Nothing is read, however long a stream has become.
 */
export class Versions {
  readonly #streams = new Map<StreamName, Known>();

  /** So many versions of each stream. To be used at once: who waits between this and its append is overtaken. */
  reserve(counts: ReadonlyMap<StreamName, number>): Reserved {
    return new Map(
      [...counts].map(([stream, count]) => {
        const known = this.#known(stream);
        const first = known.next;
        known.next += count;
        return [stream, { first, count, era: known.era }];
      }),
    );
  }

  /** What became of the append. Not called where that is unknown: who comes next finds out. */
  settle(reserved: Reserved, result: AppendResult): void {
    if (result.status === "appended") return;
    const learnt = result.status === "conflict" && result.on === "version" ? result : null;
    for (const [stream, { first, count, era }] of reserved) {
      const known = this.#known(stream);
      if (learnt?.stream === stream && learnt.actual > first) {
        // Somebody else was here: those of ours that are under way behind this one may still fit.
        known.next = Math.max(known.next, learnt.actual);
      } else if (learnt?.stream === stream) {
        // One before this was not written, so no later one fits; the first to learn it takes them all back.
        if (known.era === era) Object.assign(known, { next: learnt.actual, era: era + 1 });
      } else if (known.next === first + count && known.era === era) {
        known.next = first;
      }
    }
  }

  #known(stream: StreamName): Known {
    const known = this.#streams.get(stream) ?? { next: 0, era: 0 };
    this.#streams.set(stream, known);
    return known;
  }
}

const ofStores = new WeakMap<Store, Versions>();

/** The versions of a store as this process knows them. */
export function versionsOf(store: Store): Versions {
  const known = ofStores.get(store) ?? new Versions();
  ofStores.set(store, known);
  return known;
}
