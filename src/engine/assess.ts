import type { Question } from "../core/action/index.ts";
import { decideAction, type Decision } from "../core/policy/index.ts";
import { scoreRisk, type Classification, type Risk } from "../core/risk/index.ts";
import type { Instant } from "../core/brand.ts";
import type { Rules } from "./context.ts";

/** What an action does, how risky it is, and what policy says. */
export type Assessment = { readonly classification: Classification; readonly risk: Risk; readonly decision: Decision };

/**
 * Classify, score, decide: pure but for the rules it is given. Same question, rules and time: same answer, but that a text
 * which could not be read in time is opaque. Answers at once unless a text has to be read.
 */
export function assess(question: Question, rules: Rules, now: Instant): Assessment | Promise<Assessment> {
  const classification = rules.classifier.classify(question);
  if (classification instanceof Promise) return classification.then((read) => judge(question, rules, now, read));
  return judge(question, rules, now, classification);
}

function judge(question: Question, rules: Rules, now: Instant, classification: Classification): Assessment {
  const risk = scoreRisk(classification, question.context.environment);
  const decision = decideAction(classification, (effect) =>
    rules.policies.verdict(effect, { question, classification, risk, now }),
  );
  return { classification, risk, decision };
}
