import { createEmulator } from "emulate";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { ProviderConfig } from "../../src/identity/oidc/index.ts";
import { House, type HouseOptions } from "./house.ts";
import { freePort } from "./process.ts";

const SECRET = "a-secret-of-the-client";
const CLIENT = "keyturn";
const TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad";

/** Which identity provider, by somebody who is not us. */
export type Kind = "okta" | "entra";

type User = { readonly email: string; readonly name: string };

/** A provider that runs here, with its users. */
export type RunningProvider = AsyncDisposable & {
  readonly config: ProviderConfig;
  readonly origin: string;
  /** Signs in there as this user, and answers where the browser was sent back to. */
  as(email: string): (address: URL) => Promise<URL>;
};

/** What a provider is set up with when a test says nothing of it. */
export function providerConfig(
  part: Partial<ProviderConfig> & Pick<ProviderConfig, "name" | "issuer">,
): ProviderConfig {
  return {
    label: part.name,
    clientId: CLIENT,
    clientSecretFile: null,
    scopes: ["profile", "email"],
    account: "sub",
    people: "known",
    groups: null,
    require: {},
    ...part,
  };
}

/** A house with an emulator of Okta or of Entra ID beside it. */
export async function houseWith(
  kind: Kind,
  users: readonly User[],
  { provider = {}, ...options }: HouseOptions & { readonly provider?: Partial<ProviderConfig> } = {},
): Promise<AsyncDisposable & { readonly house: House; readonly idp: RunningProvider }> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const folder = mkdtempSync(join(tmpdir(), "keyturn-idp-"));
  const secretFile = join(folder, "secret");
  writeFileSync(secretFile, `${SECRET}\n`, { mode: 0o600 });
  const config = providerConfig({
    name: kind,
    issuer: kind === "okta" ? `${origin}/oauth2/default` : `${origin}/${TENANT}/v2.0`,
    clientSecretFile: secretFile,
    account: kind === "entra" ? "entra" : "sub",
    ...provider,
  });
  const house = await House.open({ ...options, signIn: [config] });
  const redirect = `${house.url}/sign-in/${config.name}`;
  const emulator = await createEmulator({
    service: kind === "okta" ? "okta" : "microsoft",
    port,
    baseUrl: origin,
    seed: kind === "okta" ? { okta: oktaSeed(users, redirect) } : { microsoft: entraSeed(users, redirect) },
  });
  const close = async (): Promise<void> => {
    await emulator.close();
    rmSync(folder, { recursive: true, force: true });
  };
  const idp: RunningProvider = {
    config,
    origin,
    as: (email) => (address) => choose(address, email),
    [Symbol.asyncDispose]: close,
  };
  return {
    house,
    idp,
    [Symbol.asyncDispose]: async () => {
      await house[Symbol.asyncDispose]();
      await close();
    },
  };
}

function oktaSeed(users: readonly User[], redirect: string): object {
  return {
    users: users.map(({ email, name }) => {
      const [first = name, last = "Person"] = name.split(" ");
      return { login: email, email, first_name: first, last_name: last };
    }),
    authorization_servers: [{ id: "default", name: "default", audiences: ["api://default"] }],
    oauth_clients: [
      {
        client_id: CLIENT,
        client_secret: SECRET,
        name: "Keyturn",
        redirect_uris: [redirect],
        auth_server_id: "default",
      },
    ],
  };
}

function entraSeed(users: readonly User[], redirect: string): object {
  return {
    users: users.map(({ email, name }) => ({ email, name, tenant_id: TENANT })),
    oauth_clients: [{ client_id: CLIENT, client_secret: SECRET, name: "Keyturn", redirect_uris: [redirect] }],
  };
}

/** Presses the button of one user on an emulator's page. */
async function choose(address: URL, email: string): Promise<URL> {
  const page = await (await fetch(address)).text();
  const form = page.split("<form").find((part) => part.includes(email));
  if (form === undefined) throw new Error(`no button for ${email}: ${page.slice(0, 2000)}`);
  const action = /action="([^"]*)"/.exec(form)?.[1] ?? "";
  const fields = new URLSearchParams();
  for (const input of form.matchAll(/<input[^>]*name="([^"]*)"[^>]*value="([^"]*)"/g)) {
    fields.set(input[1] ?? "", unescapeHtml(input[2] ?? ""));
  }
  const answer = await fetch(new URL(unescapeHtml(action), address), {
    method: "POST",
    body: fields,
    redirect: "manual",
  });
  const location = answer.headers.get("location");
  if (location === null) throw new Error(await answer.text());
  return new URL(location, address);
}

function unescapeHtml(text: string): string {
  return text
    .replaceAll("&quot;", '"')
    .replaceAll("&#x27;", "'")
    .replaceAll("&#39;", "'")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}
