import { isJsonList, isJsonObject } from "../../core/action/index.ts";
import type { Json, JsonObject, Resource, Subject } from "../../core/action/index.ts";
import { McpError } from "./errors.ts";

/** What a tool's own mapping makes of a call. */
export type Mapped = {
  readonly action: string;
  readonly resource: Resource;
  /** What the mapping adds to the parameters, beside the call itself: its action's properties and its context. */
  readonly said: JsonObject;
};

/** Where a tool's input schema carries its mapping (AuthZEN COAZ-MCP, draft 1). */
export const MAPPING_MEMBER = "x-authzen-mapping";
const STEPS_MAX = 16;
const DEPTH_MAX = 8;

/**
 * Reads a mapping for one call. Values that begin with `$` are paths into the call or the agent's identity, the others are
 * as they stand; whatever else CEL can do is refused rather than guessed. The subject of a mapping is not looked at: who
 * asks is known from the token.
 */
export function mapped(mapping: Json, params: JsonObject, subject: Subject): Mapped {
  const { evaluation, ...rest } = isJsonObject(mapping) ? mapping : ({} as JsonObject);
  if (!isJsonObject(evaluation) || Object.keys(rest).length > 0) {
    throw unusable("only one `evaluation` for one call is understood");
  }
  const { action, resource, context = {} } = evaluation;
  const at = {
    token: { sub: subject.id },
    params: { name: params["name"] ?? null, arguments: params["arguments"] ?? {} },
  };
  const named = valueOf(action ?? null, at);
  const { name, properties: more = {} } = isJsonObject(named) ? named : ({} as JsonObject);
  const thing = valueOf(resource ?? null, at);
  const { type, id, properties = {} } = isJsonObject(thing) ? thing : ({} as JsonObject);
  if (typeof name !== "string" || typeof type !== "string" || typeof id !== "string") {
    throw unusable("it gives no text for the action's name, or for the resource's type and id");
  }
  // Names that are ours mean what they mean without a mapping.
  if (name.startsWith("mcp.")) throw unusable("its action has a name that is the gateway's");
  const said: JsonObject = { action: more, resource: properties, context: valueOf(context, at) };
  return { action: name, resource: { type, id }, said };
}

type Inputs = { readonly token: JsonObject; readonly params: JsonObject };

function valueOf(value: Json, inputs: Inputs, depth = 0): Json {
  if (depth > DEPTH_MAX) throw unusable("it is too deep");
  if (typeof value === "string") return value.startsWith("$") ? pathOf(value, inputs) : value;
  if (isJsonList(value)) return value.map((item) => valueOf(item, inputs, depth + 1));
  if (!isJsonObject(value)) return value;
  const members = Object.entries(value).map(([name, one]): [string, Json] => [name, valueOf(one, inputs, depth + 1)]);
  return Object.fromEntries(members);
}

/** `$token.sub`, `$params.arguments.path`; `.?` before a member that may be missing, which is null then. */
function pathOf(text: string, { token, params }: Inputs): Json {
  const found = /^\$(token|params)((?:\.\??[A-Za-z_][A-Za-z0-9_]*)+)$/.exec(text);
  const [, root, rest = ""] = found ?? [];
  const steps = rest.split(".").slice(1);
  if (root === undefined || steps.length > STEPS_MAX)
    throw unusable(`the expression \`${text.slice(0, 80)}\` is none it can read`);
  let at: Json = root === "token" ? token : params;
  for (const step of steps) {
    const name = step.replace("?", "");
    const next: Json | undefined = isJsonObject(at) && Object.hasOwn(at, name) ? at[name] : undefined;
    if (next === undefined && step.startsWith("?")) return null;
    if (next === undefined) throw unusable(`the call has nothing at \`${text.slice(0, 80)}\``);
    at = next;
  }
  return at;
}

function unusable(why: string): McpError {
  const message = `the tool's own authorization mapping cannot be followed: ${why}`;
  return new McpError({ code: "mapping_unusable", message });
}
