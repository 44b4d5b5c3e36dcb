import { Frontier, HASH_BYTES, TILE_HEIGHT, TILE_WIDTH, nodeHash, sameHash } from "../../core/ledger/index.ts";
import type { Subtree } from "../../ports/store.ts";
import { Damaged } from "./columns.ts";

/** A tile that has just become full: 256 hashes one after the other, and the root over them. */
export type FullTile = {
  readonly level: number;
  readonly index: number;
  readonly root: Uint8Array;
  readonly hashes: Uint8Array;
};

/**
 * The right edge of the Merkle tree as one writer knows it: other writers may have moved it since. Who appends holds the
 * head row, lets it catch up, and drops it when a commit fails.
 */
export class Tree {
  readonly #frontier: Frontier;
  /** By tile level: the hashes that wait for their tile to be full. */
  readonly #edges: Uint8Array[][];

  private constructor(frontier: Frontier, edges: readonly (readonly Uint8Array[])[]) {
    this.#frontier = frontier;
    this.#edges = edges.map((edge) => [...edge]);
  }

  /** `edges` are the hashes right of the last full tile of each level; throws where they are not those of the frontier. */
  static under(frontier: Frontier, edges: readonly (readonly Uint8Array[])[]): Tree {
    const peaks = peaksOf(edges);
    const same = peaks.every((peak, at) => sameHash(peak, frontier.peaks[at] ?? new Uint8Array(0)));
    if (!same || peaks.length !== frontier.peaks.length) throw new Damaged("entries that are not those under the head");
    return new Tree(frontier, edges);
  }

  /** One that moves by itself. */
  copy(): Tree {
    return new Tree(Frontier.fromBytes(this.#frontier.toBytes()), this.#edges);
  }

  get size(): number {
    return this.#frontier.size;
  }

  /** What the head row keeps of it. */
  frontier(): Uint8Array {
    return this.#frontier.toBytes();
  }

  /** Adds a leaf by its hash; answers the tiles that it fills, the lowest first. */
  append(leaf: Uint8Array): readonly FullTile[] {
    const full: FullTile[] = [];
    this.#frontier.append(leaf, ({ level, index }, hash) => {
      if (level % TILE_HEIGHT !== 0) return;
      const tileLevel = level / TILE_HEIGHT;
      // A node of level 8·(n+1) is the root of the tile of level n that has just become full, and a hash of the tile above.
      if (tileLevel > 0) {
        const hashes = Buffer.concat(this.#edges[tileLevel - 1] ?? []);
        full.push({ level: tileLevel - 1, index, root: hash, hashes });
        this.#edges[tileLevel - 1] = [];
      }
      (this.#edges[tileLevel] ??= []).push(hash);
    });
    return full;
  }
}

/** The tile that holds a subtree, and where in it; RangeError where the subtree is not wholly within `size`. */
export type TilePlace = {
  readonly level: number;
  readonly index: number;
  /** Among the tile's hashes. */
  readonly offset: number;
  readonly span: number;
  /** Hashes that the tile has at this size. */
  readonly width: number;
};

export function placeOf({ level, index }: Subtree, size: number): TilePlace {
  const valid = Number.isSafeInteger(level) && level >= 0 && Number.isSafeInteger(index) && index >= 0;
  if (!valid || (index + 1) * 2 ** level > size) {
    throw new RangeError(`subtree ${index} of level ${level} is not within ${size} entries`);
  }
  const tileLevel = Math.floor(level / TILE_HEIGHT);
  const span = 2 ** (level % TILE_HEIGHT);
  const first = index * span; // among the nodes of level 8·tileLevel
  const tile = Math.floor(first / TILE_WIDTH);
  const nodes = Math.floor(size / TILE_WIDTH ** tileLevel);
  const width = Math.min(TILE_WIDTH, nodes - tile * TILE_WIDTH);
  return { level: tileLevel, index: tile, offset: first % TILE_WIDTH, span, width };
}

/** The root over 2^n hashes, RFC 6962 §2.1. */
export function joinPerfect(hashes: readonly Uint8Array[]): Uint8Array {
  const [first] = hashes;
  if (first === undefined) throw new Damaged("a tile without hashes");
  if (hashes.length === 1) return Uint8Array.from(first);
  const half = hashes.length / 2;
  return nodeHash(joinPerfect(hashes.slice(0, half)), joinPerfect(hashes.slice(half)));
}

/** A full tile taken apart. */
export function splitHashes(bytes: Uint8Array): readonly Uint8Array[] {
  if (bytes.length !== TILE_WIDTH * HASH_BYTES) throw new Damaged(`a tile of ${bytes.length} bytes`);
  return Array.from({ length: TILE_WIDTH }, (_, at) => bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES));
}

/** The peaks of a compact range, largest first: each edge splits into perfect runs by the bits of its length. */
function peaksOf(edges: readonly (readonly Uint8Array[])[]): Uint8Array[] {
  const peaks: Uint8Array[] = [];
  for (const edge of edges.toReversed()) {
    let at = 0;
    for (let run = TILE_WIDTH / 2; run >= 1; run /= 2) {
      if (edge.length - at < run) continue;
      peaks.push(joinPerfect(edge.slice(at, at + run)));
      at += run;
    }
  }
  return peaks;
}
