import { hash } from "node:crypto";
import type { Digest } from "../brand.ts";
import { InputError } from "../errors.ts";

const PATTERN = /^sha256:[0-9a-f]{64}$/;

/** SHA-256 as 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer");
}

/**
 * SHA-256 as `sha256:` and 64 lower-case hex digits: what is shown, approved, permitted, redeemed and logged. Of a text, it
 * is that of its UTF-8.
 */
export function digest(input: Uint8Array | string): Digest {
  return `sha256:${hash("sha256", input, "hex")}` as Digest;
}

/** Reads a digest; upper-case hex, another algorithm or another length is refused with `digest_invalid`. */
export function parseDigest(input: unknown): Digest {
  if (typeof input !== "string" || !PATTERN.test(input)) {
    throw new InputError({
      code: "digest_invalid",
      message: "a digest looks like `sha256:` and 64 lower-case hex digits",
    });
  }
  return input as Digest;
}
