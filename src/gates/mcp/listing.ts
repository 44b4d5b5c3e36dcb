import { isJsonObject, jsonItems } from "../../core/action/index.ts";
import type { Json, JsonObject } from "../../core/action/index.ts";
import { listQuestion } from "./action.ts";
import { actorOf } from "./context.ts";
import type { Context, Open } from "./context.ts";
import { response } from "./jsonrpc.ts";
import { OWN_TOOLS } from "./own-tools.ts";
import type { Tool } from "./tool-list.ts";
import type { Answer } from "./upstream.ts";

/** Questions of one batch (AuthZEN §7). */
const BATCH_MAX = 100;

/**
 * What the client is told of the tools: without those that are not what an operator accepted, because a model follows
 * what a description says; without those that policy does not let be listed; and with the gateway's own at the end.
 */
export async function relist(context: Context, open: Open, answer: Answer): Promise<Answer> {
  const { body } = answer.message;
  const { result } = body;
  if (!isJsonObject(result) || !Array.isArray(result["tools"])) return answer;
  const seen = context.tools.see(result);
  for (const [name, { standing }] of seen) if (standing !== "accepted") tellOperator(context, name, standing);
  const accepted = new Map([...seen].filter(([, { standing }]) => standing === "accepted"));
  const allowed = context.serving.filter ? await listed(context, open, accepted) : new Set(accepted.keys());
  const kept = jsonItems(result["tools"]).filter((tool) => allowed.has(nameOf(tool)));
  const own = result["nextCursor"] === undefined ? OWN_TOOLS.filter((tool) => !seen.has(nameOf(tool))) : [];
  const scope = context.serving.filter && result["cacheScope"] !== undefined ? { cacheScope: "private" } : {};
  return { ...answer, message: response({ ...body, result: { ...result, ...scope, tools: [...kept, ...own] } }) };
}

/** Asks for each tool whether it may be listed. A server that is away lists nothing. */
async function listed(context: Context, open: Open, tools: ReadonlyMap<string, Tool>): Promise<ReadonlySet<string>> {
  const allowed = new Set<string>();
  const actor = await actorOf(context, open.stop.signal).catch(() => null);
  if (actor === null) return allowed;
  const all = [...tools];
  for (let from = 0; from < all.length; from += BATCH_MAX) {
    const some = all.slice(from, from + BATCH_MAX);
    const evaluations = some.map(([name, { definition }]) => listQuestion(actor, name, definition));
    const answers = await context.agent.client
      .evaluations({ evaluations }, { signal: open.stop.signal })
      .catch(() => ({ evaluations: [] }));
    for (const [at, { decision }] of answers.evaluations.entries()) {
      const name = some[at]?.[0];
      if (decision && name !== undefined) allowed.add(name);
    }
  }
  return allowed;
}

function tellOperator({ serving }: Context, tool: string, standing: string): void {
  const shown = JSON.stringify(tool.slice(0, 128));
  serving.log(
    `${serving.server}: tool ${shown} is ${standing === "new" ? "not accepted yet" : "not what was accepted"}; look at it, then: keyturn mcp accept ${serving.server}`,
  );
}

function nameOf(tool: Json): string {
  const { name } = isJsonObject(tool) ? tool : ({} as JsonObject);
  return typeof name === "string" ? name : "";
}
