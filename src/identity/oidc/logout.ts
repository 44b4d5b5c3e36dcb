import { jwtVerify, type JWTVerifyGetKey } from "jose";
import { PUBLIC_KEY_ALGORITHMS } from "../../core/permit/index.ts";
import { OidcError } from "./errors.ts";

/** What a provider says has ended: one session of its own (`sid`), or all of one person (`sub`). `jti` counts once. */
export type LogoutToken = { readonly jti: string; readonly sub: string | null; readonly sid: string | null };

const EVENT = "http://schemas.openid.net/event/backchannel-logout";
/** Seconds after which a logout token is too old, whatever it says of its own end. */
export const LOGOUT_AGE_SECONDS_MAX = 300;
export const LOGOUT_TOKEN_BYTES_MAX = 16_384;

type Expected = {
  readonly issuer: string;
  readonly clientId: string;
  readonly keys: JWTVerifyGetKey;
  readonly now: Date;
};

/** Checks a logout token as OpenID Connect Back-Channel Logout 1.0 §2.6 says; that `jti` comes once is the caller's to see. */
export async function verifyLogoutToken(
  token: string,
  { issuer, clientId, keys, now }: Expected,
): Promise<LogoutToken> {
  if (token.length > LOGOUT_TOKEN_BYTES_MAX) throw invalid("it is too large");
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience: clientId,
      algorithms: [...PUBLIC_KEY_ALGORITHMS],
      maxTokenAge: LOGOUT_AGE_SECONDS_MAX,
      clockTolerance: 30,
      requiredClaims: ["iat", "jti", "events"],
      currentDate: now,
    });
    const { jti, sub = null, sid = null, events } = payload;
    // `nonce` is forbidden, so that an ID token can never be used as one of these.
    if ("nonce" in payload) throw invalid("it has a `nonce`");
    if (typeof events !== "object" || events === null || !Object.hasOwn(events, EVENT))
      throw invalid("it is of no logout");
    if (typeof jti !== "string" || jti === "" || jti.length > 256) throw invalid("its `jti` is missing");
    const isText = (value: unknown): value is string | null =>
      value === null || (typeof value === "string" && value !== "");
    if (!isText(sub) || !isText(sid) || (sub === null && sid === null)) throw invalid("it names nobody");
    return { jti, sub, sid };
  } catch (cause) {
    if (cause instanceof OidcError) throw cause;
    throw invalid("its signature or claims are not right", cause);
  }
}

function invalid(what: string, cause?: unknown): OidcError {
  return new OidcError({ code: "logout_token_invalid", message: `this logout token is refused: ${what}`, cause });
}
