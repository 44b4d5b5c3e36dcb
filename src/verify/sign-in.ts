import { createPublicKey, hash, verify, type JsonWebKey, type KeyObject } from "node:crypto";
import { canonicalBytes, isJsonObject, parseJson } from "../core/action/index.ts";
import type { Json, JsonObject } from "../core/action/index.ts";
import { decodeBase64Url } from "../core/encoding.ts";
import { objectAt, textAt } from "./shapes.ts";

/** How old a sign-in may be when a decision rests on it, in milliseconds, with what clocks may differ. */
const FRESH_MS_MAX = 330_000;

/** What an identity provider signed for one decision, as `review.recorded` keeps it, with the key that it published then. */
export type SignInProof = {
  readonly kind: "provider";
  readonly statement: JsonObject;
  readonly issuer: string;
  readonly client: string;
  readonly idToken: string;
  readonly jwk: JsonObject;
};

export function readSignIn(proof: Json): SignInProof {
  return {
    kind: "provider",
    statement: objectAt(proof, "statement"),
    issuer: textAt(proof, "issuer"),
    client: textAt(proof, "client"),
    idToken: textAt(proof, "idToken"),
    jwk: objectAt(proof, "jwk"),
  };
}

/**
 * What is wrong with it, in a sentence; null when the token is signed by the key kept beside it, and is about this decision.
 * That the key is the provider's is for the reader to compare: it stands in the key set that the provider published.
 */
export function faultOfSignIn({ statement, issuer, client, idToken, jwk }: SignInProof, at: number): string | null {
  const [header = "", payload = "", signature = "", ...more] = idToken.split(".");
  if (more.length > 0) return "it is no token";
  try {
    const claims = parseJson(decodeBase64Url(payload));
    const { alg } = objectOf(parseJson(decodeBase64Url(header)));
    const key = createPublicKey({ key: jwk as JsonWebKey, format: "jwk" });
    if (!isSigned(alg, key, Buffer.from(`${header}.${payload}`), decodeBase64Url(signature))) {
      return "its signature is not that of the key";
    }
    return faultOfClaims(objectOf(claims), { statement, issuer, client, at });
  } catch {
    return "it cannot be read";
  }
}

type About = { readonly statement: JsonObject; readonly issuer: string; readonly client: string; readonly at: number };

function faultOfClaims(claims: JsonObject, { statement, issuer, client, at }: About): string | null {
  const nonce = hash("sha256", canonicalBytes(statement), "buffer").toString("base64url");
  if (claims["nonce"] !== nonce) return "its nonce is not the digest of the statement";
  if (claims["iss"] !== issuer) return "it is of another provider";
  const { aud, auth_time: time } = claims;
  if (aud !== client && !(Array.isArray(aud) && aud.includes(client))) return "it is for somebody else";
  if (typeof time !== "number") return "it does not say when the person signed in";
  return at - time * 1000 > FRESH_MS_MAX ? "the person had signed in long before" : null;
}

/** JWS with a public key (RFC 7518 §3.1); whatever else a header names holds nothing. */
function isSigned(alg: Json | undefined, key: KeyObject, signed: Uint8Array, signature: Uint8Array): boolean {
  if (alg === "EdDSA" || alg === "Ed25519")
    return key.asymmetricKeyType === "ed25519" && verify(null, signed, key, signature);
  const match = typeof alg === "string" ? /^(RS|PS|ES)(256|384|512)$/.exec(alg) : null;
  if (match === null) return false;
  const [, family, bits] = match;
  if ((family === "ES") !== (key.asymmetricKeyType === "ec")) return false;
  // RSASSA-PSS is 6 with a salt as long as the hash (-1); ECDSA comes as r and s (RFC 7518 §3.4).
  const how = family === "PS" ? { key, padding: 6, saltLength: -1 } : { key, dsaEncoding: "ieee-p1363" as const };
  return verify(`sha${bits}`, signed, how, signature);
}

function objectOf(value: Json): JsonObject {
  if (!isJsonObject(value)) throw new TypeError("no object");
  return value;
}
