// Is there one order of all operations on a request, fitting their times, in which every answer is right? (Wing and Gong,
// "Testing and Verifying Concurrent Objects", 1993.) The model knows only what callers see; it reads no ledger.
import type { Answer, Operation } from "./operations.ts";

/** One operation as its caller saw it: when it began and ended, in steps, and what was answered. */
export type Observed = {
  readonly op: Operation;
  readonly from: number;
  /** Infinity while nothing was answered: it may have happened at any time since, or never. */
  readonly to: number;
  readonly answer: Answer;
};

/** `ended` is every end that nobody asked for by an operation: expired, failed. */
type Phase = "open" | "denied" | "cancelled" | "ended";
type Model = {
  readonly phase: Phase;
  readonly redeemed: string | null;
  readonly report: string | null;
  readonly clicks: string;
};

const FIRST: Model = { phase: "open", redeemed: null, report: null, clicks: "" };
/** Refusals that say: nothing has been redeemed. */
const UNUSED = new Set(["not_approved", "approval_voided", "approval_expired", "permit_expired"]);

/** The request that an operation is about, or null when it is about none. */
export function subjectOf(op: Operation): string | null {
  if (op.kind === "redeem") return op.permit.request;
  return "request" in op ? op.request : null;
}

/** Operations of one request that are looked at; a mask of them fits a small integer. */
const OPERATIONS_MAX = 30;

/** The beginning of a long history: whoever had no answer when it ends has none. */
function beginning(history: readonly Observed[]): readonly Observed[] {
  const inOrder = history.toSorted((a, b) => a.from - b.from);
  const end = inOrder[OPERATIONS_MAX]?.from;
  if (end === undefined) return history;
  return inOrder
    .slice(0, OPERATIONS_MAX)
    .map((one) => (one.to < end ? one : { ...one, to: Infinity, answer: { said: "lost" } as const }));
}

/** True when some order explains all answers. */
export function isLinearizable(history: readonly Observed[]): boolean {
  const all = beginning(history).toSorted((a, b) => a.to - b.to || a.from - b.from);
  const dead = new Set<string>();
  const search = (done: number, model: Model): boolean => {
    const key = `${done} ${model.phase} ${model.redeemed} ${model.report} ${model.clicks}`;
    if (dead.has(key)) return false;
    let earliestEnd = Infinity;
    let left = false;
    for (const [place, { to, answer }] of all.entries()) {
      if ((done & (1 << place)) !== 0) continue;
      if (answer.said !== "lost") left = true;
      if (to < earliestEnd) earliestEnd = to;
    }
    if (!left) return true; // what was never answered may never have happened
    for (const [place, observed] of all.entries()) {
      // Whatever began after another had ended comes after it.
      if ((done & (1 << place)) !== 0 || observed.from > earliestEnd) continue;
      for (const next of after(model, observed)) if (search(done | (1 << place), next)) return true;
    }
    dead.add(key);
    return false;
  };
  return search(0, FIRST);
}

/** The states that an operation may lead to with its answer; none means that the answer is wrong here. */
function after(model: Model, { op, answer }: Observed): readonly Model[] {
  if (answer.said === "lost") return [...effect(model, op), model];
  return answer.said === "ok" ? allowed(model, op, answer.status) : refused(model, op, answer.code);
}

function allowed(model: Model, op: Operation, status: string | undefined): readonly Model[] {
  switch (op.kind) {
    case "review":
      // The same click again is answered as the first was, also after the end.
      return model.clicks.includes(clickOf(op)) ? [model, ...effect(model, op)] : effect(model, op);
    case "redeem":
      return model.redeemed === op.attempt ? [model] : effect(model, op);
    case "complete":
      return model.report === op.report ? [model] : effect(model, op);
    case "giveUp":
      return effect(model, op);
    case "read":
    case "wait":
      return observed(model, status);
    default:
      return [model];
  }
}

/** What an operation does when it does anything. */
function effect(model: Model, op: Operation): readonly Model[] {
  const unused = model.phase === "open" && model.redeemed === null;
  switch (op.kind) {
    case "review":
      if (!unused) return [];
      return [{ ...model, phase: op.verdict === "deny" ? "denied" : "open", clicks: model.clicks + clickOf(op) }];
    case "redeem":
      return unused ? [{ ...model, redeemed: op.attempt }] : [];
    case "complete":
      return model.redeemed !== null && model.report === null ? [{ ...model, report: op.report }] : [];
    case "giveUp":
      return unused ? [{ ...model, phase: "cancelled" }] : [];
    default:
      return [];
  }
}

function clickOf(op: Extract<Operation, { kind: "review" }>): string {
  return `[${op.person} ${op.verdict} ${op.nonce}]`;
}

function observed(model: Model, status: string | undefined): readonly Model[] {
  const unused = model.redeemed === null;
  switch (status) {
    case "pending":
      return model.phase === "open" && unused ? [model] : [];
    case "approved":
      return model.phase === "open" ? [model] : [];
    case "denied":
    case "cancelled":
      return model.phase === status ? [model] : [];
    default: // expired or failed: nobody's operation, so it may have come at any time
      if (model.phase === "ended") return [model];
      return model.phase === "open" && unused ? [{ ...model, phase: "ended" }] : [];
  }
}

function refused(model: Model, op: Operation, code: string): readonly Model[] {
  const holds = (fits: boolean): readonly Model[] => (fits ? [model] : []);
  switch (op.kind) {
    case "redeem":
      // The attempt that was redeemed is told so again, by whichever instance.
      if (code === "permit_redeemed") return holds(model.redeemed !== null && model.redeemed !== op.attempt);
      return holds(!UNUSED.has(code) || model.redeemed === null);
    case "complete":
      if (code === "outcome_known") return holds(model.report !== null && model.report !== op.report);
      return holds(code !== "not_redeemed" || model.redeemed === null);
    default:
      return [model];
  }
}
