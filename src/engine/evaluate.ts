import { canonicalAction, type Question } from "../core/action/index.ts";
import type { AgentId, Digest, EvaluationId, GateId, Instant, PersonId, StreamName } from "../core/brand.ts";
import { formatId, ID_BYTES, type TokenId } from "../core/ids.ts";
import type { Decision } from "../core/policy/index.ts";
import type { Classification, Risk } from "../core/risk/index.ts";
import { assess } from "./assess.ts";
import type { Context } from "./context.ts";
import { EngineError } from "./errors.ts";
import { asJson, deniedSlot, loadRequest, seal } from "./journal.ts";
import { parseId } from "../core/ids.ts";

/** Who calls, as the gate's token says. */
export type Caller = {
  readonly agent: AgentId;
  readonly agentType: string;
  readonly gate: GateId;
  readonly token: TokenId;
  /** The person who holds the token, when it was made for one. */
  readonly holder: PersonId | null;
};

/** One answered question. It is in the ledger before anybody hears of it. */
export type Evaluation = {
  readonly id: EvaluationId;
  readonly at: Instant;
  readonly digest: Digest;
  readonly canonical: string;
  readonly classification: Classification;
  readonly risk: Risk;
  readonly decision: Decision;
};

export function evaluationStream(id: EvaluationId): StreamName {
  return `evaluation/${id}` as StreamName;
}

/** Answers a question and records the answer. Repeating it changes nothing: an evaluation never uses up an approval. */
export async function evaluate(ctx: Context, caller: Caller, question: Question): Promise<Evaluation> {
  await admit(ctx, caller);
  checkSubject(ctx, caller, question);
  const at = ctx.clock.now();
  const { text: canonical, digest } = canonicalAction(question);
  const assessed = assess(question, ctx.rules(), at);
  const { classification, risk, decision: first } = assessed instanceof Promise ? await assessed : assessed;
  const decision = first.outcome === "require_approval" ? await afterDenial(ctx, caller, digest, first, at) : first;
  const evaluation: Evaluation = {
    id: formatId("evaluation", ctx.chance.bytes(ID_BYTES)),
    at,
    digest,
    canonical,
    classification,
    risk,
    decision,
  };
  await recordEvaluation(ctx, caller, question, evaluation);
  return evaluation;
}

/** A token speaks for one agent only, and the agent must be in the directory. */
export function checkSubject(ctx: Context, caller: Caller, question: Question): void {
  const { subject } = question;
  const agent = ctx.rules().directory.agents.get(subject.id as AgentId);
  if (agent === undefined || !agent.active || agent.type !== subject.type) {
    throw new EngineError({
      code: "unknown_subject",
      message: `subject ${subject.type} \`${subject.id}\` is not an active agent of the directory`,
    });
  }
  if (agent.id !== caller.agent) {
    throw new EngineError({ code: "subject_not_yours", message: "this token speaks for another agent" });
  }
}

/** Counts one more question of this agent; `rate_limited` when it asks too often. */
export async function admit(ctx: Context, caller: Caller): Promise<void> {
  const at = ctx.clock.now();
  const admission = ctx.windows.admit(caller.agent, ctx.limits.evaluationsPerMinute, at);
  if (admission.admitted) return;
  if (admission.first) {
    // One entry for the whole window: a flood must not fill the ledger.
    const id = formatId("evaluation", ctx.chance.bytes(ID_BYTES));
    const payload = {
      agent: caller.agent,
      gate: caller.gate,
      limit: "evaluations_per_minute",
      max: ctx.limits.evaluationsPerMinute,
    };
    await ctx.store.append({
      entries: [seal(ctx, `limit/${id}` as StreamName, 0, "limit.exceeded", at, payload, { limit: payload.limit })],
    });
  }
  throw new EngineError({
    code: "rate_limited",
    message: `more than ${ctx.limits.evaluationsPerMinute} evaluations in a minute; wait before asking again`,
    retryAfterMs: admission.retryAfterMs,
  });
}

/** People who have just said no are not asked the same again: that is how someone tires and clicks yes. */
export async function afterDenial(
  ctx: Context,
  caller: Caller,
  digest: Digest,
  decision: Decision,
  at: Instant,
): Promise<Decision> {
  const holder = await ctx.store.slot(deniedSlot({ agent: caller.agent, digest }));
  if (holder === null) return decision;
  const request = await loadRequest(ctx, parseId("request", holder.slice("request/".length)));
  if (request === null || at >= request.changedAt + ctx.limits.denialCooldownMs) return decision;
  const seconds = Math.ceil((request.changedAt + ctx.limits.denialCooldownMs - at) / 1000);
  return {
    outcome: "deny",
    code: "repeated_denial",
    because: `people denied exactly this in \`${request.opened.id}\`; it may be asked again in ${seconds} s`,
    policies: [],
  };
}

/** Writes down an answer. Only who has made it by the rules in force may call this. */
export async function recordEvaluation(
  ctx: Context,
  caller: Caller,
  question: Question,
  evaluation: Evaluation,
): Promise<void> {
  const { id, at, digest, classification, risk, decision } = evaluation;
  const policies = ctx.rules().policies.digest;
  const payload = asJson({
    agent: caller.agent,
    gate: caller.gate,
    token: caller.token,
    question,
    digest,
    classification,
    risk,
    decision,
  });
  const publics = {
    digest,
    gate: caller.gate,
    outcome: decision.outcome,
    level: risk.level,
    policies,
    weights: risk.weights,
  };
  const entry = seal(ctx, evaluationStream(id), 0, "action.evaluated", at, payload, publics);
  const result = await ctx.store.append({ entries: [entry] });
  if (result.status !== "appended")
    throw new EngineError({ code: "contention", message: "the evaluation could not be recorded; try again" });
}
