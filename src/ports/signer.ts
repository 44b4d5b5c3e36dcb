/**
 * One Ed25519 key of the installation.
 *
 * - `sign` answers the 64 bytes of RFC 8032 over the message, or throws; it is never given anything that is not on disk.
 * - `publicKey` is the raw 32 bytes. `keyId` names it in JWS headers (RFC 7638 thumbprint, base64url).
 */
export interface Signer {
  readonly keyId: string;
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
  verify(message: Uint8Array, signature: Uint8Array): boolean;
}
