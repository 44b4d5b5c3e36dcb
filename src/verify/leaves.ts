import { hash } from "node:crypto";
import { Frontier, HASH_BYTES } from "../core/ledger/index.ts";

/** Subtrees at the right edge of a tree of 2^53 leaves. */
const LEVELS_MAX = 54;
const LEAF_BYTES = 8192;

/**
 * The tree that an auditor grows, leaf by leaf: what `Frontier` of core computes, written a second time for speed. It
 * keeps one hash for each level in a single buffer and lets the one-shot hash answer strings, which costs half of what an
 * array for each hash does.
 */
export class LeafTree {
  #size = 0;
  /** The peak of level n at 32·n; meaningful where bit n of the size is set. */
  readonly #peaks: Buffer = Buffer.alloc(LEVELS_MAX * HASH_BYTES);
  readonly #node: Buffer = Buffer.alloc(1 + 2 * HASH_BYTES, 1);
  #leaf: Buffer = Buffer.alloc(LEAF_BYTES);

  /** An empty tree, or one that goes on from there. */
  constructor(start: Frontier = new Frontier()) {
    this.#size = start.size;
    let [at, rest] = [start.peaks.length - 1, start.size];
    for (let level = 0; rest > 0; level++, rest = Math.floor(rest / 2)) {
      if (rest % 2 === 1) this.#peaks.set(start.peaks[at--] ?? new Uint8Array(0), level * HASH_BYTES);
    }
  }

  get size(): number {
    return this.#size;
  }

  /** Adds a leaf: RFC 6962 §2.1, 0x00 before an entry, 0x01 before two nodes. */
  append(entry: Uint8Array): void {
    if (entry.length >= this.#leaf.length) this.#leaf = Buffer.alloc(2 * entry.length);
    this.#leaf.set(entry, 1);
    let text = hash("sha256", this.#leaf.subarray(0, 1 + entry.length), "binary");
    let level = 0;
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      const peak = level * HASH_BYTES;
      for (let at = 0; at < HASH_BYTES; at++) this.#node[1 + at] = this.#peaks[peak + at] ?? 0;
      put(this.#node, 1 + HASH_BYTES, text);
      text = hash("sha256", this.#node, "binary");
      level++;
    }
    put(this.#peaks, level * HASH_BYTES, text);
    this.#size++;
  }

  /** The same tree as core knows it. */
  frontier(): Frontier {
    const peaks: Uint8Array[] = [];
    for (let [level, rest] = [0, this.#size]; rest > 0; level++, rest = Math.floor(rest / 2)) {
      if (rest % 2 === 1) peaks.unshift(this.#peaks.subarray(level * HASH_BYTES, (level + 1) * HASH_BYTES));
    }
    return new Frontier(this.#size, peaks);
  }

  root(): Uint8Array {
    return this.frontier().root();
  }
}

/** Writes a hash that came as a string of bytes: for 32 of them a loop is faster than a call. */
function put(into: Uint8Array, from: number, text: string): void {
  for (let at = 0; at < HASH_BYTES; at++) into[from + at] = text.charCodeAt(at);
}
