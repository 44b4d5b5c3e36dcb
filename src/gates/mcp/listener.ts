import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Agent } from "./context.ts";
import { McpError } from "./errors.ts";
import { bearerOf, fingerprintOf, headerProblem, isSame, passedHeaders, placeProblem } from "./http-checks.ts";
import type { Places } from "./http-checks.ts";
import { PostOutlet, StreamOutlet } from "./http-outlet.ts";
import { CODES, failure, paramsOf, readClientMessage, refusedId } from "./jsonrpc.ts";
import type { Id, Message } from "./jsonrpc.ts";
import { statelessVersion } from "./ladder.ts";
import { CLIENT_MESSAGE_BYTES_MAX, HEADER_BYTES_MAX } from "./limits.ts";
import type { Relay } from "./relay.ts";
import { Sessions } from "./sessions.ts";
import type { Served, Session } from "./sessions.ts";

/** Who may call the listener, and as which agent. */
export type ListenerClient = { readonly bearer: string | null; readonly agent: Agent };

export type ListenerOptions = {
  readonly host: string;
  readonly port: number;
  readonly places: Places;
  /** The address that clients know, without a slash at its end; by default where it listens. */
  readonly publicUrl?: string | undefined;
  readonly authorizationServers: readonly string[];
  /** A client without bearer is everybody who reaches it; only on loopback. */
  readonly clients: readonly ListenerClient[];
  readonly servers: ReadonlyMap<string, Served>;
};

export type Listener = { readonly url: string; close(): Promise<void> };

const METADATA = "/.well-known/oauth-protected-resource";
const SESSION_ID = /^[!-~]{1,128}$/;

/** Serves MCP over streamable HTTP, each upstream at `/mcp/NAME`. */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const sessions = new Sessions();
  const server = createServer({ maxHeaderSize: HEADER_BYTES_MAX, keepAliveTimeout: 60_000, noDelay: true });
  const clients = options.clients.map(({ bearer, agent }) => ({
    agent,
    fingerprint: bearer === null ? null : fingerprintOf(bearer),
  }));
  const house: House = { options, sessions, clients, base: "" };
  server.on("request", (request, response) => {
    serve(house, request, response).catch((error: unknown) => reply(response, 500, messageOf(error)));
  });
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  const at = `http://${options.host.includes(":") ? `[${options.host}]` : options.host}:${port}`;
  house.base = options.publicUrl ?? at;
  return {
    url: at,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await sessions.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

type House = {
  readonly options: ListenerOptions;
  readonly sessions: Sessions;
  readonly clients: readonly { readonly agent: Agent; readonly fingerprint: Buffer | null }[];
  base: string;
};

type Visit = {
  readonly house: House;
  readonly served: Served;
  readonly agent: Agent;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
};

async function serve(house: House, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { options, base } = house;
  const misplaced = placeProblem(request, options.places);
  if (misplaced !== null) return reply(response, 403, misplaced);
  const path = (request.url ?? "").split("?")[0] ?? "";
  if (path.startsWith(METADATA)) return tellMetadata(house, path.slice(METADATA.length), request, response);
  const served = path.startsWith("/mcp/") ? options.servers.get(path.slice("/mcp/".length)) : undefined;
  if (served === undefined) return reply(response, 404, "there is no MCP server of this name here");
  const agent = agentOf(house, request);
  if (agent === null) {
    const metadata = `${base}${METADATA}/mcp/${served.serving.server}`;
    response.setHeader("www-authenticate", `Bearer resource_metadata="${metadata}"`);
    return reply(response, 401, "a bearer of this gateway's clients is needed");
  }
  const visit: Visit = { house, served, agent, request, response };
  switch (request.method) {
    case "POST":
      return post(visit);
    case "GET":
      return follow(visit);
    case "DELETE":
      return leave(visit);
    default:
      response.setHeader("allow", "POST, GET, DELETE");
      return reply(response, 405, "POST, GET or DELETE");
  }
}

/** RFC 9728: what the resource is, and who issues tokens for it, where the operator says so. */
function tellMetadata(
  { options, base }: House,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const name = path.startsWith("/mcp/") ? path.slice("/mcp/".length) : "";
  if (request.method !== "GET" || !options.servers.has(name)) return reply(response, 404, "there is no such resource");
  const { authorizationServers } = options;
  const body = {
    resource: `${base}/mcp/${name}`,
    ...(authorizationServers.length === 0 ? {} : { authorization_servers: authorizationServers }),
    bearer_methods_supported: ["header"],
    resource_name: name,
  };
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function agentOf({ clients }: House, request: IncomingMessage): Agent | null {
  const bearer = bearerOf(request);
  let found: Agent | null = null;
  for (const { fingerprint, agent } of clients) {
    const fits = fingerprint === null || (bearer !== null && isSame(fingerprint, bearer));
    if (fits) found ??= agent;
  }
  return found;
}

async function post(visit: Visit): Promise<void> {
  const { request, response } = visit;
  const type = (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") return reply(response, 415, "send application/json");
  const bytes = await readBody(request);
  if (bytes === null) {
    response.setHeader("connection", "close"); // with what is still to come of it
    return reply(response, 413, `a message has at most ${CLIENT_MESSAGE_BYTES_MAX} bytes`);
  }
  let message: Message;
  try {
    message = readClientMessage(bytes);
  } catch (error) {
    return reply(response, 400, messageOf(error), CODES.parseError, refusedId(bytes));
  }
  const mismatch = headerProblem(request, message);
  if (mismatch !== null) return reply(response, 400, mismatch, CODES.headerMismatch, message);
  const session = sessionOf(visit);
  if (session === "unknown") return reply(response, 404, "the session is over; initialize again", undefined, message);
  session?.used();
  if (message.kind === "request") return ask(visit, message, session);
  const relay = session?.relay ?? visit.house.sessions.alone(visit.served, visit.agent);
  try {
    await relay.message(message, passedHeaders(request));
    response.writeHead(202);
    response.end();
  } catch (error) {
    reply(response, 502, messageOf(error));
  }
}

function ask(visit: Visit, { body }: Message & { kind: "request" }, known: Session | null): void {
  const { house, served, agent, request, response } = visit;
  const stateless = statelessVersion(paramsOf(body)) !== null;
  const opens = body.method === "initialize" && !stateless && known === null;
  let session = known;
  let relay: Relay;
  try {
    if (opens) session = house.sessions.open(served, agent);
    relay = session?.relay ?? house.sessions.alone(served, agent);
  } catch (error) {
    return reply(response, 503, messageOf(error));
  }
  const outlet = new PostOutlet(response, {
    streams: /\btext\/event-stream\b|\*\/\*/i.test(request.headers.accept ?? ""),
    headers: opens && session !== null ? { "mcp-session-id": session.id } : {},
    elsewhere: (message, mark) => session?.tell(message, mark),
  });
  session?.keep(outlet);
  response.once("close", () => {
    if (!response.writableFinished) relay.abandon(body.id);
  });
  relay.request(body, outlet, passedHeaders(request));
}

/** The stream for messages that belong to no request, or a stream that is resumed. */
async function follow(visit: Visit): Promise<void> {
  const { request, response } = visit;
  const session = sessionOf(visit);
  if (session === "unknown") return reply(response, 404, "the session is over; initialize again");
  if (session === null) return reply(response, 405, "there is no stream without a session");
  session.used();
  const { upstream } = session.relay;
  if (upstream.follow === undefined) {
    session.listen(new StreamOutlet(response, {}));
    return;
  }
  const stop = new AbortController();
  response.once("close", () => stop.abort());
  let stream: StreamOutlet | null = null;
  const status = await upstream
    .follow(
      passedHeaders(request),
      {
        opened: (headers) => {
          stream = new StreamOutlet(response, headers);
          session.listen(stream);
        },
        hear: (message, mark) => session.relay.heard(message, mark),
        prime: (mark) => stream?.prime(mark),
      },
      stop.signal,
    )
    .catch(() => 502);
  if (response.headersSent) response.end();
  else reply(response, status === 200 ? 502 : status, "the MCP server gives no such stream");
}

async function leave(visit: Visit): Promise<void> {
  const session = sessionOf(visit);
  if (session === "unknown" || session === null) return reply(visit.response, 404, "there is no such session");
  await visit.house.sessions.end(session);
  visit.response.writeHead(200);
  visit.response.end();
}

function sessionOf({ house, served, agent, request }: Visit): Session | null | "unknown" {
  const id = request.headers["mcp-session-id"];
  if (id === undefined) return null;
  if (typeof id !== "string" || !SESSION_ID.test(id)) return "unknown";
  return house.sessions.find(id, agent.name, served.serving.server) ?? "unknown";
}

/** Null when it is too large; the rest of it is not read. Events, because an iterator costs more than the call. */
function readBody(request: IncomingMessage): Promise<Buffer | null> {
  if (Number(request.headers["content-length"] ?? 0) > CLIENT_MESSAGE_BYTES_MAX) return Promise.resolve(null);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const take = (chunk: Buffer): void => {
      length += chunk.length;
      chunks.push(chunk);
      if (length <= CLIENT_MESSAGE_BYTES_MAX) return;
      request.off("data", take).pause();
      resolve(null);
    };
    request.on("data", take);
    request.once("error", reject);
    request.once("close", () => reject(new Error("the client left in the middle of its message")));
    request.once("end", () => resolve(Buffer.concat(chunks, length)));
  });
}

function reply(
  response: ServerResponse,
  status: number,
  message: string,
  code: number = CODES.invalidRequest,
  to: Message | Id | null = null,
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const id = typeof to !== "object" || to === null ? to : to.kind === "request" ? to.body.id : null;
  response.writeHead(status, { "content-type": "application/json" });
  response.end(failure(id, code, message).text);
}

function listen(server: Server, { host, port }: ListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function messageOf(error: unknown): string {
  return error instanceof McpError ? error.message : "the gateway failed";
}
