// A server for the conformance suite, over streamable HTTP: with sessions on the SDK's transport (2025-11-25), and without
// (2026-07-28). Prints {"url":…} when it listens. Its argument is the file that its one tool with an effect adds to.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { EventStore } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import type { Json, JsonObject } from "../../src/core/action/index.ts";
import { answer, Refusal } from "./reference-answers.ts";
import type { Asker } from "./reference-answers.ts";

const META = "io.modelcontextprotocol/";
const NEW = "2026-07-28";
const CAPABILITIES: JsonObject = {
  tools: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  prompts: { listChanged: true },
  completions: {},
};
const INFO: JsonObject = { name: "reference", version: "1.0.0" };

type Body = { readonly id?: string | number; readonly method?: string; readonly params?: JsonObject };

const sessions = new Map<string, StreamableHTTPServerTransport>();

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (!/^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?$/.test(request.headers.host ?? "") || foreign(request)) {
    response.writeHead(403).end();
    return;
  }
  const body = request.method === "POST" ? await bodyOf(request) : undefined;
  const id = request.headers["mcp-session-id"];
  const known = typeof id === "string" ? sessions.get(id) : undefined;
  const stateless = known === undefined && id === undefined && body?.method !== "initialize";
  if (request.method === "POST" && stateless) await single(body ?? {}, request, response);
  else if (known !== undefined) await known.handleRequest(request, response, body);
  else if (body?.method === "initialize") await (await session()).handleRequest(request, response, body);
  else response.writeHead(id === undefined ? 405 : 404).end();
}

function foreign({ headers }: IncomingMessage): boolean {
  return headers.origin !== undefined && !/^https?:\/\/(?:127\.0\.0\.1|localhost)(?::\d+)?$/.test(headers.origin);
}

async function bodyOf(request: IncomingMessage): Promise<Body> {
  let text = "";
  for await (const chunk of request as AsyncIterable<Buffer>) text += chunk.toString("utf8");
  return JSON.parse(text) as Body;
}

/** One session on the SDK's own transport; what is answered is ours. */
async function session(): Promise<StreamableHTTPServerTransport> {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    eventStore: eventStore(),
    retryInterval: 100,
    onsessioninitialized: (id) => void sessions.set(id, transport),
    onsessionclosed: (id) => void sessions.delete(id),
  });
  const waiting = new Map<string, (result: JsonObject) => void>();
  transport.onmessage = (message) => {
    const { id, method, params = {}, result } = message as Body & { readonly result?: JsonObject };
    if (method === undefined) waiting.get(String(id))?.(result ?? {});
    if (method === undefined || id === undefined) return;
    const send = (one: JsonObject): void => {
      void transport.send({ jsonrpc: "2.0", ...one } as JSONRPCMessage, { relatedRequestId: id });
    };
    const asker: Asker = {
      capabilities: {},
      tell: (told, about) => send({ method: told, params: about }),
      reconnect: () => transport.closeSSEStream(id),
      ask: (asked, about) => {
        const own = `ask-${randomUUID()}`;
        const answered = new Promise<JsonObject>((resolve) => waiting.set(own, resolve));
        send({ id: own, method: asked, params: about });
        return answered;
      },
    };
    void answered(method, params, asker).then((said) => send({ id, ...said }));
  };
  await transport.start();
  return transport;
}

/** What was sent on the streams of one session, so that a client can resume one. */
function eventStore(): EventStore {
  const events: { readonly stream: string; readonly message: JSONRPCMessage }[] = [];
  return {
    storeEvent: (stream, message) => Promise.resolve(`${stream}_${events.push({ stream, message })}`),
    replayEventsAfter: async (last, { send }) => {
      const [stream = "", from = "0"] = last.split("_");
      for (const [at, event] of events.entries()) {
        const resumes = at >= Number(from) && event.stream === stream && Object.keys(event.message).length > 0;
        if (resumes) await send(`${stream}_${at + 1}`, event.message);
      }
      return stream;
    },
  };
}

async function answered(method: string, params: JsonObject, asker: Asker): Promise<JsonObject> {
  try {
    if (method !== "initialize") return { result: await answer(method, params, asker) };
    const capabilities = { ...CAPABILITIES, logging: {} };
    return { result: { protocolVersion: params["protocolVersion"] ?? "2025-11-25", capabilities, serverInfo: INFO } };
  } catch (error) {
    return { error: errorOf(error) };
  }
}

/** One request that stands for itself. */
async function single(body: Body, { headers }: IncomingMessage, response: ServerResponse): Promise<void> {
  const { id = null, method = "", params = {} } = body;
  const reply = (status: number, said: JsonObject): void => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify({ jsonrpc: "2.0", id, ...said }));
  };
  if (body.id === undefined) {
    response.writeHead(202).end();
    return;
  }
  const refusal = problemOf(method, params, headers);
  if (refusal !== null) return reply(refusal.code === -32601 ? 404 : 400, { error: errorOf(refusal) });
  const events: string[] = [];
  const event = (message: JsonObject): string => `event: message\ndata: ${JSON.stringify(message)}\n\n`;
  const asker: Asker = {
    capabilities: (metaOf(params)[`${META}clientCapabilities`] ?? {}) as JsonObject,
    tell: (told, about) => events.push(event({ jsonrpc: "2.0", method: told, params: about })),
    ask: null,
    reconnect: () => undefined,
  };
  try {
    const found = method === "server/discover" ? discovered() : await answer(method, params, asker);
    const result = { resultType: "complete", ...found, _meta: { [`${META}serverInfo`]: INFO } };
    if (events.length === 0) return reply(200, { result });
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(events.join("") + event({ jsonrpc: "2.0", id, result }));
  } catch (error) {
    const said = errorOf(error);
    reply(said["code"] === -32601 ? 404 : said["code"] === -32021 ? 400 : 200, { error: said });
  }
}

function discovered(): JsonObject {
  return { supportedVersions: [NEW], capabilities: CAPABILITIES, ttlMs: 60_000, cacheScope: "public" };
}

const GONE = ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"];
const NAMED: Readonly<Record<string, string>> = {
  "tools/call": "name",
  "prompts/get": "name",
  "resources/read": "uri",
};

/** What is wrong with a request of this revision before it is looked into. */
function problemOf(method: string, params: JsonObject, headers: IncomingMessage["headers"]): Refusal | null {
  const meta = metaOf(params);
  const version = meta[`${META}protocolVersion`];
  if (typeof version !== "string" || typeof meta[`${META}clientCapabilities`] !== "object") {
    return new Refusal(-32602, "`_meta` has to name the protocol's version and the client's capabilities");
  }
  if (headers["mcp-protocol-version"] !== version) return new Refusal(-32020, "the version's header says another");
  if (version !== NEW) return new Refusal(-32022, "unsupported version", { supported: [NEW], requested: version });
  if (headers["mcp-method"] !== method) return new Refusal(-32020, "the method's header says another");
  const named = NAMED[method];
  if (named !== undefined && headers["mcp-name"] !== params[named]) return new Refusal(-32020, "another name");
  return GONE.includes(method) ? new Refusal(-32601, `there is no ${method}`) : null;
}

function metaOf(params: JsonObject): JsonObject {
  return (params["_meta"] ?? {}) as JsonObject;
}

function errorOf(error: unknown): { code: number; message: string; data?: Json } {
  if (!(error instanceof Refusal)) return { code: -32603, message: String(error) };
  return { code: error.code, message: error.message, ...(error.data === undefined ? {} : { data: error.data }) };
}

const server = createServer((request, response) => {
  serve(request, response).catch((error: unknown) => {
    if (!response.headersSent) response.writeHead(400, { "content-type": "application/json" });
    response.end(JSON.stringify({ jsonrpc: "2.0", id: null, error: { code: -32700, message: String(error) } }));
  });
});
server.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp` }));
});
