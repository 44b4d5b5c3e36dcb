import type { Digest, Instant } from "../core/brand.ts";
import type { Question } from "../core/action/index.ts";
import type { EffectVerdict } from "../core/policy/index.ts";
import type { Classification, Effect, Moment, PolicyId, Risk } from "../core/risk/index.ts";

/** All that a policy may know of an action. */
export type PolicyInput = {
  readonly question: Question;
  readonly classification: Classification;
  readonly risk: Risk;
  /** By the engine's clock; policies see it as UTC hour and weekday. */
  readonly now: Instant;
  /** What came before, and the clock where the people are; left out, nothing is known of it. */
  readonly moment?: Moment;
};

/**
 * One loaded, validated set of policies. It never changes; a reload makes a new one.
 *
 * - `verdict` answers for one effect, synchronously and without side effect: same input, same answer.
 * - It never throws: what cannot be evaluated is `deny` with `policy_error`.
 * - Every policy that matches counts: all holds and demands that apply are returned, none hides another.
 */
export interface PolicySet {
  /** SHA-256 over the names and bytes of everything loaded: what an auditor compares. */
  readonly digest: Digest;
  /** Where requests that a policy holds are told besides, such as `slack:#payments`: its `@notify`. */
  readonly notify?: ReadonlyMap<PolicyId, readonly string[]>;
  verdict(effect: Effect, input: PolicyInput): EffectVerdict;
}
