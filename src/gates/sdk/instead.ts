import { setTimeout as sleep } from "node:timers/promises";
import type { Deferral, Evaluation, EvaluationContext } from "../../client/index.ts";
import { Unavailable } from "../../client/index.ts";
import { canonicalAction, canonicalize, parseQuestion } from "../../core/action/index.ts";
import type { Json, Question } from "../../core/action/index.ts";
import type { Clearance } from "./clearance.ts";
import { Denied } from "./errors.ts";

/** How often an action whose facts arrived is asked for again: other facts may be missing then. */
export const DEFERRALS_MAX = 5;
/** How long the server holds its answer back while facts are missing, in seconds; and the pause where it does not. */
const WAIT_S = 50;
const PAUSE_MS = 1_000;

/** Asks, and waits for missing facts as long as the server lets the action wait. Nothing runs meanwhile. */
export async function evaluateWithFacts(clearance: Clearance): Promise<Evaluation> {
  const { client, question, signal } = clearance;
  for (let waits = 0; ; waits++) {
    const evaluation = await client.evaluate(question, { signal });
    const { outcome, deferral, because } = evaluation.context;
    if (evaluation.decision || outcome !== "defer" || deferral === undefined) return evaluation;
    if (clearance.patienceMs !== undefined || waits === DEFERRALS_MAX) {
      throw new Denied({
        code: "deferred",
        because: `${because} Missing: ${deferral.facts.join(", ")}; ask again later`,
      });
    }
    await untilKnown(clearance, deferral.id, because);
  }
}

async function untilKnown({ client, signal }: Clearance, id: string, because: string): Promise<void> {
  for (;;) {
    const startedAt = performance.now();
    const { status }: Deferral = await client.deferral(id, { waitSeconds: WAIT_S, signal });
    if (status === "resolved") return;
    if (status === "expired") throw new Denied({ code: "deferral_expired", because: `${because} Nobody told in time` });
    if (performance.now() - startedAt < PAUSE_MS) {
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

/** The stricter action that the server lets through, or asks people about, in the place of the one that was asked for. */
export type Instead = { readonly clearance: Clearance; readonly evaluation: Evaluation };

/**
 * Takes the server's stricter action, if the tool said that it can run one. It must be the same action on the same thing
 * for the same agent in the same place, with other parameters, and have the digest that is told: all that is computed here.
 */
export function takeModified(clearance: Clearance, { context }: Evaluation): Instead {
  const { modified, because, policies } = context;
  if (modified === undefined || clearance.takesModified !== true) {
    const whose = policies.length === 0 ? "policy" : policies.join(", ");
    const why = "it lets only a stricter action through, and this tool does not say that it can run another";
    throw new Denied({ code: "modified_not_taken", because: `${whose}: ${because} Here ${why}` });
  }
  const question = questionIn(modified.question);
  const { digest } = canonicalAction(question);
  if (digest !== modified.digest || !isSameBut(clearance.question, question)) {
    const message = "the server's stricter action is not the one that was asked for, or has another digest";
    throw new Unavailable({ code: "digest_differs", message: `${message}; nothing was executed` });
  }
  const { outcome, evaluation_id: evaluation, risk, access_request: request, because: why, policies: ids } = modified;
  const told: EvaluationContext = {
    evaluation_id: evaluation,
    digest,
    outcome,
    because: why,
    policies: ids,
    ...(risk === undefined ? {} : { risk }),
    ...(request === undefined ? {} : { access_request: request }),
  };
  return {
    clearance: { ...clearance, question, digest },
    evaluation: { decision: outcome === "allow", context: told },
  };
}

function questionIn(json: Json): Question {
  try {
    return parseQuestion(json);
  } catch (cause) {
    throw new Unavailable({ code: "answer_malformed", message: "the server's stricter action cannot be read", cause });
  }
}

/** Everything of the action but its parameters. */
function isSameBut(ours: Question, theirs: Question): boolean {
  const rest = ({ subject, action, resource, context }: Question): string =>
    canonicalize({ subject, resource, action: action.name, environment: context.environment ?? null } as Json);
  return rest(ours) === rest(theirs);
}
