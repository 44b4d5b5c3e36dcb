export { EFFECTS, TRAITS, RISK_FACTS } from "./facts.ts";
export type {
  Classification,
  Contribution,
  Effect,
  Fact,
  FactType,
  FactValue,
  FoundEffect,
  PolicyId,
  Provenance,
  Risk,
  RiskLevel,
  Span,
  Trait,
  TraitId,
} from "./facts.ts";
export { openFindings, quoted } from "./findings.ts";
export type { Findings } from "./findings.ts";
export { scoreRisk, WEIGHTS_ID } from "./score.ts";
export { levelOf, WEIGHTS } from "./weights.ts";
