import { canonicalBytes, digest } from "../action/index.ts";
import type { JsonObject } from "../action/index.ts";
import type { Digest, Instant, PersonId, RequestId } from "../brand.ts";
import { refuse } from "./refusals.ts";
import type { Refusal } from "./refusals.ts";

export type Verdict = "approve" | "deny";

/**
 * What a person decides, in words that a machine can sign: this verdict on this action, as this card showed it, under
 * these policies, in this ledger, once, until then. Its digest is what a passkey signs as WebAuthn challenge, and what an
 * identity provider is given as nonce. The members are named as they stand in the canonical JSON (docs/passkeys.md).
 */
export type DecisionStatement = {
  readonly v: 1;
  /** The ledger's origin, so that a signature made for one house means nothing in another. */
  readonly ledger: string;
  readonly request: RequestId;
  /** The action's digest. */
  readonly digest: Digest;
  readonly verdict: Verdict;
  /** The digest of the policies in force when it was offered. */
  readonly policies: Digest;
  readonly approver: PersonId;
  /** In milliseconds since 1970; from then on it decides nothing. */
  readonly not_after: Instant;
  /** The nonce of the review: one statement is one review. */
  readonly nonce: string;
  /** The digest of the card that was shown. */
  readonly card: Digest;
};

/** The evidence of a review beyond its session: what was signed, and all that it takes to verify it offline. */
export type ReviewProof = PasskeyProof | ProviderProof;

/**
 * A fresh sign-in at an identity provider for this one decision: the ID token's nonce is the statement's digest in
 * base64url, and `jwk` is the provider's public key as it was published then.
 */
export type ProviderProof = {
  readonly kind: "provider";
  readonly statement: DecisionStatement;
  readonly issuer: string;
  readonly client: string;
  readonly idToken: string;
  readonly jwk: JsonObject;
};

/** A signature with a passkey that the person had enrolled. */
export type PasskeyProof = {
  readonly kind: "passkey";
  readonly statement: DecisionStatement;
  /** The domain that the key was made for (WebAuthn §5.1.2: the RP ID). */
  readonly rp: string;
  /** The credential's id in base64url, and its key as SubjectPublicKeyInfo (DER) in base64url. */
  readonly credential: string;
  readonly publicKey: string;
  /** WebAuthn §6.1 and §5.8.1, and the signature over the first followed by SHA-256 of the second; all in base64url. */
  readonly authenticatorData: string;
  readonly clientDataJSON: string;
  readonly signature: string;
};

/** How long a statement may be signed and sent after it was offered, in milliseconds. */
export const STATEMENT_TTL_MS = 300_000;

/** The canonical bytes of a statement (RFC 8785). */
export function statementBytes(statement: DecisionStatement): Uint8Array {
  const json: object = statement; // plain data of strings and numbers
  return canonicalBytes(json as JsonObject);
}

/** SHA-256 of the canonical statement: these 32 bytes are the challenge, or the nonce. */
export function statementDigest(statement: DecisionStatement): Digest {
  return digest(statementBytes(statement));
}

/** What a review says of itself, for comparison with what was signed. */
export type Stated = {
  readonly request: RequestId;
  readonly digest: string;
  readonly verdict: Verdict;
  readonly approver: PersonId;
  readonly nonce: string;
  readonly card: string | null;
  readonly at: Instant;
};

/** Why a signed statement is not about this review, or null. Policies are compared where they are known: at redemption they are asked anew anyway. */
export function faultOfStatement(statement: DecisionStatement, stated: Stated): Refusal | null {
  const { at, ...review } = stated;
  for (const name of ["request", "digest", "verdict", "approver", "nonce", "card"] as const) {
    if (statement[name] !== review[name]) return refuse("assertion_invalid", `its ${WORDS[name]} is another`);
  }
  return at < statement.not_after ? null : refuse("assertion_expired");
}

const WORDS: Readonly<Record<Exclude<keyof Stated, "at">, string>> = {
  request: "request",
  digest: "action",
  verdict: "verdict",
  approver: "approver",
  nonce: "nonce",
  card: "card",
};
