export { assertionOptions, verifyAssertion } from "./assertion.ts";
export type { Asserted, Assertion } from "./assertion.ts";
export { enrolmentOptions, verifyEnrolment } from "./enrol.ts";
export type { Enrolled, Enrolment } from "./enrol.ts";
export { relyingPartyOf } from "./party.ts";
export type { RelyingParty } from "./party.ts";
