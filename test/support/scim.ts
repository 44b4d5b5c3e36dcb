import type { Json } from "../../src/core/action/index.ts";
import type { GroupName } from "../../src/core/brand.ts";
import type { ScimConfig } from "../../src/identity/scim/index.ts";
import { House, type Answer, type Client, type HouseOptions } from "./house.ts";
import { textAt } from "./json.ts";

export const USER = "urn:ietf:params:scim:schemas:core:2.0:User";
export const GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group";
export const ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
export const HELD = "urn:keyturn:params:scim:schemas:extension:held:1.0";
export const PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/** A client whose logins are those of ann's account in the tests' directory. */
export const OKTA: ScimConfig = {
  name: "okta",
  issuer: "https://idp.example.com",
  groups: new Map([["Data Owners", "data-owners" as GroupName]]),
};

/** A provisioning client of a real server. */
export class Provisioner {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  static async of(house: House, name = "okta"): Promise<Provisioner> {
    const made = await house.operator.post("/v1/scim-tokens", { client: name });
    if (made.status !== 200) throw new Error(made.text);
    return new Provisioner(house.as(textAt(made.body, "token")));
  }

  send(method: string, path: string, body: Json | null = null, headers: Record<string, string> = {}): Promise<Answer> {
    const type = body === null ? {} : { "content-type": "application/scim+json" };
    const text = body === null ? null : JSON.stringify(body);
    return this.#client.send(method, `/scim/v2${path}`, text, { headers: { ...type, ...headers } });
  }

  get(path: string): Promise<Answer> {
    return this.send("GET", path);
  }

  patch(path: string, ...operations: readonly Json[]): Promise<Answer> {
    return this.send("PATCH", path, { schemas: [PATCH], Operations: operations });
  }

  /** A new user; its id. */
  async user(userName: string, more: { readonly [name: string]: Json } = {}): Promise<string> {
    const made = await this.send("POST", "/Users", { schemas: [USER], userName, ...more });
    if (made.status !== 201) throw new Error(made.text);
    return textAt(made.body, "id");
  }

  /** A new group with these users in it; its id. */
  async group(displayName: string, ...members: readonly string[]): Promise<string> {
    const body = { schemas: [GROUP], displayName, members: members.map((value) => ({ value })) };
    const made = await this.send("POST", "/Groups", body);
    if (made.status !== 201) throw new Error(made.text);
    return textAt(made.body, "id");
  }
}

export async function provisioned(options: HouseOptions = {}): Promise<{ house: House; scim: Provisioner }> {
  const house = await House.open({ scim: [OKTA], ...options });
  return { house, scim: await Provisioner.of(house) };
}
