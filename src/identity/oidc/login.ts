import type { ProviderConfig } from "./config.ts";
import { OidcError } from "./errors.ts";

/** A login that a provider vouches for: whose account, and how and when it was proven. Texts are the provider's words. */
export type Login = {
  readonly provider: string;
  /** The key of the account: never an e-mail, and never a name that can be given to somebody else. */
  readonly issuer: string;
  readonly subject: string;
  /** `sub` as the provider's logout tokens name it; the same as `subject` except at Entra ID. */
  readonly sub: string;
  readonly sid: string | null;
  readonly name: string;
  /** A hint that may bar, and never approves; null where the provider does not say that it has checked it. */
  readonly email: string | null;
  /** Groups of Keyturn that the claims map to. */
  readonly groups: readonly string[];
  readonly acr: string | null;
  readonly amr: readonly string[];
  /** When the person proved who they are, in seconds since the epoch; null where the provider does not say. */
  readonly authTime: number | null;
};

/** Groups of one login that are looked at; the rest is ignored, and says so by not being there. */
export const CLAIMED_GROUPS_MAX = 5_000;
const TEXT_CHARS_MAX = 256;
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

type Claims = { readonly [claim: string]: unknown };

/** Reads a login from the claims of an ID token that was verified already. */
export function loginOf(config: ProviderConfig, claims: Claims): Login {
  for (const [claim, wanted] of Object.entries(config.require)) {
    // Configured as text: `email_verified: "true"` and `hd: example.com` are both meant literally.
    if (String(claims[claim]) !== wanted) {
      const message = `this login is genuine, but its \`${claim}\` is not the one that ${config.label} is set up for here`;
      throw new OidcError({ code: "login_refused", message });
    }
  }
  const sub = textOf(claims["sub"]);
  if (sub === null) throw invalid("its token names nobody");
  const { issuer, subject } =
    config.account === "entra" ? entraAccount(claims) : { issuer: config.issuer, subject: sub };
  return {
    provider: config.name,
    issuer,
    subject,
    sub,
    sid: textOf(claims["sid"]),
    name: textOf(claims["name"]) ?? textOf(claims["preferred_username"]) ?? subject,
    email: emailOf(claims),
    groups: groupsOf(config, claims),
    acr: textOf(claims["acr"]),
    amr: Array.isArray(claims["amr"]) ? claims["amr"].flatMap((one) => textOf(one) ?? []).slice(0, 32) : [],
    authTime: Number.isSafeInteger(claims["auth_time"]) ? (claims["auth_time"] as number) : null,
  };
}

/**
 * At Entra ID `sub` differs from application to application, and names and addresses change hands: a person is the
 * object `oid` of the tenant `tid`. The issuer names the tenant, so the two together are one immutable key.
 */
function entraAccount(claims: Claims): { issuer: string; subject: string } {
  const [issuer, tid, oid] = [textOf(claims["iss"]), textOf(claims["tid"]), textOf(claims["oid"])];
  if (issuer === null || tid === null || oid === null || !GUID.test(tid) || !GUID.test(oid)) {
    throw invalid("its token lacks `tid` and `oid`; register it with the v2.0 endpoint and the scope `profile`");
  }
  if (!new URL(issuer).pathname.split("/").includes(tid)) throw invalid("its token is of another tenant");
  return { issuer, subject: oid.toLowerCase() };
}

function emailOf(claims: Claims): string | null {
  const email = textOf(claims["email"]);
  // Some say `"true"`. Entra never says it, and lets people choose what stands there.
  return email !== null && String(claims["email_verified"]) === "true" ? email : null;
}

function groupsOf({ groups }: ProviderConfig, claims: Claims): readonly string[] {
  if (groups === null) return [];
  // A name with dots, such as Keycloak's `realm_access.roles`, is a way into the claims unless a claim has that name.
  const claimed = Object.hasOwn(claims, groups.claim)
    ? claims[groups.claim]
    : groups.claim.split(".").reduce<unknown>(memberOf, claims);
  const names = Array.isArray(claimed) ? claimed.slice(0, CLAIMED_GROUPS_MAX) : [claimed];
  return [...new Set(names.flatMap((name) => (typeof name === "string" ? (groups.map.get(name) ?? []) : [])))];
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return Reflect.get(value, name);
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" && value.length <= TEXT_CHARS_MAX ? value : null;
}

function invalid(what: string): OidcError {
  return new OidcError({ code: "provider_invalid", message: `the identity provider cannot be used: ${what}` });
}
