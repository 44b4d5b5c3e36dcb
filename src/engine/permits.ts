import {
  covers,
  isLive,
  recheck,
  refuse,
  type Outcome,
  type Refusal,
  type RequestState,
} from "../core/approval/index.ts";
import { canonicalize, type Question } from "../core/action/index.ts";
import type { AgentId, Digest, EvaluationId, Instant, PermitId, StreamName } from "../core/brand.ts";
import { approvalOf, parseId, permitOf, requestOf, requestOfPermit } from "../core/ids.ts";
import { openEntry } from "../core/ledger/index.ts";
import {
  assemblePermit,
  checkRedemption,
  parsePermit,
  PERMIT_TTL_MS,
  permitSigningInput,
  requestBehind,
  type PermitClaims,
} from "../core/permit/index.ts";
import type { StoredEntry } from "../ports/store.ts";
import { lasting, type Classification } from "../core/risk/index.ts";
import { assess, type Assessment } from "./assess.ts";
import type { Context } from "./context.ts";
import { EngineError } from "./errors.ts";
import { checkSubject, evaluationStream, type Caller, type Evaluation } from "./evaluate.ts";
import { asJson, commitRequest, isLate, loadRequest, requestStream, seal } from "./journal.ts";
import { deedOf, type Deed } from "./session-agent.ts";
import { extraIn, keyOf } from "./session-store.ts";
import type { Reservation } from "./session.ts";

/** Where in the ledger something stands. */
export type Receipt = { readonly index: number; readonly size: number };

export type Issued = { readonly permit: string; readonly id: PermitId; readonly expiresAt: Instant };

const ROUNDS_MAX = 8;

/**
 * Applies a granted approval to a fresh evaluation of the same action: under today's policy and roster it either
 * becomes a permit or a refusal. It uses nothing up; redemption does.
 */
export async function applyApproval(
  ctx: Context,
  caller: Caller,
  evaluation: Evaluation,
  approval: string,
): Promise<Issued | Refusal> {
  const id = requestOf(parseId("approval", approval));
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const state = await loadRequest(ctx, id);
    if (state === null || state.opened.agent !== caller.agent) return refuse("request_unknown");
    const refusal = await refusalNow(ctx, state, evaluation.digest, evaluation);
    if (refusal === "again") continue;
    if (refusal !== null) return refusal;
    if (state.progress.status !== "approved") return refuse("not_approved");

    const at = ctx.clock.now();
    const { permit, approvedUntil } = state.progress;
    if (permit.status === "issued" && permit.gate === caller.gate && permit.expiresAt - at > PERMIT_TTL_MS / 2) {
      return signed(ctx, caller, state, permit.at, permit.expiresAt);
    }
    // The claims of a JWS count whole seconds; what the ledger says must not be later.
    const expiresAt = (Math.floor(Math.min(at + PERMIT_TTL_MS, approvedUntil) / 1000) * 1000) as Instant;
    const issued = { type: "permit.issued", permit: permitOf(id), gate: caller.gate, expiresAt } as const;
    const result = await commitRequest(ctx, state, [issued], at);
    if (result.status === "committed") return signed(ctx, caller, state, at, expiresAt);
  }
  throw new EngineError({
    code: "contention",
    message: "the approval is changing at this moment; evaluate again",
    retryAfterMs: 500,
  });
}

/**
 * The permit as a JWS. Ed25519 is deterministic, so that asking again soon gives the very same permit without another
 * entry: an agent that asks in a loop does not fill the ledger.
 */
function signed(ctx: Context, caller: Caller, { opened }: RequestState, issuedAt: Instant, expiresAt: Instant): Issued {
  const claims: PermitClaims = {
    issuer: ctx.issuer,
    gate: caller.gate,
    agent: caller.agent,
    permit: permitOf(opened.id),
    approval: approvalOf(opened.id),
    digest: opened.digest,
    issuedAt,
    expiresAt,
  };
  const { action, resource } = opened.question;
  const input = permitSigningInput(claims, ctx.signer.keyId, { name: action.name, resource });
  const permit = assemblePermit(input, ctx.signer.sign(new TextEncoder().encode(input)));
  return { permit, id: claims.permit, expiresAt };
}

/** Everything that can have changed since people approved: time, use, roster, policy, risk. `again` after a void was written. */
async function refusalNow(
  ctx: Context,
  state: RequestState,
  digest: Digest | string,
  assessed: Pick<Evaluation, "decision" | "risk">,
): Promise<Refusal | null | "again"> {
  if (state.opened.digest !== digest) return refuse("permit_other_action");
  if (state.progress.status !== "approved")
    return state.voided.length > 0 ? refuse("approval_voided", lastVoid(state)) : refuse("not_approved");
  if (state.progress.permit.status === "redeemed") return refuse("permit_redeemed");
  if (!isLive(state, ctx.clock.now())) return refuse("approval_expired");
  const at = ctx.clock.now();
  const voids = recheck(state, ctx.rules().directory, at);
  if (voids.length > 0) {
    await commitRequest(ctx, state, voids, at);
    return "again";
  }
  return covers(state, assessed.decision, lasting(assessed.risk));
}

function lastVoid(state: RequestState): string {
  return state.voided.at(-1)?.refusal.because.replace(/\.$/, "") ?? "a review no longer counts";
}

export type Redeemed = { readonly id: PermitId; readonly at: Instant; readonly receipt: Receipt };

/**
 * Uses a permit, once. Signature, gate, digest, time, approvers and policy are looked at again here, and the entry
 * is durable before the answer: whoever holds the answer may execute. The same attempt gets the same answer.
 */
export async function redeem(
  ctx: Context,
  caller: Caller,
  permit: string,
  digest: string,
  attempt: string,
): Promise<Redeemed | Refusal> {
  const parsed = parsePermit(permit);
  if (parsed.keyId !== ctx.signer.keyId || !ctx.signer.verify(parsed.signed, parsed.signature))
    return refuse("permit_unknown");
  const { claims } = parsed;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const state = await loadRequest(ctx, requestBehind(claims));
    if (state === null) return refuse("permit_unknown");
    const repeated = await sameAttempt(ctx, caller, state, claims, digest, attempt);
    if (repeated !== null) return repeated;

    const at = ctx.clock.now();
    const refused = checkRedemption(claims, ctx.issuer, state, {
      gate: caller.gate,
      agent: caller.agent,
      digest,
      attempt,
      at,
    });
    if (refused !== null) return refused;
    checkSubject(ctx, caller, state.opened.question);
    const released = await release(ctx, caller, state, { digest, claims, attempt, at });
    if (released !== "again") return released;
  }
  throw new EngineError({
    code: "contention",
    message: "the permit is being redeemed at this moment; retry with the same attempt",
    retryAfterMs: 200,
  });
}

/** The one look at policy, people and clock that counts, and the commit. What is let through counts from that look on. */
async function release(
  ctx: Context,
  caller: Caller,
  state: RequestState,
  { digest, claims, attempt, at }: { digest: string; claims: PermitClaims; attempt: string; at: Instant },
): Promise<Redeemed | Refusal | "again"> {
  const { opened } = state;
  const { question } = opened;
  const { permit } = claims;
  const key = keyOf(requestStream(opened.id), "permit.redeemed");
  const counted: { reservation: Reservation | null } = { reservation: null };
  const settle = ({ deed }: Assessment): void => {
    counted.reservation = ctx.around.sessions.pass(key, opened.agent, deed);
  };
  let isDone = false;
  try {
    const asked = { agent: opened.agent, question, digest: opened.digest, rules: ctx.rules(), at, settle };
    const refusal = await refusalNow(ctx, state, digest, await assess(ctx, asked));
    if (refusal !== null) return refusal;
    const redeemed = { type: "permit.redeemed", permit, gate: caller.gate, attempt } as const;
    // A later permit may have been issued since; this one ends when it says.
    const result = await commitRequest(ctx, state, [redeemed], at, { notAfter: claims.expiresAt });
    if (result.status !== "committed") return isLate(result) ? refuse("permit_expired") : "again";
    isDone = true;
    counted.reservation?.settle(result.index);
    ctx.around.keeper.counted();
    return { id: permit, at, receipt: { index: result.index, size: result.size } };
  } finally {
    if (!isDone) counted.reservation?.undo();
  }
}

/** A retry whose first answer was lost: the same gate, digest and attempt. Anything else is a second use. */
async function sameAttempt(
  ctx: Context,
  caller: Caller,
  state: RequestState,
  claims: PermitClaims,
  digest: string,
  attempt: string,
): Promise<Redeemed | null> {
  if (state.progress.status !== "approved" || state.progress.permit.status !== "redeemed") return null;
  const { permit } = state.progress;
  if (
    permit.attempt !== attempt ||
    claims.gate !== caller.gate ||
    claims.agent !== caller.agent ||
    state.opened.digest !== digest
  )
    return null;
  const entries = await ctx.store.stream(requestStream(state.opened.id));
  const entry = entries.find((e) => e.type === "permit.redeemed");
  return entry === undefined
    ? null
    : { id: claims.permit, at: permit.at, receipt: { index: entry.index, size: entry.index + 1 } };
}

/** Records what happened under a permit, once; a repeat of the same report is answered alike. */
export async function completePermit(
  ctx: Context,
  caller: Caller,
  permit: PermitId,
  outcome: Omit<Outcome, "at">,
): Promise<Receipt | Refusal> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const state = await loadRequest(ctx, requestOfPermit(permit));
    if (state === null || state.opened.agent !== caller.agent) return refuse("permit_unknown");
    if (state.progress.status !== "approved" || state.progress.permit.status !== "redeemed")
      return refuse("not_redeemed");
    if (state.progress.outcome !== null) {
      if (!isSameOutcome(state.progress.outcome, outcome)) return refuse("outcome_known");
      return receiptOf(await ctx.store.stream(requestStream(state.opened.id)));
    }
    const at = ctx.clock.now();
    const result = await commitRequest(ctx, state, [{ type: "action.completed", outcome: { ...outcome, at } }], at);
    if (result.status === "committed") {
      const deed = deedOf(state.opened.question, state.opened.classification, at);
      countRows(ctx, requestStream(state.opened.id), { agent: state.opened.agent, deed }, outcome, result.index);
      return { index: result.index, size: result.size };
    }
  }
  throw new EngineError({ code: "contention", message: "the outcome is being recorded at this moment; try again" });
}

function isSameOutcome(known: Omit<Outcome, "at">, told: Omit<Outcome, "at">): boolean {
  return known.status === told.status && canonicalize(known.details) === canonicalize(told.details);
}

function receiptOf(entries: readonly StoredEntry[]): Receipt | Refusal {
  const entry = entries.find(({ type }) => type === "action.completed");
  return entry === undefined ? refuse("outcome_known") : { index: entry.index, size: entry.index + 1 };
}

/** Records what happened after an action that passed at once; a repeat of the same report is answered alike. */
export async function completeEvaluation(
  ctx: Context,
  caller: Caller,
  id: EvaluationId,
  outcome: Omit<Outcome, "at">,
): Promise<Receipt | Refusal> {
  const stream = evaluationStream(id);
  const [entry, completed] = await ctx.store.stream(stream);
  if (entry === undefined) return refuse("permit_unknown");
  const { payload } = openEntry(entry.header, entry.payload, entry.salt);
  const body = payload as Partial<Answered> | null;
  if (body?.agent !== caller.agent) return refuse("permit_unknown");
  if (body.decision?.outcome !== "allow") return refuse("not_redeemed");
  if (completed !== undefined) {
    const { outcome: known } = openEntry(completed.header, completed.payload, completed.salt).payload as {
      outcome?: Outcome;
    };
    return known !== undefined && isSameOutcome(known, outcome) ? receiptOf([completed]) : refuse("outcome_known");
  }
  const at = ctx.clock.now();
  const payloadOut = asJson({ outcome: { ...outcome, at } });
  const result = await ctx.store.append({
    entries: [
      seal(ctx, stream, 1, "action.completed", at, payloadOut, { digest: body.digest ?? "", status: outcome.status }),
    ],
  });
  if (result.status !== "appended") return refuse("outcome_known");
  if (body.question !== undefined && body.classification !== undefined) {
    const deed = deedOf(body.question, body.classification, at);
    countRows(ctx, stream, { agent: caller.agent, deed }, outcome, result.index);
  }
  return { index: result.index, size: result.size };
}

/** What is needed of an evaluation's payload. */
type Answered = {
  readonly agent: string;
  readonly digest: string;
  readonly decision: { readonly outcome?: string };
  readonly question: Question;
  readonly classification: Classification;
};

/** Rows as they came replace an estimate that was smaller; whoever estimates low has taken them all the same. */
function countRows(
  ctx: Context,
  stream: StreamName,
  { agent, deed }: { readonly agent: AgentId; readonly deed: Deed },
  outcome: Omit<Outcome, "at">,
  index: number,
): void {
  const rows = extraIn(asJson({ outcome }));
  if (rows === null || rows <= deed.added.rows) return;
  ctx.around.sessions.more(keyOf(stream, "action.completed"), agent, deed, rows - deed.added.rows, index);
}
