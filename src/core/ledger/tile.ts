import { concatBytes } from "../encoding.ts";
import { InputError } from "../errors.ts";
import { HASH_BYTES } from "./hash.ts";
import { assertSize } from "./tree.ts";
import type { Subtree } from "./tree.ts";

/** C2SP tlog-tiles: hashes of a full tile, and entries of a full bundle. */
export const TILE_WIDTH = 256;
/** Levels of the tree between one tile and the next. */
export const TILE_HEIGHT = 8;
/** The highest level of a path. A tree of 2^53 entries ends at level 6. */
export const TILE_LEVEL_MAX = 63;
/** Bytes of one entry in a bundle: its length stands before it in 16 bits. */
export const LEAF_BYTES_MAX = 65_535;

/** One resource of the tiles: hashes of a level, or a bundle of entries. `width` is 256 for a full one, 1 to 255 else. */
export type Tile = { readonly level: number | "entries"; readonly index: number; readonly width: number };

/** Where a tile or bundle is served, without a leading slash: `tile/0/x001/x234/067.p/3`, `tile/entries/000`. */
export function tilePath({ level, index, width }: Tile): string {
  const levels = level === "entries" || (Number.isInteger(level) && level >= 0 && level <= TILE_LEVEL_MAX);
  if (!levels || !Number.isInteger(width) || width < 1 || width > TILE_WIDTH) {
    throw new RangeError(`no tile has level ${level} and ${width} hashes`);
  }
  return `tile/${level}/${indexPath(index)}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}

const PATH = /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

/** Reads what `tilePath` writes; null for anything else, other spellings of the same tile included. */
export function parseTilePath(path: string): Tile | null {
  const [, level = "", digits = "", width] = PATH.exec(path) ?? [];
  if (level === "") return null;
  const index = Number(digits.replaceAll(/[x/]/g, ""));
  const tile: Tile = {
    level: level === "entries" ? level : Number(level),
    index,
    width: width === undefined ? TILE_WIDTH : Number(width),
  };
  const known = tile.level === "entries" || tile.level <= TILE_LEVEL_MAX;
  // One tile has one path: `x000/067` and `.p/256` would be second ones.
  return known && Number.isSafeInteger(index) && tile.width <= TILE_WIDTH && tilePath(tile) === path ? tile : null;
}

/** The index of a tile as path elements of three digits, all but the last marked by an x: `x001/x234/067`. */
export function indexPath(index: number): string {
  assertSize(index);
  let [path, rest] = [digitsOf(index % 1000), Math.floor(index / 1000)];
  for (; rest > 0; rest = Math.floor(rest / 1000)) path = `x${digitsOf(rest % 1000)}/${path}`;
  return path;
}

/** Whether a tree of `size` entries has this tile or bundle in this width, now or before it grew. */
export function hasTile(size: number, { level, index, width }: Tile): boolean {
  return index * TILE_WIDTH + width <= nodesAt(size, level);
}

/**
 * The tiles and bundles that a tree of `size` has and one of `from` had not, in the order in which to write them:
 * bundles first, then hashes from the leaves up; full ones before the partial one at the edge of each.
 */
export function* tilesSince(from: number, size: number): Generator<Tile, void, undefined> {
  assertSize(from);
  assertSize(size);
  yield* edgeOf("entries", from, size);
  for (let level = 0; nodesAt(size, level) > 0; level++) yield* edgeOf(level, from, size);
}

function* edgeOf(level: Tile["level"], from: number, size: number): Generator<Tile, void, undefined> {
  const nodes = nodesAt(size, level);
  if (nodes === nodesAt(from, level)) return;
  for (let index = Math.floor(nodesAt(from, level) / TILE_WIDTH); index * TILE_WIDTH < nodes; index++) {
    yield { level, index, width: Math.min(TILE_WIDTH, nodes - index * TILE_WIDTH) };
  }
}

/** The subtrees whose hashes stand in a tile, first to last; those of a bundle's entries are its leaves. */
export function tileSubtrees({ level, index, width }: Tile): readonly Subtree[] {
  const height = level === "entries" ? 0 : level * TILE_HEIGHT;
  return Array.from({ length: width }, (_, at) => ({ level: height, index: index * TILE_WIDTH + at }));
}

/** The bytes of a tile: its hashes one after the other. */
export function encodeTile(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.some((hash) => hash.length !== HASH_BYTES)) throw new RangeError(`a hash has ${HASH_BYTES} bytes`);
  return concatBytes(...hashes);
}

/** The hashes of a tile of this width; `tile_invalid` where the bytes are of another. */
export function decodeTile(bytes: Uint8Array, width: number): readonly Uint8Array[] {
  if (bytes.length !== width * HASH_BYTES) {
    throw invalid(`a tile of ${width} hashes has ${width * HASH_BYTES} bytes, not ${bytes.length}`);
  }
  return Array.from({ length: width }, (_, at) => bytes.slice(at * HASH_BYTES, (at + 1) * HASH_BYTES));
}

/** The bytes of a bundle: each entry after its length in two bytes; `tile_invalid` for one of more than 65,535 bytes. */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  return concatBytes(
    ...entries.flatMap((entry) => {
      if (entry.length > LEAF_BYTES_MAX) {
        throw invalid(`an entry of a bundle has at most ${LEAF_BYTES_MAX} bytes, not ${entry.length}`);
      }
      return [Uint8Array.of(entry.length >>> 8, entry.length & 0xff), entry];
    }),
  );
}

/** The entries of a bundle of this width, as views of its bytes; `tile_invalid` for more, fewer or a broken end. */
export function decodeBundle(bytes: Uint8Array, width: number): readonly Uint8Array[] {
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
    const end = at + 2 + length;
    if (end > bytes.length) throw invalid("the bundle ends within an entry");
    entries.push(bytes.subarray(at + 2, end));
    at = end;
  }
  if (entries.length !== width) throw invalid(`the bundle holds ${entries.length} entries, not ${width}`);
  return entries;
}

/** How many hashes, or entries, a tree of this size has at a level of tiles. */
function nodesAt(size: number, level: Tile["level"]): number {
  return level === "entries" ? size : Math.floor(size / TILE_WIDTH ** level);
}

function digitsOf(value: number): string {
  return String(value).padStart(3, "0");
}

function invalid(message: string): InputError {
  return new InputError({ code: "tile_invalid", message });
}
