import type { Statement, View } from "../model/view.ts";
import type { Assertion, CreationAsked, Enrolment, RequestAsked } from "./api.ts";

/** A passkey belongs to a name: no browser makes one for an address such as 127.0.0.1 or [::1]. */
const isAddress = /^(\d+(\.\d+){3}|\[.*\])$/.test(window.location.hostname);

/** Whether this browser makes passkeys on this page: over TLS by a name, or on `localhost`. */
export const canUsePasskeys: boolean =
  typeof PublicKeyCredential === "function" && window.isSecureContext && !isAddress;

/** What went wrong with an authenticator, in words for people. */
export class PasskeyError extends Error {
  override readonly name = "PasskeyError";
}

// `PublicKeyCredential.parseRequestOptionsFromJSON` is not in every browser that has passkeys.
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

function textOf(bytes: ArrayBuffer): string {
  const binary = Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function asked(what: Promise<Credential | null>): Promise<PublicKeyCredential> {
  let made: Credential | null;
  try {
    made = await what;
  } catch (error) {
    const name = error instanceof Error ? error.name : "";
    if (name === "InvalidStateError")
      throw new PasskeyError("This device holds a passkey of yours for this server already.");
    if (name === "SecurityError")
      throw new PasskeyError("This address is not the one that passkeys belong to. Open the server by its name.");
    throw new PasskeyError("Your passkey did not answer, or you cancelled. Nothing was sent.");
  }
  if (made instanceof PublicKeyCredential) return made;
  throw new PasskeyError("Your passkey did not answer. Nothing was sent.");
}

/**
 * Makes a passkey on a device of the person. One that is known is asked to vouch for it; without, an administrator may
 * have to.
 */
export async function makePasskey(options: CreationAsked): Promise<Enrolment> {
  const { challenge, user, excludeCredentials, ...rest } = options;
  const publicKey: PublicKeyCredentialCreationOptions = {
    ...rest,
    challenge: bytesOf(challenge),
    user: { ...user, id: bytesOf(user.id) },
    excludeCredentials: excludeCredentials.map(({ type, id }) => ({ type, id: bytesOf(id) })),
  };
  const made = await asked(navigator.credentials.create({ publicKey }));
  const { clientDataJSON, attestationObject } = made.response as AuthenticatorAttestationResponse;
  const enrolment = {
    credential: made.id,
    client_data_json: textOf(clientDataJSON),
    attestation_object: textOf(attestationObject),
  };
  if (excludeCredentials.length === 0) return enrolment;
  const both = new Uint8Array([...new Uint8Array(clientDataJSON), ...new Uint8Array(attestationObject)]);
  const wanted = { rpId: options.rp.id ?? "", timeout: 60_000, userVerification: "required" } as const;
  try {
    const challenge = await crypto.subtle.digest("SHA-256", both);
    return { ...enrolment, vouch: await signed(challenge, { ...wanted, allowCredentials: excludeCredentials }) };
  } catch (error) {
    if (error instanceof PasskeyError) return enrolment;
    throw error;
  }
}

/**
 * Signs a decision. What is signed is computed here, from a statement that says what is on the screen: a server that
 * says another challenge, or another action, gets no signature.
 */
export async function signDecision(
  view: View,
  decided: Pick<Statement, "verdict" | "nonce">,
  statement: Statement,
  how: RequestAsked,
): Promise<Assertion> {
  const isShown =
    statement.request === view.id &&
    statement.digest === view.digest &&
    statement.card === view.card_digest &&
    statement.verdict === decided.verdict &&
    statement.nonce === decided.nonce;
  if (!isShown)
    throw new PasskeyError("The server asked to sign something else than what is shown. Tell whoever runs it.");
  // Canonical JSON (RFC 8785) of a flat object of strings and whole numbers: its members sorted.
  const canonical = JSON.stringify(statement, Object.keys(statement).toSorted());
  return signed(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(canonical)), how);
}

async function signed(
  challenge: ArrayBuffer,
  { allowCredentials, rpId, timeout, userVerification }: RequestAsked,
): Promise<Assertion> {
  const publicKey: PublicKeyCredentialRequestOptions = {
    challenge,
    rpId,
    timeout,
    userVerification,
    allowCredentials: allowCredentials.map(({ type, id }) => ({ type, id: bytesOf(id) })),
  };
  const made = await asked(navigator.credentials.get({ publicKey }));
  const response = made.response as AuthenticatorAssertionResponse;
  return {
    credential: made.id,
    authenticator_data: textOf(response.authenticatorData),
    client_data_json: textOf(response.clientDataJSON),
    signature: textOf(response.signature),
  };
}
