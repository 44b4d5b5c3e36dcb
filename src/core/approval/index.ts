export { behindToday, editorsOf, GIVEN_UP, matches, peopleBehind } from "./barred.ts";
export type { Behind } from "./barred.ts";
export { assuranceFor, assuranceWithin } from "./assurance.ts";
export { covers, suffices } from "./cover.ts";
export { attach, cancel, expire, outlook, OWN_ISSUER, recheck, review, REVIEW_REASON_BYTES_MAX } from "./decide.ts";
export type { Events, ReviewCommand } from "./decide.ts";
export { eligibility } from "./eligibility.ts";
export type { Ask, Reviewer } from "./eligibility.ts";
export { atLeastTwo, placesOf, seat } from "./matching.ts";
export type { Candidate, Seating } from "./matching.ts";
export { peopleWith, rolesOf } from "./people.ts";
export type {
  Account,
  Agent,
  Delegation,
  Edit,
  LinkStrength,
  Membership,
  Passkey,
  Person,
  Role,
  Roster,
} from "./people.ts";
export { refuse } from "./refusals.ts";
export type { Refusal, RefusalCode } from "./refusals.ts";
export type { Barred, OpenedRequest, Outcome, Relation, RequestEvent, RequestStatus, Review } from "./request.ts";
export { faultOfStatement, STATEMENT_TTL_MS, statementBytes, statementDigest } from "./statement.ts";
export type { DecisionStatement, ProviderProof, ReviewProof, Stated, Verdict } from "./statement.ts";
export { accountToTell, isFirm, strengthOf } from "./strength.ts";
export { applyEvent, foldRequest, isLive, isOpen, seatingOf, statusAt } from "./state.ts";
export type { PermitState, Progress, Recorded, RequestState } from "./state.ts";
