import { decodeProtectedHeader, errors, jwtVerify } from "jose";
import type { Instant } from "../../core/brand.ts";
import type { SigningKeys } from "./keys.ts";

/** How far a token's times may lie from our clock. */
export const TOKEN_SKEW_S_MAX = 60;
/** Longer-lived tokens are not Microsoft's: its own live for an hour, and some for a day. */
const TOKEN_AGE_S_MAX: number = 25 * 3600;
const TOKEN_CHARS_MAX = 8192;
/** What a key must be endorsed for to sign for Teams. */
export const CHANNEL_ID = "msteams";

/** Why a request is not from the Bot Framework, on behalf of Teams, for this bot, now. */
export type TokenFault =
  | "token_missing"
  | "token_malformed"
  | "key_unknown"
  | "signature_wrong"
  | "issuer_wrong"
  | "audience_wrong"
  | "token_expired"
  | "token_future"
  | "service_url_wrong"
  | "not_endorsed";

type Expected = {
  readonly app: string;
  readonly issuer: string;
  /** As the body says it: the token must say the same. */
  readonly serviceUrl: string;
};

/**
 * Checks the bearer token of an activity: RS256 under a published key that is endorsed for Teams, issuer, audience, both
 * ends of its time within a minute, and the `serviceurl` of this very body. Null where all is well.
 * https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
 */
export async function checkToken(
  authorization: string | undefined,
  expected: Expected,
  keys: SigningKeys,
  now: Instant,
): Promise<TokenFault | null> {
  const token = bearerOf(authorization);
  if (token === null) return "token_missing";
  const kid = keyIdOf(token);
  if (kid === null) return "token_malformed";
  const signing = await keys.named(kid);
  if (signing === null) return "key_unknown";
  try {
    const { payload } = await jwtVerify(token, signing.key, {
      algorithms: ["RS256"],
      issuer: expected.issuer,
      audience: expected.app,
      clockTolerance: TOKEN_SKEW_S_MAX,
      currentDate: new Date(now),
      requiredClaims: ["exp"],
    });
    const seconds = now / 1000;
    const { iat, exp, aud, serviceurl } = payload;
    // Several audiences would be somebody else's token too.
    if (aud !== expected.app) return "audience_wrong";
    if (iat !== undefined && iat > seconds + TOKEN_SKEW_S_MAX) return "token_future";
    if (exp !== undefined && exp > seconds + TOKEN_AGE_S_MAX) return "token_future";
    if (typeof serviceurl !== "string" || trimmed(serviceurl) !== trimmed(expected.serviceUrl)) {
      return "service_url_wrong";
    }
    return signing.endorsements.includes(CHANNEL_ID) ? null : "not_endorsed";
  } catch (error) {
    return faultOf(error);
  }
}

function faultOf(error: unknown): TokenFault {
  if (error instanceof errors.JWTExpired) return "token_expired";
  if (error instanceof errors.JWTClaimValidationFailed) {
    switch (error.claim) {
      case "iss":
        return "issuer_wrong";
      case "aud":
        return "audience_wrong";
      case "nbf":
        return "token_future";
      default:
        return "token_malformed";
    }
  }
  return error instanceof errors.JWSSignatureVerificationFailed ? "signature_wrong" : "token_malformed";
}

function bearerOf(authorization: string | undefined): string | null {
  if (authorization === undefined || authorization.length > TOKEN_CHARS_MAX) return null;
  return /^Bearer ([\w-]+\.[\w-]+\.[\w-]*)$/i.exec(authorization)?.[1] ?? null;
}

function keyIdOf(token: string): string | null {
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    return alg === "RS256" && kid !== undefined && kid.length <= 200 ? kid : null;
  } catch {
    return null;
  }
}

function trimmed(url: string): string {
  return url.replace(/\/+$/, "");
}
