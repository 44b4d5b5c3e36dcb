import { canonicalize, isJsonObject } from "../../core/action/index.ts";
import type { Json, JsonObject, Question } from "../../core/action/index.ts";
import { Denied, restored } from "../sdk/index.ts";
import type { Asked } from "./action.ts";
import { paramsOf, response } from "./jsonrpc.ts";
import type { Request } from "./jsonrpc.ts";
import type { Answer } from "./upstream.ts";

/** A call as it may run: with the arguments that were sent, or with the stricter ones that policy put in their place. */
export type Runs = { readonly body: Request; readonly instead: Json | null };

/**
 * What reaches the server of what was cleared. Only arguments can have become stricter: another tool, server or definition
 * under this name is refused, because people and policy would have judged what does not run.
 */
export function asCleared(asked: Asked, cleared: Question, body: Request): Runs {
  const [told, now] = [asked.question.action.properties, cleared.action.properties].map(membersOf);
  if (told === undefined || now === undefined) throw notOurs();
  if (canonicalize(told) === canonicalize(now)) return { body, instead: null };
  const { arguments: before = {}, ...rest } = told;
  const { arguments: after = {}, ...others } = now;
  if (canonicalize(rest) !== canonicalize(others) || !isJsonObject(after)) throw notOurs();
  const params = paramsOf(body);
  const args = restored(after, before, params["arguments"] ?? {});
  return { body: { ...body, params: { ...params, arguments: args } }, instead: after };
}

/** The model hears that another call ran than it asked for: else it would take a part for the whole. */
export function withNote(answer: Answer, instead: Json): Answer {
  const { body } = answer.message;
  const { result } = body;
  if (!isJsonObject(result) || !Array.isArray(result["content"])) return answer;
  const ran = `NOTE: policy let a stricter call run in the place of this one, with the arguments ${JSON.stringify(instead)}.`;
  const content: Json[] = [...result["content"], { type: "text", text: ran }];
  const meta = isJsonObject(result["_meta"]) ? result["_meta"] : {};
  const told: JsonObject = { ...result, content, _meta: { ...meta, "keyturn/instead": instead } };
  return { ...answer, message: response({ ...body, result: told }) };
}

function membersOf(properties: unknown): JsonObject {
  return typeof properties === "object" && properties !== null ? (properties as JsonObject) : {};
}

function notOurs(): Denied {
  const because = "policy changed more of this call than its arguments";
  return new Denied({ code: "modified_not_taken", because });
}
