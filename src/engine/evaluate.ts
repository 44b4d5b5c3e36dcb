import { canonicalAction, questionInOrder, type JsonObject, type Question } from "../core/action/index.ts";
import type { AgentId, Digest, EvaluationId, GateId, Instant, PersonId, StreamName } from "../core/brand.ts";
import { formatId, ID_BYTES, type TokenId } from "../core/ids.ts";
import type { Decision } from "../core/policy/index.ts";
import type { Classification, Moment, Risk } from "../core/risk/index.ts";
import type { Append, NewEntry } from "../ports/store.ts";
import { assess, type Assessing, type Assessment } from "./assess.ts";
import type { Context, Rules } from "./context.ts";
import { deferralAt, openDeferral, resolveDeferral, type Deferral } from "./deferrals.ts";
import { EngineError } from "./errors.ts";
import { asJson, deniedSlot, loadRequest, seal } from "./journal.ts";
import { momentJson } from "./moment-json.ts";
import { Tally } from "./tally.ts";
import { tighten } from "./tighten.ts";
import { parseId } from "../core/ids.ts";

/** Who calls, as the gate's token says. */
export type Caller = {
  readonly agent: AgentId;
  readonly agentType: string;
  readonly gate: GateId;
  readonly token: TokenId;
  /** The person who holds the token, when it was made for one. */
  readonly holder: PersonId | null;
  /** The administrator who made the token. */
  readonly maker?: PersonId;
  /** People behind the caller by the word of the platform that it runs on, in the members of a subject's claims. */
  readonly vouched?: JsonObject;
};

/** One answered question. It is in the ledger before anybody hears of it. */
export type Evaluation = {
  readonly id: EvaluationId;
  readonly at: Instant;
  readonly digest: Digest;
  readonly canonical: string;
  readonly classification: Classification;
  /** What came before; left out where nobody looked back. */
  readonly moment?: Moment;
  readonly risk: Risk;
  readonly decision: Decision;
  /** The stricter action that policy put in the place of this one, and its own evaluation. */
  readonly modified?: { readonly question: Question; readonly evaluation: Evaluation };
  /** The wait for facts that this answer began or joined. */
  readonly deferral?: Deferral;
};

export function evaluationStream(id: EvaluationId): StreamName {
  return `evaluation/${id}` as StreamName;
}

/** Answers a question and records the answer. Repeating it changes nothing: an evaluation never uses up an approval. */
export async function evaluate(ctx: Context, caller: Caller, question: Question): Promise<Evaluation> {
  await admit(ctx, caller);
  checkSubject(ctx, caller, question);
  const at = ctx.clock.now();
  const ordered = questionInOrder(question);
  const { text: canonical, digest } = canonicalAction(ordered);
  const rules = ctx.rules();
  const id = formatId("evaluation", ctx.chance.bytes(ID_BYTES));
  const tally = new Tally(ctx, caller.agent);
  const settle = (assessment: Assessment): void => tally.count(id, assessment);
  const asked: Assessing = {
    agent: caller.agent,
    question,
    digest,
    rules,
    at,
    settle,
    advice: adviceOf(ctx, question, digest),
  };
  try {
    const assessed = assess(ctx, asked);
    const first = assessed instanceof Promise ? await assessed : assessed;
    const evaluation: Evaluation = { id, at, digest, canonical, ...first };
    // Most answers end here, with nothing to wait for.
    const isPlain = first.decision.outcome === "allow" || first.decision.outcome === "deny";
    const concluded = isPlain ? evaluation : await conclude(ctx, caller, asked, evaluation, tally);
    return await record(ctx, rules, caller, ordered, concluded, tally);
  } catch (error) {
    tally.undo();
    throw error;
  }
}

function adviceOf({ around: { adviser } }: Context, question: Question, digest: Digest): Assessing["advice"] {
  return adviser === null ? null : (classification) => adviser({ question, digest, classification });
}

/** What an answer other than yes and no comes to: people who are asked, a stricter action, a wait for facts. */
async function conclude(
  ctx: Context,
  caller: Caller,
  asked: Assessing,
  evaluation: Evaluation,
  tally: Tally,
): Promise<Evaluation> {
  const { at, decision, risk, classification } = evaluation;
  if (decision.outcome === "require_approval") return evaluation;
  if (decision.outcome === "defer") return deferred(ctx, caller, evaluation, decision);
  const id = formatId("evaluation", ctx.chance.bytes(ID_BYTES));
  const result = await tighten(ctx, asked, { classification, risk, decision }, ({ assessment }) =>
    tally.count(id, assessment),
  );
  if ("outcome" in result) return { ...evaluation, decision: result };
  const { question, assessment, ...changed } = result;
  const inner = assessment.decision;
  if (inner.outcome === "deny") {
    tally.drop(id);
    return { ...evaluation, decision: { ...inner, because: `Even if it is changed: ${inner.because}` } };
  }
  // The facts are of the resource, or are told of the action that was asked for: it waits as it is.
  if (inner.outcome === "defer") return deferred(ctx, caller, evaluation, inner);
  return { ...evaluation, modified: { question, evaluation: { id, at, ...changed, ...assessment } } };
}

/** The same action waits once; one that has just waited in vain is denied. */
function deferred(
  ctx: Context,
  caller: Caller,
  evaluation: Evaluation,
  decision: Extract<Decision, { outcome: "defer" }>,
): Evaluation {
  const { digest, at } = evaluation;
  const known = ctx.around.deferrals.of(caller.agent, digest);
  const status = known === null ? null : deferralAt(known, at);
  if (known !== null && status === "waiting") return { ...evaluation, decision, deferral: known };
  if (known !== null && status === "expired" && at < known.expiresAt + ctx.limits.denialCooldownMs) {
    const because = `Nobody said in time what is missing: ${known.facts.join(", ")}.`;
    const { policies } = decision;
    return { ...evaluation, decision: { outcome: "deny", code: "deferral_expired", because, policies } };
  }
  return { ...evaluation, decision };
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
  if (decision.outcome !== "require_approval") return decision;
  const holder = await ctx.store.slot(deniedSlot({ agent: caller.agent, digest }));
  return holder === null ? decision : ((await denialOf(ctx, holder, at)) ?? decision);
}

/** The answer while the denial in this request is young; null once it may be asked again. */
async function denialOf(ctx: Context, holder: StreamName, at: Instant): Promise<Decision | null> {
  const request = await loadRequest(ctx, parseId("request", holder.slice("request/".length)));
  if (request === null || at >= request.changedAt + ctx.limits.denialCooldownMs) return null;
  const seconds = Math.ceil((request.changedAt + ctx.limits.denialCooldownMs - at) / 1000);
  return {
    outcome: "deny",
    code: "repeated_denial",
    because: `people denied exactly this in \`${request.opened.id}\`; it may be asked again in ${seconds} s`,
    policies: [],
  };
}

/** Writes down an answer and the rules that it rests on, which may not be those in force any more. */
export async function recordEvaluation(
  ctx: Context,
  rules: Rules,
  caller: Caller,
  question: Question,
  evaluation: Evaluation,
): Promise<void> {
  await append(ctx, [entryOf(ctx, rules, caller, question, evaluation)], {});
}

/** One append, whatever belongs to the answer: the evaluation of a stricter action, the beginning or end of a wait. */
async function record(
  ctx: Context,
  rules: Rules,
  caller: Caller,
  question: Question,
  evaluation: Evaluation,
  tally: Tally,
  past: ReadonlySet<string> = new Set(),
): Promise<Evaluation> {
  const { id, at, digest, decision, modified, deferral } = evaluation;
  const { deferrals, sessions, keeper } = ctx.around;
  const entries = [entryOf(ctx, rules, caller, question, evaluation)];
  if (modified !== undefined) entries.push(entryOf(ctx, rules, caller, modified.question, modified.evaluation));
  const known = deferrals.of(caller.agent, digest);
  const change =
    decision.outcome === "defer"
      ? deferral === undefined
        ? openDeferral(ctx, caller.agent, { question, digest, evaluation: id, at }, decision)
        : null
      : known !== null && deferralAt(known, at) === "waiting"
        ? resolveDeferral(ctx, known, at, { evaluation: id })
        : null;
  const { entries: more = [], ...extra } = change?.parts ?? {};
  const result = await append(ctx, [...entries, ...more], { ...extra, ...notDenied(caller, evaluation, past, extra) });
  if (typeof result === "object") {
    const denial = await denialOf(ctx, result.holder, at);
    // Its time is over, and only the slot is not free yet: whoever asks now is asked for.
    if (denial === null) {
      return record(ctx, rules, caller, question, evaluation, tally, new Set([...past, result.slot]));
    }
    const { modified: given, ...asked } = evaluation;
    if (given !== undefined) tally.drop(given.evaluation.id);
    return record(ctx, rules, caller, question, { ...asked, decision: denial }, tally);
  }
  if (result === "full") {
    const because = `More than ${ctx.limits.deferredPerAgent} actions of this agent wait for facts.`;
    const full = { outcome: "deny", code: "limit_exceeded", because, policies: [] } as const;
    return record(ctx, rules, caller, question, { ...evaluation, decision: full }, tally);
  }
  sessions.attempted(caller.agent, question, at);
  if (decision.outcome === "deny") tally.deny(id, question, at);
  tally.settle(
    entries.map(({ stream }) => stream),
    result,
  );
  keeper.counted();
  if (change === null) return evaluation;
  deferrals.put(change.deferral);
  return decision.outcome === "defer" ? { ...evaluation, deferral: change.deferral } : evaluation;
}

/** People are asked only while no denial of theirs is on record: looked up in the same commit, so that nobody slips between. */
function notDenied(
  { agent }: Caller,
  { digest, decision, modified }: Evaluation,
  past: ReadonlySet<string>,
  { slots = [] }: Omit<Append, "entries">,
): Pick<Append, "slots"> {
  const asked = [{ digest, decision }, ...(modified === undefined ? [] : [modified.evaluation])]
    .filter((each) => each.decision.outcome === "require_approval")
    .map((each) => deniedSlot({ agent, digest: each.digest }))
    .filter((slot) => !past.has(slot));
  return asked.length === 0 ? {} : { slots: [...asked.map((unheld) => ({ unheld })), ...slots] };
}

type Denied = { readonly slot: string; readonly holder: StreamName };

async function append(
  ctx: Context,
  entries: readonly NewEntry[],
  extra: Omit<Append, "entries">,
): Promise<number | "full" | Denied> {
  const result = await ctx.store.append({ entries, ...extra });
  if (result.status === "appended") return result.index;
  if (result.status === "conflict" && result.on === "owner") return "full";
  const isGuard = (slot: string): boolean =>
    extra.slots?.some((one) => "unheld" in one && one.unheld === slot) === true;
  if (result.status === "conflict" && result.on === "slot" && isGuard(result.slot)) return result;
  throw new EngineError({ code: "contention", message: "the evaluation could not be recorded; try again" });
}

function entryOf(ctx: Context, rules: Rules, caller: Caller, question: Question, evaluation: Evaluation): NewEntry {
  const { id, at, digest, classification, moment, risk, decision, modified, deferral } = evaluation;
  // Members stand in the order of the canonical form, which spares sorting them for every answer.
  const payload = asJson({
    agent: caller.agent,
    classification,
    decision,
    ...(deferral === undefined ? {} : { deferral: deferral.id }),
    digest,
    gate: caller.gate,
    ...(modified === undefined
      ? {}
      : { modified: { digest: modified.evaluation.digest, evaluation: modified.evaluation.id } }),
    ...(moment === undefined ? {} : { moment: momentJson(moment, at) }),
    question,
    risk,
    token: caller.token,
  });
  const publics = {
    catalogue: rules.catalogueDigest,
    digest,
    directory: rules.directory.digest,
    gate: caller.gate,
    level: risk.level,
    outcome: decision.outcome,
    policies: rules.policies.digest,
    weights: risk.weights,
  };
  return seal(ctx, evaluationStream(id), 0, "action.evaluated", at, payload, publics);
}
