import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import type { CryptoKey, JWTPayload } from "jose";
import type { Json, JsonObject } from "../../../src/core/action/index.ts";
import { CLOUDS, issuerOf, type TeamsConfig } from "../../../src/channels/teams/index.ts";
import { at, textAt } from "../../support/json.ts";

export const APP = "11111111-2222-4333-8444-555555555555";
export const TENANT = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
export const CHANNEL = "19:payments@thread.tacv2";
export const CHAT = "19:oncall@thread.v2";
const SECRET = "client-secret-of-the-test";
const ISSUER: string = CLOUDS.public.issuer;

export type Call = { readonly method: string; readonly path: string; readonly body: Json };
export type Standing = {
  readonly conversation: string;
  readonly id: string;
  readonly thread: boolean;
  summary: string;
  card: JsonObject;
  edits: number;
};
/** An answer instead of the double's own; `after` lets it happen first, and loses the answer. */
export type Fault = {
  readonly status: number;
  readonly body?: Json;
  readonly headers?: Record<string, string>;
  readonly after?: true;
};
/** Who clicks, on what; any member of the activity may be replaced. */
export type Clicked = {
  readonly name: string;
  readonly verb?: string;
  readonly data: JsonObject;
  readonly conversation?: string;
  readonly id?: string;
  readonly atMs: number;
  readonly change?: (activity: JsonObject) => JsonObject;
};

type Key = { readonly privateKey: CryptoKey; readonly jwk: JsonObject };

/**
 * Microsoft's side of a bot, on loopback: OpenID metadata and signing keys, the token endpoint, and a connector that keeps
 * what is posted, knows who is in the tenant, and fails on cue. It speaks the documented REST interface, not the SDK's.
 */
export class Tenant implements AsyncDisposable {
  readonly calls: Call[] = [];
  readonly standing = new Map<string, Standing>();
  /** By Entra object id: what the connector says of a member besides. */
  readonly altered = new Map<string, JsonObject>();
  /** People in whose personal scope the app is not. */
  readonly without = new Set<string>();
  readonly ids = new Map<string, string>();
  tokens = 0;
  keyFetches = 0;
  fault: (call: Call) => Fault | null = () => null;
  readonly #server: Server;
  readonly #folder = mkdtempSync(join(tmpdir(), "keyturn-teams-"));
  readonly #keys: ReadonlyMap<string, Key>;
  published: readonly string[] = ["teams", "webchat"];
  #next = 0;

  private constructor(keys: ReadonlyMap<string, Key>) {
    this.#keys = keys;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        response.writeHead(500).end(String(error));
      });
    });
  }

  static async open(people = ["ann", "bob", "cy", "dee", "eve", "fay", "gil", "mallory"]): Promise<Tenant> {
    const made = ["teams", "webchat", "stranger"].map(async (kid): Promise<[string, Key]> => {
      const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
      const { kty, n, e } = await exportJWK(publicKey);
      const endorsements = [kid === "webchat" ? "webchat" : "msteams"];
      return [kid, { privateKey, jwk: { kty: kty ?? "", n: n ?? "", e: e ?? "", kid, endorsements } }];
    });
    const tenant = new Tenant(new Map(await Promise.all(made)));
    for (const [index, name] of people.entries()) {
      tenant.ids.set(name, `0000000${index}-0000-4000-8000-00000000abcd`);
    }
    await new Promise<void>((resolve) => tenant.#server.listen(0, "127.0.0.1", () => resolve()));
    writeFileSync(join(tenant.#folder, "secret"), `${SECRET}\n`);
    return tenant;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  get serviceUrl(): string {
    return `${this.url}teams/`;
  }

  get secretFile(): string {
    return join(this.#folder, "secret");
  }

  id(name: string): string {
    const id = this.ids.get(name);
    if (id === undefined) throw new Error(`nobody is called ${name}`);
    return id;
  }

  /** The issuer of accounts in the directory. */
  get issuer(): string {
    return issuerOf(this.config(), TENANT);
  }

  config(more: Partial<TeamsConfig> = {}): TeamsConfig {
    return {
      app: APP,
      tenant: TENANT,
      tenants: [TENANT],
      secretFile: this.secretFile,
      places: new Map([
        ["payments", { kind: "channel", id: CHANNEL }],
        ["oncall", { kind: "chat", id: CHAT }],
      ]),
      channels: [],
      groups: new Map(),
      direct: "unrouted",
      requesters: false,
      agents: [],
      cloud: {
        ...CLOUDS.public,
        metadataUrl: `${this.url}openid`,
        loginUrl: this.url,
        serviceUrl: this.serviceUrl,
      },
      ...more,
    };
  }

  count(method: string, part = ""): number {
    return this.calls.filter((call) => call.method === method && call.path.includes(part)).length;
  }

  /** Cards that begin something, in the order in which they were posted. */
  get messages(): readonly Standing[] {
    return [...this.standing.values()].filter(({ thread }) => !thread);
  }

  /** What the connector sends when somebody presses a button. */
  activity({ name, verb = "keyturn.approve", data, conversation = CHANNEL, id, atMs, change }: Clicked): JsonObject {
    const activity: JsonObject = {
      type: "invoke",
      name: "adaptiveCard/action",
      id: id ?? `f:${randomUUID()}`,
      timestamp: new Date(atMs).toISOString(),
      channelId: "msteams",
      serviceUrl: this.serviceUrl,
      from: { id: `29:${name}`, name, aadObjectId: this.id(name) },
      recipient: { id: `28:${APP}`, name: "Keyturn" },
      conversation: { id: conversation, tenantId: TENANT, isGroup: true, conversationType: "channel" },
      channelData: { tenant: { id: TENANT } },
      replyToId: "1",
      locale: "en-GB",
      value: { action: { type: "Action.Execute", title: "x", verb, data }, trigger: "manual" },
    };
    return change === undefined ? activity : change(activity);
  }

  /** A token as the Bot Framework makes them, at a time. */
  async token(atMs: number, claims: JWTPayload = {}, kid = "teams", header: JsonObject = {}): Promise<string> {
    const key = this.#keys.get(kid);
    if (key === undefined) throw new Error(`no key ${kid}`);
    const seconds = Math.floor(atMs / 1000);
    const payload = {
      serviceurl: this.serviceUrl,
      nbf: seconds,
      exp: seconds + 3600,
      iss: ISSUER,
      aud: APP,
      ...claims,
    };
    return new SignJWT(payload).setProtectedHeader({ alg: "RS256", kid, ...header }).sign(key.privateKey);
  }

  jwk(kid: string): JsonObject {
    return this.#keys.get(kid)?.jwk ?? {};
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString("utf8");
    const path = decodeURIComponent(request.url ?? "");
    const isForm = request.headers["content-type"] === "application/x-www-form-urlencoded";
    const body: Json = isForm
      ? Object.fromEntries(new URLSearchParams(text))
      : text === ""
        ? null
        : (JSON.parse(text) as Json);
    const call = { method: request.method ?? "", path, body };
    this.calls.push(call);
    const fault = this.fault(call);
    const answer = fault === null || fault.after === true ? this.#answer(call, request.headers.authorization) : null;
    const { status, body: said = {} } = fault ?? answer ?? { status: 500 };
    const headers = { "content-type": "application/json", ...fault?.headers };
    response.writeHead(status, headers).end(JSON.stringify(said));
  }

  #answer({ method, path, body }: Call, authorization: string | undefined): { status: number; body?: Json } {
    if (path === "/openid") return { status: 200, body: { issuer: ISSUER, jwks_uri: `${this.url}keys` } };
    if (path === "/keys") {
      this.keyFetches += 1;
      return { status: 200, body: { keys: this.published.map((kid) => this.jwk(kid)) } };
    }
    if (path === `/${TENANT}/oauth2/v2.0/token`) {
      if (at(body, "client_secret") !== SECRET) return { status: 401, body: { error: "invalid_client" } };
      this.tokens += 1;
      return { status: 200, body: { token_type: "Bearer", expires_in: 3600, access_token: `out-${this.tokens}` } };
    }
    if (authorization !== `Bearer out-${this.tokens}`) return { status: 401 };
    if (method === "POST" && path === "/teams/v3/conversations") return this.#open(body);
    const [, conversation = "", rest = ""] = /^\/teams\/v3\/conversations\/([^/]+)\/(.*)$/.exec(path) ?? [];
    const [kind, id = ""] = rest.split("/");
    if (method === "GET" && kind === "members") return this.#member(id);
    if (method === "POST" && kind === "activities") {
      return { status: 201, body: { id: this.#put(conversation, body, true) } };
    }
    const standing = this.standing.get(id);
    if (method !== "PUT" || standing === undefined) return { status: 404 };
    Object.assign(standing, this.#read(body), { edits: standing.edits + 1 });
    return { status: 200, body: { id } };
  }

  #open(body: Json): { status: number; body?: Json } {
    if (at(body, "isGroup") === true) {
      const channel = textAt(body, "channelData", "channel", "id");
      const id = this.#put(`${channel};messageid=${this.#next + 1}`, at(body, "activity") ?? null, false);
      return { status: 201, body: { id: `${channel};messageid=${id}`, activityId: id } };
    }
    const member = textAt(body, "members", 0, "id");
    const isThere = [...this.ids.values()].includes(member) && !this.without.has(member);
    if (!isThere) return { status: 403, body: { error: { code: "ForbiddenOperationException", message: "x" } } };
    return { status: 201, body: { id: `a:${member}` } };
  }

  #member(id: string): { status: number; body?: Json } {
    const name = id.replace("29:", "");
    const object = this.ids.get(name);
    if (object === undefined) return { status: 404, body: { error: { code: "MemberNotFoundInConversation" } } };
    const usual = {
      id,
      aadObjectId: object,
      tenantId: TENANT,
      userRole: "user",
      userPrincipalName: `${name}@example.com`,
      email: `${name}@example.com`,
      name,
    };
    return { status: 200, body: { ...usual, ...this.altered.get(object) } };
  }

  /** In a channel what is posted into a thread is a reply; a chat and a personal conversation have none. */
  #put(conversation: string, activity: Json, isReply: boolean): string {
    const id = String((this.#next += 1));
    const thread = isReply && conversation.includes(";messageid=");
    this.standing.set(id, { conversation, id, thread, ...this.#read(activity), edits: 0 });
    return id;
  }

  #read(activity: Json): { summary: string; card: JsonObject } {
    return {
      summary: textAt(activity, "summary"),
      card: at(activity, "attachments", 0, "content") as JsonObject,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    rmSync(this.#folder, { recursive: true });
  }
}

/** Buttons of a card by their title. */
export function buttons(card: JsonObject): ReadonlyMap<string, JsonObject> {
  const actions = (at(card, "actions") ?? []) as readonly JsonObject[];
  return new Map(actions.map((one) => [textAt(one, "title"), one]));
}
