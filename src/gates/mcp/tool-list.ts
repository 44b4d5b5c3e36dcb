import { isJsonObject } from "../../core/action/index.ts";
import type { Json, JsonObject } from "../../core/action/index.ts";
import { definitionDigest, toolsOf } from "./definitions.ts";
import type { Definitions, Standing } from "./definitions.ts";
import { McpError } from "./errors.ts";
import type { Request } from "./jsonrpc.ts";
import { MAPPING_MEMBER } from "./mapping.ts";
import { DEFINITIONS_FRESH_MS, OWN_REQUEST_MS, TOOL_PAGES_MAX, TOOLS_MAX } from "./limits.ts";
import type { Headers, Listener, Upstream } from "./upstream.ts";

/** One tool as its server lists it. */
export type Tool = {
  readonly definition: string;
  readonly standing: Standing;
  /** Clients drop a result without structured content where the tool promises one. */
  readonly hasOutputSchema: boolean;
  /** Whether its calls may be tasks of the server's own (MCP 2025-11-25). */
  readonly takesTasks: boolean;
  /** How the tool itself maps its calls to actions, followed only where an operator trusts the server. */
  readonly mapping: Json | null;
};

const SILENT: Listener = { hear: () => {}, streams: () => {}, prime: () => {}, ended: () => {} };

/** What one upstream says its tools are, asked for again when it may have changed. */
export class ToolList {
  readonly #server: string;
  readonly #definitions: Definitions;
  readonly #tools = new Map<string, Tool>();
  #listedAt = Number.NEGATIVE_INFINITY;
  #listing: Promise<void> | null = null;
  #lists = 0;

  constructor(server: string, definitions: Definitions) {
    this.#server = server;
    this.#definitions = definitions;
  }

  /** The upstream says that its tools have changed. */
  stale(): void {
    this.#listedAt = Number.NEGATIVE_INFINITY;
  }

  /** Takes in tools that passed by on their way to a client. */
  see(result: JsonObject): ReadonlyMap<string, Tool> {
    const seen = toolsOf(result);
    const digests = new Map(seen.map((tool) => [tool.name, definitionDigest(tool)]));
    const standings = this.#definitions.look(this.#server, digests);
    const tools = new Map<string, Tool>();
    for (const tool of seen) {
      const standing = standings.get(tool.name) ?? "new";
      const definition = digests.get(tool.name) ?? "";
      const { inputSchema, outputSchema, execution } = tool;
      const support = isJsonObject(execution) ? execution["taskSupport"] : undefined;
      const takesTasks = support === "optional" || support === "required";
      const mapping = isJsonObject(inputSchema) ? (inputSchema[MAPPING_MEMBER] ?? null) : null;
      tools.set(tool.name, { definition, standing, hasOutputSchema: isJsonObject(outputSchema), takesTasks, mapping });
    }
    if (this.#tools.size + tools.size > 2 * TOOLS_MAX) this.#tools.clear();
    for (const [name, tool] of tools) this.#tools.set(name, tool);
    return tools;
  }

  /** One tool as it is listed now; undefined when it is not listed. */
  async find(name: string, upstream: Upstream, like: Request, headers: Headers): Promise<Tool | undefined> {
    const known = this.#tools.get(name);
    const fresh = performance.now() - this.#listedAt < DEFINITIONS_FRESH_MS;
    // An operator may have accepted meanwhile what is not accepted here.
    if (!fresh || (known !== undefined && known.standing !== "accepted")) await this.#list(upstream, like, headers);
    const tool = this.#tools.get(name);
    if (tool === undefined && this.#definitions.wasAccepted(this.#server, name)) {
      const message = `the tool \`${name}\` was accepted once and is not listed any more`;
      throw new McpError({ code: "definition_changed", message });
    }
    return tool;
  }

  #list(upstream: Upstream, like: Request, headers: Headers): Promise<void> {
    this.#listing ??= this.#pages(upstream, like, headers).finally(() => {
      this.#listing = null;
    });
    return this.#listing;
  }

  async #pages(upstream: Upstream, like: Request, headers: Headers): Promise<void> {
    const found = new Map<string, Tool>();
    let cursor: string | undefined;
    for (let page = 0; page < TOOL_PAGES_MAX; page++) {
      const result = await this.#page(upstream, like, headers, cursor);
      if (result === null) break; // It has no tools to list; what is called all the same is judged as unlisted.
      for (const [name, tool] of this.see(result)) found.set(name, tool);
      const next = result["nextCursor"];
      cursor = typeof next === "string" ? next : undefined;
      if (cursor === undefined) break;
    }
    this.#tools.clear();
    for (const [name, tool] of found) this.#tools.set(name, tool);
    this.#listedAt = performance.now();
  }

  async #page(
    upstream: Upstream,
    like: Request,
    headers: Headers,
    cursor: string | undefined,
  ): Promise<JsonObject | null> {
    const body = ownRequest(`keyturn-list-${++this.#lists}`, like, cursor);
    const { "mcp-name": _name, ...rest } = headers;
    const own = Object.fromEntries(Object.entries(rest).filter(([header]) => !header.startsWith("mcp-param-")));
    const sent = { ...own, ...(own["mcp-method"] === undefined ? {} : { "mcp-method": "tools/list" }) };
    try {
      const signal = AbortSignal.timeout(OWN_REQUEST_MS);
      const { message } = await upstream.request(body, { listener: SILENT, signal, headers: sent });
      const { result } = message.body;
      return isJsonObject(result) ? result : null;
    } catch (cause) {
      throw new McpError({
        code: "listing_failed",
        message: "the MCP server does not tell what its tools are, so that none can be called",
        cause,
      });
    }
  }
}

/** The same question in the client's own protocol era, without what belongs to its call alone. */
function ownRequest(id: string, like: Request, cursor: string | undefined): Request {
  const params = like["params"];
  const meta = isJsonObject(params) ? params["_meta"] : undefined;
  const era = isJsonObject(meta)
    ? Object.fromEntries(Object.entries(meta).filter(([name]) => name.startsWith("io.modelcontextprotocol/")))
    : {};
  const own: JsonObject = {
    ...(cursor === undefined ? {} : { cursor }),
    ...(Object.keys(era).length === 0 ? {} : { _meta: era }),
  };
  return { jsonrpc: "2.0", id, method: "tools/list", params: own };
}
