import type {
  ActionConstraint,
  AuthorizationAnswer,
  CheckParseAnswer,
  EntityUidJson,
} from "@cedar-policy/cedar-wasm/nodejs";
import { EFFECTS } from "../../core/risk/index.ts";
import type { Effect, PolicyId } from "../../core/risk/index.ts";
import type { CedarRequest } from "./request.ts";
import { preparsePolicySet, preparseSchema, statefulIsAuthorized } from "./wasm.ts";

/** One policy that is ready to be evaluated. */
export type ReadyPolicy = { readonly id: PolicyId; readonly text: string; readonly action: ActionConstraint };

/** Asks one loaded set; `failure` and diagnostics are Cedar's own. */
export type Evaluator = { evaluate(request: CedarRequest): AuthorizationAnswer };

/*
 * Cedar keeps pre-parsed sets by name for ever: it can replace one, not drop it. So names are slots. A set leases a slot as
 * long as anybody can still ask it, and a reload takes a slot whose lease was collected, which replaces what it held. Two
 * live sets never share a slot: the old one goes on answering for itself while, and after, the new one is loaded.
 */
const freeSlots: number[] = [];
let slotCount = 0;
const leases = new FinalizationRegistry<number>((slot) => freeSlots.push(slot));

/** Slots that this process ever needed at once: Cedar's memory grows with these, not with reloads. */
export function slotsMade(): number {
  return slotCount;
}

/**
 * Compiles policies into one Cedar set per effect (`sharded`), so that only those are evaluated that can apply, or into a
 * single one. Cost grows with the set, and policies mostly name their effect (research: 451 µs against 169 µs at 100).
 */
export function compile(
  schema: string,
  policies: readonly ReadyPolicy[],
  options: { sharded: boolean; hierarchy: boolean },
): Evaluator {
  const lease = { slot: freeSlots.pop() ?? slotCount++ };
  leases.register(lease, lease.slot);
  const schemaName = `keyturn/${lease.slot}`;
  expectParsed(preparseSchema(schemaName, schema));
  const shards = options.sharded ? EFFECTS : [null];
  for (const effect of shards) {
    const relevant = policies.filter(({ action }) => effect === null || appliesTo(action, effect, options.hierarchy));
    const staticPolicies = Object.fromEntries(relevant.map(({ id, text }) => [id, text]));
    expectParsed(preparsePolicySet(shardName(lease.slot, effect), { staticPolicies }));
  }
  return {
    // INVARIANT: this closure holds the lease; while it lives, nobody else writes to its slot.
    evaluate: (request) =>
      statefulIsAuthorized({
        ...request,
        preparsedSchemaName: schemaName,
        preparsedPolicySetId: shardName(lease.slot, options.sharded ? request.action.id : null),
        validateRequest: true,
      }),
  };
}

function shardName(slot: number, effect: string | null): string {
  return `keyturn/${slot}/${effect ?? "*"}`;
}

/**
 * Whether a policy can apply to an effect at all. Too often is slow, too rarely would be a hole: what is not exactly the
 * name of an effect applies to all of them, and so does `in` where a schema of the operator's own may group the actions.
 */
export function appliesTo(constraint: ActionConstraint, effect: Effect, hierarchy: boolean): boolean {
  if (constraint.op === "All") return true;
  if (constraint.op === "in" && hierarchy) return true;
  const named = "entities" in constraint ? constraint.entities : "entity" in constraint ? [constraint.entity] : [];
  const names = named.map(effectOf);
  return names.length === 0 || names.includes(null) || names.includes(effect);
}

function effectOf(uid: EntityUidJson): Effect | null {
  const { type, id } = "__entity" in uid ? uid.__entity : uid;
  return type === "Action" ? (EFFECTS.find((effect) => effect === id) ?? null) : null;
}

function expectParsed(answer: CheckParseAnswer): void {
  if (answer.type === "failure") throw new Error(answer.errors.map(({ message }) => message).join("; "));
}
