import { getRandomValues } from "node:crypto";

/** The secret of fingerprints: whoever writes a ledger cannot know under which one it will be verified. */
export type Seed = readonly [number, number];

/** A new secret. */
export function newSeed(): Seed {
  const [first = 0, second = 0] = getRandomValues(new Uint32Array(2));
  return [first, second];
}

/** Turns after the bytes: one for the length, then three for each half of the output. */
const END_TURNS = 7;

/**
 * HalfSipHash-1-3 (Aumasson, Bernstein) with 64 bits of output, two bytes to a word. Two names share a fingerprint with a
 * chance of 2^-64, and without the seed nobody can look for such a pair. One loop, as it runs several times an entry.
 */
export function fingerprint(bytes: Uint8Array, from: number, to: number, seed: Seed, out: Int32Array): void {
  const key0 = seed[0];
  const key1 = seed[1];
  const length = to - from;
  const pairs = length >> 1;
  let v0 = key0 | 0;
  let v1 = key1 ^ 0xee;
  let v2 = 0x6c796765 ^ key0;
  let v3 = 0x74656462 ^ key1;
  for (let turn = 0; turn < pairs + END_TURNS; turn++) {
    let word = 0;
    if (turn < pairs) word = (bytes[from + 2 * turn] ?? 0) | ((bytes[from + 2 * turn + 1] ?? 0) << 8);
    // The last word holds the length too, so that a name and the same with a NUL behind it differ.
    else if (turn === pairs) word = (length << 16) | (length % 2 === 1 ? (bytes[to - 1] ?? 0) : 0);
    else if (turn === pairs + 1) v2 ^= 0xee;
    else if (turn === pairs + 4) {
      out[0] = v1 ^ v3;
      v1 ^= 0xdd;
    }
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  out[1] = v1 ^ v3;
}

const encoder = new TextEncoder();
let scratch = new Uint8Array(1024);

/** The same of a text, by its UTF-8. */
export function fingerprintText(text: string, seed: Seed, out: Int32Array): void {
  if (3 * text.length > scratch.length) scratch = new Uint8Array(6 * text.length);
  fingerprint(scratch, 0, encoder.encodeInto(text, scratch).written, seed, out);
}
