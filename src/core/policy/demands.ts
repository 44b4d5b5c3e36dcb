import type { Question } from "../action/index.ts";
import type { Classification } from "../risk/index.ts";
import type { Demand } from "./decision.ts";
import { changesNothing } from "./modify.ts";

/** Whether an action already is what a policy demands: the changes change nothing, or the facts are there. */
export function isMet(demand: Demand, question: Question, { facts }: Classification): boolean {
  switch (demand.kind) {
    case "modify":
      return changesNothing(question, demand.changes);
    case "defer":
      return demand.facts.every((name) => facts.some((fact) => fact.name === name));
    default:
      demand satisfies never;
      return false;
  }
}
