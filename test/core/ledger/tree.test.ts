import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  Frontier,
  consistencyProof,
  consistencySubtrees,
  emptyRoot,
  inclusionProof,
  inclusionSubtrees,
  leafHash,
  nodeHash,
  rootFromSubtrees,
  rootSubtrees,
  sameHash,
  verifyConsistency,
  verifyInclusion,
} from "../../../src/core/ledger/index.ts";
import type { Subtree } from "../../../src/core/ledger/index.ts";
import type * as store from "../../../src/ports/store.ts";

type Vectors = {
  tree: {
    leaves: string[];
    roots: string[];
    inclusion: { index: number; size: number; proof: string[] }[];
    consistency: { old: number; size: number; proof: string[] }[];
  };
};
const { tree: vectors } = JSON.parse(
  readFileSync(new URL("../../../spec/vectors/ledger.json", import.meta.url), "utf8"),
) as Vectors;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const hexes = (list: readonly Uint8Array[]): string[] => list.map(hex);

// RFC 6962 §2.1 as it stands there, over leaf hashes: the naive definition that everything is held against.
const SIZE_MAX = 130;
const leaves: Uint8Array[] = Array.from({ length: SIZE_MAX }, (_, index) => leafHash(Buffer.from(`leaf ${index}`)));
const memory = new Map<string, Uint8Array>();

function split(size: number): number {
  let k = 1;
  while (k * 2 < size) k *= 2;
  return k;
}
function naive(begin: number, end: number): Uint8Array {
  const key = `${begin}-${end}`;
  const known = memory.get(key);
  if (known !== undefined) return known;
  const sha = createHash("sha256");
  const size = end - begin;
  const k = split(size);
  const hash =
    size === 0
      ? sha.digest()
      : size === 1
        ? (leaves[begin] ?? assert.fail())
        : sha
            .update(Buffer.of(1))
            .update(naive(begin, begin + k))
            .update(naive(begin + k, end))
            .digest();
  memory.set(key, hash);
  return hash;
}
function naivePath(index: number, begin: number, end: number): Uint8Array[] {
  if (end - begin === 1) return [];
  const middle = begin + split(end - begin);
  return index < middle
    ? [...naivePath(index, begin, middle), naive(middle, end)]
    : [...naivePath(index, middle, end), naive(begin, middle)];
}
function naiveSubproof(m: number, begin: number, end: number, whole: boolean): Uint8Array[] {
  if (m === end) return whole ? [] : [naive(begin, end)];
  const middle = begin + split(end - begin);
  return m <= middle
    ? [...naiveSubproof(m, begin, middle, whole), naive(middle, end)]
    : [...naiveSubproof(m, middle, end, false), naive(begin, middle)];
}
const fetchSubtree = ({ level, index }: Subtree): Uint8Array => naive(index * 2 ** level, (index + 1) * 2 ** level);
const flipped = (bytes: Uint8Array, bit: number): Uint8Array =>
  bytes.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));

test("hashes, roots and proofs are those of the vectors", () => {
  const bytes = vectors.leaves.map((leaf) => Buffer.from(leaf, "hex"));
  const tree = new Frontier();
  assert.equal(hex(tree.root()), vectors.roots[0]);
  bytes.forEach((leaf, index) => {
    tree.append(leafHash(leaf));
    assert.equal(hex(tree.root()), vectors.roots[index + 1]);
  });
  const rootAt = (size: number): Uint8Array => Buffer.from(vectors.roots[size] ?? "", "hex");
  const fromHex = (proof: string[]): Uint8Array[] => proof.map((hash) => Buffer.from(hash, "hex"));
  for (const { index, size, proof } of vectors.inclusion) {
    const leaf = leafHash(bytes[index] ?? Buffer.alloc(0));
    assert.ok(verifyInclusion(leaf, index, size, fromHex(proof), rootAt(size)), `${index} of ${size}`);
  }
  for (const { old, size, proof } of vectors.consistency) {
    assert.ok(verifyConsistency(old, size, fromHex(proof), rootAt(old), rootAt(size)), `${old} to ${size}`);
  }
});

test("a frontier has the root of the definition at every size, and tells of every perfect subtree once", () => {
  const tree = new Frontier();
  const told = new Map<string, string>();
  for (let size = 0; size < SIZE_MAX; size++) {
    assert.equal(tree.size, size);
    assert.equal(hex(tree.root()), hex(naive(0, size)), `size ${size}`);
    tree.append(leaves[size] ?? assert.fail(), ({ level, index }, hash) => {
      assert.ok(!told.has(`${level}/${index}`));
      told.set(`${level}/${index}`, hex(hash));
    });
  }
  for (let level = 0; 2 ** level <= SIZE_MAX; level++) {
    for (let index = 0; (index + 1) * 2 ** level <= SIZE_MAX; index++) {
      assert.equal(told.get(`${level}/${index}`), hex(fetchSubtree({ level, index })));
      told.delete(`${level}/${index}`);
    }
  }
  assert.equal(told.size, 0);
});

test("a frontier goes on from its bytes, its peaks or its copy, and these stay apart", () => {
  const tree = new Frontier();
  for (let size = 0; size < 77; size++) tree.append(leaves[size] ?? assert.fail());
  const others = [Frontier.fromBytes(tree.toBytes()), new Frontier(tree.size, tree.peaks), tree.copy()];
  const before = hex(tree.root());
  for (const other of others) {
    assert.equal(hex(other.root()), before);
    other.append(leaves[77] ?? assert.fail());
    assert.equal(hex(other.root()), hex(naive(0, 78)));
  }
  assert.equal(hex(tree.root()), before);
});

test("bytes that are no frontier are refused", () => {
  const bytes = new Frontier(3, leaves.slice(0, 2)).toBytes();
  const odd = [
    new Uint8Array(0),
    bytes.slice(0, -1),
    bytes.slice(0, -32),
    Buffer.concat([bytes, new Uint8Array(32)]),
    new Uint8Array(8).fill(255),
  ];
  for (const input of odd) assert.throws(() => Frontier.fromBytes(input), RangeError);
  assert.throws(() => new Frontier(-1), RangeError);
  assert.throws(() => new Frontier(1.5, leaves.slice(0, 1)), RangeError);
  assert.throws(() => new Frontier(1, [new Uint8Array(31)]), RangeError);
  assert.throws(() => new Frontier().append(new Uint8Array(33)), RangeError);
  assert.throws(() => nodeHash(new Uint8Array(32), new Uint8Array(31)), RangeError);
});

test("sizes near 2^53 do not overflow", () => {
  const size = Number.MAX_SAFE_INTEGER - 1;
  const peaks = rootSubtrees(size);
  assert.equal(peaks.length, 52);
  assert.deepEqual(peaks[0], { level: 52, index: 0 });
  const tree = new Frontier(
    size,
    peaks.map(() => leaves[0] ?? assert.fail()),
  );
  assert.equal(Frontier.fromBytes(tree.toBytes()).size, size);
  tree.append(leaves[1] ?? assert.fail());
  assert.throws(() => tree.append(leaves[1] ?? assert.fail()), RangeError);
  const wanted = inclusionSubtrees(2 ** 40 + 1, size);
  const path = inclusionProof(
    2 ** 40 + 1,
    size,
    wanted.map(() => leaves[2] ?? assert.fail()),
  );
  assert.equal(path.length, 53);
});

test("inclusion: for all sizes and indexes the proof is the definition's and verifies, and no neighbour's does", () => {
  for (let size = 1; size <= SIZE_MAX; size++) {
    const root = naive(0, size);
    for (let index = 0; index < size; index++) {
      const proof = inclusionProof(index, size, inclusionSubtrees(index, size).map(fetchSubtree));
      assert.deepEqual(hexes(proof), hexes(naivePath(index, 0, size)), `${index} of ${size}`);
      const leaf = leaves[index] ?? assert.fail();
      assert.ok(verifyInclusion(leaf, index, size, proof, root), `${index} of ${size}`);
      assert.ok(!verifyInclusion(leaf, index + 1, size, proof, root));
      assert.ok(!verifyInclusion(leaf, index - 1, size, proof, root));
      assert.ok(!verifyInclusion(leaf, index, size, [...proof, root], root));
      assert.ok(size === 1 || !verifyInclusion(leaf, index, size, proof.slice(1), root));
    }
    assert.equal(hex(rootFromSubtrees(size, rootSubtrees(size).map(fetchSubtree))), hex(root));
  }
  assert.equal(hex(rootFromSubtrees(0, [])), hex(emptyRoot()));
});

test("consistency: for all pairs of sizes the proof is the definition's and verifies, and not between others", () => {
  for (let size = 1; size <= SIZE_MAX; size++) {
    const root = naive(0, size);
    for (let old = 0; old <= size; old++) {
      const oldRoot = naive(0, old);
      const proof = consistencyProof(old, size, consistencySubtrees(old, size).map(fetchSubtree));
      assert.deepEqual(hexes(proof), old === 0 ? [] : hexes(naiveSubproof(old, 0, size, true)), `${old} to ${size}`);
      assert.ok(verifyConsistency(old, size, proof, oldRoot, root), `${old} to ${size}`);
      assert.ok(!verifyConsistency(old, size, [...proof, root], oldRoot, root));
      if (old < size) assert.ok(!verifyConsistency(old, size, proof, root, root));
      if (old > 0 && old < size) {
        assert.ok(!verifyConsistency(old, size, [], oldRoot, root));
        assert.ok(!verifyConsistency(old, size, proof.slice(0, -1), oldRoot, root));
        assert.ok(!verifyConsistency(old, size, proof, oldRoot, oldRoot));
      }
    }
  }
});

test("every single-bit mutant of a proof, leaf or root is rejected", () => {
  for (const [index, size] of [
    [0, 1],
    [4, 7],
    [63, 64],
    [64, 65],
    [100, 130],
  ] as const) {
    const leaf = leaves[index] ?? assert.fail();
    const root = naive(0, size);
    const proof = naivePath(index, 0, size);
    for (let bit = 0; bit < 256; bit++) {
      assert.ok(!verifyInclusion(flipped(leaf, bit), index, size, proof, root));
      assert.ok(!verifyInclusion(leaf, index, size, proof, flipped(root, bit)));
      proof.forEach((hash, at) =>
        assert.ok(!verifyInclusion(leaf, index, size, proof.with(at, flipped(hash, bit)), root)),
      );
    }
  }
  for (const [old, size] of [
    [1, 2],
    [3, 7],
    [64, 100],
    [65, 130],
  ] as const) {
    const [oldRoot, root] = [naive(0, old), naive(0, size)];
    const proof = naiveSubproof(old, 0, size, true);
    for (let bit = 0; bit < 256; bit++) {
      assert.ok(!verifyConsistency(old, size, proof, flipped(oldRoot, bit), root));
      assert.ok(!verifyConsistency(old, size, proof, oldRoot, flipped(root, bit)));
      proof.forEach((hash, at) =>
        assert.ok(!verifyConsistency(old, size, proof.with(at, flipped(hash, bit)), oldRoot, root)),
      );
    }
  }
});

test("odd arguments are no proof, and never an exception of the verifier", () => {
  const [leaf, root] = [leaves[0] ?? assert.fail(), naive(0, 1)];
  for (const [index, size] of [
    [-1, 1],
    [0, 0],
    [1, 1],
    [0.5, 1],
    [0, Number.NaN],
    [0, Number.POSITIVE_INFINITY],
    [0, 2 ** 53],
  ] as const) {
    assert.equal(verifyInclusion(leaf, index, size, [], root), false, `${index} of ${size}`);
  }
  assert.equal(verifyInclusion(leaf.slice(1), 0, 1, [], root.slice(1)), false);
  for (const [old, size] of [
    [-1, 1],
    [2, 1],
    [0.5, 1],
    [1, 2 ** 53],
  ] as const) {
    assert.equal(verifyConsistency(old, size, [], root, root), false, `${old} to ${size}`);
  }
  assert.equal(verifyConsistency(0, 1, [], root, root), false);
  assert.equal(verifyConsistency(0, 0, [], root, root), false);
  assert.equal(verifyConsistency(0, 0, [], emptyRoot(), emptyRoot()), true);
  assert.throws(() => inclusionSubtrees(1, 1), RangeError);
  assert.throws(() => consistencySubtrees(2, 1), RangeError);
  assert.throws(() => inclusionProof(0, 2, []), RangeError);
  assert.throws(() => inclusionProof(0, 2, [root, root]), RangeError);
  assert.equal(sameHash(root, root.slice(1)), false);
});

test("a subtree is that of the store's port", () => {
  const [wanted] = rootSubtrees(1) satisfies readonly store.Subtree[];
  assert.deepEqual(wanted, { level: 0, index: 0 } satisfies store.Subtree);
});
