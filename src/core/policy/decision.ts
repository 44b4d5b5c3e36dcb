import type { GroupName } from "../brand.ts";
import type { PolicyId } from "../risk/facts.ts";

/** How strong the evidence of a review is: A0 none, A1 a signed-in click, A2 re-authentication, A3 passkey, A4 several passkeys. */
export type Assurance = "A0" | "A1" | "A2" | "A3" | "A4";

/** So many distinct people of one group. Terms are joined by AND and no person fills two places. */
export type Term = { readonly group: GroupName; readonly quorum: number };

/** A policy that says "denied, unless these people approve". */
export type Hold = {
  readonly policy: PolicyId;
  readonly because: string;
  readonly terms: readonly Term[];
  /** How long people have to review, in milliseconds. */
  readonly expiresInMs: number;
  readonly assurance: Assurance;
};

/** What the policies say of one effect. An engine that fails answers `deny`, never throws. */
export type EffectVerdict =
  | { readonly outcome: "allow"; readonly policies: readonly PolicyId[] }
  | { readonly outcome: "hold"; readonly holds: readonly Hold[] }
  | {
      readonly outcome: "deny";
      readonly code: DenyCode;
      readonly because: string;
      readonly policies: readonly PolicyId[];
    };

export type DenyCode =
  | "forbidden" // a policy forbids it, whoever approves
  | "no_policy" // nothing permits it
  | "policy_error" // a policy or the request could not be evaluated
  | "opaque_unheld" // not understood, and no policy holds it for people
  | "repeated_denial" // people denied exactly this a moment ago
  | "limit_exceeded"; // the subject asks too often or has too much pending

/** What is to happen with an action. */
export type Decision =
  | { readonly outcome: "allow"; readonly policies: readonly PolicyId[] }
  | {
      readonly outcome: "require_approval";
      readonly holds: readonly Hold[];
      /** All holds merged: per group the largest quorum, sorted by group. */
      readonly terms: readonly Term[];
      /** The shortest of all holds. */
      readonly expiresInMs: number;
      /** The strongest of all holds. */
      readonly assurance: Assurance;
    }
  | {
      readonly outcome: "deny";
      readonly code: DenyCode;
      readonly because: string;
      readonly policies: readonly PolicyId[];
    };
