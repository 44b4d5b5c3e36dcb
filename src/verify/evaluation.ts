import type { Json } from "../core/action/index.ts";
import type { Header } from "./header.ts";
import type { Complain } from "./report.ts";
import type { RulesInForce } from "./rules.ts";
import type { Stage, StreamBook, StreamState } from "./streams.ts";
import { EVALUATION_NAMED_MS } from "./streams.ts";

/** How the name of an evaluation's stream begins. */
export const EVALUATION_STREAM = "evaluation/";

/** What an evaluation's answer leaves open: an execution, a request, or nothing. */
const AFTER: Readonly<Record<string, Stage>> = { allow: "allowed", require_approval: "held" };

/** One entry of an evaluation's stream: the answer, and at most one outcome of what the answer let through. */
export function followEvaluation(
  header: Pick<Header, "type" | "at" | "shown">,
  stage: Stage,
  known: StreamState | null,
  context: { readonly book: StreamBook; readonly rules: RulesInForce },
  complain: Complain,
): { readonly stage: Stage; readonly subject: number } {
  const { type } = header;
  const { book, rules } = context;
  const digest = textOf(header.shown("digest"));
  if (type === "action.evaluated") {
    if (stage !== "unopened") complain("a second answer to one evaluation");
    const outcome = textOf(header.shown("outcome"));
    if (outcome === "" || digest === "") complain("the evaluation does not say what it was about, or its outcome");
    rules.check(header, complain);
    return {
      stage: Object.hasOwn(AFTER, outcome) ? (AFTER[outcome] ?? "denied") : "denied",
      subject: book.markOf(digest),
    };
  }
  const subject = known?.subject ?? 0;
  if (type !== "action.completed") {
    const outside = type === "permit.redeemed" ? "a permit was redeemed outside any request" : null;
    complain(outside ?? `\`${type}\` is no entry of an evaluation that this verifier knows`);
    return { stage: stage === "unopened" ? "denied" : stage, subject };
  }
  if (stage === "allowed") {
    if (subject !== book.markOf(digest)) complain("the outcome is of another action than the evaluation");
  } else if (stage !== "earlier") {
    complain(`an action was executed and its evaluation was ${EXECUTED_UNDER[stage] ?? "not there"}`);
  }
  return { stage: "done", subject };
}

const EXECUTED_UNDER: Readonly<Partial<Record<Stage, string>>> = {
  held: "an answer that asks for approval",
  denied: "a denial",
  done: "executed before",
};

/** What is wrong with a request that names this evaluation, or null: it has to be there, about the same, and asking. */
export function faultOfNamed(
  evaluation: Json | undefined,
  digest: Json | undefined,
  at: number,
  context: { readonly book: StreamBook; readonly blind: boolean },
): string | null {
  const { book, blind } = context;
  if (typeof evaluation !== "string") return "it names no evaluation";
  const known = book.find(EVALUATION_STREAM + evaluation);
  if (known === null) return blind ? null : `it names \`${evaluation}\`, which is not in the ledger or long past`;
  if (known.stage === "earlier") return null;
  if (known.stage !== "held") return `it names \`${evaluation}\`, which did not ask for approval`;
  if (typeof digest === "string" && known.subject !== book.markOf(digest)) {
    return `it names \`${evaluation}\`, which was about another action`;
  }
  return at > known.at + EVALUATION_NAMED_MS ? `it names \`${evaluation}\`, which is more than a day old` : null;
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}
