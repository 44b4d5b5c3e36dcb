import { hash } from "node:crypto";

/** Bytes of one SHA-256 hash. */
export const HASH_BYTES = 32;

/** RFC 6962 §2.1: a leaf is hashed as 0x00 ‖ entry bytes, so that no leaf can pass for a node. */
export function leafHash(entry: Uint8Array): Uint8Array {
  const input = new Uint8Array(1 + entry.length);
  input.set(entry, 1);
  return hash("sha256", input, "buffer");
}

// One input for all nodes: hashing is synchronous and never re-entered, and a fresh array would cost a third more.
const nodeInput = new Uint8Array(1 + 2 * HASH_BYTES);
nodeInput[0] = 0x01;

/** RFC 6962 §2.1: a node is hashed as 0x01 ‖ left ‖ right. Both are 32 bytes. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) {
    throw new RangeError(`a node joins two hashes of ${HASH_BYTES} bytes, not ${left.length} and ${right.length}`);
  }
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + HASH_BYTES);
  return hash("sha256", nodeInput, "buffer");
}

/** RFC 6962 §2.1: the root of no leaves is the hash of no bytes. */
export function emptyRoot(): Uint8Array {
  return hash("sha256", new Uint8Array(0), "buffer");
}

/** Whether two hashes are the same bytes. Hashes here are public, so the comparison need not take constant time. */
export function sameHash(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) if (left[index] !== right[index]) return false;
  return true;
}
