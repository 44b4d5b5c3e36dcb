import { sha256 } from "../../core/action/index.ts";
import { concatBytes, encodeHex } from "../../core/encoding.ts";

const encoder = new TextEncoder();

/** Characters of the word that an auditor brings. */
export const NONCE_CHARS_MAX = 256;

/**
 * What a sample is drawn by: SHA-256(nonce in UTF-8 ‖ root). The auditor chooses the nonce when the root is signed
 * already, so that neither side could steer what is drawn.
 */
export function sampleSeed(nonce: string, root: Uint8Array): Uint8Array {
  return sha256(concatBytes(encoder.encode(nonce), root));
}

/**
 * Draws items by their entry's index: each ranks by SHA-256(seed ‖ index in 8 bytes, most significant first), and the
 * lowest ranks are drawn. Every set of that size is as likely as any other, anyone can draw it again, and a larger sample
 * holds the smaller one.
 */
export function drawSample(seed: Uint8Array, population: Iterable<number>, count: number): readonly number[] {
  const ranked = [...new Set(population)].map((index) => ({ index, rank: encodeHex(rankOf(seed, index)) }));
  return ranked
    .toSorted((a, b) => (a.rank < b.rank ? -1 : 1))
    .slice(0, count)
    .map(({ index }) => index);
}

function rankOf(seed: Uint8Array, index: number): Uint8Array {
  const place = new Uint8Array(8);
  new DataView(place.buffer).setBigUint64(0, BigInt(index));
  return sha256(concatBytes(seed, place));
}
