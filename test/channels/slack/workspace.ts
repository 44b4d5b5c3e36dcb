import { createHmac, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmulator, type Emulator } from "emulate";
import { jsonText } from "../../../src/core/action/index.ts";
import type { Json, JsonObject } from "../../../src/core/action/index.ts";
import type { SlackConfig } from "../../../src/channels/slack/index.ts";
import { at } from "../../support/json.ts";
import { ServerSocket } from "./websocket.ts";
import { allText } from "../chat.ts";

export const TEAM = "T000000001";
export const APP = "A0KEYTURN1";
export const ISSUER: string = `https://slack.com/${TEAM}`;
export const SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5";
const BOT_TOKEN = "xoxb-keyturn-test";

export type Call = { readonly method: string; readonly args: Readonly<Record<string, string>> };
export type Standing = {
  readonly channel: string;
  readonly ts: string;
  readonly thread: string | null;
  text: string;
  blocks: Json;
  edits: number;
};
/** An answer instead of the emulator's; `after` lets it happen first, and loses the answer. */
export type Fault = {
  readonly status: number;
  readonly body: Json;
  readonly retryAfter?: number;
  readonly after?: true;
};

/** Who clicks, on what; any member of the payload may be replaced. */
export type Clicked = {
  readonly user: string;
  readonly action?: string;
  readonly value: string;
  readonly channel?: string;
  readonly ts?: string;
  readonly trigger?: string;
  readonly change?: (payload: JsonObject) => JsonObject;
};

/**
 * A workspace: the Web API is `emulate`'s, behind a proxy that writes down calls, fails on cue, and adds what that emulator
 * lacks: opening a socket, the socket itself, user groups, guests, and clicks, signed as Slack signs them.
 */
export class Workspace implements AsyncDisposable {
  readonly calls: Call[] = [];
  readonly standing = new Map<string, Standing>();
  readonly whispers: { readonly user: string; readonly text: string }[] = [];
  readonly views: { readonly trigger: string; readonly view: Json }[] = [];
  /** By Slack's id: what `users.info` says besides. */
  readonly altered = new Map<string, JsonObject>();
  readonly userGroups: JsonObject[] = [];
  readonly sharedChannels = new Set<string>();
  fault: (method: string, args: Readonly<Record<string, string>>) => Fault | null = () => null;
  readonly ids = new Map<string, string>();
  readonly #server: Server;
  readonly #sockets: ServerSocket[] = [];
  readonly #acks = new Map<string, (payload: JsonObject) => void>();
  readonly #folder = mkdtempSync(join(tmpdir(), "keyturn-slack-"));
  readonly #emulator: Emulator;

  private constructor(emulator: Emulator) {
    this.#emulator = emulator;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        response.writeHead(500).end(String(error));
      });
    });
    this.#server.on("upgrade", (request, stream) => {
      const socket = new ServerSocket(request, stream, (text) => {
        const message = JSON.parse(text) as { envelope_id?: string; payload?: JsonObject };
        this.#acks.get(message.envelope_id ?? "")?.(message.payload ?? {});
      });
      this.#sockets.push(socket);
      socket.send(JSON.stringify({ type: "hello", num_connections: 1 }));
    });
  }

  static async open(
    people: readonly string[] = ["ann", "bob", "cy", "dee", "eve", "fay", "mallory"],
  ): Promise<Workspace> {
    const seed = {
      slack: {
        users: ["keyturn", ...people].map((name) => ({ name, email: `${name}@example.com` })),
        channels: [{ name: "approvals" }, { name: "payments" }],
        tokens: [{ token: BOT_TOKEN, user: "keyturn", type: "bot", app_id: APP }],
        signing_secret: SIGNING_SECRET,
      },
    };
    const workspace = new Workspace(await createEmulator({ service: "slack", port: await freePort(), seed }));
    await new Promise<void>((resolve) => workspace.#server.listen(0, "127.0.0.1", () => resolve()));
    const listed = (await workspace.#forward("users.list", {})).body;
    for (const user of (at(listed, "members") ?? []) as readonly JsonObject[]) {
      workspace.ids.set(jsonText(user["name"]), jsonText(user["id"]));
    }
    const channels = (await workspace.#forward("conversations.list", {})).body;
    for (const channel of (at(channels, "channels") ?? []) as readonly JsonObject[]) {
      workspace.ids.set(`#${jsonText(channel["name"])}`, jsonText(channel["id"]));
    }
    for (const [name, text] of [
      ["bot", BOT_TOKEN],
      ["app", "xapp-keyturn-test"],
      ["signing", SIGNING_SECRET],
    ] as const) {
      writeFileSync(join(workspace.#folder, name), `${text}\n`);
    }
    return workspace;
  }

  get apiUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/api/`;
  }

  id(name: string): string {
    const id = this.ids.get(name);
    if (id === undefined) throw new Error(`nobody is called ${name}`);
    return id;
  }

  config(more: Partial<SlackConfig> & { readonly by?: "http" | "socket" } = {}): SlackConfig {
    const { by = "http", ...rest } = more;
    return {
      app: APP,
      team: TEAM,
      enterprise: null,
      botTokenFile: join(this.#folder, "bot"),
      appTokenFile: by === "socket" ? join(this.#folder, "app") : null,
      signingSecretFile: by === "http" ? join(this.#folder, "signing") : null,
      channels: [],
      groups: new Map(),
      direct: "unrouted",
      requesters: false,
      findByEmail: true,
      sharedChannels: false,
      agents: [],
      apiUrl: this.apiUrl,
      ...rest,
    };
  }

  count(method: string): number {
    return this.calls.filter((call) => call.method === method).length;
  }

  /** Messages that are no replies, in the order in which they were posted. */
  get messages(): readonly Standing[] {
    return [...this.standing.values()].filter(({ thread }) => thread === null);
  }

  /** Buttons of a message, by their action. */
  buttons(message: Standing): ReadonlyMap<string, { readonly value: string; readonly url: string }> {
    const elements = (message.blocks as readonly JsonObject[]).flatMap((block) =>
      block["type"] === "actions" ? (block["elements"] as readonly JsonObject[]) : [],
    );
    return new Map(
      elements.map((one) => [jsonText(one["action_id"]), { value: jsonText(one["value"]), url: jsonText(one["url"]) }]),
    );
  }

  payload({
    user,
    action = "keyturn.approve",
    value,
    channel = "C1",
    ts = "1.1",
    trigger,
    change,
  }: Clicked): JsonObject {
    const payload: JsonObject = {
      type: "block_actions",
      api_app_id: APP,
      token: "deprecated",
      team: { id: TEAM, domain: "example" },
      user: { id: user, username: "name", team_id: TEAM },
      trigger_id: trigger ?? randomUUID(),
      container: { type: "message", message_ts: ts, channel_id: channel, is_ephemeral: false },
      channel: { id: channel, name: "x" },
      actions: [{ type: "button", block_id: "b", action_id: action, action_ts: `${Date.now() / 1000}`, value }],
    };
    return change === undefined ? payload : change(payload);
  }

  /** A dialog that was sent with a reason. */
  submission(user: string, metadata: string, reason: string, view = "V1"): JsonObject {
    return {
      type: "view_submission",
      api_app_id: APP,
      team: { id: TEAM, domain: "example" },
      user: { id: user, username: "name", team_id: TEAM },
      view: {
        id: view,
        type: "modal",
        callback_id: "keyturn.reason",
        private_metadata: metadata,
        state: { values: { reason: { reason: { type: "plain_text_input", value: reason } } } },
      },
    };
  }

  /** What Slack would send over HTTP, signed for a time. */
  signed(payload: JsonObject, timeMs: number): { readonly headers: Record<string, string>; readonly body: string } {
    const body = `payload=${encodeURIComponent(JSON.stringify(payload))}`;
    return { headers: this.sign(body, timeMs), body };
  }

  /** The headers with which Slack vouches for a body. */
  sign(body: string, timeMs: number): Record<string, string> {
    const timestamp = String(Math.floor(timeMs / 1000));
    const signature = createHmac("sha256", SIGNING_SECRET).update(`v0:${timestamp}:${body}`).digest("hex");
    return {
      "content-type": "application/x-www-form-urlencoded",
      "x-slack-request-timestamp": timestamp,
      "x-slack-signature": `v0=${signature}`,
    };
  }

  get connections(): number {
    return this.#sockets.filter(({ isOpen }) => isOpen).length;
  }

  /** Sends a payload over the newest socket; answers what was acknowledged, or null when nothing was for so long. */
  async push(payload: JsonObject, withinMs = 2000): Promise<JsonObject | null> {
    const id = randomUUID();
    const acked = Promise.withResolvers<JsonObject | null>();
    const timer = setTimeout(() => acked.resolve(null), withinMs);
    this.#acks.set(id, acked.resolve);
    this.#sockets
      .findLast(({ isOpen }) => isOpen)
      ?.send(JSON.stringify({ type: "interactive", envelope_id: id, payload, accepts_response_payload: true }));
    const answer = await acked.promise;
    clearTimeout(timer);
    return answer;
  }

  dropSockets(): void {
    for (const socket of this.#sockets) socket.drop();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const method = (request.url ?? "").replace(/^\/api\//, "");
    const args = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString("utf8")));
    this.calls.push({ method, args });
    const fault = this.fault(method, args);
    const answer = fault === null || fault.after === true ? await this.#answer(method, args) : null;
    const { status, body } = fault ?? answer ?? { status: 500, body: {} };
    const headers = {
      "content-type": "application/json",
      ...(fault?.retryAfter === undefined ? {} : { "retry-after": String(fault.retryAfter) }),
    };
    response.writeHead(status, headers).end(JSON.stringify(body));
  }

  async #answer(method: string, args: Readonly<Record<string, string>>): Promise<{ status: number; body: Json }> {
    if (method === "apps.connections.open") {
      return { status: 200, body: { ok: true, url: this.apiUrl.replace("http:", "ws:").replace("/api/", "/socket") } };
    }
    if (method === "bots.info") return { status: 200, body: { ok: true, bot: { id: "B0KEYTURN", app_id: APP } } };
    if (method === "usergroups.list") return { status: 200, body: { ok: true, usergroups: this.userGroups } };
    if (method === "views.open") this.views.push({ trigger: args["trigger_id"] ?? "", view: parsed(args["view"]) });
    const { status, body } = await this.#forward(method, args);
    if (at(body, "ok") !== true) return { status, body };
    if (method === "auth.test") return { status, body: { ...(body as JsonObject), bot_id: "B0KEYTURN" } };
    if (method === "users.info")
      return { status, body: this.#overlay(body, "user", this.altered.get(args["user"] ?? "")) };
    if (method === "conversations.info") {
      return {
        status,
        body: this.#overlay(body, "channel", { is_ext_shared: this.sharedChannels.has(args["channel"] ?? "") }),
      };
    }
    this.#note(method, args, body);
    return { status, body };
  }

  #note(method: string, args: Readonly<Record<string, string>>, body: Json): void {
    const { text = "", blocks = "[]", thread_ts: thread, user = "" } = args;
    const channel = jsonText(at(body, "channel") ?? args["channel"]);
    const ts = jsonText(at(body, "ts"));
    if (method === "chat.postEphemeral") this.whispers.push({ user, text: allText(parsed(blocks)) });
    if (method === "chat.postMessage") {
      this.standing.set(`${channel}:${ts}`, {
        channel,
        ts,
        thread: thread ?? null,
        text,
        blocks: parsed(blocks),
        edits: 0,
      });
    }
    const standing = this.standing.get(`${channel}:${ts}`);
    if (method === "chat.update" && standing !== undefined) {
      Object.assign(standing, { text, blocks: parsed(blocks), edits: standing.edits + 1 });
    }
  }

  #overlay(body: Json, member: string, more: JsonObject | undefined): Json {
    const whole = body as JsonObject;
    return { ...whole, [member]: { ...(whole[member] as JsonObject), ...more } };
  }

  async #forward(method: string, args: Readonly<Record<string, string>>): Promise<{ status: number; body: Json }> {
    const response = await fetch(`${this.#emulator.url}/api/${method}`, {
      method: "POST",
      headers: { authorization: `Bearer ${BOT_TOKEN}`, "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams(args).toString(),
    });
    return { status: response.status, body: (await response.json()) as Json };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.dropSockets();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await this.#emulator.close();
    rmSync(this.#folder, { recursive: true });
  }
}

function parsed(text: string | undefined): Json {
  return JSON.parse(text ?? "null") as Json;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", () => resolve()));
  const { port } = probe.address() as AddressInfo;
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  return port;
}
