export type { Assurance, Decision, DenyCode, EffectVerdict, Hold, Term } from "./decision.ts";
export { decideAction, mergeVerdicts } from "./merge.ts";
export { assuranceCovers, ASSURANCES, coversTerms, isAtLeastAsStrict, QUORUM_MAX } from "./strictness.ts";
