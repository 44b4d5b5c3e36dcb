import { canonicalAction, jsonText, parseQuestion } from "../core/action/index.ts";
import type { JsonObject, Question } from "../core/action/index.ts";
import { atLeastTwo, covers, isLive, recheck, refuse } from "../core/approval/index.ts";
import type { OpenedRequest, Refusal, RequestState } from "../core/approval/index.ts";
import type { AgentId, EvaluationId, GateId, GroupName, Instant, PersonId, RequestId } from "../core/brand.ts";
import { encodeHex } from "../core/encoding.ts";
import { formatId, ID_BYTES, permitOf, type TokenId } from "../core/ids.ts";
import type { Decision } from "../core/policy/index.ts";
import { scoreRisk, type Classification, type PolicyId, type Risk } from "../core/risk/index.ts";
import type { DocumentChange, RequestRow } from "../ports/store.ts";
import { recordChange } from "./changes.ts";
import type { Context } from "./context.ts";
import {
  planErasure,
  selectorJson,
  selectorOf,
  SUBJECT_CHARS_MIN,
  type ErasurePlan,
  type Selector,
} from "./erasable.ts";
import { EngineError } from "./errors.ts";
import { evaluationStream, recordEvaluation } from "./evaluate.ts";
import { commitRequest, loadRequest, requestStream } from "./journal.ts";

/** Who approves that evidence is erased. */
export type Privacy = { readonly approvers: GroupName; readonly quorum: number };

const ERASE_ACTION = "keyturn.ledger.erase";
const OPERATOR: AgentId = "keyturn.operator" as AgentId;
const GATE: GateId = "keyturn" as GateId;
const POLICY: PolicyId = "keyturn.privacy" as PolicyId;
const EXPIRES_IN_MS = 7 * 86_400_000;
/** Entries of one commit: other appends wait for it. */
const PART = 2000;
const ROUNDS_MAX = 8;
const PENDING = { kind: "erasure", id: "forget" } as const;

export type ErasureAsked = { readonly state: RequestState; readonly plan: ErasurePlan };

/**
 * Plans an erasure and asks people for it. Nothing goes before they agree: evidence is not one operator's to destroy.
 * Nobody is known behind an operator's token, so at least two people have to agree.
 */
export async function askErasure(
  ctx: Context,
  operator: TokenId,
  privacy: Privacy,
  wanted: { readonly selector: Selector; readonly legalBasis: string },
): Promise<ErasureAsked> {
  const { selector, legalBasis } = wanted;
  if ("subject" in selector && [...selector.subject].length < SUBJECT_CHARS_MIN) {
    throw new EngineError({
      code: "erasure_invalid",
      message: `a subject has at least ${SUBJECT_CHARS_MIN} characters`,
    });
  }
  const plan = await planErasure(ctx, selector);
  if (plan.indexes.length === 0) {
    const kept = plan.kept === 0 ? "" : `; ${plan.kept} entries are still in use, such as an open request's`;
    throw new EngineError({ code: "nothing_to_erase", message: `no entry that could go says anything of it${kept}` });
  }
  if (plan.names(legalBasis)) {
    throw new EngineError({
      code: "erasure_invalid",
      message: "the legal basis stays for ever: do not name anybody in it",
    });
  }
  const question = questionOf(ctx, selector, legalBasis, plan);
  const at = ctx.clock.now();
  const assessment = assess(privacy, plan);
  const { text, digest } = canonicalAction(question);
  const evaluation = formatId("evaluation", ctx.chance.bytes(ID_BYTES));
  const caller = { agent: OPERATOR, agentType: "operator", gate: GATE, token: operator, holder: null };
  await recordEvaluation(ctx, caller, question, { id: evaluation, at, digest, canonical: text, ...assessment });
  const opened = openedOf(ctx, question, { evaluation, at }, assessment);
  const result = await commitRequest(ctx, null, [{ type: "request.opened", request: opened }], at);
  if (result.status !== "committed") throw contention();
  return { state: result.state, plan };
}

function questionOf(ctx: Context, selector: Selector, legalBasis: string, plan: ErasurePlan): Question {
  const { until, indexes, requests, kept, digest } = plan;
  return parseQuestion({
    subject: { type: "operator", id: OPERATOR },
    action: {
      name: ERASE_ACTION,
      properties: {
        ...selectorJson(selector),
        legal_basis: legalBasis,
        until,
        entries: indexes.length,
        requests: requests.length,
        kept,
        plan: digest,
        // Without it, whoever has the header could try names against the digest.
        nonce: encodeHex(ctx.chance.bytes(16)),
      },
    },
    resource: { type: "ledger", id: ctx.issuer },
    context: {},
  });
}

type Held = Extract<Decision, { outcome: "require_approval" }>;
type Assessed = { readonly classification: Classification; readonly risk: Risk; readonly decision: Held };

function assess({ approvers, quorum }: Privacy, plan: Pick<ErasurePlan, "indexes">): Assessed {
  const because = "Payloads of the ledger go for good; their entries and every proof stay.";
  const classification: Classification = {
    effects: [{ effect: "delete", because, provenance: "operator" }],
    facts: [
      { name: "irreversible", value: true, provenance: "operator" },
      { name: "rows", value: plan.indexes.length, provenance: "operator" },
    ],
    opaque: [],
  };
  const terms = atLeastTwo([{ group: approvers, quorum }]);
  const hold = { policy: POLICY, because: "Evidence is erased when people agree.", terms, expiresInMs: EXPIRES_IN_MS };
  const decision: Held = {
    outcome: "require_approval",
    holds: [{ ...hold, assurance: "A1" }],
    terms,
    expiresInMs: EXPIRES_IN_MS,
    assurance: "A1",
  };
  return { classification, risk: scoreRisk(classification, undefined), decision };
}

function openedOf(
  ctx: Context,
  question: Question,
  { evaluation, at }: { readonly evaluation: EvaluationId; readonly at: Instant },
  { classification, risk, decision }: Assessed,
): OpenedRequest {
  const { text, digest } = canonicalAction(question);
  return {
    id: formatId("request", ctx.chance.bytes(ID_BYTES)),
    evaluation,
    digest,
    canonical: text,
    question,
    agent: OPERATOR,
    gate: GATE,
    classification,
    risk,
    holds: decision.holds,
    terms: decision.terms,
    assurance: decision.assurance,
    barred: [],
    openedAt: at,
    expiresAt: (at + EXPIRES_IN_MS) as Instant,
    approvedForMs: ctx.limits.approvedForMs,
    client: null,
  };
}

/** What was erased, and by whose word. */
export type Erased = { readonly entries: number; readonly requests: number; readonly by: readonly PersonId[] };

/**
 * Erases what people approved: exactly the entries of the plan that they saw, or none. Who approved is checked again, as
 * at every redemption. Broken off, it may be called again, and goes on. When it resolves, no file of the store holds a
 * byte of what was erased.
 */
export async function performErasure(ctx: Context, privacy: Privacy, id: RequestId): Promise<Erased | Refusal> {
  return ctx.turns.take("erasure", async () => {
    const released = await release(ctx, privacy, id);
    if ("refused" in released) return released;
    const { state, plan, by } = released;
    const legalBasis = jsonText(state.opened.question.action.properties?.["legal_basis"]);
    for (let at = 0; at < plan.indexes.length; at += PART) {
      await eraseParts(ctx, state, plan.indexes.slice(at, at + PART), { by, legalBasis });
    }
    await scrub(ctx, plan);
    await complete(ctx, state, plan);
    await resumeForget(ctx);
    return { entries: plan.indexes.length, requests: plan.requests.length, by };
  });
}

type Released = { readonly state: RequestState; readonly plan: ErasurePlan; readonly by: readonly PersonId[] };

async function release(ctx: Context, privacy: Privacy, id: RequestId): Promise<Released | Refusal> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const state = await loadRequest(ctx, id);
    if (state === null || state.opened.agent !== OPERATOR) return refuse("request_unknown");
    const { progress, opened } = state;
    const { properties } = opened.question.action;
    const selector = selectorOf(properties);
    if (selector === null) return refuse("request_unknown");
    if (progress.status !== "approved") return refuse("not_approved");
    if (progress.outcome !== null) return refuse("permit_redeemed");
    const plan = await planErasure(ctx, selector, Number(properties?.["until"]));
    // Redeemed already: an erasure that was broken off, of which a part is gone.
    if (progress.permit.status === "redeemed") return { state, plan, by: progress.by };
    const at = ctx.clock.now();
    if (!isLive(state, at)) return refuse("approval_expired");
    const voids = recheck(state, ctx.rules().directory, at);
    if (voids.length > 0) {
      await commitRequest(ctx, state, voids, at);
      continue;
    }
    const { decision, risk } = assess(privacy, plan);
    const refusal = covers(state, decision, risk);
    if (refusal !== null) return refusal;
    if (plan.digest !== properties?.["plan"]) return refuse("permit_other_action");
    const permit = permitOf(id);
    const expiresAt = progress.approvedUntil;
    const events = [
      { type: "permit.issued", permit, gate: GATE, expiresAt },
      { type: "permit.redeemed", permit, gate: GATE, attempt: id },
    ] as const;
    const result = await commitRequest(ctx, state, events, at);
    if (result.status === "committed") return { state: result.state, plan, by: progress.by };
  }
  throw contention();
}

/** One part, in the same commit as the entry that says so. */
async function eraseParts(
  ctx: Context,
  { opened }: RequestState,
  indexes: readonly number[],
  { by, legalBasis }: { readonly by: readonly PersonId[]; readonly legalBasis: string },
): Promise<void> {
  const payload: JsonObject = { request: opened.id, by, legal_basis: legalBasis, indexes: rangesOf(indexes) };
  const publics = { request: opened.id, entries: indexes.length };
  const documents = [{ ...PENDING, body: { pending: true } }];
  await recordChange(ctx, "erasure.performed", payload, publics, { erase: indexes, documents });
}

/** Indexes as pairs of first and last, in order. */
function rangesOf(indexes: readonly number[]): readonly (readonly [number, number])[] {
  const ranges: [number, number][] = [];
  for (const index of indexes.toSorted((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === index - 1) last[1] = index;
    else ranges.push([index, index]);
  }
  return ranges;
}

/** What else the store shows of them: rows of the inbox, sign-ins and sessions. */
async function scrub(ctx: Context, plan: ErasurePlan): Promise<void> {
  const gone = new Set(plan.requests);
  const size = 200;
  let before: { openedAt: Instant; id: RequestId } | undefined;
  for (;;) {
    const rows = await ctx.store.requests({ limit: size, ...(before === undefined ? {} : { before }) });
    const scrubbed = rows
      .filter(({ id }) => gone.has(id))
      .map((row): RequestRow => ({ ...row, view: { erased: true } }));
    if (scrubbed.length > 0) await ctx.store.append({ entries: [], requests: scrubbed });
    const last = rows.at(-1);
    if (last === undefined || rows.length < size) break;
    before = { openedAt: last.openedAt, id: last.id };
  }
  const documents = (await ctx.store.documents("credential"))
    .filter(({ body }) => plan.names(body))
    .map(({ kind, id }): DocumentChange => ({ kind, id, body: null }));
  if (documents.length > 0) await ctx.store.append({ entries: [], documents });
}

/** The outcome; with it goes what the erasure's own entries say of whom it was about. */
async function complete(ctx: Context, state: RequestState, plan: ErasurePlan): Promise<void> {
  const { id, evaluation } = state.opened;
  const streams = [evaluationStream(evaluation), requestStream(id)];
  const own = (await Promise.all(streams.map((stream) => ctx.store.stream(stream)))).flat();
  const naming = own.filter(({ payload }) => payload !== null && plan.names(JSON.parse(decoder.decode(payload))));
  const at = ctx.clock.now();
  const outcome = { status: "succeeded", at, details: { entries: plan.indexes.length } } as const;
  const erase = naming.map(({ index }) => index);
  const extra = { erase, documents: [{ ...PENDING, body: { pending: true } }] };
  const result = await commitRequest(ctx, state, [{ type: "action.completed", outcome }], at, extra);
  if (result.status !== "committed") throw contention();
}

const decoder = new TextDecoder();

/** Finishes an erasure that was broken off before the files were rewritten; called again at every start. */
export async function resumeForget(ctx: Pick<Context, "store">): Promise<void> {
  if ((await ctx.store.document(PENDING.kind, PENDING.id)) === null) return;
  await ctx.store.forget();
  await ctx.store.append({ entries: [], documents: [{ ...PENDING, body: null }] });
}

function contention(): EngineError {
  return new EngineError({ code: "contention", message: "the ledger is changing at this moment; try again" });
}
