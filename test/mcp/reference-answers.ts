// What the server that the conformance suite tests answers: tools, resources and prompts as the suite's scenarios want them.
import { appendFileSync } from "node:fs";
import type { Json, JsonObject } from "../../src/core/action/index.ts";

/** Who asks, and what a server may do meanwhile. */
export type Asker = {
  /** The client's declared capabilities. */
  readonly capabilities: JsonObject;
  readonly tell: (method: string, params: JsonObject) => void;
  /** Ends the stream of this request, so that the client has to resume it. */
  readonly reconnect: () => void;
  /** Asks the client; null where requests stand for themselves. */
  readonly ask: ((method: string, params: JsonObject) => Promise<JsonObject>) | null;
};

/** An error of JSON-RPC. */
export class Refusal extends Error {
  readonly code: number;
  readonly data: JsonObject | undefined;

  constructor(code: number, message: string, data?: JsonObject) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
const WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";
const image: JsonObject = { type: "image", data: PNG, mimeType: "image/png" };
const text = (said: string): JsonObject => ({ type: "text", text: said });
const embedded = (uri: string, mimeType: string, said: string): JsonObject => ({
  type: "resource",
  resource: { uri, mimeType, text: said },
});
const done = (...content: JsonObject[]): JsonObject => ({ content });

/** AuthZEN COAZ-MCP: how a tool maps its own calls to actions. */
const TRANSFER: JsonObject = {
  subject: { type: "identity", id: "$token.sub" },
  action: { name: "account.transfer" },
  resource: { type: "account", id: "$params.arguments.from" },
  context: { amount: "$params.arguments.?amount", unit: "EUR" },
};
const READ_AS: JsonObject = { ...TRANSFER, action: { name: "account.look" }, resource: { type: "account", id: "a" } };

function mapping(mapped: JsonObject): JsonObject {
  return { type: "object", "x-authzen-mapping": mapped };
}

type Tool = {
  readonly schema?: JsonObject;
  readonly run: (args: JsonObject, asker: Asker, params: JsonObject) => JsonObject | Promise<JsonObject>;
};

const FORM_DEFAULTS: JsonObject = {
  name: { type: "string", default: "John Doe" },
  age: { type: "integer", default: 30 },
  score: { type: "number", default: 95.5 },
  status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
  verified: { type: "boolean", default: true },
};
const TITLED: Json[] = [
  { const: "value1", title: "First" },
  { const: "value2", title: "Second" },
];
const FORM_ENUMS: JsonObject = {
  untitledSingle: { type: "string", enum: ["option1", "option2", "option3"] },
  titledSingle: { type: "string", oneOf: TITLED },
  legacyEnum: { type: "string", enum: ["opt1", "opt2"], enumNames: ["One", "Two"] },
  untitledMulti: { type: "array", items: { type: "string", enum: ["option1", "option2", "option3"] } },
  titledMulti: { type: "array", items: { anyOf: TITLED } },
};

const TOOLS: Readonly<Record<string, Tool>> = {
  test_simple_text: { run: () => done(text("This is a simple text response for testing.")) },
  test_image_content: { run: () => done(image) },
  test_audio_content: { run: () => done({ type: "audio", data: WAV, mimeType: "audio/wav" }) },
  test_embedded_resource: { run: () => done(embedded("test://embedded-resource", "text/plain", "Embedded.")) },
  test_multiple_content_types: {
    run: () => done(text("Several:"), image, embedded("test://mixed-content-resource", "application/json", "{}")),
  },
  test_error_handling: { run: () => ({ ...done(text("This tool intentionally fails.")), isError: true }) },
  test_tool_with_logging: {
    run: async (_, { tell }) => {
      for (const data of ["Tool execution started", "Tool processing data", "Tool execution completed"]) {
        tell("notifications/message", { level: "info", data });
        await pause();
      }
      return done(text("logged"));
    },
  },
  test_tool_with_progress: {
    run: async (_, { tell }, params) => {
      const progressToken = metaOf(params)["progressToken"] ?? 0;
      for (const progress of [0, 50, 100]) {
        tell("notifications/progress", { progressToken, progress, total: 100 });
        await pause();
      }
      return done(text(textOf(progressToken)));
    },
  },
  test_reconnection: {
    run: async (_, asker) => {
      asker.reconnect();
      await pause(200);
      return done(text("resumed"));
    },
  },
  test_sampling: {
    run: async ({ prompt = "" }, asker) => {
      const messages = [{ role: "user", content: text(textOf(prompt)) }];
      return done(text(JSON.stringify(await asked(asker, "sampling/createMessage", { messages, maxTokens: 100 }))));
    },
  },
  test_elicitation: {
    run: ({ message = "" }, asker) => elicited(asker, textOf(message), { response: { type: "string" } }),
  },
  test_elicitation_sep1034_defaults: { run: (_, asker) => elicited(asker, "defaults", FORM_DEFAULTS) },
  test_elicitation_sep1330_enums: { run: (_, asker) => elicited(asker, "enums", FORM_ENUMS) },
  json_schema_2020_12_tool: {
    schema: {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      $defs: { address: { type: "object", properties: { street: { type: "string" }, city: { type: "string" } } } },
      properties: { name: { type: "string" }, address: { $ref: "#/$defs/address" } },
      additionalProperties: false,
    },
    run: (args) => done(text(JSON.stringify(args))),
  },
  test_missing_capability: {
    run: (_, { capabilities }) => {
      if (capabilities["sampling"] !== undefined) return done(text("it can"));
      throw new Refusal(-32021, "the client has to declare sampling", { requiredCapabilities: { sampling: {} } });
    },
  },
  note: {
    schema: { type: "object", properties: { line: { type: "string" } }, required: ["line"] },
    run: ({ line = "" }) => {
      appendFileSync(process.argv[2] ?? "/dev/null", `${textOf(line)}\n`);
      return done(text("noted"));
    },
  },
  transfer: { schema: mapping({ evaluation: TRANSFER }), run: () => done(text("transferred")) },
  read_as: { schema: mapping({ evaluation: READ_AS }), run: () => done(text("read")) },
  two_at_once: { schema: mapping({ evaluations: { evaluations: [] } }), run: () => done(text("both")) },
  ...inputTools(),
};

/** Tools of 2026-07-28 that ask for input in their results. */
function inputTools(): Record<string, Tool> {
  const name = form("user_name", "name");
  const sampling: JsonObject = {
    capital: {
      method: "sampling/createMessage",
      params: { messages: [{ role: "user", content: text("Which capital?") }], maxTokens: 100 },
    },
  };
  const roots: JsonObject = { client_roots: { method: "roots/list", params: {} } };
  const all = { ...name, ...sampling, ...roots };
  return {
    test_input_required_result_elicitation: { run: (_, __, params) => rounds(params, [name]) },
    test_input_required_result_sampling: { run: (_, __, params) => rounds(params, [sampling]) },
    test_input_required_result_list_roots: { run: (_, __, params) => rounds(params, [roots]) },
    test_input_required_result_multiple_inputs: { run: (_, __, params) => rounds(params, [all]) },
    test_input_required_result_request_state: { run: (_, __, params) => rounds(params, [form("confirm", "ok")]) },
    test_input_required_result_tampered_state: { run: (_, __, params) => rounds(params, [form("confirm", "ok")]) },
    test_input_required_result_multi_round: {
      run: (_, __, params) => rounds(params, [form("step1", "name"), form("step2", "color")]),
    },
    test_input_required_result_capabilities: {
      run: (_, { capabilities }, params) => {
        const may = Object.entries(all).filter(([, ask]) => capabilities[capabilityOf(ask)] !== undefined);
        return rounds(params, [Object.fromEntries(may)]);
      },
    },
  };
}

function form(key: string, field: string): JsonObject {
  const requestedSchema = { type: "object", properties: { [field]: { type: "string" } }, required: [field] };
  return { [key]: { method: "elicitation/create", params: { mode: "form", message: `${field}?`, requestedSchema } } };
}

/** One round of questions after the other; the state says which one was answered. */
function rounds(params: JsonObject, asks: readonly JsonObject[]): JsonObject {
  const { requestState, inputResponses } = params;
  const at = requestState === undefined ? -1 : stateAt(requestState);
  const wanted = Object.keys(asks[Math.max(at, 0)] ?? {});
  const given = typeof inputResponses === "object" && inputResponses !== null ? Object.keys(inputResponses) : [];
  const answered = at >= 0 && wanted.every((key) => given.includes(key));
  const next = answered ? at + 1 : Math.max(at, 0);
  const inputRequests = asks[next];
  if (inputRequests === undefined) return done(text("complete"));
  return { resultType: "input_required", inputRequests, requestState: `round-${next}-of-the-reference` };
}

function stateAt(state: Json): number {
  const [, at] = /^round-(\d)-of-the-reference$/.exec(textOf(state)) ?? [];
  if (at === undefined) throw new Refusal(-32602, "the requestState is not ours");
  return Number(at);
}

function capabilityOf(ask: Json): string {
  const { method = "" } = ask as { method?: string };
  return method.split("/")[0] ?? "";
}

async function elicited(asker: Asker, message: string, properties: JsonObject): Promise<JsonObject> {
  const requestedSchema = { type: "object", properties, required: [] };
  return done(text(JSON.stringify(await asked(asker, "elicitation/create", { message, requestedSchema }))));
}

async function asked({ ask }: Asker, method: string, params: JsonObject): Promise<JsonObject> {
  if (ask === null) throw new Refusal(-32601, `${method} cannot be asked here`);
  return ask(method, params);
}

const RESOURCES: Readonly<Record<string, JsonObject>> = {
  "test://static-text": { mimeType: "text/plain", text: "This is the content of the static text resource." },
  "test://static-binary": { mimeType: "image/png", blob: PNG },
  "test://watched-resource": { mimeType: "text/plain", text: "Watched." },
};

const PROMPTS: Readonly<Record<string, { args: readonly string[]; say: (args: JsonObject) => JsonObject[] }>> = {
  test_simple_prompt: { args: [], say: () => [text("This is a simple prompt for testing.")] },
  test_prompt_with_arguments: {
    args: ["arg1", "arg2"],
    say: ({ arg1 = "", arg2 = "" }) => [text(`arg1='${textOf(arg1)}', arg2='${textOf(arg2)}'`)],
  },
  test_prompt_with_embedded_resource: {
    args: ["resourceUri"],
    say: ({ resourceUri = "" }) => [embedded(textOf(resourceUri), "text/plain", "Embedded."), text("See above.")],
  },
  test_prompt_with_image: { args: [], say: () => [image, text("See above.")] },
};

/** The answer to one method, or a Refusal. */
export async function answer(method: string, params: JsonObject, asker: Asker): Promise<JsonObject> {
  const args = (params["arguments"] ?? {}) as JsonObject;
  switch (method) {
    case "ping":
    case "logging/setLevel":
    case "resources/subscribe":
    case "resources/unsubscribe":
      return {};
    case "completion/complete":
      return { completion: { values: [], total: 0, hasMore: false } };
    case "tools/list":
      return { tools: Object.entries(TOOLS).map(([name, tool]) => listed(name, tool)), ...FRESH };
    case "tools/call": {
      const tool = TOOLS[textOf(params["name"])];
      if (tool === undefined) throw new Refusal(-32602, "there is no such tool");
      return tool.run(args, asker, params);
    }
    case "resources/list":
      return { resources: Object.keys(RESOURCES).map((uri) => ({ uri, name: uri.slice(7) })), ...FRESH };
    case "resources/templates/list":
      return { resourceTemplates: [{ uriTemplate: "test://template/{id}/data", name: "template" }], ...FRESH };
    case "resources/read":
      return { contents: [read(textOf(params["uri"]))], ...FRESH };
    case "prompts/list": {
      const prompts = Object.entries(PROMPTS).map(([name, prompt]) => ({
        name,
        description: `For the scenario of ${name}.`,
        arguments: prompt.args.map((one) => ({ name: one, required: true })),
      }));
      const more = { name: "test_input_required_result_prompt", description: "Asks first.", arguments: [] };
      return { prompts: [...prompts, more], ...FRESH };
    }
    case "prompts/get":
      return prompted(params, args);
    default:
      throw new Refusal(-32601, `there is no ${method}`);
  }
}

/** MCP 2026-07-28, caching: how long a list may be kept. */
const FRESH: JsonObject = { ttlMs: 60_000, cacheScope: "public" };

function listed(name: string, { schema = { type: "object" } }: Tool): JsonObject {
  return { name, description: `For the scenario of ${name}.`, inputSchema: schema };
}

function read(uri: string): JsonObject {
  const [, id] = /^test:\/\/template\/([^/]+)\/data$/.exec(uri) ?? [];
  const found = id === undefined ? RESOURCES[uri] : { mimeType: "application/json", text: JSON.stringify({ id }) };
  if (found === undefined) throw new Refusal(-32602, "there is no such resource", { uri });
  return { uri, ...found };
}

function prompted(params: JsonObject, args: JsonObject): JsonObject {
  const name = textOf(params["name"]);
  if (name === "test_input_required_result_prompt") {
    const round = rounds(params, [form("context", "context")]);
    return round["content"] === undefined ? round : { messages: [{ role: "user", content: text("with context") }] };
  }
  const prompt = PROMPTS[name];
  if (prompt === undefined) throw new Refusal(-32602, "there is no such prompt");
  return { messages: prompt.say(args).map((content) => ({ role: "user", content })) };
}

function metaOf(params: JsonObject): JsonObject {
  return (params["_meta"] ?? {}) as JsonObject;
}

function pause(ms = 20): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" || typeof value === "number" ? `${value}` : "";
}
