import type { Brand } from "../brand.ts";

/** What an action does, from mild to grave. `opaque` means: not understood, and never autopilot. */
export const EFFECTS = [
  "read",
  "write",
  "network",
  "execute",
  "export",
  "delete",
  "ddl",
  "deploy",
  "secret.read",
  "escalate",
  "opaque",
] as const;
export type Effect = (typeof EFFECTS)[number];

/** Who vouches for a fact: the operator's catalogue, the gate that saw the call, a parser that read it, or a source that told. */
export type Provenance = "operator" | "gate" | "parsed" | "source";

/** A scalar or a list of names; numbers are safe integers, because Cedar has no fractions. */
export type FactValue = string | number | boolean | readonly string[];

/** What a fact's value is: `integer` is a safe integer from 0 on, `strings` a set of names. */
export type FactType = "integer" | "string" | "boolean" | "strings";

/** Facts that the score reads, with the one type each may have in every catalogue and policy. */
export const RISK_FACTS: ReadonlyMap<string, FactType> = new Map<string, FactType>([
  ["rows", "integer"],
  ["irreversible", "boolean"],
  ["sensitivity", "strings"],
]);

/** One thing known of an action, such as `rows = 12000`. */
export type Fact = { readonly name: string; readonly value: FactValue; readonly provenance: Provenance };

/** Where in the classified text the evidence stands: UTF-16 offsets, end exclusive, and the parameter it was in (RFC 6901). */
export type Span = { readonly pointer: string; readonly start: number; readonly end: number };

/** One effect with the evidence for it, in words a reviewer can check. */
export type FoundEffect = {
  readonly effect: Effect;
  readonly because: string;
  readonly provenance: Provenance;
  readonly span?: Span;
};

/**
 * What makes an effect worse than its name says. Each raises the score or sets a floor; none lowers anything.
 * Policies see the ids as `context.traits`.
 */
export const TRAITS = [
  "irreversible", // cannot be undone: DROP, TRUNCATE, rm -rf, delete or replace of a data store
  "unbounded", // acts on everything: no WHERE, no LIMIT, a recursive wildcard
  "program_execution", // runs a program of the text's own choosing: COPY PROGRAM, eval, a shell in a shell
  "file_access", // files of a server that the gate does not watch: COPY 'file', pg_read_file, lo_import
  "remote_target", // acts on another machine or container: ssh, docker exec, kubectl exec, dblink
  "network_egress", // sends something out
  "secret_access", // reads a credential or a key
  "exfiltration", // a secret or sensitive source flows to the network
  "privilege_change", // gives or takes rights, roles, ownership, row security
  "privilege_use", // runs with more power than the caller: sudo, SECURITY DEFINER, --privileged
  "defence_evasion", // weakens logging, audit, monitoring, history
  "persistence", // survives the action: cron, triggers, services, authorized_keys
  "replication", // data leaves by replication, publication, snapshot sharing
  "code_injection", // changes what later commands mean: LD_PRELOAD, PATH, PAGER, alias, search_path
  "availability", // stops or starves a service: kill, shutdown, lock, fork bomb
  "obfuscated", // hides what it does: encodings, escapes, look-alikes
  "multiple", // several statements or commands in one text
  "dynamic_code", // text becomes code only at run time
] as const;
export type TraitId = (typeof TRAITS)[number];
export type Trait = { readonly id: TraitId; readonly because: string; readonly span?: Span };

/** What the classifiers made of an action. `opaque` lists why it was not understood; then `effects` has `opaque`. */
export type Classification = {
  readonly effects: readonly FoundEffect[];
  readonly facts: readonly Fact[];
  readonly opaque: readonly string[];
  readonly traits?: readonly Trait[];
};

export type RiskLevel = "low" | "medium" | "high" | "critical";

/** One reason for the score: its evidence in words, where it stands, and its points, which are never negative. */
export type Contribution = {
  readonly id: string;
  readonly points: number;
  readonly evidence: string;
  readonly span?: Span;
};

/** Points 0–100, additive; `floors` are levels that no sum may go below. `weights` names the version that scored. */
export type Risk = {
  readonly score: number;
  readonly level: RiskLevel;
  readonly contributions: readonly Contribution[];
  readonly floors: readonly { readonly id: string; readonly level: RiskLevel; readonly evidence: string }[];
  readonly weights: string;
};

/** The name of one policy: its `@id`, or file and position. */
export type PolicyId = Brand<string, "PolicyId">;
