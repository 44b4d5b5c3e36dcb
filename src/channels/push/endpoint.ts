import { ECDH } from "node:crypto";

/** The push services of browsers, by their hosts; `*.` stands for any name below. Each is asked at port 443. */
const KNOWN: readonly string[] = [
  "fcm.googleapis.com", // Chrome, and what is built on it
  "updates.push.services.mozilla.com", // Firefox
  "*.push.apple.com", // Safari
  "*.notify.windows.com", // Edge
];

/** Characters of an endpoint: those of today have about 200 to 500. */
export const ENDPOINT_CHARS_MAX = 1024;
/** RFC 8291 §2.1 and §3.2: an uncompressed point of P-256, and 16 octets. */
const POINT_BYTES = 65;
const AUTH_BYTES = 16;

/** What a browser says of its subscription, not yet believed. Keys in base64url. */
export type Offered = { readonly endpoint: string; readonly p256dh: string; readonly auth: string };

/**
 * Why a subscription is not taken; null when it is. The address comes from a browser, which may be anybody's: only
 * services that browsers are known to use, or that the operator named, are ever called.
 */
export function subscriptionFault({ endpoint, p256dh, auth }: Offered, services: readonly string[]): string | null {
  if (!isServed(endpoint, services)) return "this is not the address of a push service that this server may call";
  if (!isPoint(p256dh)) return "`p256dh` is no public key of P-256";
  return Buffer.from(auth, "base64url").length === AUTH_BYTES ? null : "`auth` is not 16 bytes in base64url";
}

/** Whether an endpoint is https, bare, and at a known or named service. `services` are `host`, `host:port` or `*.domain`. */
export function isServed(endpoint: string, services: readonly string[]): boolean {
  if (endpoint.length > ENDPOINT_CHARS_MAX || !URL.canParse(endpoint)) return false;
  const { protocol, username, password, host } = new URL(endpoint);
  if (protocol !== "https:" || username !== "" || password !== "") return false;
  return [...KNOWN, ...services].some((service) =>
    service.startsWith("*.") ? host.endsWith(service.slice(1)) : host === service,
  );
}

function isPoint(text: string): boolean {
  const bytes = Buffer.from(text, "base64url");
  if (bytes.length !== POINT_BYTES || bytes[0] !== 4) return false;
  try {
    // Off the curve is refused here, and not at each sending.
    ECDH.convertKey(bytes, "prime256v1");
    return true;
  } catch {
    return false;
  }
}
