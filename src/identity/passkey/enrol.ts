import type { JsonObject } from "../../core/action/index.ts";
import type { Passkey } from "../../ports/directory.ts";
import { ALGORITHMS, spkiOf } from "./keys.ts";
import { library, sentenceOf } from "./library.ts";
import type { RelyingParty } from "./party.ts";

/** What a browser made: `PublicKeyCredential` with its attestation, its bytes in base64url. */
export type Enrolment = {
  readonly credential: string;
  readonly clientDataJSON: string;
  readonly attestationObject: string;
};

/** A key that fits, with the count of its uses so far; or why it does not. */
export type Enrolled =
  | { readonly passkey: Omit<Passkey, "since">; readonly counter: number }
  | { readonly fault: string };

/** How long a browser may wait for the person, in milliseconds. */
export const ASKING_MS = 300_000;

/**
 * What the browser asks an authenticator to make. The person is verified by it (PIN, finger, face) and not only present;
 * no attestation is asked for, because which make a key is of would name people without making any signature firmer.
 */
export function enrolmentOptions(
  party: RelyingParty,
  person: { readonly handle: string; readonly id: string; readonly name: string },
  challenge: string,
  known: readonly Passkey[],
): JsonObject {
  return {
    rp: { id: party.rp, name: "Keyturn" },
    user: { id: person.handle, name: person.id, displayName: person.name },
    challenge,
    pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: "public-key", alg })),
    timeout: ASKING_MS,
    excludeCredentials: known.map(({ id }) => ({ type: "public-key", id })),
    authenticatorSelection: { residentKey: "preferred", userVerification: "required" },
    attestation: "none",
  };
}

/** Verifies a new credential (WebAuthn §7.1): challenge, origin, domain, that the person was verified, and the key's kind. */
export async function verifyEnrolment(
  { credential, clientDataJSON, attestationObject }: Enrolment,
  party: RelyingParty,
  challenge: string,
): Promise<Enrolled> {
  const [{ verifyRegistrationResponse }, { isoCBOR }] = await library();
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: {
        id: credential,
        rawId: credential,
        type: "public-key",
        response: { clientDataJSON, attestationObject },
        clientExtensionResults: {},
      },
      expectedChallenge: challenge,
      expectedOrigin: party.origin,
      expectedRPID: party.rp,
      requireUserVerification: true,
      supportedAlgorithmIDs: [...ALGORITHMS],
    });
    if (!verified) return { fault: "the authenticator's answer does not hold" };
    const { credential: made, credentialDeviceType, credentialBackedUp } = registrationInfo;
    const publicKey = spkiOf(isoCBOR.decodeFirst<ReadonlyMap<number, unknown>>(made.publicKey));
    if (publicKey === null) return { fault: "its key is not ES256, Ed25519, or RS256 of 2048 bits and more" };
    const synced = credentialDeviceType === "multiDevice" || credentialBackedUp;
    return { passkey: { id: made.id, publicKey, synced }, counter: made.counter };
  } catch (error) {
    return { fault: sentenceOf(error) };
  }
}
