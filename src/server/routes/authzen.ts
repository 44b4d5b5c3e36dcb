import {
  copyJson,
  isJsonObject,
  parseQuestion,
  type Json,
  type JsonObject,
  type Question,
} from "../../core/action/index.ts";
import { InputError } from "../../core/errors.ts";
import { parseId, requestOfPermit } from "../../core/ids.ts";
import { applyApproval, checkSubject, evaluate, evaluationStream, requestStream } from "../../engine/index.ts";
import type { Caller, Evaluation } from "../../engine/index.ts";
import { callerOf } from "../auth.ts";
import type { House } from "../house.ts";
import { proveNewest, wantsReceipt } from "../receipts.ts";
import type { Routes } from "../route.ts";
import { EvaluationBody, EvaluationsBody } from "../schemas.ts";
import { timeOf } from "../views.ts";

/** Questions of one batch. */
const BATCH_MAX = 100;

/** AuthZEN Authorization API 1.0: evaluation, evaluations, metadata. */
export function authzenRoutes(routes: Routes, house: House): void {
  routes.add({
    method: "POST",
    url: "/access/v1/evaluation",
    access: "gate",
    fresh: bringsApproval,
    summary: "Ask whether an action may run now",
    documents: EvaluationBody,
    handler: async ({ who, raw, query, request }) => {
      const caller = callerOf(who, house.ctx.rules());
      const told = await answer(house, caller, readQuestion(house, caller, raw));
      return wantsReceipt({ query, request }) ? withReceipts(house, told) : told;
    },
  });
  routes.add({
    method: "POST",
    url: "/access/v1/evaluations",
    access: "gate",
    fresh: bringsApproval,
    summary: "Ask several questions at once",
    documents: EvaluationsBody,
    handler: async ({ who, raw }) => answerAll(house, callerOf(who, house.ctx.rules()), raw),
  });
  routes.add({
    method: "GET",
    url: "/.well-known/authzen-configuration",
    access: "anyone",
    summary: "AuthZEN metadata",
    handler: async () => ({
      policy_decision_point: house.publicUrl,
      access_evaluation_endpoint: `${house.publicUrl}/access/v1/evaluation`,
      access_evaluations_endpoint: `${house.publicUrl}/access/v1/evaluations`,
      access_request_endpoint: `${house.publicUrl}/access/v1/requests`,
    }),
  });
}

/** Whether an approval is to be applied: to one question, to one of several, or by what holds for all of them. */
function bringsApproval(raw: Json): boolean {
  if (!isJsonObject(raw)) return false;
  const { context = null, evaluations } = raw;
  if (isJsonObject(context) && context["approval"] !== undefined) return true;
  return Array.isArray(evaluations) && evaluations.some((one: Json) => bringsApproval(one));
}

/** Everything is read before anything is recorded: what is malformed leaves no entry. */
function readQuestion(house: House, caller: Caller, raw: Json, pointer: string = ""): Question {
  const question = parseQuestion(raw, pointer);
  if (question.context.approval !== undefined)
    parseId("approval", question.context.approval.id, `${pointer}/context/approval/id`);
  checkSubject(house.ctx, caller, question);
  return question;
}

/** The same answer with the receipt of its evaluation, and of the permit where it holds one. */
async function withReceipts(house: House, told: JsonObject): Promise<JsonObject> {
  const context = told["context"] as JsonObject;
  const evaluation = parseId("evaluation", context["evaluation_id"]);
  const receipt = await proveNewest(house, evaluationStream(evaluation), "action.evaluated");
  const permit = context["permit_id"] === undefined ? null : parseId("permit", context["permit_id"]);
  const issued =
    permit === null ? null : await proveNewest(house, requestStream(requestOfPermit(permit)), "permit.issued");
  const receipts = { ...(receipt === null ? {} : { receipt }), ...(issued === null ? {} : { permit_receipt: issued }) };
  return { ...told, context: { ...context, ...receipts } };
}

async function answer(house: House, caller: Caller, question: Question): Promise<JsonObject> {
  const evaluation = await evaluate(house.ctx, caller, question);
  house.metrics.count("evaluations_total", { outcome: evaluation.decision.outcome });
  const { approval } = question.context;
  return approval === undefined
    ? plainAnswer(house, evaluation)
    : approvedAnswer(house, caller, evaluation, approval.id);
}

/** AuthZEN §7: defaults at the top, one answer a question, and the three semantics of the batch. */
async function answerAll(house: House, caller: Caller, raw: Json): Promise<JsonObject> {
  if (!isJsonObject(raw)) throw new InputError({ code: "question_invalid", message: "the body is an object" });
  const { evaluations, options, ...defaults } = raw;
  if (evaluations === undefined || (Array.isArray(evaluations) && evaluations.length === 0)) {
    return answer(house, caller, readQuestion(house, caller, defaults));
  }
  if (!Array.isArray(evaluations) || evaluations.length > BATCH_MAX) {
    throw new InputError({
      code: "question_invalid",
      message: `\`/evaluations\` is a list of at most ${BATCH_MAX} questions`,
      pointer: "/evaluations",
    });
  }
  const semantic = isJsonObject(options) ? (options["evaluations_semantic"] ?? "execute_all") : "execute_all";
  if (semantic !== "execute_all" && semantic !== "deny_on_first_deny" && semantic !== "permit_on_first_permit") {
    throw new InputError({
      code: "question_invalid",
      message: "`/options/evaluations_semantic` is not known",
      pointer: "/options/evaluations_semantic",
    });
  }
  const questions = (evaluations as readonly Json[]).map((item, index) => {
    const pointer = `/evaluations/${index}`;
    if (!isJsonObject(item))
      throw new InputError({ code: "question_invalid", message: `\`${pointer}\` is an object`, pointer });
    return readQuestion(house, caller, { ...defaults, ...item }, pointer);
  });
  const answers: JsonObject[] = [];
  for (const question of questions) {
    const one = await answer(house, caller, question);
    answers.push(one);
    if (semantic === "deny_on_first_deny" && one["decision"] === false) break;
    if (semantic === "permit_on_first_permit" && one["decision"] === true) break;
  }
  return { evaluations: answers };
}

/** What there is instead of the action as it was asked for: the stricter one and what became of it, or a wait for facts. */
function insteadOf({ modified, deferral }: Evaluation): JsonObject {
  if (modified !== undefined) {
    const { question, evaluation } = modified;
    return { modified: { question: asked(question), ...contextOf(evaluation) } };
  }
  if (deferral === undefined) return {};
  const { id, facts, expiresAt } = deferral;
  return { deferral: { id, facts: [...facts], expires_at: timeOf(expiresAt), endpoint: `/v1/deferrals/${id}` } };
}

/** The whole question as a gate would ask it. An approval of the first action is none of this one. */
function asked({ subject, action, resource, context }: Question): JsonObject {
  const { approval: _approval, ...kept } = context;
  return copyJson({ subject, action, resource, context: kept }) as JsonObject;
}

function contextOf(evaluation: Evaluation): { [member: string]: Json } {
  const { id, digest, decision, risk } = evaluation;
  const told = { evaluation_id: id, digest, outcome: decision.outcome, risk: { score: risk.score, level: risk.level } };
  switch (decision.outcome) {
    case "allow":
      return { ...told, policies: [...decision.policies] };
    case "require_approval":
      return {
        ...told,
        because: decision.holds.map((hold) => hold.because).join(" "),
        policies: decision.holds.map((hold) => hold.policy),
      };
    case "modify":
    case "defer":
      return { ...told, because: decision.because, policies: [...decision.policies], ...insteadOf(evaluation) };
    case "deny":
      return { ...told, code: decision.code, because: decision.because, policies: [...decision.policies] };
    default:
      return decision satisfies never;
  }
}

function plainAnswer(house: House, evaluation: Evaluation): JsonObject {
  const context = contextOf(evaluation);
  if (evaluation.decision.outcome === "require_approval") context["access_request"] = requestable(house, evaluation);
  const { modified } = evaluation;
  if (modified !== undefined && isJsonObject(context["modified"] ?? null)) {
    const told = context["modified"] as JsonObject;
    const isHeld = modified.evaluation.decision.outcome === "require_approval";
    if (isHeld) context["modified"] = { ...told, access_request: requestable(house, modified.evaluation) };
  }
  return { decision: evaluation.decision.outcome === "allow", context };
}

/** ARAP: only the presence of `access_request` means that it may be requested. It is still a denial. */
function requestable(house: House, { at }: Evaluation): JsonObject {
  const until = (at + house.ctx.limits.evaluationTtlMs) as Evaluation["at"];
  return { endpoint: `${house.publicUrl}/access/v1/requests`, expires_at: timeOf(until) };
}

/** ARAP's re-evaluation: `reason` and `next_action` where the approval does not apply. */
const REASONS: Readonly<Record<string, readonly [reason: string, next: string]>> = {
  not_approved: ["grant_pending", "retry"],
  approval_expired: ["approval_expired", "request"],
  approval_voided: ["approval_expired", "request"],
  permit_redeemed: ["approval_expired", "request"],
  permit_other_action: ["out_of_scope", "request"],
  terms_not_met: ["out_of_scope", "request"],
  risk_rose: ["out_of_scope", "request"],
  assurance_too_low: ["out_of_scope", "request"],
  policy_denied: ["policy_denied", "none"],
};

/** A refused approval denies, even what would pass without one: `outcome` must not say allow beside `decision: false`. */
function decided({ decision }: Evaluation): string {
  return decision.outcome === "allow" ? "deny" : decision.outcome;
}

async function approvedAnswer(
  house: House,
  caller: Caller,
  evaluation: Evaluation,
  approval: string,
): Promise<JsonObject> {
  const context = contextOf(evaluation);
  const issued = await applyApproval(house.ctx, caller, evaluation, approval);
  if ("refused" in issued) {
    const [reason, next] = REASONS[issued.refused] ?? ["approval_unverifiable", "none"];
    return {
      decision: false,
      context: {
        ...context,
        outcome: decided(evaluation),
        code: issued.refused,
        because: issued.because,
        reason,
        next_action: next,
      },
    };
  }
  house.metrics.count("permits_issued_total");
  return {
    decision: true,
    context: {
      ...context,
      outcome: "allow",
      permit: issued.permit,
      permit_id: issued.id,
      permit_expires_at: timeOf(issued.expiresAt),
    },
  };
}
