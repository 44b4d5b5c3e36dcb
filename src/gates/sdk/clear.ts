import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Evaluation, OutcomeOf, Redemption, Task, TaskAnswer } from "../../client/index.ts";
import { Unavailable, WireError } from "../../client/index.ts";
import type { Question } from "../../core/action/index.ts";
import { parseId } from "../../core/ids.ts";
import type { Clearance } from "./clearance.ts";
import { Denied, StillHeld } from "./errors.ts";
import { evaluateWithFacts, takeModified } from "./instead.ts";
import { checkReceipt, ledgerKey } from "./receipt.ts";
import { deniedBy, endOf, expired, refusalOf } from "./refusals.ts";
import { reportNotExecuted, warn } from "./report.ts";
import { orStopped } from "./stop.ts";

/** How often an approval is presented again when the server says `retry`. */
export const REEVALUATIONS_MAX = 5;
/** The pause before that, in milliseconds; it doubles. */
const REEVALUATION_PAUSE_MS = 200;
/** How long an action that has to be held waits for a server that is away before its request is taken, in milliseconds. */
export const HELD_RETRY_MS = 120_000;
/** Permits taken for one approval: one that expired while the server was away is taken again. */
export const PERMITS_MAX = 3;
/** How long a caller that gives up waits until its request is withdrawn. */
export const WITHDRAW_WAIT_MS = 2_000;

/** What may run now, once: under what its outcome is to be reported, and exactly which question it is. */
export type Cleared = { readonly of: OutcomeOf; readonly question: Question };

/** Resolves when the action may run now, or the stricter one that stands in its place. */
export async function clear(clearance: Clearance): Promise<Cleared> {
  try {
    const evaluation = await evaluateWithFacts(clearance);
    sameDigest(clearance, evaluation.context.digest);
    if (evaluation.decision || evaluation.context.outcome !== "modify") return await pass(clearance, evaluation);
    const instead = takeModified(clearance, evaluation);
    return await pass(instead.clearance, instead.evaluation);
  } catch (error) {
    throw refusalOf(error, null);
  }
}

async function pass(clearance: Clearance, evaluation: Evaluation): Promise<Cleared> {
  const { question } = clearance;
  const { evaluation_id: id } = evaluation.context;
  if (passes(evaluation)) return { of: await recheckBeforeRun(clearance, { evaluation: id }), question };
  if (!mayBeRequested(evaluation)) throw deniedBy(evaluation, null);
  return { of: await whileHeld(clearance, id), question };
}

/** Both must say so: a decision without its outcome, or an outcome without its decision, lets nothing through. */
function passes({ decision, context }: Evaluation): boolean {
  return decision && context.outcome === "allow";
}

/** ARAP: only the presence of `access_request` means that an approval may be requested. */
function mayBeRequested({ decision, context }: Evaluation): boolean {
  return !decision && context.outcome === "require_approval" && context.access_request !== undefined;
}

async function whileHeld(clearance: Clearance, evaluation: string): Promise<OutcomeOf> {
  const { client, question, signal } = clearance;
  const body = { ...question, denial: { evaluation_id: evaluation } };
  const options = { idempotencyKey: randomUUID(), retryForMs: HELD_RETRY_MS };
  const held = await orStopped(
    (until) => client.request(body, { ...options, signal: until }),
    signal,
    (late) => void withdraw(clearance, late.task.id),
  );
  const { id } = held.task;
  let over = false;
  try {
    sameDigest(clearance, held.task.digest);
    tell(clearance, held.task);
    const ended = await waitForPeople(clearance, held);
    over = ended.task.status !== "approved";
    if (over) throw endOf(ended);
    return await useApproval(clearance, ended);
  } catch (error) {
    // Whoever reviews it now would turn a key for nothing.
    if (!over) await withdraw(clearance, id);
    throw refusalOf(error, id);
  }
}

/** Only this wait is bounded by the caller's patience: an approval is never lost between two steps of its use. */
async function waitForPeople(clearance: Clearance, held: TaskAnswer): Promise<TaskAnswer> {
  const { client, signal, patienceMs } = clearance;
  const onChange = (change: TaskAnswer): void => tell(clearance, change.task);
  if (patienceMs === undefined) return client.tasks.wait(held, { signal, onChange });
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(new StillHeld(held.task.id)), patienceMs);
  try {
    return await client.tasks.wait(held, { signal: AbortSignal.any([signal, patience.signal]), onChange });
  } finally {
    clearTimeout(timer);
  }
}

/** An approval becomes a permit and the permit is used; a server that is away meanwhile costs time, not the approval. */
async function useApproval(clearance: Clearance, answer: TaskAnswer): Promise<OutcomeOf> {
  const { client, signal } = clearance;
  // Before the permit is used: without a key no receipt of its use could be checked.
  const key = await ledgerKey(client, clearance.ledgerKey, { signal, retryForMs: patienceFor(answer) });
  for (let taken = 1; ; taken++) {
    const permit = await takePermit(clearance, answer);
    await clearance.recheck?.();
    try {
      return await redeem(clearance, permit, key, patienceFor(answer));
    } catch (error) {
      // An expired permit was not used: had it been, the same attempt would have got its answer.
      const again = error instanceof WireError && error.code === "permit_expired" && taken < PERMITS_MAX;
      if (!again) throw error;
    }
  }
}

/** As long as the approval lasts, by the server's word: people have turned their keys for it. Else the client's patience. */
function patienceFor({ result }: TaskAnswer): number | undefined {
  const until = Date.parse(result?.approval.approved_until ?? "");
  return Number.isNaN(until) ? undefined : Math.max(0, until - Date.now());
}

type Permit = { readonly id: string; readonly jws: string };

/** ARAP: an approval is not yet a permission; the question is asked again with it, under the policy of this moment. */
async function takePermit(clearance: Clearance, answer: TaskAnswer): Promise<Permit> {
  const { client, question, signal } = clearance;
  sameDigest(clearance, answer.task.digest);
  if (answer.result === undefined) throw endOf(answer);
  const approval = { id: answer.result.approval.id };
  for (let attempt = 0; attempt < REEVALUATIONS_MAX; attempt++) {
    const asked = { ...question, context: { ...question.context, approval } };
    const evaluation = await client.evaluate(asked, { signal, retryForMs: patienceFor(answer) });
    const { digest, permit, permit_id: id, next_action: next } = evaluation.context;
    sameDigest(clearance, digest);
    if (passes(evaluation)) return permitOf(permit, id);
    if (next !== "retry") throw notGranted(evaluation, answer.task.id);
    await sleep(REEVALUATION_PAUSE_MS * 2 ** attempt, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
  const message = `request ${answer.task.id} is approved, but the server cannot grant it yet; try again later`;
  throw new Unavailable({ code: "permit_missing", message });
}

function permitOf(jws: string | undefined, id: string | undefined): Permit {
  if (jws !== undefined && id !== undefined) return { id, jws };
  const message = "the server granted an approval without a permit; this gate executes held actions under permits only";
  throw new Unavailable({ code: "permit_missing", message });
}

function notGranted(evaluation: Evaluation, requestId: string): Error {
  const { code, reason, because } = evaluation.context;
  const late = reason === "approval_expired" && (code === undefined || code === "approval_expired");
  if (late) return expired("approval_expired", requestId);
  if (reason === undefined) return deniedBy(evaluation, requestId);
  return new Denied({ code: code ?? reason, because, requestId });
}

/** Turns the key once. A lost answer is asked for again under the same attempt; one that stays lost lets nothing run. */
async function redeem(
  clearance: Clearance,
  permit: Permit,
  key: string,
  retryForMs: number | undefined,
): Promise<OutcomeOf> {
  const { client, digest, signal } = clearance;
  const of: OutcomeOf = { permit: permit.id };
  const request = { permit: permit.jws, digest, attempt: randomUUID() };
  const redemption = await orStopped(
    (until) => client.redeem(request, { retryForMs, signal: until }),
    signal,
    () => void reportNotExecuted(clearance, of, signal.reason),
  );
  if (redemption.permit_id !== permit.id) {
    throw new Unavailable({
      code: "answer_malformed",
      message: "the server redeemed another permit than it was given",
    });
  }
  await logBeforeAct(clearance, redemption, key);
  return recheckBeforeRun(clearance, of);
}

/** What cannot be shown to be in the ledger does not run. */
async function logBeforeAct(clearance: Clearance, redemption: Redemption, key: string): Promise<void> {
  const permit = parseId("permit", redemption.permit_id);
  try {
    checkReceipt(redemption, key, { permit, digest: clearance.digest });
  } catch (error) {
    await reportNotExecuted(clearance, { permit }, error);
    throw error;
  }
  try {
    clearance.onReceipt?.(redemption.receipt.proof ?? "");
  } catch (cause) {
    warn(clearance, "on_receipt_failed", "`onReceipt` failed; the receipt was checked all the same", cause);
  }
}

async function recheckBeforeRun(clearance: Clearance, of: OutcomeOf): Promise<OutcomeOf> {
  try {
    await clearance.recheck?.();
  } catch (error) {
    await reportNotExecuted(clearance, of, error);
    throw error;
  }
  return of;
}

/** What was shown is what runs: server and gate must have understood the same bytes. */
function sameDigest(clearance: Clearance, theirs: string): void {
  if (theirs === clearance.digest) return;
  throw new Unavailable({
    code: "digest_differs",
    message: `the server understood another action (${theirs}) than this gate would run (${clearance.digest}); are their versions the same? Nothing was executed`,
  });
}

/** Withdraws a request that nobody here waits for any more; at its best, because the caller is leaving. */
async function withdraw(clearance: Clearance, id: string): Promise<void> {
  const { client, leaveRequest = false } = clearance;
  if (leaveRequest || client.tasks.waiting(id) > 0) return;
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), WITHDRAW_WAIT_MS);
  await client.cancel(id, { signal: limit.signal }).catch(() => undefined); // decided already, or it will expire
  clearTimeout(timer);
}

function tell(clearance: Clearance, task: Task): void {
  try {
    clearance.onHeld?.(task);
  } catch (cause) {
    warn(clearance, "on_held_failed", "`onHeld` failed; the action is held all the same", cause);
  }
}
