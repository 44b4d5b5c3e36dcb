/** One identity provider, as the operator set it up. */
export type ProviderConfig = {
  /** Stands in addresses and in the names of sources: `oidc:NAME`. */
  readonly name: string;
  /** What people read on the button. */
  readonly label: string;
  readonly issuer: string;
  readonly clientId: string;
  /** A file with the secret, read again with every discovery; null for a public client, which PKCE alone protects. */
  readonly clientSecretFile: string | null;
  readonly scopes: readonly string[];
  /** `sub` names accounts, or Entra ID's `tid` and `oid` do. */
  readonly account: "sub" | "entra";
  /** Whoever is unknown stays unlinked, or becomes a person of this source. */
  readonly people: "known" | "create";
  readonly groups: { readonly claim: string; readonly map: ReadonlyMap<string, readonly string[]> } | null;
  /** Claims that a login must have, each with exactly this text. */
  readonly require: { readonly [claim: string]: string };
};

/** Is this address this machine itself? Only there may a provider be reached without TLS. */
export function isLoopback(url: URL): boolean {
  return url.hostname === "localhost" || url.hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(url.hostname);
}
