import { createPublicKey, hash, verify } from "node:crypto";
import { canonicalBytes, isJsonObject, parseJson } from "../core/action/index.ts";
import type { Json, JsonObject } from "../core/action/index.ts";
import { concatBytes, decodeBase64Url } from "../core/encoding.ts";
import { ShapeError, memberOf, numberAt, objectAt, textAt } from "./shapes.ts";
import type { Review } from "./shapes.ts";
import { faultOfSignIn, readSignIn, type SignInProof } from "./sign-in.ts";

/** From here on a review is a signature: `A3`, by its place among the assurances. */
const ASSURANCE_SIGNED = 3;

/** How long before its end a statement may be signed: servers offer it for so long, in milliseconds. */
const STATEMENT_TTL_MS = 300_000;

/** Bits of the flags in authenticator data (WebAuthn §6.1): the person was there, and was verified. */
const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;
/** Before anything else: 32 bytes of the domain's hash, one of flags, four of a counter. */
const AUTHENTICATOR_DATA_BYTES_MIN = 37;

/** What proves a review beyond its session. */
export type Proof = AssertionProof | SignInProof;

/** What an approver's passkey signed, as `review.recorded` keeps it. */
export type AssertionProof = {
  readonly kind: "passkey";
  readonly statement: JsonObject;
  readonly rp: string;
  readonly credential: string;
  readonly publicKey: string;
  readonly authenticatorData: string;
  readonly clientDataJSON: string;
  readonly signature: string;
};

/** Reads the proof of a review; null where there is none, or where it is of a kind that is not known. */
export function readProof(review: JsonObject): Proof | null {
  const proof = review["proof"];
  const kind = proof === undefined ? null : textAt(proof, "kind");
  if (proof === undefined || kind === null) return null;
  if (kind === "provider") return readSignIn(proof);
  if (kind !== "passkey") return null;
  return {
    kind: "passkey",
    statement: objectAt(proof, "statement"),
    rp: textAt(proof, "rp"),
    credential: textAt(proof, "credential"),
    publicKey: textAt(proof, "publicKey"),
    authenticatorData: textAt(proof, "authenticatorData"),
    clientDataJSON: textAt(proof, "clientDataJSON"),
    signature: textAt(proof, "signature"),
  };
}

/** What a proof has to be about: all of it as other entries of the ledger say it. */
export type Proven = {
  /** The ledger's origin by its checkpoint; null where that is not known. */
  readonly origin: string | null;
  readonly request: string;
  readonly digest: string;
  readonly review: Review;
  /** Whether policies were in force; true where that cannot be known. */
  readonly isPolicy: (digest: string) => boolean;
  /** The keys that the person had enrolled, by every roster that may have been in force; none where that cannot be known. */
  readonly keys: readonly ReadonlyMap<string, string>[];
};

/** What is wrong with a review that claims A2 or A3, in a sentence; null when what was signed is exactly this decision. */
export function faultOfProof(proof: Proof | null, proven: Proven): string | null {
  const { person, assurance, at } = proven.review;
  const isSignature = assurance >= ASSURANCE_SIGNED;
  if (proof === null || (isSignature && proof.kind !== "passkey")) {
    return `the review of \`${person}\` claims ${isSignature ? "a passkey" : "a fresh sign-in"} and shows no signature`;
  }
  const about = faultOfStatement(proof.statement, proven);
  if (about !== null) return `what \`${person}\` signed is ${about}`;
  if (proof.kind === "provider") {
    const fault = faultOfSignIn(proof, at);
    return fault === null ? null : `the fresh sign-in of \`${person}\`: ${fault}`;
  }
  const { keys } = proven;
  if (keys.length > 0 && !keys.some((known) => known.get(proof.credential) === proof.publicKey)) {
    return `the passkey by which \`${person}\` signed was not enrolled at that time`;
  }
  const fault = faultOfSignature(proof);
  return fault === null ? null : `the signature of \`${person}\`: ${fault}`;
}

function faultOfStatement(statement: JsonObject, { origin, request, digest, review, isPolicy }: Proven): string | null {
  const end = numberAt(statement, "not_after");
  const policies = textAt(statement, "policies");
  if (memberOf(statement, "v") !== 1) return "of a form that this verifier does not know";
  if (origin !== null && ledgerOf(textAt(statement, "ledger")) !== ledgerOf(origin)) return "about another ledger";
  if (statement["request"] !== request) return "about another request";
  if (statement["digest"] !== digest) return "about another action";
  if (statement["verdict"] !== review.verdict) return "another verdict";
  if (statement["approver"] !== review.person) return "signed for somebody else";
  if (statement["nonce"] !== review.nonce) return "another review";
  if (statement["card"] !== review.card) return "another card than was shown";
  if (!isPolicy(policies)) return "made under policies that were not in force";
  if (review.at >= end) return "a statement whose time was over";
  return end - review.at > STATEMENT_TTL_MS ? "a statement that was not offered yet" : null;
}

/** The name of a ledger without the number of its epoch. */
function ledgerOf(origin: string): string {
  return origin.replace(/\/\d{1,9}$/, "");
}

/** WebAuthn §7.2, as far as bytes can tell: challenge, page, domain, that the person was verified, and the signature. */
function faultOfSignature(proof: AssertionProof): string | null {
  const clientData = bytesOf(proof.clientDataJSON, "clientDataJSON");
  const data = bytesOf(proof.authenticatorData, "authenticatorData");
  const client = parseJson(clientData);
  if (!isJsonObject(client) || client["type"] !== "webauthn.get") return "it is no assertion";
  const challenge = Buffer.from(hash("sha256", canonicalBytes(proof.statement), "buffer")).toString("base64url");
  if (client["challenge"] !== challenge) return "its challenge is not the digest of the statement";
  if (client["crossOrigin"] === true) return "it was made inside a page of somebody else";
  if (!isPageOf(client["origin"], proof.rp)) return "it was made by a page of another domain";
  if (data.length < AUTHENTICATOR_DATA_BYTES_MIN) return "its authenticator data are too short";
  const domain = hash("sha256", proof.rp, "buffer");
  if (!domain.equals(data.subarray(0, 32))) return "it is for another domain";
  const flags = data[32] ?? 0;
  if ((flags & USER_PRESENT) === 0 || (flags & USER_VERIFIED) === 0) return "the person was not verified";
  const signed = concatBytes(data, hash("sha256", clientData, "buffer"));
  return holds(proof, signed) ? null : "it is not that of the key";
}

function isPageOf(origin: Json | undefined, rp: string): boolean {
  if (typeof origin !== "string" || !URL.canParse(origin)) return false;
  const { hostname } = new URL(origin);
  return hostname === rp || hostname.endsWith(`.${rp}`);
}

function holds({ publicKey, signature }: AssertionProof, signed: Uint8Array): boolean {
  try {
    const der = Buffer.from(decodeBase64Url(publicKey));
    const key = createPublicKey({ key: der, format: "der", type: "spki" });
    // Ed25519 hashes by itself; ES256 and RS256 sign SHA-256, and ES256 comes as DER (WebAuthn §6.5.5).
    const algorithm = key.asymmetricKeyType === "ed25519" ? null : "sha256";
    return verify(algorithm, signed, key, bytesOf(signature, "signature"));
  } catch {
    return false;
  }
}

function bytesOf(text: string, name: string): Uint8Array {
  try {
    return decodeBase64Url(text);
  } catch {
    throw new ShapeError(`\`${name}\` is not base64url`);
  }
}
