import { createHmac, timingSafeEqual } from "node:crypto";
import type { Instant } from "../../core/brand.ts";

/** How far a signed request may lie from our clock, in either direction. */
export const SKEW_MS_MAX: number = 5 * 60_000;

export type Signed = {
  readonly timestamp: string | undefined;
  readonly signature: string | undefined;
  /** The bytes as they came, before anybody parsed them. */
  readonly body: Uint8Array;
};

/** Why a request does not come from Slack, or null. */
export type SignatureFault = "signature_missing" | "timestamp_past" | "timestamp_future" | "signature_wrong";

/**
 * Checks Slack's signature, version 0: HMAC-SHA256 over `v0:timestamp:body`. Slack asks receivers to refuse what is older
 * than five minutes; we refuse what is as much ahead too, or it could be kept for later.
 */
export function checkSignature(secret: string, signed: Signed, now: Instant): SignatureFault | null {
  const { timestamp = "", signature = "", body } = signed;
  if (!/^\d{1,12}$/.test(timestamp) || !/^v0=[0-9a-f]{64}$/.test(signature)) return "signature_missing";
  const at = Number(timestamp) * 1000;
  if (at < now - SKEW_MS_MAX) return "timestamp_past";
  if (at > now + SKEW_MS_MAX) return "timestamp_future";
  const expected = createHmac("sha256", secret).update(`v0:${timestamp}:`).update(body).digest();
  return timingSafeEqual(expected, Buffer.from(signature.slice("v0=".length), "hex")) ? null : "signature_wrong";
}
