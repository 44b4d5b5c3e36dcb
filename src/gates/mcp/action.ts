import { mapped } from "./mapping.ts";
import type { EvaluationRequest } from "../../client/index.ts";
import { canonicalAction, commitSecrets, copyJson, parseQuestion } from "../../core/action/index.ts";
import type { Json, JsonObject, Subject } from "../../core/action/index.ts";

/** Names of actions in the operator's catalogue. A tool has one of its own: `mcp.call.SERVER.TOOL`. */
export const CALL = "mcp.call";
export const READ = "mcp.read";
export const PROMPT = "mcp.prompt";
export const SAMPLE = "mcp.sample";
export const ELICIT = "mcp.elicit";
export const LIST = "mcp.list";

/** A server's name: no dot, so that `mcp.call.SERVER.TOOL` can be read in one way only. */
export const SERVER_NAME: RegExp = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** Who acts, through which server. */
export type Actor = {
  readonly subject: Subject;
  readonly server: string;
  readonly environment: string | undefined;
  /** Arguments whose values must not leave: RFC 6901 pointers by tool. */
  readonly secrets: ReadonlyMap<string, readonly string[]>;
  readonly secretKey: Uint8Array;
};

/**
 * The question of a tool call. Part of the digest: server, tool, arguments, and the digest of the tool's definition, so
 * that an approval given under one description releases nothing under another. Not part: `_meta`, ids, legs and tasks.
 */
export function callQuestion(actor: Actor, tool: string, args: Json | undefined, definition: string | null): Asked {
  const given: JsonObject = { server: actor.server, tool, arguments: args ?? {}, definition };
  const pointers = (actor.secrets.get(tool) ?? []).map((pointer) => `/arguments${pointer}`);
  return asked(actor, {
    action: { name: `${CALL}.${actor.server}.${tool}`, properties: commitSecrets(given, pointers, actor.secretKey) },
    resource: { type: "mcp-tool", id: `${actor.server}/${tool}` },
  });
}

/**
 * The same call under the name and on the resource that a trusted server's own mapping gives it. The call itself stays
 * whole inside of the digest, so that nothing runs under an approval for another one.
 */
export function mappedQuestion(actor: Actor, mapping: Json, call: Asked): Asked {
  const { properties = {} } = call.question.action;
  // What the mapping sees has commitments where the call has secrets.
  const { tool = null, arguments: args = {} } = properties;
  const { action, resource, said } = mapped(mapping, { name: tool, arguments: args }, actor.subject);
  return asked(actor, { action: { name: action, properties: { ...properties, mapped: said } }, resource });
}

/** The question of reading one resource. That it reads is what the protocol says; the catalogue may add to it. */
export function readQuestion(actor: Actor, params: JsonObject): Asked {
  return asked(
    actor,
    {
      action: { name: READ, properties: { ...ownParams(params), server: actor.server } },
      resource: { type: "mcp-resource", id: `${actor.server}/${textOf(params["uri"])}` },
    },
    ["read"],
  );
}

/** The question of fetching one prompt, which the server writes and the model follows. */
export function promptQuestion(actor: Actor, params: JsonObject): Asked {
  return asked(
    actor,
    {
      action: { name: PROMPT, properties: { ...ownParams(params), server: actor.server } },
      resource: { type: "mcp-prompt", id: `${actor.server}/${textOf(params["name"])}` },
    },
    ["read"],
  );
}

/** What a server asks of the client: an answer of its model (`sampling`), or of its person (`elicitation`). */
export function upstreamQuestion(actor: Actor, kind: typeof SAMPLE | typeof ELICIT, params: JsonObject): Asked {
  return asked(actor, {
    action: { name: kind, properties: { server: actor.server, asks: ownParams(params) } },
    resource: { type: "mcp-server", id: actor.server },
  });
}

/** Whether a tool may be listed: a question of its own, which says nothing of calling it. */
export function listQuestion(actor: Actor, tool: string, definition: string): EvaluationRequest {
  return asked(
    actor,
    {
      action: { name: LIST, properties: { server: actor.server, tool, definition } },
      resource: { type: "mcp-tool", id: `${actor.server}/${tool}` },
    },
    ["read"],
  ).question;
}

/** A question, frozen, and its digest as this gate computes it. */
export type Asked = { readonly question: EvaluationRequest; readonly digest: string };

function asked(
  { subject, environment }: Actor,
  { action, resource }: Pick<EvaluationRequest, "action" | "resource">,
  effects?: readonly string[],
): Asked {
  const context = {
    ...(environment === undefined ? {} : { environment }),
    ...(effects === undefined ? {} : { declared: { effects } }),
  };
  const question = parseQuestion(copyJson({ subject, action, resource, context }));
  return { question, digest: canonicalAction(question).digest };
}

const PROTOCOL: ReadonlySet<string> = new Set(["_meta", "requestState", "inputResponses"]);

/** Parameters without what belongs to the protocol: its bookkeeping, and what joins the legs of one call. */
function ownParams(params: JsonObject): JsonObject {
  const own = Object.entries(params).filter(([name]) => !PROTOCOL.has(name));
  return Object.fromEntries(own);
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "?";
}
