import type { Action, Json, JsonObject, Resource, Subject } from "../core/action/index.ts";
import type { RiskLevel } from "../core/risk/index.ts";
import { WireError } from "./errors.ts";
import type { Reader } from "./read.ts";
import { anyObject, boolean, list, moment, nullable, number, object, oneOf, optional, text } from "./read.ts";

// The wire as it is sent: member names are snake_case, times are RFC 3339 text. Whatever this version does not know is
// read in the strictest way: an unknown outcome is a denial, an unknown status is not an approval.

/** Who a gate's token speaks for. */
export type Whoami = { readonly agent: { readonly type: string; readonly id: string }; readonly gate: string };

/** AuthZEN §6.1: the question. `reason` and `declared` are claims; only the environment is part of the digest. */
export type EvaluationRequest = {
  readonly subject: Subject;
  readonly action: Action;
  readonly resource: Resource;
  readonly context?: {
    readonly environment?: string;
    readonly reason?: string;
    readonly declared?: { readonly effects?: readonly string[]; readonly facts?: JsonObject };
    readonly session?: string;
    /** What the agent was asked to do: a claim like the reason. */
    readonly prompt?: string;
    /** The agent has read what strangers wrote: it may raise the risk. */
    readonly provenance?: "untrusted";
    readonly approval?: { readonly id: string };
  };
};

export type WireOutcome = "allow" | "require_approval" | "modify" | "defer" | "deny";

/** The stricter action that policy puts in the place of one: the whole question, its digest and what became of it. */
export type Modified = {
  readonly question: Json;
  readonly evaluation_id: string;
  readonly digest: string;
  readonly outcome: WireOutcome;
  readonly because: string;
  readonly policies: readonly string[];
  readonly risk?: { readonly score: number; readonly level: RiskLevel };
  readonly access_request?: { readonly endpoint?: string; readonly expires_at?: string };
};

/** A wait for facts, as an evaluation names it. */
export type DeferralNamed = { readonly id: string; readonly facts: readonly string[]; readonly expires_at: string };
/** How a wait for facts stands. */
export type Deferral = DeferralNamed & { readonly status: "waiting" | "resolved" | "expired"; readonly digest: string };

/** What the server says of a question. Only `decision: true` with outcome `allow` lets anything through. */
export type Evaluation = { readonly decision: boolean; readonly context: EvaluationContext };

export type EvaluationContext = {
  readonly evaluation_id: string;
  readonly digest: string;
  readonly outcome: WireOutcome;
  readonly because: string;
  readonly code?: string;
  readonly risk?: { readonly score: number; readonly level: RiskLevel };
  readonly policies: readonly string[];
  /** Only its presence means that an approval may be requested (ARAP). */
  readonly access_request?: { readonly endpoint?: string; readonly expires_at?: string };
  readonly permit?: string;
  readonly permit_id?: string;
  readonly permit_expires_at?: string;
  /** With outcome `modify`. */
  readonly modified?: Modified;
  /** With outcome `defer`. */
  readonly deferral?: DeferralNamed;
  readonly next_action?: "request" | "retry" | "none";
  readonly reason?: string;
};

/** AuthZEN §7: members of the batch, each of which may leave out what the top level says for all. */
export type EvaluationsRequest = Partial<EvaluationRequest> & {
  readonly evaluations: readonly Partial<EvaluationRequest>[];
};
export type Evaluations = { readonly evaluations: readonly Evaluation[] };

export type TaskStatus = "pending" | "approved" | "denied" | "expired" | "cancelled" | "failed";

/** One approval request as ARAP's task. */
export type Task = {
  readonly id: string;
  readonly status: TaskStatus;
  readonly opened_at?: string;
  readonly expires_at: string;
  readonly digest: string;
  readonly progress?: { readonly terms: readonly TermProgress[] };
  readonly links?: { readonly review?: string; readonly cancel?: string };
};
export type TermProgress = { readonly group: string; readonly quorum: number; readonly filled: number };
export type TaskApproval = { readonly id: string; readonly approved_at?: string; readonly approved_until?: string };
export type TaskDenial = { readonly by?: string; readonly reason?: string };

/** A task with what became of it: `result` once approved, `denial` once denied. */
export type TaskAnswer = {
  readonly task: Task;
  readonly result?: { readonly mode: string; readonly approval: TaskApproval };
  readonly denial?: TaskDenial;
};

/** ARAP's request for an approval: the question again, bound to its denial. */
export type ApprovalRequest = EvaluationRequest & {
  readonly denial: { readonly evaluation_id: string };
  readonly client?: JsonObject;
};

export type RedeemRequest = { readonly permit: string; readonly digest: string; readonly attempt: string };
/** Where an entry stands; `proof` is the `.tlog-proof` with its leaf, under a checkpoint of this size. */
export type Receipt = { readonly index: number; readonly size: number; readonly proof?: string };
export type Redemption = { readonly permit_id: string; readonly redeemed_at: string; readonly receipt: Receipt };

/** What happened, as the gate saw it. Details hold no secrets: exit codes, rows, durations, names of errors. */
export type OutcomeReport = { readonly status: "succeeded" | "failed" | "unknown"; readonly details?: JsonObject };
/** An outcome belongs to a redeemed permit, or to the evaluation that passed at once. */
export type OutcomeOf = { readonly permit: string } | { readonly evaluation: string };

const TASK_STATUSES = ["pending", "approved", "denied", "expired", "cancelled", "failed"] as const;
const RISK_LEVELS = ["low", "medium", "high", "critical"] as const;

/** Unknown statuses are `failed`: final, and not approved (ARAP: unknown statuses mean not approved). */
export const readTaskStatus: Reader<TaskStatus> = oneOf<TaskStatus>(TASK_STATUSES, "failed");
export const readRiskLevel: Reader<RiskLevel> = oneOf<RiskLevel>(RISK_LEVELS, "critical");

export const readWhoami: Reader<Whoami> = object<Whoami>({
  agent: object<Whoami["agent"]>({ type: text, id: text }),
  gate: text,
});

const readOutcome: Reader<WireOutcome> = oneOf<WireOutcome>(
  ["allow", "require_approval", "modify", "defer", "deny"],
  "deny",
);
const readBecause: Reader<string> = (json, pointer) => nullable(text)(json, pointer) ?? "no reason was given";
const readPolicies: Reader<readonly string[]> = (json, pointer) => nullable(list(text))(json, pointer) ?? [];
const readRisk: Reader<{ score: number; level: RiskLevel } | undefined> = optional(
  object<{ score: number; level: RiskLevel }>({ score: number, level: readRiskLevel }),
);
const readAccessRequest: Reader<{ endpoint?: string; expires_at?: string } | undefined> = optional(
  object<{ endpoint?: string; expires_at?: string }>({ endpoint: optional(text), expires_at: optional(moment) }),
);

const readModified: Reader<Modified> = object<Modified>({
  question: anyObject,
  evaluation_id: text,
  digest: text,
  outcome: readOutcome,
  because: readBecause,
  policies: readPolicies,
  risk: readRisk,
  access_request: readAccessRequest,
});

const readEvaluationContext = object<EvaluationContext>({
  evaluation_id: text,
  digest: text,
  outcome: readOutcome,
  because: readBecause,
  code: optional(text),
  risk: readRisk,
  policies: readPolicies,
  access_request: readAccessRequest,
  modified: optional(readModified),
  deferral: optional(object<DeferralNamed>({ id: text, facts: list(text), expires_at: moment })),
  permit: optional(text),
  permit_id: optional(text),
  permit_expires_at: optional(moment),
  next_action: optional(oneOf<"request" | "retry" | "none">(["request", "retry", "none"], "none")),
  reason: optional(text),
});

export const readEvaluation: Reader<Evaluation> = object<Evaluation>({
  decision: boolean,
  context: readEvaluationContext,
});

export const readEvaluations: Reader<Evaluations> = object<Evaluations>({ evaluations: list(readEvaluation) });

export const readTermProgress: Reader<TermProgress> = object<TermProgress>({
  group: text,
  quorum: number,
  filled: number,
});

export const readTask: Reader<Task> = object<Task>({
  id: text,
  status: readTaskStatus,
  opened_at: optional(moment),
  expires_at: moment,
  digest: text,
  progress: optional(object<{ terms: readonly TermProgress[] }>({ terms: list(readTermProgress) })),
  links: optional(object<{ review?: string; cancel?: string }>({ review: optional(text), cancel: optional(text) })),
});

export const readTaskAnswer: Reader<TaskAnswer> = object<TaskAnswer>({
  task: readTask,
  result: optional(
    object<{ mode: string; approval: TaskApproval }>({
      mode: text,
      approval: object<TaskApproval>({ id: text, approved_at: optional(moment), approved_until: optional(moment) }),
    }),
  ),
  denial: optional(object<TaskDenial>({ by: optional(text), reason: optional(text) })),
});

export const readReceipt: Reader<Receipt> = object<Receipt>({
  index: number,
  size: number,
  proof: optional(text),
});

export const readRedemption: Reader<Redemption> = object<Redemption>({
  permit_id: text,
  redeemed_at: moment,
  receipt: readReceipt,
});

const readDeferralMember: Reader<Deferral> = object<Deferral>({
  id: text,
  // What this version does not know is no arrival of facts.
  status: oneOf<Deferral["status"]>(["waiting", "resolved", "expired"], "expired"),
  digest: text,
  facts: list(text),
  expires_at: moment,
});

/** The wait inside of `{deferral: …}`. */
export function readDeferral(json: Json): Deferral {
  return readDeferralMember(anyObject(json, "")["deferral"], "/deferral");
}

/** The answers to several reports, in their order. */
export function readOutcomeAnswers(json: Json, pointer = ""): readonly (Receipt | WireError)[] {
  return list((each, at): Receipt | WireError => {
    const { receipt, problem } = anyObject(each, at);
    if (problem === undefined) return readReceipt(receipt, `${at}/receipt`);
    const { status, code, detail } = readRefused(problem, `${at}/problem`);
    return new WireError({ status, code, detail });
  })(anyObject(json, pointer)["outcomes"], `${pointer}/outcomes`);
}

const readRefused = object<{ status: number; code: string; detail: string }>({
  status: number,
  code: text,
  detail: text,
});

/** The receipt inside of `{receipt: …}`. */
export function readReceiptAnswer(json: Json, pointer = ""): Receipt {
  return readReceipt(anyObject(json, pointer)["receipt"], `${pointer}/receipt`);
}
