import type { Question } from "../core/action/index.ts";
import type { AgentId, Digest, Instant } from "../core/brand.ts";
import { decideAction, isMet, type Decision } from "../core/policy/index.ts";
import { scoreRisk, type Advice, type Classification, type Moment, type Risk } from "../core/risk/index.ts";
import type { Context, Rules } from "./context.ts";
import { deedOf, type Deed } from "./session-agent.ts";
import { withFacts } from "./stated.ts";

/** What an action does, what came before it, how risky it is, and what policy says. */
export type Assessment = {
  readonly classification: Classification;
  /** What of it counts. */
  readonly deed: Deed;
  readonly moment: Moment;
  readonly risk: Risk;
  readonly decision: Decision;
};

/** One question to be assessed, by which rules and when. */
export type Assessing = {
  readonly agent: AgentId;
  readonly question: Question;
  readonly digest: Digest;
  readonly rules: Rules;
  readonly at: Instant;
  /** Asks an adviser first; null leaves it out. */
  readonly advice?: ((classification: Classification) => Promise<Advice | null>) | null | undefined;
  /** Called with the answer before anything else can run: what is counted here, the next question sees. */
  readonly settle?: (assessment: Assessment) => void;
};

/**
 * Classify, look back, score, decide. Same question, rules, time and history: same answer, but that a text which could not
 * be read in time is opaque. Answers at once unless a text has to be read or an adviser to be asked.
 */
export function assess(ctx: Pick<Context, "around">, asked: Assessing): Assessment | Promise<Assessment> {
  const classification = asked.rules.classifier.classify(asked.question);
  if (classification instanceof Promise) return classification.then((read) => advised(ctx, asked, read));
  return advised(ctx, asked, classification);
}

function advised(
  ctx: Pick<Context, "around">,
  asked: Assessing,
  classification: Classification,
): Assessment | Promise<Assessment> {
  const { advice = null } = asked;
  if (advice === null) return judge(ctx, asked, classification, null);
  return advice(classification).then((given) => judge(ctx, asked, classification, given));
}

/** INVARIANT: synchronous from the look at what came before to `settle`, so that calls at once see each other. */
function judge(
  { around }: Pick<Context, "around">,
  { agent, question, digest, rules, at, settle }: Assessing,
  read: Classification,
  advice: Advice | null,
): Assessment {
  const classification = withFacts(read, around.stated.factsOf(digest, question.resource, at));
  const deed = deedOf(question, classification, at);
  const moment = around.sessions.look(agent, deed, around.local(at));
  const risk = scoreRisk(classification, question.context.environment, moment, advice);
  const decision = decideAction(
    classification,
    (effect) => rules.policies.verdict(effect, { question, classification, risk, now: at, moment }),
    (demand) => isMet(demand, question, classification),
  );
  const assessment = { classification, deed, moment, risk, decision };
  settle?.(assessment);
  return assessment;
}
