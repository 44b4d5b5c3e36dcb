import type { Task } from "../../client/index.ts";
import { KeyturnError } from "../../client/index.ts";
import type { Json, JsonObject } from "../../core/action/index.ts";
import { InputError } from "../../core/errors.ts";
import { Cancelled, Denied, Expired, Unavailable } from "../sdk/index.ts";

/** Names of the two tools that the gateway adds. */
export const WAIT_TOOL = "approval_wait";
export const STATUS_TOOL = "approval_status";

const NO_DETOUR =
  "Do not try to reach the same by other tools, other arguments or another way: every attempt is recorded and reviewed.";

/** What a model is told while people decide. */
export function pendingText(task: Task, tool: string | null): string {
  const again =
    tool === null
      ? "Ask for the same again later."
      : `To go on, call \`${tool}\` again with exactly the same arguments. Before that you may call \`${WAIT_TOOL}\` with {"request":"${task.id}"}, which waits for the decision.`;
  return `PENDING: ${stateText(task)} Nothing was executed yet. ${again} ${NO_DETOUR}`;
}

/** One line on where a request stands, for progress messages and answers. */
export function stateText(task: Task): string {
  const terms = (task.progress?.terms ?? []).map(({ group, quorum, filled }) => `${group} ${filled} of ${quorum}`);
  const of = terms.length === 0 ? "" : ` (${terms.join(", ")})`;
  const review = task.links?.review;
  const where = review === undefined ? "" : ` People review it at ${review}`;
  return `request ${task.id} is ${task.status}${of}; it ends at ${task.expires_at}.${where}`;
}

/** Why nothing was executed, for a model: who said no, and what it may do now. */
export function refusalText(error: unknown): string {
  if (error instanceof Denied && error.code === "deferred") {
    return `NOT YET: ${error.message} Nothing was executed. Call again later with exactly the same arguments. ${NO_DETOUR}`;
  }
  if (error instanceof Denied) {
    const who = error.by === null ? "" : ` Denied by ${error.by}.`;
    return `DENIED: ${error.message}${who} ${NO_DETOUR}`;
  }
  if (error instanceof Expired) return `EXPIRED: ${error.message}.`;
  if (error instanceof Cancelled) return `CANCELLED: ${error.message}.`;
  if (error instanceof InputError) return `REFUSED: these arguments cannot be judged: ${error.message}. ${NO_DETOUR}`;
  if (error instanceof Unavailable) {
    return `REFUSED: no decision could be had, so nothing was executed: ${error.message}. Try again later. ${NO_DETOUR}`;
  }
  if (error instanceof KeyturnError) return `REFUSED: ${error.message}. Nothing was executed. ${NO_DETOUR}`;
  return `REFUSED: the gateway failed, so nothing was executed. ${NO_DETOUR}`;
}

/** The code of a refusal, for programs. */
export function codeOf(error: unknown): string {
  return error instanceof KeyturnError || error instanceof InputError ? error.code : "gateway_failed";
}

/** A tool's result in words. `stateless` results say what they are. */
export function toolResult(text: string, isError: boolean, meta: JsonObject, stateless: boolean): JsonObject {
  return {
    ...(stateless ? { resultType: "complete" } : {}),
    content: [{ type: "text", text }],
    isError,
    _meta: meta,
  };
}

/** What programs find beside the words. */
export function metaOf(values: { readonly [name: string]: Json | undefined }): JsonObject {
  const known = Object.entries(values).flatMap(([name, value]): [string, Json][] =>
    value === undefined ? [] : [[`keyturn/${name}`, value]],
  );
  return Object.fromEntries(known);
}
