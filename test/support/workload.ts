import { createHash, randomUUID } from "node:crypto";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT, type JWK } from "jose";
import { OAuth2Server } from "oauth2-mock-server";
import type { JsonObject } from "../../src/core/action/index.ts";
import { workloadsOf, WorkloadsWritten, type WorkloadRule } from "../../src/identity/workload/index.ts";
import type { Answer, House } from "./house.ts";

export const AUDIENCE = "https://keyturn.example.com";

/** An issuer of tokens that nobody here wrote. */
export class Issuer implements AsyncDisposable {
  readonly #server: OAuth2Server;
  readonly url: string;

  private constructor(server: OAuth2Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  static async open(): Promise<Issuer> {
    const server = new OAuth2Server();
    await server.issuer.keys.generate("RS256");
    await server.start(0, "127.0.0.1");
    const { port } = server.address();
    // The name under which it says that it is found.
    return new Issuer(server, server.issuer.url ?? `http://127.0.0.1:${port}`);
  }

  /** A token with these claims, one that is undefined left out; header members likewise. */
  token(claims: Readonly<Record<string, unknown>>, header: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    return this.#server.issuer.buildToken({
      scopesOrTransform: (head, payload) => {
        for (const name of Object.keys(payload)) delete payload[name];
        const all = { iss: this.url, aud: AUDIENCE, iat: now, exp: now + 300, jti: randomUUID(), ...claims };
        Object.assign(payload, Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));
        Object.assign(head, header);
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop();
  }
}

/** Rules as keyturn.yaml has them. */
export function rulesOf(...written: readonly JsonObject[]): readonly WorkloadRule[] {
  const all = written.map((rule) => ({ audience: AUDIENCE, agent: "deploy-bot", gate: "ci", ...rule }));
  return workloadsOf(WorkloadsWritten.parse(all), "/");
}

/** Exchanges a token the way RFC 8693 says. */
export function exchange(
  house: House,
  token: string,
  {
    fields = {},
    headers = {},
  }: { readonly fields?: Record<string, string>; readonly headers?: Record<string, string> } = {},
): Promise<Answer> {
  const form = new URLSearchParams({
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    subject_token: token,
    subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
    ...fields,
  });
  const type = { "content-type": "application/x-www-form-urlencoded" };
  return house.anyone.send("POST", "/v1/token", form.toString(), { headers: { ...type, ...headers } });
}

type Key = Awaited<ReturnType<typeof generateKeyPair>>["privateKey"];

/** A workload's own key, and the proofs that it makes (RFC 9449). */
export class Prover {
  readonly #key: Key;
  readonly jwk: JWK;
  readonly jkt: string;

  private constructor(key: Key, jwk: JWK, jkt: string) {
    this.#key = key;
    this.jwk = jwk;
    this.jkt = jkt;
  }

  static async make(): Promise<Prover> {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const jwk = await exportJWK(publicKey);
    return new Prover(privateKey, jwk, await calculateJwkThumbprint(jwk));
  }

  prove(
    method: string,
    url: string,
    token: string | null,
    claims: Readonly<Record<string, unknown>> = {},
    typ = "dpop+jwt",
  ): Promise<string> {
    const ath = token === null ? {} : { ath: createHash("sha256").update(token).digest("base64url") };
    const iat = Math.floor(Date.now() / 1000);
    return new SignJWT({ htm: method, htu: url, jti: randomUUID(), iat, ...ath, ...claims })
      .setProtectedHeader({ typ, alg: "ES256", jwk: this.jwk })
      .sign(this.#key);
  }
}
