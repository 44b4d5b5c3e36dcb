import { HASH_BYTES, emptyRoot, nodeHash } from "./hash.ts";

/** A perfect subtree: the hash over leaves [index·2^level, (index+1)·2^level). */
export type Subtree = { readonly level: number; readonly index: number };

/** Told of every perfect subtree that an append completes, the leaf itself first, then upwards. */
export type SubtreeListener = (subtree: Subtree, hash: Uint8Array) => void;

const SIZE_BYTES = 8;

/**
 * The right edge of the tree (a compact range): the roots of the perfect subtrees of which a ledger of `size` leaves
 * consists, largest first. It is all that an append or a root needs: at most 53 hashes, whatever the size.
 */
export class Frontier {
  #size: number;
  readonly #peaks: Uint8Array[];

  /** An empty tree, or one that goes on from `peaks`, largest subtree first. */
  constructor(size: number = 0, peaks: readonly Uint8Array[] = []) {
    assertSize(size);
    if (peaks.length !== countBits(size) || peaks.some((peak) => peak.length !== HASH_BYTES)) {
      throw new RangeError(`a tree of ${size} leaves has ${countBits(size)} peaks of ${HASH_BYTES} bytes`);
    }
    this.#size = size;
    this.#peaks = peaks.map((peak) => new Uint8Array(peak));
  }

  /** Reads what `toBytes` wrote; anything else is a RangeError. */
  static fromBytes(bytes: Uint8Array): Frontier {
    const peakBytes = bytes.length - SIZE_BYTES;
    if (peakBytes < 0 || peakBytes % HASH_BYTES !== 0) {
      throw new RangeError("these are not the bytes of a frontier: a size of 8 bytes and whole hashes");
    }
    let size = 0;
    for (const byte of bytes.subarray(0, SIZE_BYTES)) size = size * 256 + byte;
    const peaks: Uint8Array[] = [];
    for (let at = SIZE_BYTES; at < bytes.length; at += HASH_BYTES) peaks.push(bytes.subarray(at, at + HASH_BYTES));
    return new Frontier(size, peaks);
  }

  /** Leaves so far. */
  get size(): number {
    return this.#size;
  }

  /** The roots of the perfect subtrees, largest first. */
  get peaks(): readonly Uint8Array[] {
    return this.#peaks;
  }

  /** Adds a leaf by its hash and tells of each subtree that it completes. */
  append(leaf: Uint8Array, completed?: SubtreeListener): void {
    if (leaf.length !== HASH_BYTES) throw new RangeError(`a leaf hash has ${HASH_BYTES} bytes, not ${leaf.length}`);
    assertSize(this.#size + 1);
    let node = leaf;
    let index = this.#size;
    let level = 0;
    completed?.({ level, index }, node);
    // Each trailing one-bit of the old size is a peak that the new leaf makes into the left half of a larger one.
    while (index % 2 === 1) {
      const left = this.#peaks.pop();
      if (left === undefined) throw new RangeError("a frontier lost a peak");
      node = nodeHash(left, node);
      index = (index - 1) / 2;
      level += 1;
      completed?.({ level, index }, node);
    }
    this.#peaks.push(node);
    this.#size += 1;
  }

  /** The Merkle tree hash of all leaves so far: RFC 6962 §2.1. */
  root(): Uint8Array {
    return joinPeaks(this.#peaks);
  }

  /** A frontier that goes on from here without touching this one. */
  copy(): Frontier {
    return new Frontier(this.#size, this.#peaks);
  }

  /** The size as 8 bytes, most significant first, then the peaks. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(SIZE_BYTES + this.#peaks.length * HASH_BYTES);
    let rest = this.#size;
    for (let at = SIZE_BYTES - 1; at >= 0; at--) {
      bytes[at] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    this.#peaks.forEach((peak, at) => bytes.set(peak, SIZE_BYTES + at * HASH_BYTES));
    return bytes;
  }
}

/** The hash over a run of perfect subtrees, largest first: joined from the right, as RFC 6962 §2.1 splits them. */
export function joinPeaks(peaks: readonly Uint8Array[]): Uint8Array {
  const last = peaks.at(-1);
  if (last === undefined) return emptyRoot();
  let joined = last;
  for (let at = peaks.length - 2; at >= 0; at--) {
    const peak = peaks[at];
    if (peak !== undefined) joined = nodeHash(peak, joined);
  }
  return joined;
}

/** A size or index of a tree that a JavaScript number counts exactly. */
export function assertSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`\`${size}\` is not the size of a tree`);
}

function countBits(value: number): number {
  let count = 0;
  for (let rest = value; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}
