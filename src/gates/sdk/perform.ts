import type { Client, EvaluationRequest, OutcomeReport, Task } from "../../client/index.ts";
import { canonicalAction, copyJson, parseQuestion } from "../../core/action/index.ts";
import type { Question } from "../../core/action/index.ts";
import { clear } from "./clear.ts";
import type { Cleared } from "./clear.ts";
import { nameOf, report, reportNotExecuted, warn } from "./report.ts";
import { stopOf } from "./stop.ts";

/** One attempt at one action. */
export type Performance<T> = {
  readonly client: Client;
  /** Exactly what will run, with commitments in the place of secrets. */
  readonly question: EvaluationRequest;
  readonly signal?: AbortSignal | undefined;
  /** How long all that comes before the execution may take, people included; without it, until the request expires. */
  readonly timeoutMs?: number | undefined;
  /** Told when the action is held, and of every change while it is. */
  readonly onHeld?: ((task: Task) => void) | undefined;
  /** Told what went wrong beside the action, such as an outcome that could not be reported. */
  readonly onWarning: (warning: Error) => void;
  /** Asked right before the permit is redeemed and right before `run`; throwing means that the action must not run. */
  readonly recheck?: (() => Promise<void>) | undefined;
  /** How long to wait for people, in milliseconds; then it throws `StillHeld`, and the request stands if it is to be left. */
  readonly patienceMs?: number | undefined;
  /** The request outlives an attempt that gave up, so that a later attempt of the same action can take it up. */
  readonly leaveRequest?: boolean | undefined;
  /** The ledger's verifier key, so that receipts are checked against it; learnt from the server where none is given. */
  readonly ledgerKey?: string | undefined;
  /** Given the receipt of the redemption (`.tlog-proof`), which was checked, to be kept. */
  readonly onReceipt?: ((receipt: string) => void) | undefined;
  /** `run` executes exactly the question that it is given, so that policy may put a stricter one in its place. */
  readonly takesModified?: boolean | undefined;
  /**
   * The effect itself: called at most once, and never after anything above was refused. It is given the question that was
   * cleared: the one above, or with `takesModified` the stricter one.
   */
  readonly run: (cleared: Question) => T;
  /** What to report of a result; by default that it succeeded. */
  readonly outcomeOf?: ((result: Awaited<T>) => OutcomeReport) | undefined;
};

/**
 * Lets an action through once, if the server says so: evaluates, waits for people where a policy holds it, redeems the
 * permit, runs, reports. Throws `Denied`, `Expired`, `Cancelled`, `StillHeld` or
 * `Unavailable`, and then nothing was executed;
 * whatever `run` throws is reported by name alone and passed on.
 */
export async function perform<T>(performance: Performance<T>): Promise<Awaited<T>> {
  // The server's own rules, here: a question that it would refuse is not sent, and what is sent can change no more.
  const question = parseQuestion(copyJson(performance.question));
  const { digest } = canonicalAction(question);
  const stop = stopOf(performance.signal, performance.timeoutMs);
  let cleared: Cleared;
  try {
    cleared = await clear({ ...performance, question, digest, signal: stop.signal });
    // INVARIANT: nothing is awaited between this look at the signal and `run`.
    if (stop.signal.aborted) {
      await reportNotExecuted(performance, cleared.of, stop.signal.reason);
      throw stop.signal.reason;
    }
  } finally {
    stop.release();
  }
  return execute(performance, cleared);
}

async function execute<T>(performance: Performance<T>, { of, question }: Cleared): Promise<Awaited<T>> {
  const startedAt = Date.now();
  let result: Awaited<T>;
  try {
    result = await performance.run(question);
  } catch (error) {
    const details = { error: nameOf(error), duration_ms: since(startedAt) };
    await report(performance, of, { status: "failed", details });
    throw error;
  }
  const said = outcomeOf(performance, result);
  await report(performance, of, { ...said, details: { duration_ms: since(startedAt), ...said.details } });
  return result;
}

/** A result that cannot be described has still happened. */
function outcomeOf<T>(performance: Performance<T>, result: Awaited<T>): OutcomeReport {
  try {
    return performance.outcomeOf?.(result) ?? { status: "succeeded" };
  } catch (cause) {
    warn(performance, "outcome_undescribed", "the outcome is reported without details: describing it failed", cause);
    return { status: "succeeded" };
  }
}

function since(startedAt: number): number {
  return Math.max(0, Date.now() - startedAt);
}
