/**
 * A double of the server for developing the console: it keeps three lists in memory, knows nothing of policy or
 * ledgers, and decides with a few lines that the real server does not have. Nothing that it shows proves anything.
 * Run `node tools/console-fixture.ts [PORT]` after `npm run build -w console`.
 */
import { createReadStream, existsSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { extname, join } from "node:path";
import { nameOf, PEOPLE } from "../console/fixture/people.ts";
import { decided, dropTable, exportCustomers, grantAdmin, type Held, longScript } from "../console/fixture/requests.ts";
import type { Json, JsonObject, Verdict, View } from "../console/src/model/view.ts";

const DIST: string = join(import.meta.dirname, "../console/dist");
const CSP =
  "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
const TYPES: { readonly [ext: string]: string } = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};
const PING_MS = 15_000;
const STEP_MS = 1200;
const BODY_BYTES_MAX = 1 << 20;

type State = {
  readonly requests: Map<string, Held>;
  readonly streams: Set<ServerResponse>;
  readonly answered: Map<string, string>;
  person: string | null;
};

class Problem extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

/** Why a person may not approve, in the double's few rules; null when they may. */
function refusal(held: Held, person: string): { code: string; because: string } | null {
  if (held.status !== "pending") return { code: "request_closed", because: `This request is ${held.status}.` };
  const bar = held.barred.find((each) => each.person.id === person);
  if (bar?.relation === "agent_owner") {
    return { code: "person_barred", because: `You own ${held.agent.id}. Nobody approves what they stand behind.` };
  }
  if (bar !== undefined) return { code: "person_barred", because: "It runs on your behalf." };
  if (held.reviews.some((review) => review.person.id === person && !review.voided)) {
    return { code: "already_reviewed", because: "You have approved this. It waits for other people now." };
  }
  const mine = PEOPLE.find((each) => each.id === person)?.groups ?? [];
  if (held.terms.some((term) => mine.includes(term.group))) return null;
  const groups = held.terms.map((term) => term.group).join(" and ");
  return {
    code: "not_in_group",
    because: `It needs ${groups}, and you are in ${mine.length === 0 ? "no group" : mine.join(", ")}.`,
  };
}

function seenBy(held: Held, person: string): View {
  const because = refusal(held, person);
  const canDeny = because === null || (because.code === "already_reviewed" && held.status === "pending");
  return { ...held, me: { can_approve: because === null, can_deny: canDeny, refusal: because } };
}

function publish(state: State, held: Held): void {
  state.requests.set(held.id, held);
  if (state.person === null) return;
  for (const stream of state.streams)
    stream.write(`event: request\ndata: ${JSON.stringify(seenBy(held, state.person))}\n\n`);
}

/** Files one review as the demo would, and lets the rest of an approved action's life pass by. */
function review(state: State, held: Held, person: string, body: JsonObject): View {
  const nonce = JSON.stringify(body["nonce"]);
  if (state.answered.has(nonce)) return seenBy(held, person);
  if (body["digest"] !== held.digest)
    throw new Problem(409, "digest_changed", "The digest is not the one of this request.");
  const verdict: Verdict = body["verdict"] === "approve" ? "approve" : "deny";
  const because = refusal(held, person);
  if (because !== null && !(verdict === "deny" && because.code === "already_reviewed")) {
    throw new Problem(403, because.code, because.because);
  }
  state.answered.set(nonce, held.id);
  const now = new Date().toISOString();
  const reason = typeof body["reason"] === "string" ? body["reason"] : null;
  const mine = PEOPLE.find((each) => each.id === person)?.groups ?? [];
  const place = held.terms.findIndex((term) => mine.includes(term.group) && term.filled < term.quorum);
  const terms = held.terms.map((term, at) =>
    at === place && verdict === "approve" ? { ...term, filled: term.filled + 1 } : term,
  );
  const done =
    verdict === "deny" ? "denied" : terms.every((term) => term.filled >= term.quorum) ? "approved" : "pending";
  const next: Held = {
    ...held,
    terms,
    status: done,
    closed_at: done === "pending" ? null : now,
    approved_until: done === "approved" ? new Date(Date.now() + 15 * 60_000).toISOString() : null,
    reviews: [
      ...held.reviews,
      { person: { id: person, name: nameOf(person) }, verdict, at: now, reason, channel: "console", voided: false },
    ],
  };
  publish(state, next);
  if (done === "approved") afterwards(state, next);
  return seenBy(next, person);
}

function afterwards(state: State, held: Held): void {
  const redeemed: Held = { ...held, permit: { status: "redeemed", at: new Date(Date.now() + STEP_MS).toISOString() } };
  setTimeout(() => publish(state, redeemed), STEP_MS).unref();
  const outcome = {
    status: "succeeded",
    at: new Date(Date.now() + 2 * STEP_MS).toISOString(),
    details: { rows: 12000 },
  };
  setTimeout(() => publish(state, { ...redeemed, outcome }), 2 * STEP_MS).unref();
}

async function readBody(request: IncomingMessage): Promise<JsonObject> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) {
    text += String(chunk);
    if (text.length > BODY_BYTES_MAX) throw new Problem(413, "json_too_large", "The body is too large.");
  }
  return JSON.parse(text) as JsonObject;
}

function list(state: State, person: string, query: URLSearchParams): Json | object {
  const status = query.get("status") ?? "all";
  const limit = Number(query.get("limit") ?? 50);
  const from = Number(query.get("cursor") ?? 0);
  const all = [...state.requests.values()].filter(
    (held) => status === "all" || (held.status === "pending") === (status === "pending"),
  );
  const next = from + limit < all.length ? String(from + limit) : null;
  return { requests: all.slice(from, from + limit).map((held) => seenBy(held, person)), next_cursor: next };
}

function me(person: string): object {
  const { note: _, ...found } = PEOPLE.find((each) => each.id === person) ?? {
    id: person,
    name: person,
    groups: [],
    note: "",
  };
  return { person: found, demo: { people: PEOPLE } };
}

async function api(state: State, request: IncomingMessage, url: URL): Promise<object> {
  const route = `${request.method ?? "GET"} ${url.pathname.replace(/arq_[a-z0-9]+/, ":id")}`;
  const body = request.method === "POST" ? await readBody(request) : {};
  if (route === "POST /v1/sign-in") {
    if (body["code"] !== "demo")
      throw new Problem(401, "code_spent", "This link has been used or has expired. Ask for a new one.");
    state.person = "per_mira";
    return me(state.person);
  }
  const { person } = state;
  if (person === null) throw new Problem(401, "signed_out", "Nobody is signed in.");
  if (route === "POST /v1/sign-out") {
    state.person = null;
    return {};
  }
  if (route === "POST /v1/demo/act-as")
    return me((state.person = PEOPLE.find((each) => each.id === body["person"])?.id ?? person));
  if (route === "GET /v1/me") return me(person);
  if (route === "GET /v1/requests") return list(state, person, url.searchParams) as object;
  const held = state.requests.get(url.pathname.split("/")[3] ?? "");
  if (held === undefined) throw new Problem(404, "request_unknown", "There is no such request.");
  if (route === "GET /v1/requests/:id") return seenBy(held, person);
  if (route === "POST /v1/requests/:id/reviews") return { request: review(state, held, person, body) };
  throw new Problem(404, "route_unknown", "There is no such route.");
}

function stream(state: State, response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  response.write("event: ping\ndata: {}\n\n");
  state.streams.add(response);
  const ping = setInterval(() => response.write("event: ping\ndata: {}\n\n"), PING_MS);
  response.on("close", () => {
    clearInterval(ping);
    state.streams.delete(response);
  });
}

function file(pathname: string, response: ServerResponse): void {
  const asset = /^\/assets\/[\w.-]+$/.test(pathname) ? join(DIST, pathname) : join(DIST, "index.html");
  const found = existsSync(asset);
  response.writeHead(found ? 200 : 404, {
    "content-type": TYPES[extname(asset)] ?? "application/octet-stream",
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
  });
  if (found) createReadStream(asset).pipe(response);
  else response.end();
}

/** A server on a port of 127.0.0.1, with `person` signed in. `add` lets a request arrive; `empty` starts without any. */
export function startFixture(options: { readonly person?: string | null; readonly empty?: boolean } = {}): {
  readonly server: Server;
  readonly add: (held: Held) => void;
} {
  const start =
    options.empty === true ? [] : [grantAdmin(), exportCustomers(), longScript(), dropTable(), ...decided()];
  const state: State = {
    requests: new Map(start.map((held) => [held.id, held])),
    streams: new Set(),
    answered: new Map(),
    person: options.person === undefined ? "per_mira" : options.person,
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    if (!url.pathname.startsWith("/v1/")) return file(url.pathname, response);
    if (url.pathname === "/v1/stream" && state.person !== null) return stream(state, response);
    const answer = (status: number, type: string, body: object): void => {
      response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(JSON.stringify(body));
    };
    api(state, request, url).then(
      (body) => answer(200, "application/json", body),
      (error: unknown) => {
        const problem = error instanceof Problem ? error : new Problem(500, "fault", String(error));
        const { status, code, message } = problem;
        answer(status, "application/problem+json", { type: "about:blank", title: code, status, detail: message, code });
      },
    );
  });
  return { server, add: (held) => publish(state, held) };
}

if (import.meta.main) {
  const port = Number(process.argv[2] ?? 4173);
  const { server } = startFixture();
  server.listen(port, "127.0.0.1", () => console.log(`A double, not Keyturn: http://127.0.0.1:${port}/`));
}
