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
export { NEW_SESSION, NO_COUNTS, noMoment, rowsOf, tagsOf, utc } from "./moment.ts";
export type { Counts, LocalTime, Moment, SessionSeen, Spans, Stretch } from "./moment.ts";
export { openFindings, quoted } from "./findings.ts";
export type { Findings } from "./findings.ts";
export type { RequestRule } from "./request-rule.ts";
export { lasting, scoreRisk, WEIGHTS_ID } from "./score.ts";
export type { Advice } from "./score.ts";
export { levelOf, WEIGHTS } from "./weights.ts";
