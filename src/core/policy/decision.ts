import type { GroupName } from "../brand.ts";
import type { PolicyId } from "../risk/facts.ts";
import type { Change } from "./modify.ts";

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

/** A policy that says "not this, but this stricter one", or "not before these facts are known". */
export type Demand =
  | {
      readonly kind: "modify";
      readonly policy: PolicyId;
      readonly because: string;
      readonly changes: readonly Change[];
    }
  | {
      readonly kind: "defer";
      readonly policy: PolicyId;
      readonly because: string;
      readonly facts: readonly string[];
      /** How long the facts may take, in milliseconds. */
      readonly expiresInMs: number;
    };

/**
 * What the policies say of one effect. An engine that fails answers `deny`, never throws. `demands` are those that apply;
 * until they are met they stand in the place of an allow, a hold and a `no_policy`, and never of another denial.
 */
export type EffectVerdict = { readonly demands?: readonly Demand[] } & (
  | { readonly outcome: "allow"; readonly policies: readonly PolicyId[] }
  | { readonly outcome: "hold"; readonly holds: readonly Hold[] }
  | {
      readonly outcome: "deny";
      readonly code: DenyCode;
      readonly because: string;
      readonly policies: readonly PolicyId[];
    }
);

export type DenyCode =
  | "forbidden" // a policy forbids it, whoever approves
  | "no_policy" // nothing permits it
  | "policy_error" // a policy or the request could not be evaluated
  | "opaque_unheld" // not understood, and no policy holds it for people
  | "repeated_denial" // people denied exactly this a moment ago
  | "deferral_expired" // a fact that was missing did not arrive in time
  | "limit_exceeded"; // the subject asks too often or has too much pending

/** What is to happen with an action. `modify` and `defer` let nothing through: they say what to do instead. */
export type Decision =
  | {
      readonly outcome: "modify";
      readonly changes: readonly Change[];
      readonly because: string;
      readonly policies: readonly PolicyId[];
    }
  | {
      readonly outcome: "defer";
      /** The facts that are missing, sorted. */
      readonly facts: readonly string[];
      /** The shortest of all that wait. */
      readonly expiresInMs: number;
      readonly because: string;
      readonly policies: readonly PolicyId[];
    }
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
