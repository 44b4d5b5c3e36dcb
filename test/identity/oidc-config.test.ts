import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Provider, OidcError } from "../../src/identity/oidc/index.ts";
import { loadConfig } from "../../src/server/config.ts";
import { providerConfig } from "../support/providers.ts";

const GOOD = "name: okta, issuer: https://example.okta.com, client_id: c";

/** What is wrong with these providers in keyturn.yaml; null for nothing. */
function faultOf(...providers: readonly string[]): string | null {
  const folder = mkdtempSync(join(tmpdir(), "keyturn-config-"));
  const path = join(folder, "keyturn.yaml");
  writeFileSync(path, `sign_in:\n${providers.map((one) => `  - { ${one} }\n`).join("")}`);
  try {
    loadConfig(path);
    return null;
  } catch (error) {
    return String(error);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const ENTRA = "name: entra, client_id: c, issuer: https://login.microsoftonline.com";
const WRITTEN: readonly (readonly [what: string, fault: RegExp | null, ...providers: string[]])[] = [
  ["the least", null, GOOD],
  ["two", null, GOOD, GOOD.replace("okta,", "other,").replace("example.okta", "other.okta")],
  ["on this machine without TLS", null, "name: a, client_id: c, issuer: http://127.0.0.1:8080"],
  ["elsewhere without TLS", /reached over https/, "name: a, client_id: c, issuer: http://idp.example.com"],
  ["a name like that of this machine", /reached over https/, "name: a, client_id: c, issuer: http://127.0.0.1.example"],
  ["no address", /https address/, "name: a, client_id: c, issuer: okta"],
  ["a name that leads elsewhere", /small letters/, GOOD.replace("okta,", "../x,")],
  ["the same name twice", /same name/, GOOD, GOOD.replace("example.okta", "other.okta")],
  ["the same issuer twice", /same issuer/, GOOD, GOOD.replace("okta,", "other,")],
  ["a tenant", null, `${ENTRA}/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0`],
  ["every tenant", /name your tenant/, `${ENTRA}/common/v2.0`],
  ["Entra's sub", /names nobody for long/, `${ENTRA}/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0, account: sub`],
  [
    "everybody at Google",
    /everybody has an account/,
    "name: g, client_id: c, issuer: https://accounts.google.com, people: create",
  ],
  [
    "a domain at Google",
    null,
    "name: g, client_id: c, issuer: https://accounts.google.com, people: create, require: { hd: a.example }",
  ],
  ["an unknown key", /sign_in/, `${GOOD}, trust_email: true`],
];

test("providers in keyturn.yaml: what is refused, and why", () => {
  for (const [what, fault, ...providers] of WRITTEN) {
    const said = faultOf(...providers);
    if (fault === null) assert.equal(said, null, what);
    else assert.match(said ?? "nothing", fault, what);
  }
});

async function serving(listener: RequestListener): Promise<AsyncDisposable & { readonly origin: string }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const asked = {
  redirectUri: "http://127.0.0.1/sign-in/x",
  state: "s",
  nonce: "n",
  verifier: "v".repeat(43),
  fresh: false,
};

async function codeFrom(issuer: string): Promise<string> {
  try {
    return await new Provider(providerConfig({ name: "x", issuer })).address(asked);
  } catch (error) {
    assert.ok(error instanceof OidcError, String(error));
    return error.code;
  }
}

const METADATA = { response_types_supported: ["code"], subject_types_supported: ["public"] };
const SERVED: readonly (readonly [what: string, code: string, listener: (origin: () => string) => RequestListener])[] =
  [
    [
      "another issuer",
      "provider_invalid",
      () => (_, response) => {
        response
          .setHeader("content-type", "application/json")
          .end(JSON.stringify({ ...METADATA, issuer: "https://evil.example" }));
      },
    ],
    ["no JSON", "provider_invalid", () => (_, response) => void response.end("<html>")],
    [
      "a redirect",
      "provider_invalid",
      () => (_, response) => void response.writeHead(302, { location: "https://evil.example" }).end(),
    ],
    [
      "too much",
      "provider_invalid",
      () => (_, response) => {
        response.setHeader("content-type", "application/json").end(`"${"x".repeat(1_100_000)}"`);
      },
    ],
    [
      "no keys",
      "provider_invalid",
      (origin) => (_, response) => {
        response.setHeader("content-type", "application/json").end(JSON.stringify({ ...METADATA, issuer: origin() }));
      },
    ],
    [
      "keys without TLS",
      "provider_invalid",
      (origin) => (_, response) => {
        const more = {
          issuer: origin(),
          jwks_uri: "http://keys.example/jwks",
          authorization_endpoint: `${origin()}/a`,
        };
        response.setHeader("content-type", "application/json").end(JSON.stringify({ ...METADATA, ...more }));
      },
    ],
  ];

test("a provider that cannot be trusted is found out before anybody is sent there", async () => {
  for (const [what, code, listener] of SERVED) {
    let origin = "";
    await using server = await serving((request, response) => listener(() => origin)(request, response));
    origin = server.origin;
    assert.equal(await codeFrom(origin), code, what);
  }
  assert.equal(await codeFrom("http://127.0.0.1:9"), "provider_unavailable");
  const missing = {
    ...providerConfig({ name: "x", issuer: "https://idp.example" }),
    clientSecretFile: "/nowhere/secret",
  };
  assert.throws(
    () => new Provider(missing),
    (error) => error instanceof OidcError && error.code === "provider_invalid",
  );
});
