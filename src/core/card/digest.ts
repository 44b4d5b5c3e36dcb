import { canonicalBytes, digest } from "../action/index.ts";
import type { JsonObject } from "../action/index.ts";
import type { Digest } from "../brand.ts";
import type { Card } from "./card.ts";

/**
 * SHA-256 over the canonical JSON of a card's body: what a reviewer was given to look at. It covers neither progress nor
 * the time left, so it stays the same from the first presentation to the last, unless the operator's title changes.
 */
export function cardDigest({ body }: Pick<Card, "body">): Digest {
  const json: object = body; // plain data of strings, numbers, lists and null
  return digest(canonicalBytes(json as JsonObject));
}

/** A digest for the eye, `3f9a12bc…77aa01ff`: to recognise, never to compare with. */
export function shortDigest(of: Digest): string {
  const hex = of.slice("sha256:".length);
  return `${hex.slice(0, 8)}…${hex.slice(-8)}`;
}
