import type { Classification, Effect, PolicyId } from "../risk/index.ts";
import { assuranceCovers, compareText, isMeaningful, mergeTerms } from "./strictness.ts";
import type { Assurance, Decision, Demand, DenyCode, EffectVerdict, Hold } from "./decision.ts";

type Deny = Extract<EffectVerdict, { outcome: "deny" }>;

/** Reasons of one denial that are told; the rest is counted. */
const REASONS_TOLD_MAX = 8;

// The gravest first: it names the decision when several effects are denied for different reasons.
const GRAVITY: readonly DenyCode[] = [
  "forbidden",
  "policy_error",
  "opaque_unheld",
  "no_policy",
  "repeated_denial",
  "deferral_expired",
  "limit_exceeded",
];

/** Denials that are nobody's word but silence: a policy that demands something has spoken instead. */
const SILENCE: ReadonlySet<DenyCode> = new Set(["no_policy", "opaque_unheld"]);

/**
 * What the verdicts on all effects come to: deny > defer > modify > hold (all merged) > allow > deny by default.
 *
 * A demand that is not met comes before a hold: the action as it was asked for never runs then, and the stricter one, or
 * the same one with its facts, is asked for anew, with its own holds. The order of the verdicts does not matter, and adding one never loosens the decision. A hold is enough for its effect,
 * with approval; an effect with neither permit nor hold arrives here as `no_policy` and denies the whole.
 */
export function mergeVerdicts(verdicts: readonly EffectVerdict[]): Decision {
  const denials: Deny[] = [];
  const holds: Hold[] = [];
  const permits: PolicyId[] = [];
  const demands: Demand[] = [];
  for (const verdict of verdicts) {
    if (verdict.demands !== undefined && verdict.demands.length > 0 && isOpenTo(verdict)) {
      demands.push(...verdict.demands);
      continue;
    }
    switch (verdict.outcome) {
      case "deny":
        denials.push(verdict);
        break;
      case "hold":
        // INVARIANT: a hold asks at least one person. Terms that are empty or absurd would let the action through alone.
        if (verdict.holds.length > 0 && verdict.holds.every(isMeaningful)) holds.push(...verdict.holds);
        else denials.push(brokenHold(verdict.holds));
        break;
      case "allow":
        permits.push(...verdict.policies);
        break;
      default:
        verdict satisfies never;
        denials.push(brokenHold([]));
    }
  }
  if (denials.length > 0) return mergeDenials(denials);
  if (demands.length > 0) return mergeDemands(demands);
  if (holds.length > 0) return mergeHolds(holds);
  if (verdicts.length > 0) return { outcome: "allow", policies: unique(permits) };
  return { outcome: "deny", code: "no_policy", because: "No policy permits this action.", policies: [] };
}

/**
 * Evaluates every distinct effect of an action and merges the answers. What was not wholly understood, and what has no
 * effect that anybody knows of, is also `opaque`, and only a hold or a denial answers for `opaque`: never an allow.
 */
export function decideAction(
  classification: Classification,
  verdictFor: (effect: Effect) => EffectVerdict,
  met: (demand: Demand) => boolean = () => false,
): Decision {
  const effects = new Set<Effect>(classification.effects.map(({ effect }) => effect));
  if (effects.size === 0 || classification.opaque.length > 0) effects.add("opaque");
  const verdicts = [...effects].map((effect) => {
    const verdict = withoutMet(verdictFor(effect), met);
    return effect === "opaque" ? neverAlone(verdict, classification.opaque) : verdict;
  });
  return mergeVerdicts(verdicts);
}

/** Demands speak where a permit, a hold or silence would; a broken hold and every other denial stand. */
function isOpenTo(verdict: EffectVerdict): boolean {
  if (verdict.outcome === "deny") return SILENCE.has(verdict.code);
  return verdict.outcome === "allow" || (verdict.holds.length > 0 && verdict.holds.every(isMeaningful));
}

function withoutMet(verdict: EffectVerdict, met: (demand: Demand) => boolean): EffectVerdict {
  if (verdict.demands === undefined) return verdict;
  return { ...verdict, demands: verdict.demands.filter((demand) => !met(demand)) };
}

/** What waits for facts waits before it is changed: the facts may say that it need not be. */
function mergeDemands(demands: readonly Demand[]): Decision {
  const defers = demands.filter((demand) => demand.kind === "defer");
  if (defers.length > 0) {
    return {
      outcome: "defer",
      facts: unique(defers.flatMap(({ facts }) => facts)),
      expiresInMs: Math.min(...defers.map(({ expiresInMs }) => expiresInMs)),
      because: tell(defers.map(({ because }) => because)),
      policies: unique(defers.map(({ policy }) => policy)),
    };
  }
  const modifies = demands.filter((demand) => demand.kind === "modify");
  const byText = new Map(modifies.flatMap(({ changes }) => changes).map((change) => [JSON.stringify(change), change]));
  return {
    outcome: "modify",
    changes: [...byText].sort(([a], [b]) => compareText(a, b)).map(([, change]) => change),
    because: tell(modifies.map(({ because }) => because)),
    policies: unique(modifies.map(({ policy }) => policy)),
  };
}

/** A permit for what nobody understood is no permit; what nobody holds is said to be that. */
function neverAlone(verdict: EffectVerdict, reasons: readonly string[]): EffectVerdict {
  if (verdict.outcome === "hold") return verdict;
  if (verdict.outcome === "deny" && verdict.code !== "no_policy") return verdict;
  const why = reasons.length === 0 ? "nothing is known of what it does" : tell(reasons);
  return {
    outcome: "deny",
    code: "opaque_unheld",
    because: `Not understood, and no policy holds it for people: ${why}`,
    policies: verdict.policies,
    ...(verdict.demands === undefined ? {} : { demands: verdict.demands }),
  };
}

function mergeDenials(denials: readonly Deny[]): Decision {
  const code = GRAVITY.find((candidate) => denials.some((denial) => denial.code === candidate)) ?? "policy_error";
  const told = denials.filter((denial) => denial.code === code);
  return {
    outcome: "deny",
    code,
    because: tell(told.map((denial) => denial.because)),
    policies: unique(told.flatMap((denial) => denial.policies)),
  };
}

function mergeHolds(all: readonly Hold[]): Decision {
  const byPolicy = new Map<PolicyId, Hold>();
  for (const hold of all) {
    const known = byPolicy.get(hold.policy);
    byPolicy.set(hold.policy, known === undefined ? hold : joined(known, hold));
  }
  const holds = [...byPolicy.values()]
    .map((hold) => ({ ...hold, terms: mergeTerms([hold.terms]) }))
    .sort((a, b) => compareText(a.policy, b.policy));
  return {
    outcome: "require_approval",
    holds,
    terms: mergeTerms(holds.map((hold) => hold.terms)),
    expiresInMs: Math.min(...holds.map((hold) => hold.expiresInMs)),
    assurance: holds.map((hold) => hold.assurance).reduce(stronger),
  };
}

/** One policy that held several effects is one hold; should it ever differ between them, the stricter of both. */
function joined(a: Hold, b: Hold): Hold {
  return {
    policy: a.policy,
    because: compareText(a.because, b.because) <= 0 ? a.because : b.because,
    terms: mergeTerms([a.terms, b.terms]),
    expiresInMs: Math.min(a.expiresInMs, b.expiresInMs),
    assurance: stronger(a.assurance, b.assurance),
  };
}

function stronger(a: Assurance, b: Assurance): Assurance {
  return assuranceCovers(a, b) ? a : b;
}

function brokenHold(holds: readonly Hold[]): Deny {
  const policies = unique(holds.map((hold) => hold.policy));
  return {
    outcome: "deny",
    code: "policy_error",
    because: "A policy holds this action but asks nobody that could approve it.",
    policies,
  };
}

function unique<T extends string>(values: readonly T[]): readonly T[] {
  return [...new Set(values)].sort(compareText);
}

function tell(reasons: readonly string[]): string {
  const distinct = unique(reasons);
  const told = distinct.slice(0, REASONS_TOLD_MAX).join(" ");
  const rest = distinct.length - REASONS_TOLD_MAX;
  return rest > 0 ? `${told} (and ${rest} more)` : told;
}
