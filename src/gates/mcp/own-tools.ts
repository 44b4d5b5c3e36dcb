import type { TaskAnswer } from "../../client/index.ts";
import { WireError } from "../../client/index.ts";
import { isJsonObject } from "../../core/action/index.ts";
import type { JsonObject } from "../../core/action/index.ts";
import { parseId } from "../../core/ids.ts";
import type { RequestId } from "../../core/brand.ts";
import type { Context, Open } from "./context.ts";
import { Hold } from "./hold.ts";
import { CODES, failure, result } from "./jsonrpc.ts";
import { planFor } from "./ladder.ts";
import { codeOf, metaOf, refusalText, stateText, STATUS_TOOL, toolResult, WAIT_TOOL } from "./texts.ts";
import { progressTokenOf } from "./upstream.ts";

const INPUT: JsonObject = {
  type: "object",
  properties: { request: { type: "string", description: "The request's id, which begins with arq_." } },
  required: ["request"],
  additionalProperties: false,
};
const READ_ONLY: JsonObject = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};

/** The gateway's own tools, as they are listed. They look, and can decide nothing. */
export const OWN_TOOLS: readonly JsonObject[] = [
  {
    name: WAIT_TOOL,
    title: "Wait for an approval",
    description:
      "Waits until people have decided about a call that is pending, or for as long as this client lets it wait. When it is approved, call the original tool again with exactly the same arguments.",
    inputSchema: INPUT,
    annotations: READ_ONLY,
  },
  {
    name: STATUS_TOOL,
    title: "Look at an approval",
    description: "Tells at once where a pending call stands.",
    inputSchema: INPUT,
    annotations: READ_ONLY,
  },
];

/** Whether a name is one of ours; an upstream's own tool of that name goes first. */
export function isOwnTool(name: string): boolean {
  return name === WAIT_TOOL || name === STATUS_TOOL;
}

/** Answers a call of one of the gateway's own tools. */
export async function callOwn(context: Context, open: Open, name: string): Promise<void> {
  const { id, outlet, params, stateless, stop } = open;
  const args = isJsonObject(params["arguments"]) ? params["arguments"] : {};
  const hold = new Hold(context, open);
  try {
    const request = requestOf(args);
    if (request === null) {
      outlet.answer({
        message: failure(id, CODES.invalidParams, "`request` is an id that begins with arq_"),
        status: 200,
      });
      return;
    }
    const first = await context.agent.client.task(request, { signal: stop.signal });
    const answer = name === WAIT_TOOL ? await waitFor(context, open, first, hold) : first;
    const meta = metaOf({ request, status: answer.task.status, review: answer.task.links?.review });
    outlet.answer({ message: result(id, toolResult(wordsOf(answer), false, meta, stateless)), status: 200 });
  } catch (error) {
    if (stop.signal.aborted) outlet.drop();
    else
      outlet.answer({
        message: result(id, toolResult(whyNot(error), true, metaOf({ code: codeOf(error) }), stateless)),
      });
  } finally {
    hold.stop();
  }
}

async function waitFor(context: Context, open: Open, first: TaskAnswer, hold: Hold): Promise<TaskAnswer> {
  const { serving, agent, said, stdio } = context;
  const { holdMs } = planFor({
    stateless: open.stateless,
    client: said.info,
    progress: progressTokenOf(open.params) !== undefined,
    streams: open.outlet.streams,
    stdio,
    legsSoFar: 0,
    holdMs: serving.holdMs,
    legMs: serving.legMs,
  });
  if (first.task.status !== "pending") return first;
  let last = first;
  hold.show(first.task);
  const onChange = (answer: TaskAnswer): void => {
    last = answer;
    hold.show(answer.task);
  };
  const patience = AbortSignal.timeout(holdMs);
  try {
    const signal = AbortSignal.any([open.stop.signal, patience]);
    return await agent.client.tasks.wait(first, { signal, onChange });
  } catch (error) {
    if (open.stop.signal.aborted || !patience.aborted) throw error;
    return last;
  }
}

function requestOf({ request }: JsonObject): RequestId | null {
  try {
    return parseId("request", request);
  } catch {
    return null;
  }
}

function wordsOf({ task, denial }: TaskAnswer): string {
  const state = stateText(task);
  switch (task.status) {
    case "approved":
      return `APPROVED: ${state} Call the original tool again with exactly the same arguments; it will run once.`;
    case "pending":
      return `PENDING: ${state} Call ${WAIT_TOOL} again to go on waiting.`;
    case "denied":
      return `DENIED: ${state} ${denial?.by ?? "An approver"} said no: ${denial?.reason ?? "no reason was given"}.`;
    case "expired":
    case "cancelled":
    case "failed":
      return `OVER: ${state} Nothing was executed.`;
    default:
      return task.status satisfies never;
  }
}

function whyNot(error: unknown): string {
  if (error instanceof WireError && error.status === 404) return "There is no such request of this agent.";
  return refusalText(error);
}
