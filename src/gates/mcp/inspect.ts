import { randomBytes } from "node:crypto";
import { isJsonObject } from "../../core/action/index.ts";
import type { Json, JsonObject } from "../../core/action/index.ts";
import { callQuestion } from "./action.ts";
import type { Agent } from "./context.ts";
import { definitionDigest, toolsOf } from "./definitions.ts";
import { McpError } from "./errors.ts";
import { notification } from "./jsonrpc.ts";
import { STATELESS_SINCE } from "./ladder.ts";
import { OWN_REQUEST_MS, TOOL_PAGES_MAX } from "./limits.ts";
import { connectTo } from "./sessions.ts";
import type { Target } from "./sessions.ts";
import type { Headers, Listener, Upstream } from "./upstream.ts";

/** A tool as its server lists it now. Everything but `definition` is the server's own word. */
export type InspectedTool = {
  readonly name: string;
  readonly title: string | null;
  readonly description: string | null;
  readonly hints: JsonObject;
  readonly inputSchema: JsonObject;
  /** The digest that calls of this tool are bound to. */
  readonly definition: string;
};

export type Inspected = { readonly protocol: string; readonly tools: readonly InspectedTool[] };

const SILENT: Listener = { hear: () => {}, streams: () => {}, prime: () => {}, ended: () => {} };
/** Questions of one batch (AuthZEN §7). */
const BATCH_MAX = 100;
const LATEST = "2025-11-25";
const INFO: JsonObject = { name: "keyturn", version: "1" };

/** Asks a server for its tools, in whichever era it speaks, calls none of them, and ends it. */
export async function inspectTarget(target: Target): Promise<Inspected> {
  const upstream = connectTo(target, { hear: () => undefined, lost: () => undefined });
  try {
    const session = new Asker(upstream);
    const protocol = await session.open();
    const tools: InspectedTool[] = [];
    let cursor: Json | undefined;
    for (let page = 0; page < TOOL_PAGES_MAX; page++) {
      const result = await session.ask("tools/list", cursor === undefined ? {} : { cursor });
      for (const tool of toolsOf(result)) tools.push(inspected(tool));
      cursor = result["nextCursor"];
      if (typeof cursor !== "string") break;
    }
    return { protocol, tools };
  } finally {
    await upstream.close();
  }
}

/** One client of a server. */
class Asker {
  readonly #upstream: Upstream;
  #next = 1;
  /** Empty until the era is known. */
  #headers: Headers = {};
  #meta: JsonObject | null = null;

  constructor(upstream: Upstream) {
    this.#upstream = upstream;
  }

  /** Finds out what it speaks: a server without `initialize` is asked as from 2026-07-28 on. */
  async open(): Promise<string> {
    try {
      const params = { protocolVersion: LATEST, capabilities: {}, clientInfo: INFO };
      const { protocolVersion } = await this.ask("initialize", params);
      const version = typeof protocolVersion === "string" ? protocolVersion : LATEST;
      this.#headers = { "mcp-protocol-version": version };
      const initialized = notification({ jsonrpc: "2.0", method: "notifications/initialized" });
      await this.#upstream.send(initialized, this.#headers);
      return version;
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      this.#headers = { "mcp-protocol-version": STATELESS_SINCE };
      const of = (name: string): string => `io.modelcontextprotocol/${name}`;
      this.#meta = {
        [of("protocolVersion")]: STATELESS_SINCE,
        [of("clientInfo")]: INFO,
        [of("clientCapabilities")]: {},
      };
      return STATELESS_SINCE;
    }
  }

  async ask(method: string, params: JsonObject): Promise<JsonObject> {
    const meta = this.#meta;
    const body = {
      jsonrpc: "2.0" as const,
      id: `keyturn-inspect-${this.#next++}`,
      method,
      params: meta === null ? params : { ...params, _meta: meta },
    };
    const headers = meta === null ? this.#headers : { ...this.#headers, "mcp-method": method };
    const signal = AbortSignal.timeout(OWN_REQUEST_MS);
    const { message } = await this.#upstream.request(body, { listener: SILENT, signal, headers });
    const { result } = message.body;
    if (!isJsonObject(result)) throw new Unanswered(method);
    return result;
  }
}

/** The server answered with an error. */
class Unanswered extends McpError {
  constructor(method: string) {
    super({ code: "listing_failed", message: `the MCP server refuses ${method}, so that its tools are not known` });
  }
}

function inspected(tool: JsonObject & { readonly name: string }): InspectedTool {
  const { name, title, description, annotations, inputSchema } = tool;
  return {
    name,
    title: typeof title === "string" ? title : null,
    description: typeof description === "string" ? description : null,
    hints: isJsonObject(annotations) ? annotations : {},
    inputSchema: isJsonObject(inputSchema) ? inputSchema : {},
    definition: definitionDigest(tool),
  };
}

/** What policy says of one tool, called with no arguments. */
export type Judged = { readonly outcome: string; readonly because: string; readonly policies: readonly string[] };

/**
 * Asks the server about a call of each tool without arguments: evaluations like any other, which the ledger keeps. What
 * depends on arguments may be decided otherwise when there are some.
 */
export async function judgeTools(
  { client, subject }: Agent,
  { server, environment }: { readonly server: string; readonly environment: string | undefined },
  tools: readonly InspectedTool[],
): Promise<ReadonlyMap<string, Judged>> {
  const signal = AbortSignal.timeout(OWN_REQUEST_MS);
  const actor = {
    subject: await subject(signal),
    server,
    environment,
    secrets: new Map(),
    secretKey: randomBytes(32),
  };
  const judged = new Map<string, Judged>();
  for (let from = 0; from < tools.length; from += BATCH_MAX) {
    const some = tools.slice(from, from + BATCH_MAX);
    const evaluations = some.map(({ name, definition }) => callQuestion(actor, name, {}, definition).question);
    const answers = await client.evaluations({ evaluations }, { signal });
    for (const [at, { decision, context }] of answers.evaluations.entries()) {
      const { name } = some[at] ?? {};
      const outcome = decision || context.outcome !== "allow" ? context.outcome : "deny";
      if (name !== undefined) judged.set(name, { outcome, because: context.because, policies: context.policies });
    }
  }
  return judged;
}
