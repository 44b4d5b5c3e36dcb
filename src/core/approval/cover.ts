import { assuranceCovers, coversTerms, type Decision } from "../policy/index.ts";
import type { Risk, RiskLevel } from "../risk/index.ts";
import { personalAssurance } from "./assurance.ts";
import { refuse } from "./refusals.ts";
import type { Refusal } from "./refusals.ts";
import { seatingOf, type RequestState } from "./state.ts";

const LEVELS: readonly RiskLevel[] = ["low", "medium", "high", "critical"];

/**
 * Does what people approved still suffice for what policy says now? An approval lifts only holds whose terms it
 * meets: new terms, stronger assurance or a higher risk than was shown mean that people are asked again.
 */
export function covers(state: RequestState, decision: Decision, risk: Risk): Refusal | null {
  if (!seatingOf(state).complete) return refuse("approval_voided");
  switch (decision.outcome) {
    case "allow":
      return null;
    case "deny":
    case "modify":
    case "defer":
      return refuse("policy_denied", decision.because);
    case "require_approval": {
      if (!seatingOf(state, decision.terms).complete) return refuse("terms_not_met");
      const wanted = personalAssurance(decision.assurance);
      const weak = state.reviews.some((r) => r.verdict === "approve" && !assuranceCovers(r.assurance, wanted));
      if (weak) return refuse("assurance_too_low", `policy now asks for ${decision.assurance}`);
      if (LEVELS.indexOf(risk.level) > LEVELS.indexOf(state.opened.risk.level))
        return refuse("risk_rose", `${risk.level} instead of ${state.opened.risk.level}`);
      return null;
    }
    default:
      return decision satisfies never;
  }
}

/** Would an approval of this request, as it asks now, cover what policy says now? If not, people are being asked in vain. */
export function suffices(state: RequestState, decision: Decision, risk: Risk): boolean {
  if (decision.outcome !== "require_approval") return decision.outcome === "allow";
  const { assurance, risk: shown } = state.opened;
  const isEnough = coversTerms(state.terms, decision.terms) && assuranceCovers(assurance, decision.assurance);
  return isEnough && LEVELS.indexOf(risk.level) <= LEVELS.indexOf(shown.level);
}
