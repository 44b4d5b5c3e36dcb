import { HASH_BYTES, emptyRoot, nodeHash, sameHash } from "./hash.ts";
import { assertSize, joinPeaks } from "./tree.ts";
import type { Subtree } from "./tree.ts";

/** The leaves [begin, end) under one node of the tree. */
type Range = { readonly begin: number; readonly end: number };

/** The perfect subtrees whose hashes `rootFromSubtrees` wants, for the root of the first `size` leaves. */
export function rootSubtrees(size: number): readonly Subtree[] {
  assertSize(size);
  return perfectSubtrees({ begin: 0, end: size });
}

/** The root from the hashes that `rootSubtrees` asked for, in its order. */
export function rootFromSubtrees(size: number, hashes: readonly Uint8Array[]): Uint8Array {
  const [root] = fold(size === 0 ? [] : [{ begin: 0, end: size }], hashes);
  return root ?? emptyRoot();
}

/** The perfect subtrees whose hashes `inclusionProof` wants. */
export function inclusionSubtrees(index: number, size: number): readonly Subtree[] {
  return inclusionRanges(index, size).flatMap(perfectSubtrees);
}

/** The proof that leaf `index` is under the root of `size` leaves, leaf to root: RFC 6962 §2.1.1. */
export function inclusionProof(index: number, size: number, hashes: readonly Uint8Array[]): readonly Uint8Array[] {
  return fold(inclusionRanges(index, size), hashes);
}

/** The perfect subtrees whose hashes `consistencyProof` wants. */
export function consistencySubtrees(oldSize: number, size: number): readonly Subtree[] {
  return consistencyRanges(oldSize, size).flatMap(perfectSubtrees);
}

/** The proof that the first `oldSize` of `size` leaves are what they were: RFC 6962 §2.1.2. Empty for 0 and for all. */
export function consistencyProof(oldSize: number, size: number, hashes: readonly Uint8Array[]): readonly Uint8Array[] {
  return fold(consistencyRanges(oldSize, size), hashes);
}

/** Whether a leaf is at `index` under `root`: RFC 9162 §2.1.3.2. False for anything odd; never throws. */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (!isCount(index) || !isCount(size) || index >= size || ![leaf, root, ...path].every(isHash)) return false;
  let node = leaf;
  let first = index;
  let last = size - 1;
  for (const sibling of path) {
    if (last === 0) return false;
    if (first % 2 === 1 || first === last) {
      node = nodeHash(sibling, node);
      while (first % 2 === 0 && first !== 0) [first, last] = [half(first), half(last)];
    } else {
      node = nodeHash(node, sibling);
    }
    [first, last] = [half(first), half(last)];
  }
  return last === 0 && sameHash(node, root);
}

/** Whether the tree of `oldSize` leaves grew into that of `size`: RFC 9162 §2.1.4.2. False for anything odd; never throws. */
export function verifyConsistency(
  oldSize: number,
  size: number,
  proof: readonly Uint8Array[],
  oldRoot: Uint8Array,
  root: Uint8Array,
): boolean {
  if (!isCount(oldSize) || !isCount(size) || oldSize > size || ![oldRoot, root, ...proof].every(isHash)) return false;
  // Any tree grew out of the empty one, and out of itself: RFC 6962 §2.1.2 has no proof for either.
  if (oldSize === size)
    return proof.length === 0 && sameHash(oldRoot, root) && (size > 0 || sameHash(root, emptyRoot()));
  if (oldSize === 0) return proof.length === 0 && sameHash(oldRoot, emptyRoot());
  let first = oldSize - 1;
  let last = size - 1;
  while (first % 2 === 1) [first, last] = [half(first), half(last)];
  // Step 2: where the old tree is one perfect subtree (first is 0 now), the proof leaves out its root.
  const [start, ...rest] = first === 0 ? [oldRoot, ...proof] : proof;
  if (start === undefined) return false;
  let oldNode = start;
  let node = start;
  for (const sibling of rest) {
    if (last === 0) return false;
    if (first % 2 === 1 || first === last) {
      oldNode = nodeHash(sibling, oldNode);
      node = nodeHash(sibling, node);
      while (first % 2 === 0 && first !== 0) [first, last] = [half(first), half(last)];
    } else {
      node = nodeHash(node, sibling);
    }
    [first, last] = [half(first), half(last)];
  }
  return last === 0 && sameHash(oldNode, oldRoot) && sameHash(node, root);
}

/** From the root down to the leaf, each sibling that is not on the way; then turned round. */
function inclusionRanges(index: number, size: number): readonly Range[] {
  assertSize(size);
  if (!isCount(index) || index >= size) throw new RangeError(`a tree of ${size} leaves has no leaf ${index}`);
  const siblings: Range[] = [];
  let [begin, end] = [0, size];
  while (end - begin > 1) {
    const middle = begin + leftSize(end - begin);
    if (index < middle) {
      siblings.push({ begin: middle, end });
      end = middle;
    } else {
      siblings.push({ begin, end: middle });
      begin = middle;
    }
  }
  return siblings.reverse();
}

/** RFC 6962 §2.1.2's SUBPROOF without its recursion. */
function consistencyRanges(oldSize: number, size: number): readonly Range[] {
  assertSize(oldSize);
  assertSize(size);
  if (oldSize > size) throw new RangeError(`a tree of ${size} leaves never had ${oldSize}`);
  if (oldSize === 0 || oldSize === size) return [];
  const ranges: Range[] = [];
  let [begin, end] = [0, size];
  while (oldSize !== end) {
    const middle = begin + leftSize(end - begin);
    if (oldSize <= middle) {
      ranges.push({ begin: middle, end });
      end = middle;
    } else {
      ranges.push({ begin, end: middle });
      begin = middle;
    }
  }
  // The verifier knows the old root itself, so it is left out where it is one node of the new tree.
  if (begin > 0) ranges.push({ begin, end });
  return ranges.reverse();
}

/** The perfect subtrees of a node, largest first. Nodes begin at multiples of the power of two that covers them. */
function perfectSubtrees(range: Range): readonly Subtree[] {
  const subtrees: Subtree[] = [];
  let { begin } = range;
  while (begin < range.end) {
    let level = 0;
    let width = 1;
    while (width * 2 <= range.end - begin) [level, width] = [level + 1, width * 2];
    subtrees.push({ level, index: begin / width });
    begin += width;
  }
  return subtrees;
}

/** One hash for each range, from the hashes of its perfect subtrees. */
function fold(ranges: readonly Range[], hashes: readonly Uint8Array[]): readonly Uint8Array[] {
  let at = 0;
  const folded = ranges.map((range) => {
    const count = perfectSubtrees(range).length;
    const peaks = hashes.slice(at, at + count);
    at += count;
    if (peaks.length !== count) throw new RangeError("too few subtree hashes for this proof");
    return joinPeaks(peaks);
  });
  if (at !== hashes.length) throw new RangeError("too many subtree hashes for this proof");
  return folded;
}

/** The largest power of two below `size`: where RFC 6962 §2.1 splits a tree. */
function leftSize(size: number): number {
  let width = 1;
  while (width * 2 < size) width *= 2;
  return width;
}

function half(value: number): number {
  return Math.floor(value / 2);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isHash(bytes: Uint8Array): boolean {
  return bytes.length === HASH_BYTES;
}
