import type { Reader } from "./read.ts";
import { list, moment, nullable, number, object, oneOf, optional, text } from "./read.ts";

/** A gate's token as it is created: `token` is shown this once and never again. */
export type NewToken = {
  readonly id: string;
  readonly token: string;
  readonly agent: string;
  readonly gate: string;
  readonly expires_at: string | null;
};
export type TokenRow = {
  readonly id: string;
  readonly agent: string;
  readonly gate: string;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly revoked_at: string | null;
  readonly last_used_at?: string;
};
export type SignInLink = { readonly url: string; readonly expires_at: string };
export type Reloaded = {
  readonly policies: { readonly digest: string; readonly count: number };
  readonly directory: { readonly digest: string };
  readonly warnings: readonly string[];
};
export type Finding = {
  readonly severity: "error" | "warning" | "info";
  readonly code: string;
  readonly message: string;
  readonly hint: string;
};
/** One entry of the ledger; bytes in base64, payload and salt null where they were erased. */
export type LedgerEntry = {
  readonly index: number;
  readonly stream: string;
  readonly version: number;
  readonly type: string;
  readonly header: string;
  readonly payload: string | null;
  readonly salt: string | null;
};

export const readNewToken: Reader<NewToken> = object<NewToken>({
  id: text,
  token: text,
  agent: text,
  gate: text,
  expires_at: nullable(moment),
});

/** A token for one provisioning client, and the address of the SCIM server that it opens. */
export type NewScimToken = {
  readonly id: string;
  readonly client: string;
  readonly token: string;
  readonly url: string;
  readonly expires_at: string;
};

export const readNewScimToken: Reader<NewScimToken> = object<NewScimToken>({
  id: text,
  client: text,
  token: text,
  url: text,
  expires_at: moment,
});

export const readTokens: Reader<{ readonly tokens: readonly TokenRow[] }> = object<{ tokens: readonly TokenRow[] }>({
  tokens: list(
    object<TokenRow>({
      id: text,
      agent: text,
      gate: text,
      created_at: moment,
      expires_at: nullable(moment),
      revoked_at: nullable(moment),
      last_used_at: optional(moment),
    }),
  ),
});

export const readSignInLink: Reader<SignInLink> = object<SignInLink>({ url: text, expires_at: moment });

export const readReloaded: Reader<Reloaded> = object<Reloaded>({
  policies: object<Reloaded["policies"]>({ digest: text, count: number }),
  directory: object<Reloaded["directory"]>({ digest: text }),
  warnings: list(text),
});

export const readFindings: Reader<{ readonly findings: readonly Finding[] }> = object<{ findings: readonly Finding[] }>(
  {
    findings: list(
      object<Finding>({
        severity: oneOf<Finding["severity"]>(["error", "warning", "info"], "error"),
        code: text,
        message: text,
        hint: (json, pointer) => nullable(text)(json, pointer) ?? "",
      }),
    ),
  },
);

export const readLedgerEntry: Reader<LedgerEntry> = object<LedgerEntry>({
  index: number,
  stream: text,
  version: number,
  type: text,
  header: text,
  payload: nullable(text),
  salt: nullable(text),
});
