import type { DatabaseSync, StatementSync } from "node:sqlite";
import { Frontier, HASH_BYTES, leafHash, nodeHash, sameHash } from "../../core/ledger/index.ts";
import type { Head, Subtree } from "../../ports/store.ts";
import { blob, integer } from "./columns.ts";

/** C2SP tlog-tiles §Merkle tree: a tile is eight levels high and 256 hashes wide. */
export const TILE_HEIGHT = 8;
export const TILE_WIDTH = 256;

/**
 * The Merkle tree over all entries. Full tiles are rows; what is not a full tile yet, the right edge of each tile level,
 * is in memory and follows from the file. It moves with each append and is only right again after a commit: whoever
 * fails to commit must drop it.
 */
export class Tree {
  readonly #frontier: Frontier;
  /** By tile level: the hashes that wait for their tile to be full. */
  readonly #edges: Uint8Array[][];
  /** The full tile that was read last, taken apart. */
  #split: { readonly level: number; readonly index: number; readonly hashes: readonly Uint8Array[] } | null = null;
  readonly #insertTile: StatementSync;
  readonly #selectTile: StatementSync;
  readonly #saveHead: StatementSync;

  private constructor(db: DatabaseSync, frontier: Frontier, edges: Uint8Array[][]) {
    this.#frontier = frontier;
    this.#edges = edges;
    this.#insertTile = db.prepare("INSERT INTO tiles (level, idx, root, hashes) VALUES (?, ?, ?, ?)");
    this.#selectTile = db.prepare("SELECT hashes FROM tiles WHERE level = ? AND idx = ?");
    this.#saveHead = db.prepare(
      "INSERT INTO head (one, frontier) VALUES (1, ?) ON CONFLICT DO UPDATE SET frontier = excluded.frontier",
    );
  }

  /** Reads the right edge back, and proves it against the frontier that the last commit left; throws where they differ. */
  static load(db: DatabaseSync): Tree {
    const row = db.prepare("SELECT frontier FROM head").get();
    const frontier = row === undefined ? new Frontier() : Frontier.fromBytes(blob(row["frontier"]));
    const last = integer(db.prepare("SELECT coalesce(max(idx), -1) AS last FROM entries").get()?.["last"]);
    if (last + 1 !== frontier.size) throw damaged(`${last + 1} entries under a head of ${frontier.size}`);
    const edges = loadEdges(db, frontier.size);
    const peaks = peaksOf(edges);
    const same = peaks.every((peak, at) => sameHash(peak, frontier.peaks[at] ?? new Uint8Array(0)));
    if (!same || peaks.length !== frontier.peaks.length) throw damaged("entries that are not those under the head");
    return new Tree(db, frontier, edges);
  }

  get size(): number {
    return this.#frontier.size;
  }

  head(): Head {
    return { size: this.size, root: Uint8Array.from(this.#frontier.root()) };
  }

  append(leaf: Uint8Array): void {
    this.#frontier.append(leaf, ({ level, index }, hash) => {
      if (level % TILE_HEIGHT === 0) this.#complete(level / TILE_HEIGHT, index, hash);
    });
  }

  /** Writes what a restart proves the edge against: once in each commit. */
  save(): void {
    this.#saveHead.run(this.#frontier.toBytes());
  }

  /** The hash of a perfect subtree, from one tile; RangeError where it is not wholly within the tree. */
  subtree({ level, index }: Subtree): Uint8Array {
    const width = 2 ** level;
    const valid = Number.isSafeInteger(level) && level >= 0 && Number.isSafeInteger(index) && index >= 0;
    if (!valid || (index + 1) * width > this.size) {
      throw new RangeError(`subtree ${index} of level ${level} is not within ${this.size} entries`);
    }
    const tileLevel = Math.floor(level / TILE_HEIGHT);
    const span = 2 ** (level % TILE_HEIGHT);
    const first = index * span; // among the nodes of level 8·tileLevel
    const offset = first % TILE_WIDTH;
    return joinPerfect(this.#tile(tileLevel, Math.floor(first / TILE_WIDTH)).slice(offset, offset + span));
  }

  // A node of level 8·(n+1) is the root of the tile of level n that has just become full, and a hash of the tile above.
  #complete(tileLevel: number, index: number, hash: Uint8Array): void {
    if (tileLevel > 0) {
      this.#insertTile.run(tileLevel - 1, index, hash, Buffer.concat(this.#edges[tileLevel - 1] ?? []));
      this.#edges[tileLevel - 1] = [];
    }
    (this.#edges[tileLevel] ??= []).push(hash);
  }

  #tile(level: number, index: number): readonly Uint8Array[] {
    const nodes = Math.floor(this.size / TILE_WIDTH ** level);
    if (index === Math.floor(nodes / TILE_WIDTH)) return this.#edges[level] ?? [];
    // A tile is asked for hash by hash when it is served, and a full one never changes.
    if (this.#split?.level === level && this.#split.index === index) return this.#split.hashes;
    const row = this.#selectTile.get(level, index);
    if (row === undefined) throw damaged(`no tile ${index} of level ${level}`);
    const hashes = splitHashes(blob(row["hashes"]));
    this.#split = { level, index, hashes };
    return hashes;
  }
}

function loadEdges(db: DatabaseSync, size: number): Uint8Array[][] {
  const headers = db.prepare("SELECT header FROM entries WHERE idx >= ? ORDER BY idx");
  const roots = db.prepare("SELECT root FROM tiles WHERE level = ? AND idx >= ? ORDER BY idx");
  const edges: Uint8Array[][] = [];
  for (let level = 0, nodes = size; nodes > 0; level += 1, nodes = Math.floor(nodes / TILE_WIDTH)) {
    const first = nodes - (nodes % TILE_WIDTH);
    const edge =
      level === 0
        ? headers.all(first).map((row) => leafHash(blob(row["header"])))
        : roots.all(level - 1, first).map((row) => blob(row["root"]));
    if (edge.length !== nodes % TILE_WIDTH) throw damaged(`${edge.length} hashes in the edge of level ${level}`);
    edges.push(edge);
  }
  return edges;
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

/** The root over 2^n hashes, RFC 6962 §2.1. */
function joinPerfect(hashes: readonly Uint8Array[]): Uint8Array {
  const [first] = hashes;
  if (first === undefined) throw damaged("a tile without hashes");
  if (hashes.length === 1) return Uint8Array.from(first);
  const half = hashes.length / 2;
  return nodeHash(joinPerfect(hashes.slice(0, half)), joinPerfect(hashes.slice(half)));
}

function splitHashes(bytes: Uint8Array): Uint8Array[] {
  if (bytes.length !== TILE_WIDTH * HASH_BYTES) throw damaged(`a tile of ${bytes.length} bytes`);
  return Array.from({ length: TILE_WIDTH }, (_, at) => bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES));
}

function damaged(found: string): Error {
  return new Error(`the file is damaged: it holds ${found}; restore it from a backup`);
}
