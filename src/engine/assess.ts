import type { Question } from "../core/action/index.ts";
import { decideAction, type Decision } from "../core/policy/index.ts";
import { scoreRisk, type Classification, type Risk } from "../core/risk/index.ts";
import type { Instant } from "../core/brand.ts";
import type { Rules } from "./context.ts";

/** What an action does, how risky it is, and what policy says. */
export type Assessment = { readonly classification: Classification; readonly risk: Risk; readonly decision: Decision };

/** Classify, score, decide: pure but for the rules it is given. Same question, rules and time: same answer. */
export function assess(question: Question, rules: Rules, now: Instant): Assessment {
  const classification = rules.classifier.classify(question);
  const risk = scoreRisk(classification, question.context.environment);
  const decision = decideAction(classification, (effect) =>
    rules.policies.verdict(effect, { question, classification, risk, now }),
  );
  return { classification, risk, decision };
}
