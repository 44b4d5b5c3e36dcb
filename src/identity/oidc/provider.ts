import { readFileSync } from "node:fs";
import * as client from "openid-client";
import { createRemoteJWKSet, customFetch as joseFetch, type JWK, type JWTVerifyGetKey } from "jose";
import { isLoopback, type ProviderConfig } from "./config.ts";
import { OidcError } from "./errors.ts";
import { loginOf, type Login } from "./login.ts";
import { verifyLogoutToken, type LogoutToken } from "./logout.ts";
import { ANSWER_BYTES_MAX, fetchFromProvider, isReachable, PROVIDER_TIMEOUT_MS } from "./transport.ts";

/** What is asked of a provider, beside who signs in. */
export type Asked = {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** The person has to prove themselves anew, now: for one decision, or because the session is old. */
  readonly fresh: boolean;
};

/** A finished sign-in with what proves it to others: the ID token and the key of the provider that signed it. */
export type Finished = { readonly login: Login; readonly idToken: string; readonly jwk: JWK | null };

/** How long what a provider says of itself is believed. */
const DISCOVERY_TTL_MS = 3_600_000;
/** After a failure the next sign-ins fail at once for a moment: a provider that is down is not asked by everybody. */
const FAILURE_TTL_MS = 2_000;
/** Seconds that clocks may differ. */
const CLOCK_SKEW_SECONDS = 30;
/** How old a proof may be, in seconds, when a fresh one was asked for: the time to type and to come back. */
export const FRESH_SECONDS_MAX = 300;

type Discovered = { readonly config: client.Configuration; readonly keys: JWTVerifyGetKey };

/** One provider: asked for what it says of itself only when somebody wants to sign in there. */
export class Provider {
  readonly config: ProviderConfig;
  readonly #now: () => number;
  #discovered: { readonly at: number; readonly found: Promise<Discovered> } | null = null;
  #failed: { readonly at: number; readonly error: OidcError } | null = null;

  /** Throws where the secret's file cannot be read. */
  constructor(config: ProviderConfig, now: () => number = Date.now) {
    this.config = config;
    this.#now = now;
    secretOf(config);
  }

  /** Where the browser goes to sign in. */
  async address({ redirectUri, state, nonce, verifier, fresh }: Asked): Promise<string> {
    const { config } = await this.#discover();
    return client.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope: [...new Set(["openid", ...this.config.scopes])].join(" "),
      state,
      nonce,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      ...(fresh ? { prompt: "login", max_age: "0" } : {}),
    }).href;
  }

  /** Trades what the browser brought back for a login; every check of RFC 9700 and OpenID Connect Core §3.1.3.7. */
  async finish(search: string, { redirectUri, state, nonce, verifier, fresh }: Asked): Promise<Finished> {
    const { config } = await this.#discover();
    // The address that was registered and asked for, byte by byte: what the browser shows is not believed.
    const answer = new URL(`${redirectUri}?${search}`);
    try {
      const tokens = await client.authorizationCodeGrant(config, answer, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
        ...(fresh ? { maxAge: FRESH_SECONDS_MAX } : {}),
      });
      const claims = tokens.claims();
      if (claims === undefined || tokens.id_token === undefined) throw answerInvalid();
      const login = loginOf(this.config, claims);
      return { login, idToken: tokens.id_token, jwk: keyOf(config, tokens.id_token) };
    } catch (error) {
      throw this.#faultOf(error);
    }
  }

  /** Reads a back-channel logout token, or throws `logout_token_invalid`. */
  async logout(token: string): Promise<LogoutToken> {
    const { keys } = await this.#discover();
    const { issuer, clientId } = this.config;
    return verifyLogoutToken(token, { issuer, clientId, keys, now: new Date(this.#now()) });
  }

  async #discover(): Promise<Discovered> {
    const now = this.#now();
    if (this.#failed !== null && now - this.#failed.at < FAILURE_TTL_MS && now >= this.#failed.at)
      throw this.#failed.error;
    if (this.#discovered === null || now - this.#discovered.at >= DISCOVERY_TTL_MS || now < this.#discovered.at) {
      this.#discovered = { at: now, found: discover(this.config) };
    }
    try {
      return await this.#discovered.found;
    } catch (error) {
      const failed = this.#faultOf(error);
      this.#discovered = null;
      this.#failed = { at: now, error: failed };
      throw failed;
    }
  }

  /** What went wrong as the person may read it: the provider's own words stay in `cause`, for they may be anybody's. */
  #faultOf(error: unknown): OidcError {
    if (error instanceof OidcError) return error;
    if (error instanceof client.AuthorizationResponseError) {
      const why = /^[a-z_]{1,60}$/.test(error.error) ? error.error : "an error";
      const message = `${this.config.label} did not sign you in: ${why}`;
      return new OidcError({ code: "provider_refused", message, cause: error });
    }
    const inner = causes(error).find((cause) => cause instanceof OidcError);
    if (inner !== undefined) return inner;
    if (error instanceof client.ResponseBodyError && error.error === "invalid_client") {
      const message = `${this.config.label} does not know this server: its \`client_id\` or secret is wrong`;
      return new OidcError({ code: "provider_invalid", message, cause: error });
    }
    if (causes(error).some((cause) => cause instanceof Error && cause.message.includes("auth_time"))) {
      const message = `${this.config.label} does not say that you have proven yourself just now (\`auth_time\`), so it proves no decision`;
      return new OidcError({ code: "provider_refused", message, cause: error });
    }
    return answerInvalid(error);
  }
}

function* chain(error: unknown): Generator<unknown> {
  let next = error;
  for (let depth = 0; depth < 8 && next instanceof Error; depth++) {
    yield next;
    next = next.cause;
  }
}

function causes(error: unknown): readonly unknown[] {
  return [...chain(error)];
}

function answerInvalid(cause?: unknown): OidcError {
  const message = "this is no answer to a sign-in that was begun in this browser; begin again";
  return new OidcError({ code: "answer_invalid", message, cause });
}

async function discover(config: ProviderConfig): Promise<Discovered> {
  const issuer = new URL(config.issuer);
  const secret = secretOf(config);
  const metadata = { [client.clockTolerance]: CLOCK_SKEW_SECONDS };
  let found: client.Configuration;
  try {
    found = await client.discovery(issuer, config.clientId, metadata, authentication(secret), {
      [client.customFetch]: fetchFromProvider,
      timeout: PROVIDER_TIMEOUT_MS / 1000,
      execute: isLoopback(issuer) ? [client.allowInsecureRequests] : [],
    });
  } catch (cause) {
    if (causes(cause).some((one) => one instanceof OidcError)) throw cause;
    const message = `${config.label} does not say of itself what OpenID Connect asks for; check \`issuer\``;
    throw new OidcError({ code: "provider_invalid", message, cause });
  }
  // Signatures are checked although the token came over TLS: the token is kept as evidence.
  client.enableNonRepudiationChecks(found);
  const { jwks_uri: address } = found.serverMetadata();
  if (address === undefined) {
    throw new OidcError({ code: "provider_invalid", message: `${config.label} does not say where its keys are` });
  }
  if (!URL.canParse(address) || !isReachable(new URL(address))) {
    throw new OidcError({
      code: "provider_invalid",
      message: `${config.label} has its keys at an address without TLS`,
    });
  }
  const keys = createRemoteJWKSet(new URL(address), {
    timeoutDuration: PROVIDER_TIMEOUT_MS,
    [joseFetch]: async (url, { headers, method }) =>
      fetchFromProvider(String(url), { method, headers: Object.fromEntries(new Headers(headers)) }),
  });
  return { config: found, keys };
}

/** The way of proving the secret that the provider says it takes; `client_secret_basic` where it says nothing (OpenID Connect Discovery §3). */
function authentication(secret: string | null): client.ClientAuth {
  if (secret === null) return client.None();
  const [post, basic] = [client.ClientSecretPost(secret), client.ClientSecretBasic(secret)];
  return (server, metadata, body, headers) => {
    const taken = server.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
    (taken.includes("client_secret_post") ? post : basic)(server, metadata, body, headers);
  };
}

function secretOf({ name, clientSecretFile }: ProviderConfig): string | null {
  if (clientSecretFile === null) return null;
  const problem = (what: string, cause?: unknown): OidcError =>
    new OidcError({
      code: "provider_invalid",
      message: `${clientSecretFile}: the \`client_secret_file\` of \`${name}\` ${what}; write into it what the provider shows for Keyturn, mode 0600`,
      cause,
    });
  let text: string;
  try {
    text = readFileSync(clientSecretFile, "utf8").trim();
  } catch (cause) {
    throw problem("cannot be read", cause);
  }
  if (text === "" || text.length > ANSWER_BYTES_MAX) throw problem("holds no secret");
  return text;
}

/** The public key that signed the token, out of what the check itself fetched. */
function keyOf(config: client.Configuration, idToken: string): JWK | null {
  const keys = client.getJwksCache(config)?.jwks.keys ?? [];
  const header: unknown = JSON.parse(Buffer.from(idToken.split(".")[0] ?? "", "base64url").toString("utf8"));
  const kid: unknown = typeof header === "object" && header !== null ? Reflect.get(header, "kid") : undefined;
  return keys.find((key) => key.kid === kid) ?? null;
}
