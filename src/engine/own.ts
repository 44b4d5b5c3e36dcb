import { canonicalAction, type JsonObject, type Question } from "../core/action/index.ts";
import { cancel, covers, isLive, recheck, refuse } from "../core/approval/index.ts";
import type { Barred, OpenedRequest, Refusal, RequestState } from "../core/approval/index.ts";
import type { AgentId, GateId, Instant, PersonId, RequestId } from "../core/brand.ts";
import { formatId, ID_BYTES, permitOf, type TokenId } from "../core/ids.ts";
import type { Decision, Term } from "../core/policy/index.ts";
import { scoreRisk, type Classification, type PolicyId, type Risk } from "../core/risk/index.ts";
import type { Append } from "../ports/store.ts";
import type { Context } from "./context.ts";
import { EngineError } from "./errors.ts";
import { recordEvaluation } from "./evaluate.ts";
import { commitRequest, isLate, loadRequest } from "./journal.ts";

/** The gate of what the house does itself. */
export const OWN_GATE: GateId = "keyturn" as GateId;

const ROUNDS_MAX = 8;

type Held = Extract<Decision, { outcome: "require_approval" }>;

/** What the house says of an action of its own: policies of the operator have no say in it, so that none can loosen it. */
export type OwnAssessment = { readonly classification: Classification; readonly risk: Risk; readonly decision: Held };

/** An action of the house itself that people have to agree to, such as an erasure. */
export type OwnAction = {
  /** The machine name under which it asks; `Caller` and subject of the question. */
  readonly agent: AgentId;
  readonly agentType: string;
  readonly token: TokenId;
  readonly question: Question;
  readonly assessment: OwnAssessment;
  readonly barred: readonly Barred[];
};

/** What the house's own action asks for: these terms, by a policy of this name. */
export function ownAssessment(
  classification: Classification,
  hold: { readonly policy: PolicyId; readonly because: string; readonly terms: readonly Term[] },
  expiresInMs: number,
): OwnAssessment {
  const { terms } = hold;
  const holds = [{ ...hold, expiresInMs, assurance: "A1" as const }];
  const decision: Held = { outcome: "require_approval", holds, terms, expiresInMs, assurance: "A1" };
  return { classification, risk: scoreRisk(classification, undefined), decision };
}

/** Records the evaluation and opens the request. `extra` is written in the same commit as the request's first entry. */
export async function askOwn(
  ctx: Context,
  own: OwnAction,
  extra: (id: RequestId) => Pick<Append, "documents" | "idempotency"> = () => ({}),
): Promise<RequestState> {
  const { agent, agentType, token, question, assessment, barred } = own;
  const at = ctx.clock.now();
  const { text: canonical, digest } = canonicalAction(question);
  const evaluation = formatId("evaluation", ctx.chance.bytes(ID_BYTES));
  const caller = { agent, agentType, gate: OWN_GATE, token, holder: null };
  await recordEvaluation(ctx, ctx.rules(), caller, question, { id: evaluation, at, digest, canonical, ...assessment });
  const { classification, risk, decision } = assessment;
  const opened: OpenedRequest = {
    id: formatId("request", ctx.chance.bytes(ID_BYTES)),
    evaluation,
    digest,
    canonical,
    question,
    agent,
    gate: OWN_GATE,
    classification,
    risk,
    holds: decision.holds,
    terms: decision.terms,
    assurance: decision.assurance,
    barred,
    openedAt: at,
    expiresAt: (at + decision.expiresInMs) as Instant,
    approvedForMs: ctx.limits.approvedForMs,
    client: null,
  };
  const result = await commitRequest(ctx, null, [{ type: "request.opened", request: opened }], at, extra(opened.id));
  if (result.status === "committed") return result.state;
  if (result.status === "conflict" && result.on === "owner") {
    const message = `${result.held} requests of the house wait for people already; decide some of them`;
    throw new EngineError({ code: "pending_limited", message, retryAfterMs: 30_000 });
  }
  throw contention();
}

export type OwnReleased<T> = { readonly state: RequestState; readonly by: readonly PersonId[]; readonly plan: T };

/**
 * Uses up the approval of the house's own action, as a gate's redemption would: approvers, terms and clock are looked at
 * again. One that was released before and broken off is answered alike, so that it can be gone on with.
 */
export async function releaseOwn<T>(
  ctx: Context,
  id: RequestId,
  agent: AgentId,
  /** What would be done now, or why this request is not about such a thing. */
  planOf: (state: RequestState) => Promise<T | Refusal>,
  /** Whether what would be done is what people agreed to. */
  isAgreed: (state: RequestState, plan: T) => Refusal | null,
): Promise<OwnReleased<T> | Refusal> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const state = await loadRequest(ctx, id);
    if (state === null || state.opened.agent !== agent) return refuse("request_unknown");
    const { progress } = state;
    if (progress.status !== "approved") return refuse("not_approved");
    if (progress.outcome !== null) return refuse("permit_redeemed");
    const plan = await planOf(state);
    if (isRefusal(plan)) return plan;
    if (progress.permit.status === "redeemed") return { state, plan, by: progress.by };
    const at = ctx.clock.now();
    if (!isLive(state, at)) return refuse("approval_expired");
    const voids = recheck(state, ctx.rules().directory, at);
    if (voids.length > 0) {
      await commitRequest(ctx, state, voids, at);
      continue;
    }
    const refusal = isAgreed(state, plan);
    if (refusal !== null) return refusal;
    const permit = permitOf(id);
    const events = [
      { type: "permit.issued", permit, gate: OWN_GATE, expiresAt: progress.approvedUntil },
      { type: "permit.redeemed", permit, gate: OWN_GATE, attempt: id },
    ] as const;
    const result = await commitRequest(ctx, state, events, at);
    if (result.status === "committed") return { state: result.state, plan, by: progress.by };
    if (isLate(result)) return refuse("approval_expired");
  }
  throw contention();
}

/** The outcome of what was released; `extra` is written in the same commit. */
export async function completeOwn(
  ctx: Context,
  state: RequestState,
  details: JsonObject,
  extra: Pick<Append, "documents" | "erase" | "idempotency"> = {},
): Promise<void> {
  const at = ctx.clock.now();
  const outcome = { status: "succeeded", at, details } as const;
  const result = await commitRequest(ctx, state, [{ type: "action.completed", outcome }], at, extra);
  if (result.status !== "committed") throw contention();
}

/** Ends a request of the house that nobody needs any more; one that is decided already stays as it is. */
export async function withdrawOwn(ctx: Context, id: RequestId, by: AgentId): Promise<void> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const state = await loadRequest(ctx, id);
    if (state === null) return;
    const at = ctx.clock.now();
    const events = cancel(state, by, at);
    if ("refused" in events) return;
    if ((await commitRequest(ctx, state, events, at)).status === "committed") return;
  }
}

/** Whether what people agreed to meets what is asked for now. */
export function isCovered(state: RequestState, { decision, risk }: OwnAssessment): Refusal | null {
  return covers(state, decision, risk);
}

function isRefusal(value: unknown): value is Refusal {
  return typeof value === "object" && value !== null && "refused" in value;
}

function contention(): EngineError {
  return new EngineError({ code: "contention", message: "the ledger is changing at this moment; try again" });
}
