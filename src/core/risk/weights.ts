import type { RiskLevel } from "./facts.ts";

/**
 * The points of every reason, as one table with one version. Whoever changes a number raises `version`; the identity that
 * is written beside every score also carries the digest of the table, so a forgotten version cannot hide a change.
 *
 * The anchors: a small read of personal data in production stays low (24), a large export of it, an escalation or a dropped
 * table is high by its floor and stays below critical, tampering with an audit record is critical.
 */
export const WEIGHTS = {
  version: 3,
  scoreMax: 100,
  /** Lower bounds. */
  levels: { low: 0, medium: 30, high: 60, critical: 85 },
  effects: {
    read: 2,
    write: 15,
    network: 15,
    execute: 20,
    export: 20,
    delete: 30,
    ddl: 30,
    deploy: 25,
    "secret.read": 40,
    escalate: 45,
    opaque: 30,
  },
  furtherEffectDivisor: 5,
  /** Per power of ten and for the half of one; an export without a known count is taken for `assumed` rows. */
  rows: { perPower: 3, perHalf: 1, max: 24, assumed: 1_000_000 },
  /** Environments that are known to be harmless or not; every other name, and none, counts as production. */
  environments: { production: 8, staging: 3, test: 0, development: 0 },
  otherEnvironment: 8,
  sensitivity: { personal: 8, financial: 8, audit: 12, secret: 12 },
  otherSensitivity: 8,
  irreversible: 15,
  gateOnly: 6,
  /**
   * What only holds of the moment. `rows`: what the agent did alike within a day before this, per power of ten from `from`
   * on. `rate`: points from so many actions alike within five minutes on. `load`: people are asked too much to look well.
   */
  moment: {
    novel: 3,
    rows: { from: 1_000, perPower: 2, max: 10 },
    rate: { from: 100, perPower: 2, max: 6 },
    offHours: 4,
    load: { points: 3, pending: 50, busiest: 20 },
    untrusted: 10,
  },
  adviserMax: 40,
  /** Points of every trait, and the level that no action with it goes below; `low` is no floor. */
  traits: {
    irreversible: { points: 15, floor: "low" },
    unbounded: { points: 10, floor: "low" },
    program_execution: { points: 25, floor: "high" },
    file_access: { points: 15, floor: "medium" },
    remote_target: { points: 10, floor: "medium" },
    network_egress: { points: 10, floor: "low" },
    secret_access: { points: 20, floor: "high" },
    exfiltration: { points: 30, floor: "high" },
    privilege_change: { points: 20, floor: "high" },
    privilege_use: { points: 10, floor: "medium" },
    defence_evasion: { points: 25, floor: "high" },
    persistence: { points: 15, floor: "medium" },
    replication: { points: 20, floor: "high" },
    code_injection: { points: 15, floor: "medium" },
    availability: { points: 15, floor: "medium" },
    obfuscated: { points: 10, floor: "medium" },
    multiple: { points: 1, floor: "low" },
    dynamic_code: { points: 15, floor: "medium" },
  },
} as const;

/** The level of a score from 0 to 100: low < 30 ≤ medium < 60 ≤ high < 85 ≤ critical. */
export function levelOf(score: number): RiskLevel {
  if (score >= WEIGHTS.levels.critical) return "critical";
  if (score >= WEIGHTS.levels.high) return "high";
  return score >= WEIGHTS.levels.medium ? "medium" : "low";
}
