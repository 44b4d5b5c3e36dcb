import { isIP } from "node:net";

/** The house as browsers know it: keys are made for `rp`, a domain, and used from pages of `origin`. */
export type RelyingParty = { readonly rp: string; readonly origin: string };

const LOOPBACK = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/;

/**
 * The relying party of a public address; null where passkeys cannot work there. WebAuthn knows domains and no IP addresses
 * (§5.1.3), and browsers offer it over TLS or on `localhost` alone. A loopback address is the same machine as `localhost`.
 */
export function relyingPartyOf(publicUrl: string): RelyingParty | null {
  const url = new URL(publicUrl);
  if (LOOPBACK.test(url.hostname)) url.hostname = "localhost";
  const { hostname, protocol, origin } = url;
  if (isIP(hostname) !== 0 || hostname.startsWith("[")) return null;
  return protocol === "https:" || hostname === "localhost" || hostname.endsWith(".localhost")
    ? { rp: hostname, origin }
    : null;
}
