/**
 * JOSE signatures by a key that whoever checks them has not made (RFC 7518 §3.1, RFC 9864): none is symmetric, because
 * with a shared secret whoever can check could sign.
 */
export const PUBLIC_KEY_ALGORITHMS: readonly string[] = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];
