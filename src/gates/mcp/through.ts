import type { OutcomeReport } from "../../client/index.ts";
import { isJsonObject } from "../../core/action/index.ts";
import type { JsonObject } from "../../core/action/index.ts";
import { endOf, perform, StillHeld } from "../sdk/index.ts";
import type { Actor, Asked } from "./action.ts";
import { allowsInput } from "./asks.ts";
import { boundTo } from "./context.ts";
import type { Context, Open } from "./context.ts";
import { McpError } from "./errors.ts";
import { Hold } from "./hold.ts";
import { CODES, failure, response, result } from "./jsonrpc.ts";
import type { Request } from "./jsonrpc.ts";
import { planFor } from "./ladder.ts";
import { TASK_HOLD_MS } from "./limits.ts";
import { asCleared, withNote } from "./modified.ts";
import type { Runs } from "./modified.ts";
import { passOn } from "./pass.ts";
import type { Bound, State } from "./request-state.ts";
import { claimsToBeOurs, INNER_CHARS_MAX, STATE_MS } from "./request-state.ts";
import { codeOf, metaOf, pendingText, refusalText, toolResult } from "./texts.ts";
import { progressTokenOf } from "./upstream.ts";
import type { Answer } from "./upstream.ts";

/** What the gate asks about, and how a client hears of it. */
export type Gated = {
  readonly asked: Asked;
  readonly actor: Actor;
  /** The tool, for what a tool call is told; null for resources and prompts, which know errors alone. */
  readonly tool: string | null;
  /** A tool that promises structured content: a result without it must be an error, or clients drop it. */
  readonly hasOutputSchema: boolean;
  /** Asked again right before the effect; throwing means that it must not happen. */
  readonly recheck?: () => Promise<void>;
};

type Ran = { readonly answer: Answer } | { readonly lost: unknown };

/** Takes one request through the decision and to the upstream, at most once. Never rejects. */
export async function goThrough(context: Context, open: Open, gated: Gated): Promise<void> {
  const hold = new Hold(context, open);
  try {
    await attempt(context, open, gated, hold);
  } catch (error) {
    if (open.stop.signal.aborted) open.outlet.drop();
    else refuse(open, error, gated.tool);
  } finally {
    hold.stop();
  }
}

async function attempt(context: Context, open: Open, gated: Gated, hold: Hold): Promise<void> {
  const { agent, serving } = context;
  const bound = boundTo(context, gated.actor, gated.asked.digest);
  const state = carriedState(context, open, bound);
  const body = bodyFor(open, state);
  if (state?.kind === "more") {
    useOnce(context, state);
    await deliver(context, open, { gated, bound, body, instead: null, wrap: true });
    return;
  }
  if (state !== null) await checkWaiting(context, open, state);
  const { stateless, outlet, stop } = open;
  const plan = planFor({
    stateless,
    client: context.said.info,
    progress: progressTokenOf(open.params) !== undefined,
    streams: outlet.streams,
    stdio: context.stdio,
    legsSoFar: state?.legs ?? 0,
    holdMs: open.onHeld === undefined ? serving.holdMs : TASK_HOLD_MS,
    legMs: serving.legMs,
  });
  try {
    await perform<Promise<Ran>>({
      client: agent.client,
      question: gated.asked.question,
      signal: stop.signal,
      patienceMs: plan.holdMs,
      leaveRequest: true,
      ledgerKey: agent.ledgerKey,
      recheck: gated.recheck,
      onHeld: (task) => {
        open.onHeld?.(task);
        hold.show(task);
      },
      onWarning: (warning) => serving.log(warning.message),
      takesModified: gated.tool !== null,
      run: (cleared) => {
        hold.stop();
        const runs = asCleared(gated.asked, cleared, hold.task === null ? body : (open.heldBody ?? body));
        if (hold.task !== null) serving.spent.use(hold.task.id);
        // A stricter call that asks for input is judged again at its next leg, which brings the arguments of the first again.
        const wrap = hold.task !== null && runs.instead === null;
        return deliver(context, open, { gated, bound, ...runs, wrap });
      },
      outcomeOf,
    });
  } catch (error) {
    if (!(error instanceof StillHeld)) throw error;
    answerPending(context, open, gated, { hold, bound, state, legs: plan.legs });
  }
}

/** Our own state, if the client brought one; what is not ours is the upstream's, and passes. */
function carriedState({ serving }: Context, { params }: Open, bound: Bound): State | null {
  const { requestState } = params;
  if (typeof requestState !== "string" || !claimsToBeOurs(requestState)) return null;
  return serving.states.open(requestState, bound, Date.now());
}

/** What the upstream gets: the request without our state, and with its own again. */
function bodyFor({ body, params }: Open, state: State | null): Request {
  if (state === null) return body;
  const { requestState: _, ...rest } = params;
  return { ...body, params: state.inner === null ? rest : { ...rest, requestState: state.inner } };
}

/** The request that the client waits for must still be able to let something through. */
async function checkWaiting({ agent, serving }: Context, { stop }: Open, { request }: State): Promise<void> {
  if (request === null || serving.spent.has(request)) throw over("it was used already");
  const answer = await agent.client.task(request, { signal: stop.signal });
  const { status } = answer.task;
  if (status !== "pending" && status !== "approved") throw endOf(answer);
}

/** The next leg of a call that was let through and asked for input: the same call, once for each of its answers. */
function useOnce({ serving }: Context, { once }: State): void {
  const { spent } = serving;
  if (once === null || !once.startsWith(`${spent.run}/`) || !spent.use(once)) throw over("it was used already");
}

type Delivery = Runs & { readonly gated: Gated; readonly bound: Bound; readonly wrap: boolean };

/** The effect. The client has its answer before the outcome is reported. */
async function deliver(context: Context, open: Open, { gated, bound, body, instead, wrap }: Delivery): Promise<Ran> {
  open.running = true;
  try {
    const given = await passOn(context, open, body);
    const answer = instead === null ? given : withNote(given, instead);
    if (await allowsInput(context, open, answer)) {
      open.outlet.answer(wrap ? withOurState(context, answer, bound) : answer);
    } else {
      const message = "the MCP server asked for input that policy denies, so that its call goes no further";
      refuse(open, new McpError({ code: "upstream_failed", message }), gated.tool);
    }
    return { answer };
  } catch (error) {
    if (open.stop.signal.aborted) open.outlet.drop();
    else open.outlet.answer({ message: failure(open.id, CODES.internal, lostText(error)), status: 502 });
    return { lost: error };
  }
}

function outcomeOf(ran: Ran): OutcomeReport {
  if ("lost" in ran) return { status: "unknown", details: { error: codeOf(ran.lost) } };
  const { error, result: value } = ran.answer.message.body;
  if (error !== undefined) return { status: "failed", details: { answer: "error" } };
  const isError = isJsonObject(value) && value["isError"] === true;
  return isError ? { status: "failed", details: { answer: "tool error" } } : { status: "succeeded" };
}

/** An upstream that asks for input under a permit: its state comes back inside of ours, so that the call can go on once. */
function withOurState({ serving }: Context, answer: Answer, bound: Bound): Answer {
  const { body } = answer.message;
  const { result: value } = body;
  if (!isJsonObject(value) || value["resultType"] !== "input_required") return answer;
  const { requestState } = value;
  const inner = typeof requestState === "string" ? requestState : null;
  if (inner !== null && inner.length > INNER_CHARS_MAX) return answer;
  const once = `${serving.spent.run}/${crypto.randomUUID()}`;
  const state: State = { kind: "more", request: null, legs: 0, expiresAt: Date.now() + STATE_MS, once, inner };
  const wrapped = { ...value, requestState: serving.states.mint(state, bound) };
  return { ...answer, message: response({ ...body, result: wrapped }) };
}

type Left = {
  readonly hold: Hold;
  readonly bound: Bound;
  readonly state: State | null;
  readonly legs: boolean;
};

/** The budget of this leg is spent: the client comes back with a state, or its model does with the same call. */
function answerPending(context: Context, open: Open, gated: Gated, { hold, bound, state, legs }: Left): void {
  const { id, outlet, params, stateless } = open;
  const { task } = hold;
  if (task === null) throw new McpError({ code: "state_invalid", message: "the request is not known" });
  const { requestState } = params;
  const own = state === null ? (typeof requestState === "string" ? requestState : null) : state.inner;
  const carries = params["inputResponses"] === undefined && (own?.length ?? 0) <= INNER_CHARS_MAX;
  if (legs && carries) {
    const next: State = {
      kind: "wait",
      request: task.id,
      legs: (state?.legs ?? 0) + 1,
      expiresAt: Date.now() + STATE_MS,
      once: null,
      inner: own,
    };
    const value: JsonObject = {
      resultType: "input_required",
      requestState: context.serving.states.mint(next, bound),
      _meta: metaOf({ request: task.id, status: task.status, review: task.links?.review }),
    };
    outlet.answer({ message: result(id, value), status: 200 });
    return;
  }
  const meta = metaOf({ request: task.id, status: task.status, review: task.links?.review });
  const text = pendingText(task, gated.tool);
  const message =
    gated.tool === null
      ? failure(id, CODES.pending, text, meta)
      : result(id, toolResult(text, gated.hasOutputSchema, meta, stateless));
  outlet.answer({ message, status: 200 });
}

/** Tells a client that nothing was executed: a model reads the result of its tool, a program an error. */
export function refuse(open: Open, error: unknown, tool: string | null): void {
  const { id, outlet, stateless } = open;
  if (error instanceof McpError && error.code === "state_invalid") {
    outlet.answer({ message: failure(id, CODES.invalidParams, error.message), status: 200 });
    return;
  }
  const requestId =
    error instanceof Error && "requestId" in error && typeof error.requestId === "string" ? error.requestId : undefined;
  const meta = metaOf({ code: codeOf(error), request: requestId });
  const text = refusalText(error);
  const message =
    tool === null ? failure(id, CODES.refused, text, meta) : result(id, toolResult(text, true, meta, stateless));
  outlet.answer({ message, status: 200 });
}

function over(why: string): McpError {
  return new McpError({ code: "state_invalid", message: `the requestState is not valid: ${why}` });
}

function lostText(error: unknown): string {
  const why = error instanceof McpError ? error.message : "the connection to the MCP server broke";
  return `${why}. Whether the call took effect is not known; look before you call again`;
}
