import type { Person } from "../model/view.ts";
import { call } from "./api.ts";

export type Provider = { readonly name: string; readonly label: string };
/** A login at a provider: `issuer` and `subject` name it, the rest is for people. */
export type Login = { readonly issuer: string; readonly subject: string; readonly name: string };
export type Account = {
  readonly issuer: string;
  readonly subject: string;
  readonly strength: string;
  readonly evidence: string | null;
  readonly current: boolean;
};
export type OpenSession = {
  readonly id: string;
  readonly client: string;
  readonly current: boolean;
  readonly by: string;
  readonly opened_at: string;
  readonly seen_at: string;
};
/** What became of a sign-in at a provider. */
export type Finished =
  | { readonly status: "signed_in" | "held"; readonly next: string }
  | { readonly status: "unlinked"; readonly code: string };
/** In force, or waiting for an administrator. */
export type Told = { readonly status: "applied" } | { readonly status: "held"; readonly review: string };

export async function getProviders(): Promise<readonly Provider[]> {
  return (await call<{ providers: readonly Provider[] }>("GET", "/v1/sign-in")).providers;
}

/** Begins to prove a decision by signing in anew, and answers the provider's address. */
export async function proveReview(id: string, intent: object): Promise<string> {
  const path = `/v1/requests/${encodeURIComponent(id)}/reviews/sign-in`;
  return (await call<{ address: string }>("POST", path, intent)).address;
}

/** Answers the provider's address. */
export async function beginSignIn(provider: string, next: string): Promise<string> {
  const path = `/v1/sign-in/oidc/${encodeURIComponent(provider)}`;
  return (await call<{ address: string }>("POST", path, { next })).address;
}

export async function finishSignIn(provider: string, search: string): Promise<Finished> {
  return call<Finished>("POST", `/v1/sign-in/oidc/${encodeURIComponent(provider)}/finish`, { search });
}

export async function lookAtLink(code: string): Promise<{ login: Login; person: Person }> {
  return call("POST", "/v1/links/look", { code });
}

/** Says yes to the login that was shown. */
export async function confirmLink(code: string, { issuer, subject }: Login): Promise<Told> {
  return call("POST", "/v1/links", { code, issuer, subject });
}

export async function getAccounts(): Promise<readonly Account[]> {
  return (await call<{ accounts: readonly Account[] }>("GET", "/v1/me/accounts")).accounts;
}

export async function unlink({ issuer, subject }: Account): Promise<Told> {
  return call("POST", "/v1/me/accounts/unlink", { issuer, subject });
}

export async function getSessions(): Promise<readonly OpenSession[]> {
  return (await call<{ sessions: readonly OpenSession[] }>("GET", "/v1/sessions")).sessions;
}

export async function endSession(id: string): Promise<void> {
  await call("POST", `/v1/sessions/${encodeURIComponent(id)}/end`, {});
}

/** A one-time link that signs in another device of mine. */
export async function makeSignInLink(): Promise<string> {
  return (await call<{ url: string }>("POST", "/v1/me/sign-in-code", {})).url;
}
