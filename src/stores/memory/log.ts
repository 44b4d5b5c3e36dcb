import type { StreamName } from "../../core/brand.ts";
import { Frontier, leafHash } from "../../core/ledger/index.ts";
import type { Head, NewEntry, StoredEntry, Subtree } from "../../ports/store.ts";
import type { Conflict } from "./slots.ts";

/** The entries and their tree: every hash of every perfect subtree is kept, because memory is what this store has. */
export class Log {
  readonly #entries: StoredEntry[] = [];
  readonly #streams = new Map<StreamName, StoredEntry[]>();
  readonly #frontier = new Frontier();
  readonly #levels: Uint8Array[][] = [];

  get size(): number {
    return this.#entries.length;
  }

  /** The first entry whose version does not follow, if any. */
  conflict(entries: readonly NewEntry[]): Conflict | null {
    const next = new Map<StreamName, number>();
    for (const { stream, version } of entries) {
      const actual = next.get(stream) ?? this.#streams.get(stream)?.length ?? 0;
      if (version !== actual) return { status: "conflict", on: "version", stream, expected: version, actual };
      next.set(stream, actual + 1);
    }
    return null;
  }

  add(entry: NewEntry): void {
    const stored = copy({ ...entry, index: this.size });
    this.#entries.push(stored);
    const stream = this.#streams.get(entry.stream);
    if (stream === undefined) this.#streams.set(entry.stream, [stored]);
    else stream.push(stored);
    this.#frontier.append(leafHash(stored.header), ({ level }, hash) => {
      (this.#levels[level] ??= []).push(hash);
    });
  }

  /** Payloads and salts of these entries are gone; unknown indexes are ignored. */
  erase(indexes: ReadonlySet<number>): void {
    for (const index of indexes) {
      const entry = this.#entries[index];
      if (entry === undefined) continue;
      const erased: StoredEntry = { ...entry, payload: null, salt: null };
      this.#entries[index] = erased;
      const stream = this.#streams.get(entry.stream);
      if (stream !== undefined) stream[entry.version] = erased;
    }
  }

  stream(name: StreamName, fromVersion: number): readonly StoredEntry[] {
    return (this.#streams.get(name) ?? []).slice(fromVersion).map(copy);
  }

  range(fromIndex: number, limit: number): readonly StoredEntry[] {
    return this.#entries.slice(fromIndex, fromIndex + limit).map(copy);
  }

  head(): Head {
    return { size: this.size, root: Uint8Array.from(this.#frontier.root()) };
  }

  subtree({ level, index }: Subtree): Uint8Array {
    const hash = this.#levels[level]?.[index];
    if (hash === undefined)
      throw new RangeError(`subtree ${index} of level ${level} is not within ${this.size} entries`);
    return Uint8Array.from(hash);
  }
}

function copy(entry: StoredEntry): StoredEntry {
  return {
    index: entry.index,
    stream: entry.stream,
    version: entry.version,
    type: entry.type,
    header: new Uint8Array(entry.header),
    payload: entry.payload === null ? null : new Uint8Array(entry.payload),
    salt: entry.salt === null ? null : new Uint8Array(entry.salt),
  };
}
