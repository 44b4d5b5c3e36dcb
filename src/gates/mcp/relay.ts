import { isJsonObject } from "../../core/action/index.ts";
import { actorOf } from "./context.ts";
import { callQuestion, mappedQuestion, promptQuestion, readQuestion } from "./action.ts";
import type { Agent, Context, Open, Serving } from "./context.ts";
import { McpError } from "./errors.ts";
import { LINK_ID } from "./hold.ts";
import { CODES, failure, idKey, isId, paramsOf } from "./jsonrpc.ts";
import type { Message, Request } from "./jsonrpc.ts";
import { clientInfoOf, statelessVersion } from "./ladder.ts";
import { CALLS_OPEN_MAX } from "./limits.ts";
import { relist } from "./listing.ts";
import type { Outlet } from "./outlet.ts";
import { OwnTasks } from "./own-tasks.ts";
import { callOwn, isOwnTool } from "./own-tools.ts";
import { heard, passOn } from "./pass.ts";
import { goThrough, refuse } from "./through.ts";
import { ToolList } from "./tool-list.ts";
import type { Answer, Headers, Mark, Upstream } from "./upstream.ts";

export type RelayOptions = {
  readonly serving: Serving;
  readonly agent: Agent;
  readonly stdio: boolean;
  /** Makes the connection to the upstream; it may already speak while this returns. */
  readonly connect: (owner: { hear(message: Message): void; lost(why: string): void }) => Upstream;
  /** What is known of the upstream's tools, where several connections share it. */
  readonly tools?: ToolList;
  /** Takes messages that belong to no request. */
  readonly tell: (message: Message, mark?: Mark) => void;
  /** The upstream is gone, and with it this connection. */
  readonly lost: (why: string) => void;
};

/** One client's connection to one MCP server: what it asks for is judged, what is not an action passes untouched. */
export class Relay {
  readonly #context: Context;
  readonly #tell: RelayOptions["tell"];
  readonly #open = new Map<string, Open>();
  readonly #tasks = new OwnTasks();

  constructor({ serving, agent, stdio, connect, tell, lost, ...shared }: RelayOptions) {
    this.#tell = tell;
    const upstream = connect({ hear: (message) => this.heard(message), lost });
    const { tools = new ToolList(serving.server, serving.definitions) } = shared;
    this.#context = { serving, agent, upstream, tools, stdio, said: { info: null, capabilities: {} } };
  }

  get upstream(): Upstream {
    return this.#context.upstream;
  }

  /** How many requests have no answer yet. */
  get open(): number {
    return this.#open.size;
  }

  /** A request of the client; its answer goes to `outlet`. */
  request(body: Request, outlet: Outlet, headers: Headers): void {
    const refusal = this.#refusal(body);
    if (refusal !== null) {
      outlet.answer({ message: failure(body.id, CODES.invalidRequest, refusal.message), status: 429 });
      return;
    }
    const params = paramsOf(body);
    const open: Open = {
      id: body.id,
      body,
      params,
      outlet: {
        ...bound(outlet),
        answer: (answer) => this.#answered(key, open, outlet, answer),
        drop: () => outlet.drop(),
      },
      headers,
      stateless: statelessVersion(params) !== null,
      stop: new AbortController(),
      running: false,
    };
    const key = idKey(body.id);
    this.#open.set(key, open);
    this.#dispatch(open)
      .catch((error: unknown) => refuse(open, error, null))
      .finally(() => this.#close(key, open));
  }

  /** A notification of the client, or its answer to a request of the upstream. */
  async message(message: Message, headers: Headers): Promise<void> {
    if (message.kind === "notification" && message.body.method === "notifications/cancelled") {
      const { requestId } = paramsOf(message.body);
      if (isId(requestId)) this.#open.get(idKey(requestId))?.stop.abort();
      return;
    }
    const { id } = message.body;
    if (message.kind === "response" && typeof id === "string" && id.startsWith(LINK_ID)) return;
    await this.#context.upstream.send(message, headers);
  }

  /**
   * The client is no longer there for its request. What is still held never runs. What runs already goes on, except
   * under 2026-07-28, where leaving is how a client cancels.
   */
  abandon(id: Request["id"]): void {
    const open = this.#open.get(idKey(id));
    if (open !== undefined && (open.stateless || !open.running)) open.stop.abort();
  }

  /** A message of the upstream that belongs to no request. */
  heard(message: Message, mark?: Mark): void {
    heard(this.#context, message, { tell: this.#tell }, mark);
  }

  /** Ends everything: what is held never runs. */
  async close(): Promise<void> {
    this.stop();
    await this.#context.upstream.close();
  }

  /** Ends what is open, and leaves the upstream to others who share it. */
  stop(): void {
    for (const { stop } of this.#open.values()) stop.abort();
    this.#tasks.stop();
  }

  #refusal({ id }: Request): McpError | null {
    if (this.#open.size >= CALLS_OPEN_MAX) {
      const message = `more than ${CALLS_OPEN_MAX} requests are open; wait for answers`;
      return new McpError({ code: "calls_limited", message });
    }
    const message = "a request with this id is open already; an id is used once";
    return this.#open.has(idKey(id)) ? new McpError({ code: "id_in_use", message }) : null;
  }

  /** An answer ends the request, so that its id is free before the client can use it again. */
  #answered(key: string, open: Open, outlet: Outlet, answer: Answer): void {
    this.#close(key, open);
    outlet.answer(answer);
  }

  #close(key: string, open: Open): void {
    if (this.#open.get(key) === open) this.#open.delete(key);
  }

  async #dispatch(open: Open): Promise<void> {
    const { body, params } = open;
    if (open.stateless) this.#context.said.info = clientInfoOf(params);
    switch (body.method) {
      case "initialize": {
        const { capabilities } = params;
        this.#context.said.info = clientInfoOf(params);
        this.#context.said.capabilities = isJsonObject(capabilities) ? capabilities : {};
        return this.#pass(open);
      }
      case "tools/list":
        return this.#pass(open, (answer) => relist(this.#context, open, answer));
      case "tools/call":
        return this.#call(open);
      case "tasks/get":
      case "tasks/result":
      case "tasks/cancel":
        return this.#task(open);
      case "resources/read":
      case "prompts/get":
        return this.#fetch(open);
      default:
        return this.#pass(open);
    }
  }

  /** What is no action passes; only an upstream that is gone is answered here. */
  async #pass(open: Open, change?: (answer: Answer) => Promise<Answer>): Promise<void> {
    try {
      open.running = true;
      const answer = await passOn(this.#context, open, open.body);
      open.outlet.answer(change === undefined ? answer : await change(answer));
    } catch (error) {
      if (open.stop.signal.aborted) open.outlet.drop();
      else open.outlet.answer({ message: failure(open.id, CODES.internal, messageOf(error)), status: 502 });
    }
  }

  async #task(open: Open): Promise<void> {
    if (!(await this.#tasks.answered(this.#context, open))) await this.#pass(open);
  }

  async #call(open: Open): Promise<void> {
    const { name } = open.params;
    const tool = typeof name === "string" ? name : "";
    const { signal } = open.stop;
    try {
      const listed = await this.#context.tools.find(tool, this.#context.upstream, open.body, open.headers);
      if (listed === undefined && isOwnTool(tool)) return await callOwn(this.#context, open, tool);
      if (listed !== undefined && listed.standing !== "accepted") throw notAccepted(tool, listed.standing);
      const actor = await actorOf(this.#context, signal);
      const definition = listed?.definition ?? null;
      const call = callQuestion(actor, tool, open.params["arguments"], definition);
      const mapping = this.#context.serving.trustsMapping ? (listed?.mapping ?? null) : null;
      const asked = mapping === null ? call : mappedQuestion(actor, mapping, call);
      const hasOutputSchema = listed?.hasOutputSchema ?? false;
      const recheck = (): Promise<void> => this.#recheck(open, tool, definition);
      const own = this.#tasks.offered(open, listed?.takesTasks ?? false) ?? open;
      await goThrough(this.#context, own, { asked, actor, tool, hasOutputSchema, recheck });
    } catch (error) {
      if (signal.aborted) open.outlet.drop();
      else refuse(open, error, tool);
    }
  }

  /** A tool that became another one while its call was held does not run. */
  async #recheck(open: Open, tool: string, definition: string | null): Promise<void> {
    const now = await this.#context.tools.find(tool, this.#context.upstream, open.body, open.headers);
    if ((now?.definition ?? null) !== definition) throw notAccepted(tool, "changed");
  }

  async #fetch(open: Open): Promise<void> {
    const actor = await actorOf(this.#context, open.stop.signal);
    const question = open.body.method === "prompts/get" ? promptQuestion : readQuestion;
    const asked = question(actor, open.params);
    await goThrough(this.#context, open, { asked, actor, tool: null, hasOutputSchema: false });
  }
}

/** The outlet's own methods, which may be called apart from it. */
function bound(outlet: Outlet): Pick<Outlet, "streams" | "tell" | "open" | "prime"> {
  return {
    streams: outlet.streams,
    tell: (message, mark) => outlet.tell(message, mark),
    open: () => outlet.open(),
    prime: (mark) => outlet.prime(mark),
  };
}

function notAccepted(tool: string, standing: "new" | "changed"): McpError {
  const what =
    standing === "new"
      ? "was not accepted by an operator yet"
      : "is not what an operator accepted: its server describes it differently now";
  return new McpError({ code: "definition_changed", message: `the tool \`${tool}\` ${what}` });
}

function messageOf(error: unknown): string {
  return error instanceof McpError ? error.message : "the gateway failed";
}
