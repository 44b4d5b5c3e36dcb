import { isJsonList, isJsonObject, parseJson } from "../../core/action/index.ts";
import type { Json, JsonObject } from "../../core/action/index.ts";
import { McpError } from "./errors.ts";
import { CLIENT_MESSAGE_BYTES_MAX, ID_CHARS_MAX, UPSTREAM_MESSAGE_BYTES_MAX } from "./limits.ts";

/** A request's id. Text and numbers are told apart: `1` is not `"1"`. */
export type Id = string | number;

export type Request = JsonObject & { readonly jsonrpc: "2.0"; readonly id: Id; readonly method: string };
export type Notification = JsonObject & { readonly jsonrpc: "2.0"; readonly method: string };
export type Response = JsonObject & { readonly jsonrpc: "2.0"; readonly id: Id | null };

/** One message as it is handed on. `text` is the body written anew; of an upstream's answer, where it can be, its own. */
export type Message =
  | { readonly kind: "request"; readonly body: Request; readonly text: string }
  | { readonly kind: "notification"; readonly body: Notification; readonly text: string }
  | { readonly kind: "response"; readonly body: Response; readonly text: string };

/** Error codes of JSON-RPC 2.0 §5.1, of MCP, and ours of its range for implementations. */
export const CODES = {
  parseError: -32700,
  invalidRequest: -32600,
  invalidParams: -32602,
  internal: -32603,
  headerMismatch: -32020,
  refused: -32050,
  pending: -32051,
} as const;

/** JSON texts nest in questions, so that what a client sends has to leave room. */
const CLIENT_DEPTH_MAX = 48;

/**
 * Reads one message of a client, strictly, and writes it anew: what an upstream gets is exactly what was judged here, and
 * no second `method` or `name` hides in it.
 */
export function readClientMessage(bytes: Uint8Array | string): Message {
  const json = parsed(() => parseJson(bytes, { bytesMax: CLIENT_MESSAGE_BYTES_MAX, depthMax: CLIENT_DEPTH_MAX }));
  const message = messageOf(json);
  if (message === null) throw malformed("the message is no JSON-RPC 2.0 request, notification or response");
  return message;
}

/**
 * Reads one message of an upstream. Answers keep their text, byte for byte, because numbers and names in them are the
 * upstream's affair; requests and notifications are written anew, because they are judged.
 */
export function readUpstreamMessage(text: string): Message {
  if (text.length > UPSTREAM_MESSAGE_BYTES_MAX) throw tooLarge(UPSTREAM_MESSAGE_BYTES_MAX);
  const json = parsed((): Json => JSON.parse(text));
  const message = messageOf(json);
  if (message === null) throw malformed("the upstream sent no JSON-RPC 2.0 message");
  if (message.kind !== "response") return message;
  // One line: a line end inside of JSON is white space between its tokens.
  return { ...message, text: /[\r\n]/.test(text) ? message.text : text };
}

/** The id of a request that was refused, so that whoever sent it hears of it; null where there is none to be read. */
export function refusedId(bytes: Uint8Array | string): Id | null {
  try {
    const text = typeof bytes === "string" ? bytes : Buffer.from(bytes).toString("utf8");
    const json: Json = JSON.parse(text);
    const id = isJsonObject(json) && json["method"] !== undefined ? json["id"] : null;
    return id !== null && isId(id) ? id : null;
  } catch {
    return null;
  }
}

function parsed(parse: () => Json): Json {
  try {
    return parse();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : "it cannot be read";
    throw malformed(`the message is not JSON that can be handed on: ${why}`, cause);
  }
}

function messageOf(json: Json): Message | null {
  if (!isJsonObject(json) || json["jsonrpc"] !== "2.0" || isJsonList(json)) return null;
  const { id, method } = json;
  if (method === undefined) {
    const answers = ("result" in json || "error" in json) && (isId(id) || id === null || id === undefined);
    return answers ? response({ ...json, jsonrpc: "2.0", id: id ?? null }) : null;
  }
  if (typeof method !== "string") return null;
  if (id === undefined) return notification({ ...json, jsonrpc: "2.0", method });
  return isId(id) ? request({ ...json, jsonrpc: "2.0", id, method }) : null;
}

/** A request as a message. */
export function request(body: Request): Message & { kind: "request" } {
  return { kind: "request", body, text: JSON.stringify(body) };
}

/** A notification as a message. */
export function notification(body: Notification): Message & { kind: "notification" } {
  return { kind: "notification", body, text: JSON.stringify(body) };
}

/** A response as a message. */
export function response(body: Response): Message & { kind: "response" } {
  return { kind: "response", body, text: JSON.stringify(body) };
}

/** A response that carries a result. */
export function result(id: Id, value: JsonObject): Message & { kind: "response" } {
  return response({ jsonrpc: "2.0", id, result: value });
}

/** A response that carries an error. */
export function failure(
  id: Id | null,
  code: number,
  message: string,
  data?: JsonObject,
): Message & { kind: "response" } {
  const error = data === undefined ? { code, message } : { code, message, data };
  return response({ jsonrpc: "2.0", id, error });
}

/** The parameters of a message; none are an empty object. */
export function paramsOf(body: JsonObject): JsonObject {
  const { params } = body;
  return isJsonObject(params) ? params : {};
}

export function isId(value: Json | undefined): value is Id {
  if (typeof value === "string") return value.length <= ID_CHARS_MAX;
  return typeof value === "number" && Number.isSafeInteger(value);
}

/** A key for maps that tells `1` from `"1"`. */
export function idKey(id: Id): string {
  return JSON.stringify(id);
}

function malformed(message: string, cause?: unknown): McpError {
  return new McpError({ code: "message_malformed", message, cause });
}

export function tooLarge(bytesMax: number): McpError {
  return new McpError({ code: "message_too_large", message: `a message has more than ${bytesMax} bytes` });
}
