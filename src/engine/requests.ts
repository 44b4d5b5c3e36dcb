import {
  canonicalAction,
  canonicalBytes,
  digest as digestOf,
  isJsonObject,
  type Json,
  type JsonObject,
  type Question,
} from "../core/action/index.ts";
import {
  applyEvent,
  atLeastTwo,
  attach,
  cancel,
  covers,
  editorsOf,
  expire,
  isLive,
  peopleBehind,
  refuse,
  suffices,
} from "../core/approval/index.ts";
import type { Barred, Behind, OpenedRequest, Refusal, RequestEvent, RequestState } from "../core/approval/index.ts";
import type { Digest, EvaluationId, Instant, RequestId } from "../core/brand.ts";
import { formatId, ID_BYTES, parseId } from "../core/ids.ts";
import { openEntry } from "../core/ledger/index.ts";
import type { Decision } from "../core/policy/index.ts";
import { lasting, type Risk } from "../core/risk/index.ts";
import { assess, type Assessment } from "./assess.ts";
import type { Context } from "./context.ts";
import { EngineError } from "./errors.ts";
import { admit, afterDenial, checkSubject, evaluationStream, type Caller } from "./evaluate.ts";
import { commitRequest, liveSlot, loadRequest, type Committed, type NotCommitted } from "./journal.ts";

/** What a gate posts after a denial that may be requested. */
export type Ask = {
  readonly question: Question;
  readonly evaluation: EvaluationId;
  readonly client: JsonObject | null;
  /** The caller's `Idempotency-Key`, and the digest of the whole body under it. */
  readonly key: { readonly value: string; readonly fingerprint: string } | null;
};

type Held = Extract<Decision, { outcome: "require_approval" }>;

/** Rounds of trying again after somebody else was faster. */
const ROUNDS_MAX = 8;

/** Opens an approval request, or joins the live one for the same agent and action. */
export async function ask(ctx: Context, caller: Caller, wanted: Ask): Promise<RequestState> {
  await admit(ctx, caller);
  checkSubject(ctx, caller, wanted.question);
  const { digest, text } = canonicalAction(wanted.question);
  await checkBinding(ctx, caller, wanted.evaluation, digest);
  const slot = liveSlot({ agent: caller.agent, digest });
  return ctx.turns.take(slot, () => openOrJoin(ctx, caller, wanted, { slot, digest, text }));
}

type Asked = { readonly slot: string; readonly digest: Digest; readonly text: string };

async function openOrJoin(
  ctx: Context,
  caller: Caller,
  wanted: Ask,
  { slot, digest, text }: Asked,
): Promise<RequestState> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const holder = await ctx.store.slot(slot);
    const state = holder === null ? null : await loadRequest(ctx, parseId("request", holder.slice("request/".length)));
    const result =
      state === null
        ? await commitOpen(ctx, caller, wanted, { digest, text })
        : isLive(state, ctx.clock.now())
          ? await commitAttach(ctx, caller, wanted, state)
          : await settleExpired(ctx, state);
    if (result === null) continue; // expired just now: the slot is free, look again
    if (result.status === "committed") return result.state;
    const known = await resolve(ctx, result, wanted);
    if (known !== null) return known;
  }
  throw new EngineError({
    code: "contention",
    message: "too many callers ask for the same action at once; try again",
    retryAfterMs: 1000,
  });
}

/** What a conflict means: an earlier answer under the same key, a limit, or one more round. */
async function resolve(ctx: Context, result: NotCommitted, wanted: Ask): Promise<RequestState | null> {
  if (result.status === "duplicate") {
    if (result.fingerprint !== wanted.key?.fingerprint) {
      throw new EngineError({
        code: "idempotency_reused",
        message: "this Idempotency-Key was used with another body; use a new key",
      });
    }
    return loadRequest(ctx, parseId("request", result.answer["request"]));
  }
  if (result.on === "owner") {
    const message = `this agent already has ${result.held} requests waiting for people; wait for some to be decided`;
    throw new EngineError({ code: "pending_limited", message, retryAfterMs: 30_000 });
  }
  return null;
}

/** The denial must be ours, for this agent, about exactly this action, and fresh. */
async function checkBinding(ctx: Context, caller: Caller, evaluation: EvaluationId, digest: Digest): Promise<void> {
  const [entry] = await ctx.store.stream(evaluationStream(evaluation));
  if (entry === undefined)
    throw new EngineError({ code: "evaluation_unknown", message: `evaluation \`${evaluation}\` is not known` });
  const { at, payload } = openEntry(entry.header, entry.payload, entry.salt);
  const body = payload as { readonly [member: string]: Json } | null;
  if (body === null || body["agent"] !== caller.agent || body["digest"] !== digest) {
    throw new EngineError({
      code: "denial_binding_invalid",
      message: "the evaluation was about another subject, action, resource or environment",
    });
  }
  if (ctx.clock.now() >= at + ctx.limits.evaluationTtlMs) {
    throw new EngineError({
      code: "evaluation_expired",
      message: "the evaluation is too old to be followed by a request; evaluate again",
    });
  }
  const { decision } = body;
  if (!isJsonObject(decision) || decision["outcome"] !== "require_approval") {
    throw new EngineError({
      code: "not_requestable",
      message: "this evaluation did not ask for an approval; evaluate again",
    });
  }
}

function idempotency(
  wanted: Ask,
  caller: Caller,
  request: RequestId,
): { idempotency?: { key: string; fingerprint: string; answer: JsonObject } } {
  if (wanted.key === null) return {};
  return {
    idempotency: {
      key: `request:${caller.token}:${wanted.key.value}`,
      fingerprint: wanted.key.fingerprint,
      answer: { request },
    },
  };
}

async function commitOpen(
  ctx: Context,
  caller: Caller,
  wanted: Ask,
  action: { digest: Digest; text: string },
): Promise<Committed | NotCommitted> {
  const at = ctx.clock.now();
  const { question } = wanted;
  const asked = { agent: caller.agent, question, digest: action.digest, rules: ctx.rules(), at };
  const assessment = await assess(ctx, asked);
  // An evaluation made before people said no must not be a way round their denial.
  const decision = requestable(await afterDenial(ctx, caller, action.digest, assessment.decision, at));
  const opened = openedRequest(ctx, caller, wanted, action, { ...assessment, decision }, at);
  return commitRequest(
    ctx,
    null,
    [{ type: "request.opened", request: opened }],
    at,
    idempotency(wanted, caller, opened.id),
  );
}

const WORDS = { deny: "denied", modify: "to be changed; evaluate again", defer: "waiting for facts; evaluate again" };

function requestable(decision: Decision): Held {
  if (decision.outcome === "require_approval") return decision;
  const now =
    decision.outcome === "allow" ? "allowed; evaluate again" : `${WORDS[decision.outcome]}: ${decision.because}`;
  throw new EngineError({ code: "not_requestable", message: `nobody can be asked for this action: it is now ${now}` });
}

function openedRequest(
  ctx: Context,
  caller: Caller,
  wanted: Ask,
  action: { digest: Digest; text: string },
  { classification, risk, decision }: Assessment & { readonly decision: Held },
  at: Instant,
): OpenedRequest {
  const behind = behindOf(ctx, caller, wanted, at);
  return {
    id: formatId("request", ctx.chance.bytes(ID_BYTES)),
    evaluation: wanted.evaluation,
    digest: action.digest,
    canonical: action.text,
    question: wanted.question,
    agent: caller.agent,
    gate: caller.gate,
    classification,
    risk,
    holds: decision.holds,
    terms: needsTwo(behind) ? atLeastTwo(decision.terms) : decision.terms,
    assurance: decision.assurance,
    // Editors are no initiators: they bar themselves, and make no action somebody's.
    barred: [...behind.barred, ...makerOf(caller), ...editorsOf(decision, ctx.rules().directory, at)],
    openedAt: at,
    expiresAt: (at + decision.expiresInMs) as Instant,
    approvedForMs: ctx.limits.approvedForMs,
    client: wanted.client,
  };
}

function behindOf(ctx: Context, caller: Caller, wanted: Ask, at: Instant): Behind {
  const { directory } = ctx.rules();
  return peopleBehind(
    wanted.question.subject,
    directory.agents.get(caller.agent),
    caller.holder,
    directory,
    at,
    wanted.client,
    caller.vouched ?? null,
  );
}

/** Whoever made the token has seen it, and could ask with it in another's name. No initiator, as with editors. */
function makerOf({ maker }: Caller): readonly Barred[] {
  return maker === undefined ? [] : [{ person: maker, relation: "token_holder", evidence: "made the gate's token" }];
}

/** Nobody is known behind the action, or somebody is who fits nobody in the directory: one approver could be that person. */
function needsTwo(behind: Behind): boolean {
  return behind.barred.length === 0 || behind.unknown.length > 0;
}

/** Joins the live request. Null when it was ended instead, because it asks for less than policy does by now. */
async function commitAttach(
  ctx: Context,
  caller: Caller,
  wanted: Ask,
  state: RequestState,
): Promise<Committed | NotCommitted | null> {
  const at = ctx.clock.now();
  const behind = behindOf(ctx, caller, wanted, at);
  const reason = wanted.question.context.reason ?? null;
  const events = attach(state, {
    evaluation: wanted.evaluation,
    gate: caller.gate,
    barred: [...behind.barred, ...makerOf(caller)],
    raise: needsTwo(behind),
    reason,
  });
  const after = events.reduce((next, event) => applyEvent(next, { event, at }), state);
  const { question } = wanted;
  const asked = { agent: caller.agent, question, digest: state.opened.digest, rules: ctx.rules(), at };
  const { decision, risk } = await assess(ctx, asked);
  const ended = outgrown(after, decision, lasting(risk));
  if (ended === null) return commitRequest(ctx, state, events, at, idempotency(wanted, caller, state.opened.id));
  const result = await commitRequest(ctx, state, [...events, ended], at);
  return result.status === "committed" ? null : result;
}

/** The end of a request that could be approved, or was, and would still release nothing: else the agent waits in vain. */
function outgrown(state: RequestState, decision: Decision, risk: Risk): RequestEvent | null {
  if (state.progress.status === "approved")
    return covers(state, decision, risk) === null ? null : { type: "permit.expired" };
  if (suffices(state, decision, risk)) return null;
  return { type: "request.failed", because: "policy has changed since, and asks for more than was asked here" };
}

/** Writes down what the clock already says; null when it is written. */
export async function settleExpired(ctx: Context, state: RequestState): Promise<NotCommitted | null> {
  const at = ctx.clock.now();
  const events = expire(state, at);
  if (events.length === 0) return null;
  const result = await commitRequest(ctx, state, events, at);
  return result.status === "committed" ? null : result;
}

/** The agent's own request, or a refusal that does not say whether another's exists. */
export async function requestFor(ctx: Context, caller: Caller, id: RequestId): Promise<RequestState | Refusal> {
  const state = await loadRequest(ctx, id);
  return state === null || state.opened.agent !== caller.agent ? refuse("request_unknown") : state;
}

/** The requester gives up; nothing of it can run any more. */
export async function giveUp(ctx: Context, caller: Caller, id: RequestId): Promise<RequestState | Refusal> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const state = await requestFor(ctx, caller, id);
    if ("refused" in state) return state;
    const at = ctx.clock.now();
    const events = cancel(state, caller.agent, at);
    if ("refused" in events) return events;
    const result = await commitRequest(ctx, state, events, at);
    if (result.status === "committed") return result.state;
  }
  throw new EngineError({ code: "contention", message: "the request is being decided at this moment; look again" });
}

/** The digest of a whole body, to tell a repeated request from a different one under the same key. */
export function fingerprint(body: Json): string {
  return digestOf(canonicalBytes(body));
}
