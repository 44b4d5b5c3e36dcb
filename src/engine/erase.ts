import { jsonText, parseQuestion } from "../core/action/index.ts";
import type { JsonObject, Question } from "../core/action/index.ts";
import { atLeastTwo, refuse } from "../core/approval/index.ts";
import type { Refusal, RequestState } from "../core/approval/index.ts";
import type { AgentId, GroupName, Instant, PersonId, RequestId } from "../core/brand.ts";
import { encodeHex } from "../core/encoding.ts";
import type { TokenId } from "../core/ids.ts";
import type { Classification, PolicyId } from "../core/risk/index.ts";
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
import { evaluationStream } from "./evaluate.ts";
import { requestStream } from "./journal.ts";
import {
  askOwn,
  completeOwn,
  isCovered,
  ownAssessment,
  releaseOwn,
  type OwnAssessment,
  type OwnReleased,
} from "./own.ts";

/** Who approves that evidence is erased. */
export type Privacy = { readonly approvers: GroupName; readonly quorum: number };

/** The action by which the house asks to erase. */
export const ERASE_ACTION = "keyturn.ledger.erase";
const OPERATOR: AgentId = "keyturn.operator" as AgentId;
const POLICY: PolicyId = "keyturn.privacy" as PolicyId;
const EXPIRES_IN_MS = 7 * 86_400_000;
/** Entries of one commit: other appends wait for it. */
const PART = 2000;
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
  const state = await askOwn(ctx, {
    agent: OPERATOR,
    agentType: "operator",
    token: operator,
    question,
    assessment: assess(privacy, plan),
    barred: [],
  });
  return { state, plan };
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

function assess({ approvers, quorum }: Privacy, plan: Pick<ErasurePlan, "indexes">): OwnAssessment {
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
  const hold = { policy: POLICY, because: "Evidence is erased when people agree.", terms };
  return ownAssessment(classification, hold, EXPIRES_IN_MS);
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
    await ctx.around.keeper.forgetNames(ctx.clock.now());
    await resumeForget(ctx);
    return { entries: plan.indexes.length, requests: plan.requests.length, by };
  });
}

async function release(ctx: Context, privacy: Privacy, id: RequestId): Promise<OwnReleased<ErasurePlan> | Refusal> {
  const planOf = async ({ opened }: RequestState): Promise<ErasurePlan | Refusal> => {
    const { properties } = opened.question.action;
    const selector = selectorOf(properties);
    return selector === null ? refuse("request_unknown") : planErasure(ctx, selector, Number(properties?.["until"]));
  };
  return releaseOwn(ctx, id, OPERATOR, planOf, (state, plan) => {
    const refusal = isCovered(state, assess(privacy, plan));
    if (refusal !== null) return refusal;
    const agreed = state.opened.question.action.properties?.["plan"];
    return plan.digest === agreed ? null : refuse("permit_other_action");
  });
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
  const erase = naming.map(({ index }) => index);
  const documents = [{ ...PENDING, body: { pending: true } }];
  await completeOwn(ctx, state, { entries: plan.indexes.length }, { erase, documents });
}

const decoder = new TextDecoder();

/** Finishes an erasure that was broken off before the files were rewritten; called again at every start. */
export async function resumeForget(ctx: Pick<Context, "store">): Promise<void> {
  if ((await ctx.store.document(PENDING.kind, PENDING.id)) === null) return;
  await ctx.store.forget();
  await ctx.store.append({ entries: [], documents: [{ ...PENDING, body: null }] });
}
