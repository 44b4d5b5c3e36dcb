// A double of the server, for fault paths that the real one cannot be made to show: lost answers, lies, restarts on cue.
// It speaks the wire and decides nothing: tests say what it answers. The real server's tests are elsewhere.
import { createHash, generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { canonicalAction, parseJson, parseQuestion } from "../../src/core/action/index.ts";
import type { Json, JsonObject } from "../../src/core/action/index.ts";
import type { Instant, StreamName } from "../../src/core/brand.ts";
import { approvalOf, formatId, parseId, permitOf, requestOfPermit } from "../../src/core/ids.ts";
import {
  checkpointText,
  formatReceipt,
  leafHash,
  noteSignedBytes,
  sealEntry,
  signedNote,
  verifierKey,
} from "../../src/core/ledger/index.ts";
import { signerOf } from "../../src/server/keys.ts";

const ORIGIN = "double.invalid/ledger/test/1";

export type Exchange = {
  readonly method: string;
  readonly path: string;
  readonly body: JsonObject;
  readonly headers: IncomingMessage["headers"];
};
export type Reply = { readonly status: number; readonly body: Json; readonly headers?: Record<string, string> };
type Held = {
  id: string;
  digest: string;
  status: string;
  expiresAt: number;
  filled: number;
  denial: JsonObject | undefined;
};

/** What `outcome` an evaluation gets, by action name. */
export type Rule = "allow" | "hold" | "deny";

export class Double {
  readonly seen: Exchange[] = [];
  readonly held: Map<string, Held> = new Map();
  readonly redeemed: Map<string, string> = new Map();
  readonly outcomes: { readonly of: string; readonly body: JsonObject }[] = [];
  rule: Rule = "hold";
  lifeMs = 60_000;
  /** Answers a path in the double's place, once per entry; `drop` closes the connection instead of answering. */
  readonly instead: {
    readonly path: RegExp;
    readonly reply: Reply | "drop" | "handle-then-drop" | ((exchange: Exchange) => Promise<Reply> | Reply);
  }[] = [];
  /** Changes an evaluation's context before it is sent. */
  bend: (context: JsonObject, exchange: Exchange) => JsonObject = (context) => context;
  #server: Server | null = null;
  #port = 0;
  readonly #streams = new Set<ServerResponse>();
  readonly #ledger = signerOf(generateKeyPairSync("ed25519").privateKey);

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get streams(): number {
    return this.#streams.size;
  }

  async start(): Promise<this> {
    const server = createServer((request, response) => void this.#serve(request, response));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (server.address() as AddressInfo).port;
    return this;
  }

  /** As a crash would: every connection breaks at once. State stays, as a store would keep it. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Ends a task, or fills a place when `status` is `pending`; everyone who streams is told. */
  decide(id: string, status: string, denial?: JsonObject): void {
    const task = this.held.get(id);
    if (task === undefined) throw new Error(`no task ${id}`);
    if (status === "pending") task.filled += 1;
    task.status = status;
    task.denial = denial;
    for (const stream of this.#streams) stream.write(`event: task\ndata: ${JSON.stringify(this.#answer(task))}\n\n`);
  }

  /** The first task to appear. */
  async task(): Promise<string> {
    for (;;) {
      const [id] = this.held.keys();
      if (id !== undefined) return id;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  count(path: RegExp): number {
    return this.seen.filter((exchange) => path.test(exchange.path)).length;
  }

  /** The first outcome that was reported. */
  get outcome(): { readonly of: string; readonly status: Json | undefined; readonly details: JsonObject } {
    const [first] = this.outcomes;
    if (first === undefined) throw new Error("no outcome was reported");
    return { of: first.of, status: first.body["status"], details: first.body["details"] as JsonObject };
  }

  /** The question of the newest evaluation. */
  get asked(): JsonObject {
    const last = this.seen.filter(({ path }) => path === "/access/v1/evaluation").at(-1);
    if (last === undefined) throw new Error("nothing was evaluated");
    return last.body;
  }

  /** Everything that ever reached the server, as text. */
  get wire(): string {
    return JSON.stringify(
      this.seen.map(({ path, body, headers }) => [path, body, { ...headers, authorization: undefined }]),
    );
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const body = (text === "" ? {} : parseJson(text)) as JsonObject;
    const exchange = { method: request.method ?? "", path: request.url ?? "", body, headers: request.headers };
    this.seen.push(exchange);
    const index = this.instead.findIndex(({ path }) => path.test(exchange.path));
    const own = index < 0 ? undefined : this.instead.splice(index, 1)[0]?.reply;
    if (own === "drop") return void request.socket.destroy();
    if (own === undefined && exchange.path === "/v1/tasks/stream") return this.#stream(response);
    const reply =
      typeof own === "function" ? await own(exchange) : typeof own === "object" ? own : this.reply(exchange);
    if (own === "handle-then-drop") return void request.socket.destroy();
    const type = reply.status < 400 ? "application/json" : "application/problem+json";
    response.writeHead(reply.status, { "content-type": type, ...reply.headers });
    response.end(typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body));
  }

  #stream(response: ServerResponse): void {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(": open\n\n");
    this.#streams.add(response);
    response.on("close", () => this.#streams.delete(response));
  }

  reply({ method, path, body, headers }: Exchange): Reply {
    if (headers.authorization !== "Bearer kt_test") return problem(401, "unauthorized", "no such token");
    const [, , kind, of, verb] = path.split("/");
    if (path === "/ledger/vkey") return ok(`${this.ledgerKey}\n`);
    if (path === "/v1/whoami") return ok({ agent: { type: "agent", id: "report-bot" }, gate: "sdk" });
    if (path === "/access/v1/evaluation") return ok(this.#evaluate({ method, path, body, headers }));
    if (path === "/access/v1/requests") return this.#request(body);
    if (path === "/v1/permits/redeem") return this.#redeem(body);
    if (verb === "outcome") {
      this.outcomes.push({ of: of ?? "", body });
      return ok({ receipt: { index: 9, size: 10 } });
    }
    const task = this.held.get(path.split("/")[4] ?? "");
    if (task === undefined) return problem(404, "unknown_task", `nothing at ${kind}`);
    if (method === "GET") return ok(this.#answer(task));
    if (task.status !== "pending" && task.status !== "approved")
      return problem(409, "invalid_task_state", "it is over");
    this.decide(task.id, "cancelled");
    return ok(this.#answer(task));
  }

  #evaluate(exchange: Exchange): Json {
    const question = parseQuestion(exchange.body);
    const { digest } = canonicalAction(question);
    const approval = question.context.approval?.id;
    const task = [...this.held.values()].find(({ id }) => approvalOf(parseId("request", id)) === approval);
    const outcome = task?.status === "approved" ? "allow" : this.rule === "hold" ? "require_approval" : this.rule;
    const context: JsonObject = {
      evaluation_id: formatId("evaluation", randomBytes(16)),
      digest,
      outcome,
      because: "a rule of the test",
      policies: ["test-rule"],
      ...(outcome === "require_approval" ? { access_request: { endpoint: "/access/v1/requests" } } : {}),
      ...(outcome === "deny" ? { code: "forbidden" } : {}),
      ...(task?.status === "approved"
        ? { permit: `jws.${task.id}.${digest}`, permit_id: permitOf(parseId("request", task.id)) }
        : {}),
    };
    const bent = this.bend(context, exchange);
    return { decision: bent["outcome"] === "allow", context: bent };
  }

  #request(body: JsonObject): Reply {
    const { digest } = canonicalAction(parseQuestion(body));
    const live = [...this.held.values()].find((task) => task.digest === digest && task.status === "pending");
    const task = live ?? {
      id: formatId("request", randomBytes(16)),
      digest,
      status: "pending",
      expiresAt: Date.now() + this.lifeMs,
      filled: 0,
      denial: undefined,
    };
    this.held.set(task.id, task);
    return { status: 202, body: this.#answer(task) };
  }

  #redeem(body: JsonObject): Reply {
    const { permit, digest, attempt } = body as { permit: string; digest: string; attempt: string };
    const [, id = "", bound] = permit.split(".");
    const used = this.redeemed.get(id);
    if (bound !== digest) return problem(403, "permit_other_action", "the permit is for another action");
    if (used !== undefined && used !== attempt) return problem(409, "permit_redeemed", "the permit was used");
    this.redeemed.set(id, attempt);
    const permitId = permitOf(parseId("request", id));
    const receipt = this.receiptOf(permitId, digest);
    return ok({ permit_id: permitId, redeemed_at: new Date().toISOString(), receipt });
  }

  /** What the ledger's verifier key is. */
  get ledgerKey(): string {
    return verifierKey(ORIGIN, this.#ledger.publicKey);
  }

  /** A receipt of a redemption in a ledger of one entry, as the real server gives it. */
  receiptOf(permit: string, digest: string): JsonObject {
    const { header } = sealEntry({
      stream: `request/${requestOfPermit(parseId("permit", permit))}` as StreamName,
      version: 0,
      type: "permit.redeemed",
      at: Date.now() as Instant,
      salt: randomBytes(32),
      payload: {},
      publics: { digest, permit, gate: "sdk" },
    });
    const text = checkpointText(ORIGIN, 1, leafHash(header));
    const checkpoint = signedNote(text, ORIGIN, this.#ledger.publicKey, this.#ledger.sign(noteSignedBytes(text)));
    return { index: 0, size: 1, proof: formatReceipt({ leaf: header, index: 0, path: [], checkpoint }) };
  }

  #answer(task: Held): JsonObject {
    const approval = approvalOf(parseId("request", task.id));
    return {
      task: {
        id: task.id,
        status: task.status,
        status_endpoint: "http://elsewhere.invalid/never-called",
        opened_at: new Date(task.expiresAt - this.lifeMs).toISOString(),
        expires_at: new Date(task.expiresAt).toISOString(),
        digest: task.digest,
        progress: { terms: [{ group: "security", quorum: 2, filled: task.filled }] },
        links: { review: `${this.url}/requests/${task.id}` },
      },
      ...(task.status === "approved" ? { result: { mode: "reevaluate", approval: { id: approval } } } : {}),
      ...(task.denial === undefined ? {} : { denial: task.denial }),
    };
  }
}

export function ok(body: Json): Reply {
  return { status: 200, body };
}

export function problem(status: number, code: string, detail: string, headers: Record<string, string> = {}): Reply {
  return { status, body: { type: `urn:keyturn:error:${code}`, title: code, status, code, detail }, headers };
}

export function sha256Hex(bytes: string | Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
