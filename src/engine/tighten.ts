import { canonicalAction, type Question } from "../core/action/index.ts";
import type { Digest } from "../core/brand.ts";
import { applyChanges, type Decision } from "../core/policy/index.ts";
import { lasting } from "../core/risk/index.ts";
import { assess, type Assessing, type Assessment } from "./assess.ts";
import type { Context } from "./context.ts";

/** Times that one action is changed: what policies still want to change then is denied. */
export const MODIFY_ROUNDS_MAX = 4;

type Modify = Extract<Decision, { outcome: "modify" }>;
type Deny = Extract<Decision, { outcome: "deny" }>;

type Judged = Pick<Assessment, "classification" | "risk" | "decision">;

/** The stricter action in the place of one that was asked for, assessed anew; or why there is none. */
export type Tightened =
  | {
      readonly question: Question;
      readonly digest: Digest;
      readonly canonical: string;
      readonly assessment: Assessment;
    }
  | Deny;

/**
 * Applies what policies want changed, and assesses the result as if it had been asked for, until nothing is to be changed
 * any more. The result has no effect that the action had not, and no higher score: else somebody's policy is wrong.
 */
export async function tighten(
  ctx: Context,
  asked: Assessing,
  first: Judged,
  settle: (tightened: Exclude<Tightened, Deny>) => void,
): Promise<Tightened> {
  let { question } = asked;
  let decision: Decision = first.decision;
  for (let round = 0; round < MODIFY_ROUNDS_MAX && decision.outcome === "modify"; round++) {
    const modify: Modify = decision;
    const changed = applyChanges(question, modify.changes);
    if ("conflict" in changed) return broken(modify, `the change cannot be made: ${changed.conflict}`);
    question = await withoutKnownFacts(asked, changed.question);
    const { digest, text: canonical } = canonicalAction(question);
    const of = (assessment: Assessment): Exclude<Tightened, Deny> => ({ question, digest, canonical, assessment });
    const assessment = await assess(ctx, {
      ...asked,
      question,
      digest,
      settle: (found) => {
        if (isStricter(first, found)) settle(of(found));
      },
    });
    if (!isStricter(first, assessment)) return broken(modify, "the changed action would not be milder");
    decision = assessment.decision;
    if (decision.outcome !== "modify") return of(assessment);
  }
  return broken(decision as Modify, "the changes do not come to an end");
}

function isStricter(before: Judged, after: Judged): boolean {
  const had = new Set(before.classification.effects.map(({ effect }) => effect));
  const { effects, opaque } = after.classification;
  const isNewlyOpaque = opaque.length > 0 && before.classification.opaque.length === 0;
  const isMild = lasting(after.risk).score <= lasting(before.risk).score;
  return isMild && !isNewlyOpaque && effects.every(({ effect }) => had.has(effect));
}

/** What the gate declared of the first action, and can be read out of the changed one, is not true of it any more. */
async function withoutKnownFacts({ rules }: Assessing, question: Question): Promise<Question> {
  const { declared, ...context } = question.context;
  if (declared?.facts === undefined) return question;
  const bare = { ...question, context: { ...context, declared: { ...declared, facts: {} } } };
  const { facts } = await rules.classifier.classify(bare);
  const known = new Set(facts.map(({ name }) => name));
  const kept = Object.entries(declared.facts).filter(([name]) => !known.has(name));
  return { ...question, context: { ...context, declared: { ...declared, facts: Object.fromEntries(kept) } } };
}

function broken({ because, policies }: Modify, why: string): Deny {
  return { outcome: "deny", code: "policy_error", because: `${because} But ${why}.`, policies };
}
