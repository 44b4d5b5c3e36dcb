/** Loaded when the first passkey is used: the parsers of attestation take a while, and most starts never need them. */
export async function library(): Promise<
  [typeof import("@simplewebauthn/server"), typeof import("@simplewebauthn/server/helpers")]
> {
  return Promise.all([import("@simplewebauthn/server"), import("@simplewebauthn/server/helpers")]);
}

/** Why the library did not take an answer, in its own words. */
export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : "the authenticator's answer cannot be read";
}
