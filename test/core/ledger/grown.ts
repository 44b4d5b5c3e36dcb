import { leafHash, nodeHash } from "../../../src/core/ledger/index.ts";
import type { Subtree } from "../../../src/core/ledger/index.ts";

/** A tree with the hash of every perfect subtree, level by level: what a store serves, in the simplest way there is. */
export class Grown {
  readonly leaves: readonly Uint8Array[];
  readonly #levels: (readonly Uint8Array[])[] = [];

  constructor(leaves: readonly Uint8Array[]) {
    this.leaves = leaves;
    let level: readonly Uint8Array[] = leaves.map(leafHash);
    while (level.length > 0) {
      this.#levels.push(level);
      const below = level;
      level = Array.from({ length: Math.floor(below.length / 2) }, (_, at) =>
        nodeHash(below[2 * at] ?? new Uint8Array(0), below[2 * at + 1] ?? new Uint8Array(0)),
      );
    }
  }

  hashes(wanted: readonly Subtree[]): readonly Uint8Array[] {
    return wanted.map(({ level, index }) => {
      const hash = this.#levels[level]?.[index];
      if (hash === undefined) throw new RangeError(`no subtree ${index} of level ${level}`);
      return hash;
    });
  }
}

/** So many leaves, all different. */
export function leavesOf(count: number): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, index) => new TextEncoder().encode(`entry ${index}`));
}
