/** Why a command was refused. Each has one sentence for people, below. */
export type RefusalCode =
  | "request_closed"
  | "request_expired"
  | "request_unknown"
  | "digest_changed"
  | "person_barred"
  | "person_inactive"
  | "person_unknown"
  | "not_in_group"
  | "member_too_late"
  | "link_too_weak"
  | "assurance_too_low"
  | "passkey_revoked"
  | "assertion_invalid"
  | "assertion_expired"
  | "already_reviewed"
  | "not_requester"
  | "not_approved"
  | "approval_expired"
  | "approval_voided"
  | "permit_redeemed"
  | "permit_expired"
  | "permit_other_gate"
  | "permit_other_action"
  | "permit_unknown"
  | "policy_denied"
  | "terms_not_met"
  | "risk_rose"
  | "outcome_known"
  | "account_taken"
  | "group_unknown"
  | "directory_full"
  | "file_owned"
  | "not_redeemed";

export type Refusal = { readonly refused: RefusalCode; readonly because: string };

/** One sentence for each refusal: what is wrong, and where there is something to do, what. */
const SENTENCES: Readonly<Record<RefusalCode, string>> = {
  request_closed: "This request is already decided.",
  request_expired: "The time to review this request is over; the agent may ask again.",
  request_unknown: "There is no such request.",
  digest_changed: "What you were shown is not what would run; reload the request and look again.",
  person_barred: "You stand behind this action and cannot approve it",
  person_inactive: "Your account is deactivated.",
  person_unknown: "You are not in the directory.",
  not_in_group: "Only members of these groups can review this",
  member_too_late: "You joined the group after this request was opened; ask for a new request.",
  link_too_weak: "This account is not linked to you firmly enough to review; sign in to link it.",
  assurance_too_low: "This needs stronger evidence that it is you",
  passkey_revoked: "The passkey that signed this is not enrolled, or not any more.",
  assertion_invalid: "What was signed is not this decision",
  assertion_expired: "This was never offered for signing, was used, or its time is over; start the review again.",
  already_reviewed: "You have already reviewed this request; one person fills one place.",
  not_requester: "Only the agent that asked can do this.",
  not_approved: "This request is not approved.",
  approval_expired: "The approval was not used in time; ask again.",
  approval_voided: "A review no longer counts, so the approval does not stand",
  permit_redeemed: "This permit has been used; one permission is for one action.",
  permit_expired: "The permit has expired; evaluate again with the approval to get a fresh one.",
  permit_other_gate: "This permit was issued to another gate.",
  permit_other_action: "This permit is for another action.",
  permit_unknown: "This permit was not issued here.",
  policy_denied: "Policy no longer allows this action, approved or not",
  terms_not_met: "Policy now asks for more people than have approved",
  risk_rose: "The risk is higher than what the approvers were shown",
  account_taken: "This login belongs to another person; take it from there first.",
  group_unknown: "There is no such group",
  directory_full: "The directory holds no more than",
  file_owned: "This stands in directory.yaml; take it out there.",
  outcome_known: "The outcome of this action is already recorded.",
  not_redeemed: "The permit has not been redeemed, so there is no outcome to record.",
};

/** A refusal with its sentence; `detail` completes it. */
export function refuse(code: RefusalCode, detail?: string): Refusal {
  const sentence = SENTENCES[code];
  return { refused: code, because: detail === undefined ? sentence : `${sentence.replace(/\.$/, "")}: ${detail}.` };
}
