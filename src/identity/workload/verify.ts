import { isJsonList, isJsonObject, parseJson, digest, type JsonObject } from "../../core/action/index.ts";
import type { Instant } from "../../core/brand.ts";
import { PUBLIC_KEY_ALGORITHMS } from "../../core/permit/index.ts";
import { matches } from "./claims.ts";
import { WorkloadError } from "./failure.ts";
import type { Keys } from "./keys.ts";
import type { WorkloadRule } from "./rule.ts";
import { runOf, vouchedIn } from "./vouched.ts";

/** Characters of a token, as a platform signs it. */
export const TOKEN_CHARS_MAX = 16_384;
/** How long a token may live, and how far clocks may be apart. */
export const TOKEN_LIFE_MAX_S = 600;
export const SKEW_MAX_S = 60;
/** Tokens of other purposes say so in `typ`: a logout token or a proof is no identity (RFC 8725 §3.11). */
const TYPES: readonly unknown[] = [undefined, "JWT", "jwt", "JOSE"];

/** A workload that is let in: by which rule, whom its platform vouches for, and what is used up by it. */
export type Admitted = {
  readonly rule: WorkloadRule;
  readonly vouched: JsonObject;
  readonly run: string;
  /** The same for the same token, and for no other: it is exchanged once. */
  readonly once: string;
};

/** Checks a platform's token against the rules; throws `WorkloadError` for anything but exactly one rule that fits. */
export async function admit(
  token: string,
  rules: readonly WorkloadRule[],
  keys: Keys,
  now: Instant,
): Promise<Admitted> {
  const claims = unverified(token);
  const issuer = issuerOf(claims);
  const concerned = rules.filter((rule) => rule.issuer === issuer);
  if (concerned.length === 0) throw new WorkloadError("issuer_unknown", "no rule names the issuer of this token");
  // The same word said in different ways is checked once: by its keys and its audience.
  const kinds = new Map(concerned.map((rule) => [kindOf(rule), rule]));
  let fault: unknown = null;
  let isVerified = false;
  const fitting: WorkloadRule[] = [];
  for (const [kind, first] of kinds) {
    try {
      await checkSignature(token, first, keys);
      checkClaims(claims, first, now);
    } catch (error) {
      // A rule for another audience says less than one that this token is for.
      if (fault === null || !isAudience(error)) fault = error;
      continue;
    }
    isVerified = true;
    const same = concerned.filter((rule) => kindOf(rule) === kind);
    fitting.push(...same.filter((rule) => matches(rule, claims)));
  }
  const [rule, other] = fitting;
  if (rule === undefined)
    throw isVerified ? new WorkloadError("no_rule", "no rule fits the claims of this token") : fault;
  if (other !== undefined)
    throw new WorkloadError(
      "ambiguous",
      `several rules fit this token, \`${rule.name}\` and \`${other.name}\` among them; make them exclude each other`,
    );
  checkEvent(rule, claims);
  return { rule, vouched: vouchedIn(rule, claims), run: runOf(rule, claims), once: onceOf(token, issuer, claims) };
}

function kindOf({ keys, audience, acceptLong }: WorkloadRule): string {
  return JSON.stringify([keys, audience, acceptLong]);
}

function isAudience(error: unknown): boolean {
  return error instanceof WorkloadError && error.code === "audience_wrong";
}

/** The claims before anybody has checked them: good for finding the rules, and for nothing else. */
function unverified(token: string): JsonObject {
  const parts = token.length > TOKEN_CHARS_MAX ? [] : token.split(".");
  if (parts.length !== 3 || parts.some((part) => !/^[A-Za-z0-9_-]+$/.test(part)))
    throw new WorkloadError("token_malformed", "the subject token is no signed JWT");
  return partOf(parts[1] ?? "");
}

function partOf(part: string): JsonObject {
  try {
    // Strictly: a claim that stands twice is read by two readers in two ways.
    const parsed = parseJson(Buffer.from(part, "base64url"));
    if (isJsonObject(parsed)) return parsed;
  } catch (error) {
    throw new WorkloadError("token_malformed", "a part of the token is no strict JSON", error);
  }
  throw new WorkloadError("token_malformed", "a part of the token is no object");
}

/** SPIFFE tokens need no `iss`: their trust domain is in the subject (SPIFFE JWT-SVID §3). */
function issuerOf(claims: JsonObject): string {
  const { iss, sub } = claims;
  if (typeof iss === "string") return iss;
  const domain =
    iss === undefined && typeof sub === "string" ? /^spiffe:\/\/([a-z0-9._-]{1,255})\//.exec(sub)?.[1] : undefined;
  if (domain === undefined) throw new WorkloadError("token_malformed", "the token names no issuer");
  return `spiffe://${domain}`;
}

async function checkSignature(token: string, rule: WorkloadRule, keys: Keys): Promise<void> {
  const header = partOf(token.split(".")[0] ?? "");
  const { alg, typ } = header;
  if (typeof alg !== "string" || !PUBLIC_KEY_ALGORITHMS.includes(alg))
    throw new WorkloadError("algorithm_refused", "the token is not signed by an algorithm with a public key");
  if (!TYPES.includes(typ))
    throw new WorkloadError("token_malformed", "by its `typ` this is a token of another purpose");
  const key = await keys.of(rule.issuer, rule.keys);
  const { compactVerify, errors } = await import("jose");
  try {
    await compactVerify(token, key, { algorithms: [...PUBLIC_KEY_ALGORITHMS] });
  } catch (error) {
    const isOurs =
      error instanceof errors.JWSSignatureVerificationFailed ||
      error instanceof errors.JWKSNoMatchingKey ||
      error instanceof errors.JWKSMultipleMatchingKeys ||
      error instanceof errors.JWSInvalid ||
      error instanceof errors.JOSENotSupported ||
      error instanceof errors.JOSEAlgNotAllowed;
    if (isOurs) throw new WorkloadError("signature_invalid", "the token is not signed by a key of its issuer", error);
    throw new WorkloadError("keys_unavailable", "the issuer's keys cannot be had now; try again", error);
  }
}

function checkClaims(claims: JsonObject, rule: WorkloadRule, now: Instant): void {
  const { aud } = claims;
  const only =
    isJsonList(aud ?? null) && (aud as readonly unknown[]).length === 1 ? (aud as readonly unknown[])[0] : aud;
  if (only !== rule.audience)
    throw new WorkloadError("audience_wrong", `the token's \`aud\` must be \`${rule.audience}\` and nothing beside it`);
  const at = now / 1000;
  const [exp, iat, nbf] = [timeOf(claims, "exp"), timeOf(claims, "iat"), timeOf(claims, "nbf")];
  if (exp === null || iat === null) throw new WorkloadError("token_malformed", "the token needs `iat` and `exp`");
  if (at >= exp + SKEW_MAX_S) throw new WorkloadError("token_expired", "the token is expired; get a new one");
  if (iat > at + SKEW_MAX_S || (nbf !== null && nbf > at + SKEW_MAX_S))
    throw new WorkloadError("token_not_yet", "the token is from the future: compare the clocks");
  if (exp - iat > TOKEN_LIFE_MAX_S && !rule.acceptLong)
    throw new WorkloadError(
      "token_too_long",
      `the token lives longer than ${TOKEN_LIFE_MAX_S} s; ask for a shorter one, or set \`accept_long_tokens\``,
    );
  if (at > iat + TOKEN_LIFE_MAX_S + SKEW_MAX_S)
    throw new WorkloadError("token_expired", "the token was issued too long ago; get a new one");
}

function timeOf(claims: JsonObject, name: string): number | null {
  const value = claims[name];
  if (value === undefined) return null;
  if (typeof value !== "number" || !Number.isFinite(value))
    throw new WorkloadError("token_malformed", `\`${name}\` is no time`);
  return value;
}

/** Runs that strangers start, or whose code strangers wrote. */
function checkEvent(rule: WorkloadRule, claims: JsonObject): void {
  const { pipeline_source: source, event_name: event } = claims;
  const isGitlab = rule.platform === "gitlab" || (source !== undefined && claims["project_path"] !== undefined);
  // Its `project_*` claims may name the project or the fork (gitlab-org/gitlab#563038): nobody can tell whose code it is.
  if (isGitlab && (source === "merge_request_event" || source === "external_pull_request_event"))
    throw new WorkloadError(
      "merge_request_refused",
      "a merge request's pipeline may run a fork's code; run this on a protected branch",
    );
  if (event === "pull_request_target" && !rule.match.has("event_name"))
    throw new WorkloadError(
      "pull_request_target_refused",
      "strangers start such runs; a rule that wants them matches `event_name`",
    );
}

function onceOf(token: string, issuer: string, { jti }: JsonObject): string {
  // Without the signature: some can be written in several ways, and what is signed cannot.
  const own =
    typeof jti === "string" && jti !== ""
      ? ["jti", issuer, jti]
      : ["token", issuer, token.slice(0, token.lastIndexOf("."))];
  return digest(new TextEncoder().encode(JSON.stringify(own)));
}
