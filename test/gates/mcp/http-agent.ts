// A listener over real programs, and an agent that posts raw JSON-RPC to it.
import assert from "node:assert/strict";
import { createClient } from "../../../src/client/index.ts";
import type { Json, JsonObject } from "../../../src/core/action/index.ts";
import { agentFor, openGateway, openStateFolder, startListener } from "../../../src/gates/mcp/index.ts";
import type { Listener, ServingOptions, Target } from "../../../src/gates/mcp/index.ts";
import { at, textAt } from "../../support/json.ts";
import { FILESYSTEM, ODD } from "./places.ts";
import type { Place } from "./places.ts";

export const BEARER = "bearer-of-the-first-client";
export const OTHER_BEARER = "bearer-of-another-client";

/** A listener that serves `files` and `odd` to two clients of one agent. */
export async function listen(
  place: Place,
  options: Partial<ServingOptions> = {},
  targets: Readonly<Record<string, Target>> = {},
): Promise<Listener & AsyncDisposable> {
  const serve = openGateway({ folder: openStateFolder(place.state), firstSight: "record", log: () => undefined });
  const program = (file: string, ...args: string[]): Target => ({
    program: { command: process.execPath, args: [file, ...args], env: {}, stderr: () => undefined },
  });
  const all = { files: program(FILESYSTEM, place.files), odd: program(ODD, place.path("odd.txt")), ...targets };
  const clients = [BEARER, OTHER_BEARER].map((bearer) => {
    const client = createClient({ url: place.house.url, token: place.token, retryForMs: 500 });
    return { bearer, agent: agentFor(client, bearer) };
  });
  const listener = await startListener({
    host: "127.0.0.1",
    port: 0,
    places: { hosts: new Set(), origins: new Set(), loopback: true },
    authorizationServers: ["https://idp.example.com"],
    clients,
    servers: new Map(
      Object.entries(all).map(([server, target]) => [server, { serving: serve({ server, ...options }), target }]),
    ),
  });
  return {
    ...listener,
    [Symbol.asyncDispose]: async () => {
      await listener.close();
      for (const { agent } of clients) agent.client.close();
    },
  };
}

export type HttpAnswer = {
  readonly status: number;
  readonly type: string;
  readonly headers: Headers;
  /** Every message of the answer, the last one being the response. */
  readonly messages: readonly JsonObject[];
  readonly last: JsonObject;
};

/** One client at one server of the listener. */
export class HttpAgent {
  readonly url: string;
  readonly headers: Record<string, string>;
  #next = 1;

  constructor(listener: Listener, server: string, bearer = BEARER) {
    this.url = `${listener.url}/mcp/${server}`;
    this.headers = { authorization: `Bearer ${bearer}` };
  }

  /** Opens a session of revision 2025-11-25. */
  async initialize(): Promise<this> {
    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } };
    const answer = await this.post({ jsonrpc: "2.0", id: 0, method: "initialize", params });
    this.headers["mcp-session-id"] = answer.headers.get("mcp-session-id") ?? assert.fail("no session");
    await this.post({ jsonrpc: "2.0", method: "notifications/initialized" });
    return this;
  }

  async post(body: Json, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<HttpAnswer> {
    const response = await fetch(this.url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        ...this.headers,
        ...headers,
      },
      body: typeof body === "string" ? body : JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
    const type = response.headers.get("content-type") ?? "";
    const text = await response.text();
    const data = type.startsWith("text/event-stream")
      ? [...text.matchAll(/^data: (.+)$/gm)].map(([, one]) => one)
      : [text];
    const messages = data.flatMap((one) => (one === undefined || one === "" ? [] : [JSON.parse(one) as JsonObject]));
    return { status: response.status, type, headers: response.headers, messages, last: messages.at(-1) ?? {} };
  }

  ask(
    method: string,
    params: JsonObject,
    headers: Record<string, string> = {},
    signal?: AbortSignal,
  ): Promise<HttpAnswer> {
    return this.post({ jsonrpc: "2.0", id: this.#next++, method, params }, headers, signal);
  }

  call(name: string, args: JsonObject, more: JsonObject = {}): Promise<HttpAnswer> {
    return this.ask("tools/call", { name, arguments: args, ...more });
  }

  /** One leg under revision 2026-07-28. */
  async leg(name: string, args: JsonObject, state?: string, signal?: AbortSignal): Promise<HttpAnswer> {
    const _meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
      "io.modelcontextprotocol/clientCapabilities": {},
    };
    const params = { name, arguments: args, _meta, ...(state === undefined ? {} : { requestState: state }) };
    return this.ask(
      "tools/call",
      params,
      { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": name },
      signal,
    );
  }
}

/** The state that a leg was told to come back with. */
export function stateOf({ last }: HttpAnswer): string {
  assert.equal(at(last, "result", "resultType"), "input_required", JSON.stringify(last));
  return textAt(last, "result", "requestState");
}
