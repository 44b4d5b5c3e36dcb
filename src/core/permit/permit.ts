import { canonicalBytes, parseJson, type Json, type JsonObject } from "../action/index.ts";
import { isLive, refuse, type Refusal, type RequestState } from "../approval/index.ts";
import type { AgentId, ApprovalId, Digest, GateId, Instant, PermitId } from "../brand.ts";
import { decodeBase64Url, encodeBase64Url } from "../encoding.ts";
import { InputError } from "../errors.ts";
import { approvalOf, parseId, permitOf, requestOfPermit } from "../ids.ts";

/** How long a permit may be redeemed after it was issued, in milliseconds. */
export const PERMIT_TTL_MS = 60_000;
/** Characters of a compact JWS that are looked at. */
export const PERMIT_CHARS_MAX = 8192;

/** What a permit says. Times in the JWS are whole seconds (RFC 7519 §2); `expiresAt` here is milliseconds. */
export type PermitClaims = {
  readonly issuer: string;
  readonly gate: GateId;
  readonly agent: AgentId;
  readonly permit: PermitId;
  readonly approval: ApprovalId;
  readonly digest: Digest;
  readonly issuedAt: Instant;
  readonly expiresAt: Instant;
};

const TYPE = "keyturn-permit+jwt";

/** The bytes under the signature: RFC 7515 §5.1, compact, `EdDSA` (RFC 8037). RFC 9396 `authorization_details` names the action. */
export function permitSigningInput(
  claims: PermitClaims,
  keyId: string,
  action: { name: string; resource: { type: string; id: string } },
): string {
  const header: JsonObject = { alg: "EdDSA", typ: TYPE, kid: keyId };
  const body: JsonObject = {
    iss: claims.issuer,
    aud: claims.gate,
    sub: claims.agent,
    jti: claims.permit,
    iat: Math.floor(claims.issuedAt / 1000),
    exp: Math.floor(claims.expiresAt / 1000),
    approval: claims.approval,
    digest: claims.digest,
    authorization_details: [
      {
        type: "urn:keyturn:action",
        actions: [action.name],
        digest: claims.digest,
        resource: { type: action.resource.type, id: action.resource.id },
      },
    ],
  };
  return `${encodeBase64Url(canonicalBytes(header))}.${encodeBase64Url(canonicalBytes(body))}`;
}

/** The compact JWS. */
export function assemblePermit(signingInput: string, signature: Uint8Array): string {
  return `${signingInput}.${encodeBase64Url(signature)}`;
}

export type ParsedPermit = {
  readonly claims: PermitClaims;
  readonly keyId: string;
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
};

/** Takes a permit apart and believes nothing yet: the signature over `signed` is still to be checked. */
export function parsePermit(jws: string): ParsedPermit {
  const parts = jws.length > PERMIT_CHARS_MAX ? [] : jws.split(".");
  const [head, body, signature] = parts;
  if (parts.length !== 3 || head === undefined || body === undefined || signature === undefined) {
    throw malformed("a permit is three base64url parts joined by dots");
  }
  const header = object(head, "header");
  if (header["alg"] !== "EdDSA" || header["typ"] !== TYPE)
    throw malformed(`a permit's header says alg EdDSA and typ ${TYPE}`);
  const claims = object(body, "claims");
  return {
    keyId: text(header, "kid"),
    claims: {
      issuer: text(claims, "iss"),
      gate: text(claims, "aud") as GateId,
      agent: text(claims, "sub") as AgentId,
      permit: parseId("permit", claims["jti"]),
      approval: parseId("approval", claims["approval"]),
      digest: text(claims, "digest") as Digest,
      issuedAt: seconds(claims, "iat"),
      expiresAt: seconds(claims, "exp"),
    },
    signed: new TextEncoder().encode(`${head}.${body}`),
    signature: decode(signature),
  };
}

/** What the redeemer brings: its own name from its token, the digest of what it is about to run, and one attempt. */
export type Redemption = {
  readonly gate: GateId;
  readonly agent: AgentId;
  readonly digest: string;
  readonly attempt: string;
  readonly at: Instant;
};

/**
 * The rules that need no policy: who, what, when, once. The signature has been checked before.
 * Order matters for what an attacker may learn: whose permit it is comes first.
 */
export function checkRedemption(
  claims: PermitClaims,
  issuer: string,
  state: RequestState,
  by: Redemption,
): Refusal | null {
  const { opened, progress } = state;
  if (claims.issuer !== issuer || claims.permit !== permitOf(opened.id) || claims.approval !== approvalOf(opened.id))
    return refuse("permit_unknown");
  if (claims.gate !== by.gate) return refuse("permit_other_gate");
  if (claims.agent !== by.agent || opened.agent !== by.agent) return refuse("not_requester");
  if (claims.digest !== by.digest || opened.digest !== by.digest) return refuse("permit_other_action");
  if (progress.status !== "approved") return refuse(state.voided.length > 0 ? "approval_voided" : "not_approved");
  if (progress.permit.status === "redeemed") return refuse("permit_redeemed");
  if (by.at >= claims.expiresAt) return refuse("permit_expired");
  if (!isLive(state, by.at)) return refuse("approval_expired");
  return null;
}

/** The request that a permit's id points to. */
export function requestBehind(claims: PermitClaims): ReturnType<typeof requestOfPermit> {
  return requestOfPermit(claims.permit);
}

function decode(part: string): Uint8Array {
  try {
    return decodeBase64Url(part);
  } catch (cause) {
    throw malformed("a part of the permit is not base64url", cause);
  }
}

function object(part: string, what: string): JsonObject {
  let value: Json;
  try {
    value = parseJson(decode(part));
  } catch (cause) {
    throw malformed(`the permit's ${what} cannot be read`, cause);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw malformed(`the permit's ${what} is not an object`);
  return value as JsonObject;
}

function text(from: JsonObject, member: string): string {
  const value = from[member];
  if (typeof value !== "string" || value === "") throw malformed(`the permit's \`${member}\` is not a text`);
  return value;
}

function seconds(from: JsonObject, member: string): Instant {
  const value = from[member];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
    throw malformed(`the permit's \`${member}\` is not a time in seconds`);
  return (value * 1000) as Instant;
}

function malformed(message: string, cause?: unknown): InputError {
  return new InputError({ code: "permit_malformed", message, ...(cause === undefined ? {} : { cause }) });
}
