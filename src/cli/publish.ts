import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import {
  consistencyProof,
  consistencySubtrees,
  decodeBundle,
  decodeTile,
  leafHash,
  nodeHash,
  rootFromSubtrees,
  rootSubtrees,
  sameHash,
  TILE_HEIGHT,
  TILE_WIDTH,
  tilePath,
  tilesSince,
  verifyConsistency,
} from "../core/ledger/index.ts";
import type { Checkpoint, Subtree, Tile } from "../core/ledger/index.ts";
import { openCheckpoint } from "../verify/index.ts";
import { describe, Failure } from "./failure.ts";

/** Where a ledger is published from. */
export type Source = {
  vkey(): Promise<string>;
  /** The signed checkpoint, with cosignatures if there are any. */
  checkpoint(): Promise<string>;
  /** A tile or bundle by its path. */
  file(path: string): Promise<Uint8Array>;
};

export type Published = { readonly from: number; readonly size: number; readonly files: number };

/** Where new files wait until all of them are checked. */
const STAGING = ".staging";

/**
 * Brings a folder up to a ledger's published checkpoint. New files are flushed and checked apart, then take their names,
 * and the checkpoint comes last: whoever reads it finds everything under it. What does not hash to the signed root, or
 * does not go on from the folder's checkpoint, is refused, and the folder keeps what it had.
 */
export async function publish(folder: string, source: Source): Promise<Published> {
  mkdirSync(folder, { recursive: true });
  const vkey = await keyOf(folder, source);
  const old = readOld(folder, vkey);
  const note = await source.checkpoint();
  const next = opened(note, vkey, "the server's checkpoint");
  if (old !== null && next.size < old.size) {
    throw refused(`the folder holds ${old.size} entries and the server only ${next.size}: the server has an old copy`);
  }
  const from = old?.size ?? 0;
  const tiles = [...tilesSince(from, next.size)];
  const staging = join(folder, STAGING);
  rmSync(staging, { recursive: true, force: true });
  try {
    for (const tile of tiles) write(join(staging, tilePath(tile)), await source.file(tilePath(tile)));
    const read = readerOf(folder, next.size);
    for (const tile of tiles) checkTile(read, tile, next.size, folder);
    checkRoot(read, old, next);
    for (const tile of tiles) move(join(staging, tilePath(tile)), join(folder, tilePath(tile)));
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  write(join(folder, "checkpoint"), Buffer.from(note));
  return { from, size: next.size, files: tiles.length };
}

/** The key that the folder was begun with; a server that says another one is another ledger, or another epoch of it. */
async function keyOf(folder: string, source: Source): Promise<string> {
  const path = join(folder, "vkey");
  const told = await source.vkey();
  if (!existsSync(path)) write(path, Buffer.from(`${told}\n`));
  const known = readFileSync(path, "utf8").trim();
  if (known === told) return known;
  throw refused(
    `the folder is of \`${known}\`, and the server's ledger is \`${told}\`; publish a new epoch to a new folder`,
  );
}

function readOld(folder: string, vkey: string): Checkpoint | null {
  const path = join(folder, "checkpoint");
  return existsSync(path) ? opened(readFileSync(path, "utf8"), vkey, path) : null;
}

function opened(note: string, vkey: string, what: string): Checkpoint {
  try {
    return openCheckpoint(note, vkey);
  } catch (cause) {
    throw refused(`${what} cannot be believed: ${describe(cause).message}`, cause);
  }
}

/** Reads the hashes of a tile as the tree of this size has it, out of the new files or the old. */
export type ReadTile = (level: number, index: number) => readonly Uint8Array[];

export function readerOf(folder: string, size: number): ReadTile {
  return (level, index) => {
    const width = Math.min(TILE_WIDTH, Math.floor(size / TILE_WIDTH ** level) - index * TILE_WIDTH);
    const path = tilePath({ level, index, width });
    const staged = join(folder, STAGING, path);
    return decodeTile(readFileSync(existsSync(staged) ? staged : join(folder, path)), width);
  };
}

/** A bundle has the leaves of its tile, and a full tile the hash that stands for it in the tile above. */
function checkTile(read: ReadTile, { level, index, width }: Tile, size: number, folder: string): void {
  if (level === "entries") {
    const bytes = readFileSync(join(folder, STAGING, tilePath({ level, index, width })));
    const leaves = read(0, index);
    const same = decodeBundle(bytes, width).every((entry, at) => sameHash(leafHash(entry), leaves[at] ?? entry));
    if (!same) throw refused(`${tilePath({ level, index, width })} holds other entries than its tile says`);
    return;
  }
  if (width < TILE_WIDTH || size < TILE_WIDTH ** (level + 1)) return; // at the edge: checked with the root
  const above = read(level + 1, Math.floor(index / TILE_WIDTH))[index % TILE_WIDTH];
  if (above === undefined || !sameHash(joined(read(level, index)), above)) {
    throw refused(`${tilePath({ level, index, width })} is not under the tile above it`);
  }
}

/** All tiles together are the tree that was signed, and what was there before is its beginning. */
function checkRoot(read: ReadTile, old: Checkpoint | null, next: Checkpoint): void {
  const hashes = (subtrees: readonly Subtree[]): Uint8Array[] => subtrees.map((one) => subtreeHash(read, one));
  if (!sameHash(rootFromSubtrees(next.size, hashes(rootSubtrees(next.size))), next.root)) {
    throw refused("the tiles are not under the signed root");
  }
  if (old === null) return;
  const proof = consistencyProof(old.size, next.size, hashes(consistencySubtrees(old.size, next.size)));
  if (!verifyConsistency(old.size, next.size, proof, old.root, next.root)) {
    throw refused("the server's ledger does not go on from what the folder holds: history was rewritten");
  }
}

/** The hash of a perfect subtree, from the tile that holds the row below it. */
export function subtreeHash(read: ReadTile, { level, index }: Subtree): Uint8Array {
  const span = 2 ** (level % TILE_HEIGHT);
  const first = index * span;
  const hashes = read(Math.floor(level / TILE_HEIGHT), Math.floor(first / TILE_WIDTH));
  return joined(hashes.slice(first % TILE_WIDTH, (first % TILE_WIDTH) + span));
}

/** RFC 6962 §2.1 over 2^n hashes. */
function joined(hashes: readonly Uint8Array[]): Uint8Array {
  const [only] = hashes;
  if (only === undefined) throw refused("a tile is shorter than its ledger");
  if (hashes.length === 1) return only;
  const half = hashes.length / 2;
  return nodeHash(joined(hashes.slice(0, half)), joined(hashes.slice(half)));
}

/** Flushed, then named, then the name flushed: after a crash a file is whole or not there. */
function write(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  const fresh = `${path}.new`;
  writeFileSync(fresh, bytes, { flush: true });
  move(fresh, path);
}

function move(from: string, to: string): void {
  const folder = dirname(to);
  mkdirSync(folder, { recursive: true });
  renameSync(from, to);
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function refused(sentence: string, cause?: unknown): Failure {
  return new Failure({ code: "refused", message: `Not published: ${sentence}.`, cause });
}
