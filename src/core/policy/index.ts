export type { Assurance, Decision, Demand, DenyCode, EffectVerdict, Hold, Term } from "./decision.ts";
export { isMet } from "./demands.ts";
export { decideAction, mergeVerdicts } from "./merge.ts";
export { applyChanges, CHANGES_MAX } from "./modify.ts";
export type { Change, Changed } from "./modify.ts";
export { assuranceCovers, ASSURANCES, coversTerms, isAtLeastAsStrict, QUORUM_MAX } from "./strictness.ts";
