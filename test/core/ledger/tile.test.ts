import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  Frontier,
  LEAF_BYTES_MAX,
  TILE_WIDTH,
  consistencyProof,
  consistencySubtrees,
  decodeBundle,
  decodeTile,
  encodeBundle,
  encodeTile,
  hasTile,
  inclusionProof,
  inclusionSubtrees,
  indexPath,
  leafHash,
  nodeHash,
  parseTilePath,
  rootFromSubtrees,
  rootSubtrees,
  tilePath,
  tileSubtrees,
  tilesSince,
  verifyConsistency,
  verifyInclusion,
} from "../../../src/core/ledger/index.ts";
import type { Tile } from "../../../src/core/ledger/index.ts";
import { Grown, leavesOf } from "./grown.ts";

const spelled: readonly (readonly [string, Tile])[] = [
  ["tile/0/000", { level: 0, index: 0, width: 256 }],
  ["tile/0/000.p/1", { level: 0, index: 0, width: 1 }],
  ["tile/0/255.p/255", { level: 0, index: 255, width: 255 }],
  ["tile/1/x001/000", { level: 1, index: 1000, width: 256 }],
  // The example of C2SP tlog-tiles.
  ["tile/63/x001/x234/067", { level: 63, index: 1_234_067, width: 256 }],
  ["tile/entries/x001/x234/067.p/8", { level: "entries", index: 1_234_067, width: 8 }],
  ["tile/0/x009/x007/x199/x254/x740/991", { level: 0, index: Number.MAX_SAFE_INTEGER, width: 256 }],
];

test("a tile has one path, as C2SP tlog-tiles spells it", () => {
  for (const [path, tile] of spelled) {
    assert.equal(tilePath(tile), path);
    assert.deepEqual(parseTilePath(path), tile);
  }
  assert.equal(indexPath(1_234_067), "x001/x234/067");
});

test("any other spelling of a path is none", () => {
  const odd = [
    "",
    "/tile/0/000",
    "tile/00/000",
    "tile/64/000",
    "tile/-1/000",
    "tile/0/0",
    "tile/0/00",
    "tile/0/0000",
    "tile/0/x000/067",
    "tile/0/001/067",
    "tile/0/x001/x234/x067",
    "tile/0/X001/067",
    "tile/0/000.p/0",
    "tile/0/000.p/01",
    "tile/0/000.p/256",
    "tile/0/000.p/",
    "tile/0/000/",
    "tile/0/000\n",
    "tile/entry/000",
    "tile/0/..",
    "tile/0/x009/x007/x199/x254/x740/992",
    "tile/0/x999/x999/x999/x999/x999/x999/999",
  ];
  for (const path of odd) assert.equal(parseTilePath(path), null, path);
  fc.assert(
    fc.property(fc.string(), (path) => {
      const tile = parseTilePath(path);
      assert.ok(tile === null || tilePath(tile) === path);
    }),
  );
  for (const tile of [
    { level: 64, index: 0, width: 1 },
    { level: 0.5, index: 0, width: 1 },
    { level: 0, index: 0, width: 0 },
    { level: 0, index: 0, width: 257 },
    { level: 0, index: -1, width: 1 },
  ]) {
    assert.throws(() => tilePath(tile), RangeError);
  }
});

const SIZES = [0, 1, 2, 255, 256, 257, 65_535, 65_536, 65_537, 70_000];

test("trees of every awkward size: shape of the tiles, root from tiles, proofs between them", () => {
  const grown = new Grown(leavesOf(70_000));
  const roots = new Map<number, Uint8Array>();
  const frontier = new Frontier();
  for (const leaf of [null, ...grown.leaves]) {
    if (leaf !== null) frontier.append(leafHash(leaf));
    if (SIZES.includes(frontier.size)) roots.set(frontier.size, frontier.root());
  }
  const rootAt = (size: number): Uint8Array => roots.get(size) ?? assert.fail();
  for (const size of SIZES) {
    assert.ok(same(rootFromSubtrees(size, grown.hashes(rootSubtrees(size))), rootAt(size)), `root of ${size}`);
    assert.ok(same(rootFromTiles(grown, size), rootAt(size)), `root of ${size} from its tiles`);
    for (const index of [0, 1, 254, 255, 256, 65_535, 65_536, size - 1]) {
      if (index < 0 || index >= size) continue;
      const path = inclusionProof(index, size, grown.hashes(inclusionSubtrees(index, size)));
      const leaf = leafHash(grown.leaves[index] ?? assert.fail());
      assert.ok(verifyInclusion(leaf, index, size, path, rootAt(size)), `${index} of ${size}`);
    }
    for (const old of SIZES.filter((smaller) => smaller <= size)) {
      const proof = consistencyProof(old, size, grown.hashes(consistencySubtrees(old, size)));
      assert.ok(verifyConsistency(old, size, proof, rootAt(old), rootAt(size)), `${old} to ${size}`);
      assert.ok(
        old === 0 || !verifyConsistency(old, size, proof, rootAt(0), rootAt(size)),
        `${old} to ${size}, forged`,
      );
    }
  }
});

/** As a foreign client would: every tile that the size asks for, level by level, and nothing else. */
function rootFromTiles(grown: Grown, size: number): Uint8Array {
  const tiles = new Map<string, readonly Uint8Array[]>();
  for (const tile of tilesSince(0, size)) {
    if (tile.level === "entries") continue;
    const bytes = encodeTile(grown.hashes(tileSubtrees(tile)));
    tiles.set(tilePath(tile), decodeTile(bytes, tile.width));
  }
  const peaks = rootSubtrees(size).map(({ level, index }) => {
    const span = 2 ** (level % 8);
    const nodes = Math.floor(size / 256 ** Math.floor(level / 8));
    const first = index * span;
    const tileIndex = Math.floor(first / 256);
    const width = Math.min(256, nodes - tileIndex * 256);
    const hashes = tiles.get(tilePath({ level: Math.floor(level / 8), index: tileIndex, width })) ?? assert.fail();
    return perfect(hashes.slice(first % 256, (first % 256) + span));
  });
  return rootFromSubtrees(size, peaks);
}

function perfect(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.length === 1) return hashes[0] ?? assert.fail();
  return nodeHash(perfect(hashes.slice(0, hashes.length / 2)), perfect(hashes.slice(hashes.length / 2)));
}

test("a tree of 70,000 has the tiles that tlog-tiles counts, one of 256 a full one and one above it", () => {
  const paths = [...tilesSince(0, 70_000)].map(tilePath);
  const count = (pattern: RegExp): number => paths.filter((path) => pattern.test(path)).length;
  assert.equal(count(/^tile\/0\/\d{3}$/), 273);
  assert.equal(count(/^tile\/entries\/\d{3}$/), 273);
  assert.deepEqual(
    paths.filter((path) => /^tile\/[12]\/|\.p\//.test(path)),
    ["tile/entries/273.p/112", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"],
  );
  assert.deepEqual([...tilesSince(0, 256)].map(tilePath), ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]);
  assert.deepEqual([...tilesSince(0, 0)], []);
});

test("law: what is new since a size is what the larger tree has and the smaller had not", () => {
  const all = (size: number): Set<string> => new Set([...tilesSince(0, size)].map(tilePath));
  fc.assert(
    fc.property(fc.nat(2000), fc.nat(2000), (a, b) => {
      const [from, size] = a < b ? [a, b] : [b, a];
      const before = all(from);
      const fresh = [...tilesSince(from, size)];
      assert.deepEqual(new Set(fresh.map(tilePath)), new Set([...all(size)].filter((path) => !before.has(path))));
      for (const tile of fresh) assert.ok(hasTile(size, tile) && !hasTile(from, tile), tilePath(tile));
    }),
  );
});

test("a tree has a tile in a width only when it has that many hashes", () => {
  const cases: readonly (readonly [number, string, boolean])[] = [
    [0, "tile/0/000.p/1", false],
    [1, "tile/0/000.p/1", true],
    [1, "tile/0/000.p/2", false],
    [300, "tile/0/000.p/9", true],
    [300, "tile/0/001.p/44", true],
    [300, "tile/0/001.p/45", false],
    [300, "tile/0/001", false],
    [256, "tile/1/000.p/1", true],
    [255, "tile/1/000.p/1", false],
    [300, "tile/entries/001.p/44", true],
    [300, "tile/6/000.p/1", false],
  ];
  for (const [size, path, has] of cases) {
    assert.equal(hasTile(size, parseTilePath(path) ?? assert.fail()), has, `${path} of ${size}`);
  }
});

test("a bundle holds entries of up to 65,535 bytes and none of more", () => {
  const sizes = [0, 1, 255, 256, LEAF_BYTES_MAX];
  const entries = sizes.map((size) => new Uint8Array(size).fill(7));
  const bytes = encodeBundle(entries);
  assert.equal(
    bytes.length,
    sizes.reduce((sum, size) => sum + 2 + size, 0),
  );
  assert.deepEqual([...bytes.subarray(0, 8)], [0, 0, 0, 1, 7, 0, 255, 7]);
  assert.deepEqual(
    decodeBundle(bytes, sizes.length).map((entry) => entry.length),
    sizes,
  );
  assert.throws(() => encodeBundle([new Uint8Array(LEAF_BYTES_MAX + 1)]), { code: "tile_invalid" });
  assert.deepEqual(decodeBundle(new Uint8Array(0), 0), []);
});

test("bundles and tiles of another width, or cut, are refused", () => {
  const bundle = encodeBundle(leavesOf(3));
  for (const width of [0, 2, 4, TILE_WIDTH]) assert.throws(() => decodeBundle(bundle, width), { code: "tile_invalid" });
  for (let cut = 1; cut < bundle.length; cut++) {
    assert.throws(() => decodeBundle(bundle.subarray(0, cut), 3), { code: "tile_invalid" }, `${cut}`);
  }
  assert.throws(() => decodeBundle(Uint8Array.of(...bundle, 0), 3), { code: "tile_invalid" });
  const tile = encodeTile(leavesOf(3).map(leafHash));
  for (const width of [2, 4]) assert.throws(() => decodeTile(tile, width), { code: "tile_invalid" });
  assert.throws(() => decodeTile(tile.subarray(1), 3), { code: "tile_invalid" });
  assert.throws(() => encodeTile([new Uint8Array(31)]), RangeError);
});

test("every single-bit mutant of a bundle or a tile leads to another root, or to none", () => {
  for (const count of [1, 2, 5]) {
    const leaves = leavesOf(count);
    const root = rootOf(leaves.map(leafHash));
    const bundle = encodeBundle(leaves);
    eachMutant(bundle, (mutant) => {
      const read = attempt(() => decodeBundle(mutant, count));
      assert.ok(read === null || !same(rootOf(read.map(leafHash)), root));
    });
    eachMutant(encodeTile(leaves.map(leafHash)), (mutant) => {
      assert.ok(!same(rootOf(decodeTile(mutant, count)), root));
    });
  }
});

function rootOf(hashes: readonly Uint8Array[]): Uint8Array {
  const tree = new Frontier();
  for (const hash of hashes) tree.append(hash);
  return tree.root();
}

function eachMutant(bytes: Uint8Array, look: (mutant: Uint8Array) => void): void {
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const mutant = Uint8Array.from(bytes);
    mutant[bit >> 3] = (mutant[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    look(mutant);
  }
}

function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
