import { OAuth2Server, type MutableToken } from "oauth2-mock-server";
import type { ProviderConfig } from "../../src/identity/oidc/index.ts";
import { providerConfig } from "./providers.ts";

/** An identity provider that says what the test wants: `oauth2-mock-server`, with every token in the test's hands. */
export class MockProvider implements AsyncDisposable {
  readonly server: OAuth2Server;
  readonly config: ProviderConfig;
  /** Changes a token before it is signed. Both tokens of an answer come by; the ID token is the one with `aud`. */
  alter: (token: MutableToken) => void = () => {};

  private constructor(server: OAuth2Server, config: ProviderConfig) {
    this.server = server;
    this.config = config;
    server.service.on("beforeTokenSigning", (token: MutableToken) => {
      Object.assign(token.payload, { sub: "u-ann", name: "Ann Achterberg", ...this.claims });
      this.alter(token);
    });
  }

  claims: Readonly<Record<string, unknown>> = {};

  static async open(part: Partial<ProviderConfig> = {}): Promise<MockProvider> {
    const server = new OAuth2Server();
    await server.issuer.keys.generate("RS256");
    await server.start(0, "127.0.0.1");
    const issuer = `http://127.0.0.1:${server.address().port}`;
    server.issuer.url = issuer;
    return new MockProvider(server, providerConfig({ name: "mock", issuer, ...part }));
  }

  /** Nobody is asked there: the browser comes straight back. */
  readonly pass = async (address: URL): Promise<URL> => {
    const answer = await fetch(address, { redirect: "manual" });
    const location = answer.headers.get("location");
    if (location === null) throw new Error(await answer.text());
    return new URL(location);
  };

  /** A token that is signed like an ID token, with these claims and no others. */
  async token(claims: Readonly<Record<string, unknown>>): Promise<string> {
    return this.server.issuer.buildToken({
      scopesOrTransform: (_header, payload) => {
        for (const name of Object.keys(payload)) delete payload[name];
        Object.assign(payload, claims);
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
  }
}
