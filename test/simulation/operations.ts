// What the actors ask of an instance, each carried out by the engine's own functions.
import { permitOf } from "../../src/core/ids.ts";
import { InputError } from "../../src/core/errors.ts";
import type { Refusal, RequestState, RequestStatus, Verdict } from "../../src/core/approval/index.ts";
import { approvalOf } from "../../src/core/ids.ts";
import type { EvaluationId, PersonId, RequestId } from "../../src/core/brand.ts";
import type { Assurance } from "../../src/core/policy/index.ts";
import {
  applyApproval,
  ask,
  completePermit,
  EngineError,
  evaluate,
  giveUp,
  redeem,
  requestFor,
  submitReview,
  sweep,
  Wait,
  waitFor,
  type Caller,
  type EngineContext,
} from "../../src/engine/index.ts";
import { StoreError } from "../../src/ports/store.ts";
import type { Asked } from "./world.ts";

/** A permit as its holder knows it: what the answer said, and for which gate it was asked. */
export type Permit = {
  readonly jws: string;
  readonly request: RequestId;
  readonly digest: string;
  readonly gate: string;
  readonly expiresAt: number;
};

export type Operation =
  | { readonly kind: "evaluate"; readonly caller: Caller; readonly asked: Asked }
  | {
      readonly kind: "ask";
      readonly caller: Caller;
      readonly asked: Asked;
      readonly evaluation: EvaluationId;
      readonly key: string;
      /** Whom the client names as its actor, beside the question. */
      readonly actor: string | null;
    }
  | { readonly kind: "read"; readonly caller: Caller; readonly request: RequestId }
  | { readonly kind: "wait"; readonly caller: Caller; readonly request: RequestId; readonly known: string }
  | {
      readonly kind: "review";
      readonly request: RequestId;
      readonly person: string;
      readonly account: string;
      readonly link: "L2" | "L3";
      readonly assurance: Assurance;
      readonly verdict: Verdict;
      readonly digest: string;
      readonly nonce: string;
    }
  | { readonly kind: "giveUp"; readonly caller: Caller; readonly request: RequestId }
  | { readonly kind: "apply"; readonly caller: Caller; readonly asked: Asked; readonly request: RequestId }
  | {
      readonly kind: "redeem";
      readonly caller: Caller;
      readonly permit: Permit;
      readonly digest: string;
      readonly attempt: string;
    }
  | { readonly kind: "complete"; readonly caller: Caller; readonly request: RequestId; readonly report: string }
  | { readonly kind: "sweep" };

/** What came of it: an answer, a refusal (of the core or the engine), or nothing, because the instance died over it. */
export type Answer =
  | {
      readonly said: "ok";
      readonly request?: RequestId;
      readonly status?: string;
      readonly evaluation?: { readonly id: EvaluationId; readonly outcome: string };
      readonly permit?: Permit;
    }
  | { readonly said: "refused"; readonly code: string }
  | { readonly said: "lost" };

const LOST: Answer = { said: "lost" };
const OK: Answer = { said: "ok" };

/** Carries one operation out; only what no engine may throw comes out as an exception. */
export async function perform(ctx: EngineContext, op: Operation, signal: AbortSignal): Promise<Answer> {
  try {
    return await carryOut(ctx, op, signal);
  } catch (error) {
    if (error instanceof EngineError || error instanceof InputError) return { said: "refused", code: error.code };
    if (error instanceof StoreError) return LOST;
    throw error;
  }
}

async function carryOut(ctx: EngineContext, op: Operation, signal: AbortSignal): Promise<Answer> {
  switch (op.kind) {
    case "evaluate": {
      const { id, decision } = await evaluate(ctx, op.caller, op.asked.question);
      return { said: "ok", evaluation: { id, outcome: decision.outcome } };
    }
    case "ask": {
      const client = op.actor === null ? null : { actor: { sub: op.actor } };
      const key = { value: op.key, fingerprint: op.key };
      const { question } = op.asked;
      return told(await ask(ctx, op.caller, { question, evaluation: op.evaluation, client, key }));
    }
    case "read":
      return told(await requestFor(ctx, op.caller, op.request));
    case "wait": {
      const found = await waitFor(ctx, op.caller, op.request, op.known as RequestStatus);
      const state = found instanceof Wait ? await over(found, signal) : found;
      return state === null ? { said: "refused", code: "request_unknown" } : told(state);
    }
    case "review":
      return told(await submitReview(ctx, op.request, intentOf(op)));
    case "giveUp":
      return told(await giveUp(ctx, op.caller, op.request));
    case "apply":
      return apply(ctx, op);
    case "redeem":
      return refusedOr(await redeem(ctx, op.caller, op.permit.jws, op.digest, op.attempt), OK);
    case "complete": {
      const outcome = { status: "succeeded", details: { report: op.report } } as const;
      return refusedOr(await completePermit(ctx, op.caller, permitOf(op.request), outcome), OK);
    }
    case "sweep":
      await sweep(ctx);
      return OK;
    default:
      return op satisfies never;
  }
}

/** How a request stands when a wait for it is over, or the history is. */
function over(wait: Wait, signal: AbortSignal): Promise<RequestState | null> {
  return new Promise((resolve) => {
    if (signal.aborted) wait.released();
    signal.addEventListener("abort", () => wait.released(), { once: true });
    wait.until(60_000, resolve);
  });
}

function intentOf(op: Extract<Operation, { kind: "review" }>): Parameters<typeof submitReview>[2] {
  return {
    reviewer: { person: op.person as PersonId, link: op.link, assurance: op.assurance },
    account: { issuer: "https://idp.example.com", subject: op.account },
    channel: "simulation",
    verdict: op.verdict,
    digest: op.digest,
    reason: null,
    nonce: op.nonce,
  };
}

/** A gate's second question: evaluated anew, with the approval (as `POST /access/v1/evaluation` does). */
async function apply(ctx: EngineContext, op: Extract<Operation, { kind: "apply" }>): Promise<Answer> {
  const evaluation = await evaluate(ctx, op.caller, op.asked.question);
  const issued = await applyApproval(ctx, op.caller, evaluation, approvalOf(op.request));
  if ("refused" in issued) return { said: "refused", code: issued.refused };
  const { permit: jws, expiresAt } = issued;
  const { digest } = evaluation;
  return { said: "ok", permit: { jws, request: op.request, digest, gate: op.caller.gate, expiresAt } };
}

function told(state: RequestState | Refusal): Answer {
  if ("refused" in state) return { said: "refused", code: state.refused };
  return { said: "ok", request: state.opened.id, status: state.progress.status };
}

function refusedOr(result: object | Refusal, answer: Answer): Answer {
  return "refused" in result ? { said: "refused", code: result.refused } : answer;
}

/** The operation in a few words, for the trace. */
export function wordsOf(op: Operation): string {
  const caller = "caller" in op ? ` ${op.caller.agent}@${op.caller.gate}` : "";
  switch (op.kind) {
    case "evaluate":
    case "sweep":
      return `${op.kind}${caller}`;
    case "ask":
      return `ask${caller} key=${op.key}${op.actor === null ? "" : ` actor=${op.actor}`}`;
    case "review":
      return `${op.verdict} by ${op.person} (${op.assurance}, ${op.link}, nonce ${op.nonce}) of ${short(op.request)}`;
    case "redeem":
      return `redeem${caller} permit of ${short(op.permit.request)} for ${op.permit.gate}, attempt ${op.attempt}`;
    case "wait":
      return `wait for ${short(op.request)} to leave ${op.known}`;
    case "read":
    case "giveUp":
    case "apply":
    case "complete":
      return `${op.kind}${caller} ${short(op.request)}`;
    default:
      return op satisfies never;
  }
}

/** The end of an id, which is where the simulation's ids differ. */
export function short(id: string): string {
  return id.slice(0, 4) + id.slice(-6);
}
