import type { JsonObject } from "../../core/action/index.ts";
import type { Passkey } from "../../ports/directory.ts";
import { ASKING_MS } from "./enrol.ts";
import { coseOf } from "./keys.ts";
import { library, sentenceOf } from "./library.ts";
import type { RelyingParty } from "./party.ts";

/** What a browser answered: `AuthenticatorAssertionResponse`, its bytes in base64url. */
export type Assertion = {
  readonly credential: string;
  readonly authenticatorData: string;
  readonly clientDataJSON: string;
  readonly signature: string;
};

/** It holds, and how often the key was used by its own count (0 where it does not count); or why it does not hold. */
export type Asserted = { readonly counter: number } | { readonly fault: string };

/** What the browser asks an authenticator to sign with one of these keys. */
export function assertionOptions(party: RelyingParty, challenge: string, keys: readonly Passkey[]): JsonObject {
  return {
    rpId: party.rp,
    challenge,
    timeout: ASKING_MS,
    allowCredentials: keys.map(({ id }) => ({ type: "public-key", id })),
    userVerification: "required",
  };
}

/**
 * Verifies a signature (WebAuthn §7.2) with an enrolled key: challenge, origin, domain, that the person was verified, the
 * signature itself, and that a key which counts its uses counted on: one that did not may be a copy.
 */
export async function verifyAssertion(
  { credential, authenticatorData, clientDataJSON, signature }: Assertion,
  party: RelyingParty,
  challenge: string,
  key: { readonly passkey: Passkey; readonly counter: number },
): Promise<Asserted> {
  const [{ verifyAuthenticationResponse }, { isoCBOR }] = await library();
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: {
        id: credential,
        rawId: credential,
        type: "public-key",
        response: { authenticatorData, clientDataJSON, signature },
        clientExtensionResults: {},
      },
      expectedChallenge: challenge,
      expectedOrigin: party.origin,
      expectedRPID: party.rp,
      requireUserVerification: true,
      credential: {
        id: key.passkey.id,
        publicKey: Uint8Array.from(isoCBOR.encode(coseOf(key.passkey.publicKey))),
        counter: key.counter,
      },
    });
    if (!verified) return { fault: "the signature is not that of the key" };
    if (isFramed(clientDataJSON)) return { fault: "it was made inside a page of somebody else" };
    return { counter: authenticationInfo.newCounter };
  } catch (error) {
    return { fault: sentenceOf(error) };
  }
}

/** The library lets a cross-origin frame pass where the browser does not name the page around it. */
function isFramed(clientDataJSON: string): boolean {
  const data = JSON.parse(Buffer.from(clientDataJSON, "base64url").toString("utf8")) as { crossOrigin?: unknown };
  return data.crossOrigin === true;
}
