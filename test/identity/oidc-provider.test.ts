import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { Provider as Certified } from "oidc-provider";
import { House } from "../support/house.ts";
import { freePort } from "../support/process.ts";
import { providerConfig } from "../support/providers.ts";
import { DIRECTORY, edited } from "../support/rules.ts";
import { Visitor } from "../support/visitor.ts";

/** A certified provider, with its own pages for development: any name signs in. */
async function certified(redirectUris: (origin: string) => readonly string[], port: number): Promise<AsyncDisposable> {
  const origin = `http://127.0.0.1:${port}`;
  const provider = new Certified(origin, {
    clients: [{ client_id: "keyturn", token_endpoint_auth_method: "none", redirect_uris: [...redirectUris(origin)] }],
    pkce: { required: () => true },
    claims: { openid: ["sub", "auth_time", "acr"], profile: ["name"] },
    cookies: { keys: ["a key for the test"] },
  });
  const server = createServer((request, response) => void provider.callback()(request, response));
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Goes through the provider's pages as a browser does: signs in by name, agrees, and comes back. */
async function pass(address: URL, name: string, home: string): Promise<URL> {
  const jar = new Map<string, string>();
  let [url, form]: [URL, URLSearchParams | null] = [address, null];
  for (let step = 0; step < 20; step++) {
    if (url.href.startsWith(home)) return url;
    const cookie = [...jar].map(([key, value]) => `${key}=${value}`).join("; ");
    const answer = await fetch(url, {
      redirect: "manual",
      headers: { cookie },
      ...(form === null ? {} : { method: "POST", body: form }),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [key = "", value = ""] = (line.split(";")[0] ?? "").split("=", 2);
      jar.set(key, value);
    }
    const location = answer.headers.get("location");
    form = null;
    if (location !== null) {
      url = new URL(location, url);
      continue;
    }
    const page = await answer.text();
    const prompt = /name="prompt" value="([a-z]+)"/.exec(page)?.[1];
    const action = /<form[^>]*action="([^"]+)"/.exec(page)?.[1];
    if (prompt === undefined || action === undefined) throw new Error(page);
    form = new URLSearchParams({ prompt, ...(prompt === "login" ? { login: name, password: "any" } : {}) });
    url = new URL(action, url);
  }
  throw new Error("it never came back");
}

test("oidc-provider: a public client with PKCE signs a linked person in, and a stranger gets nothing", async () => {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const config = providerConfig({ name: "certified", issuer: origin, scopes: ["profile"] });
  const account = `{ issuer: "${origin}", subject: ann, strength: L4 }`;
  const directory = edited(DIRECTORY, `{ issuer: "https://idp.example.com", subject: 00u-ann, strength: L4 }`, account);
  await using house = await House.open({ directory, signIn: [config] });
  await using _ = await certified(() => [`${house.url}/sign-in/certified`], port);
  const visitor = new Visitor(house);
  const body = await visitor.signIn("certified", (address) => pass(address, "ann", house.url));
  assert.equal(body["status"], "signed_in");
  assert.equal((await visitor.get("/v1/me")).status, 200);
  const stranger = await new Visitor(house).signIn("certified", (address) => pass(address, "zoe", house.url));
  assert.equal(stranger["status"], "unlinked");
});

test("doctor names links past a provider, and a provider that does not work", async () => {
  const config = providerConfig({ name: "down", issuer: "http://127.0.0.1:9", label: "Down" });
  await using house = await House.open({ signIn: [config] });
  await new Visitor(house).post("/v1/sign-in/oidc/down", {});
  await house.code("ann");
  const { body } = await house.operator.get("/v1/doctor");
  const found = (body["findings"] as { code: string; message: string }[]).filter(({ code }) =>
    ["sign_in_failing", "signed_in_past_provider"].includes(code),
  );
  assert.deepEqual(
    found.map(({ code, message }) => [code, /`(down|ann)`/.test(message)]),
    [
      ["sign_in_failing", true],
      ["signed_in_past_provider", true],
    ],
  );
});
