import type { AuthorizationAnswer } from "@cedar-policy/cedar-wasm/nodejs";
import type { Demand, EffectVerdict, Hold } from "../../core/policy/index.ts";
import type { Effect, FactType, PolicyId } from "../../core/risk/index.ts";
import type { PolicyInput } from "../../ports/policy.ts";
import type { Meaning } from "./annotations.ts";
import { keyOf, READS_ALL, readsMoment } from "./reads.ts";
import type { Reads } from "./reads.ts";
import { toBareRequest, withMoment } from "./request.ts";
import type { CedarRequest } from "./request.ts";
import type { Evaluator } from "./shards.ts";

/** Answers kept, and the length of a question that is worth keeping one for: about 10 MB at worst. */
export const CACHE_ENTRIES_MAX = 4_096;
const CACHE_KEY_CHARS_MAX = 2_048;

type Meanings = ReadonlyMap<string, Meaning>;

/** Answers for one effect with what the matching policies mean; whatever goes wrong on the way is a denial. */
export function judge(effect: Effect, input: PolicyInput, set: JudgedSet): EffectVerdict {
  try {
    const reads = set.reads.get(effect) ?? READS_ALL;
    const bare = toBareRequest(effect, input, set.factTypes);
    const whole = readsMoment(reads) ? withMoment(effect, input, bare) : null;
    // Sound, because Cedar is a pure function of the request and of the set: the key holds all of the request that this
    // set can look at, and the cache belongs to one set. Errors are not kept.
    const key = keyOf(whole ?? bare, reads);
    const known = set.cache.get(key);
    if (known !== undefined) return known;
    const request = whole ?? withMoment(effect, input, bare);
    const verdict = withDemands(interpret(effect, set.evaluator.evaluate(request), set.meanings), request, set);
    if (verdict.outcome !== "deny" || verdict.code !== "policy_error") set.cache.set(key, verdict);
    return verdict;
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error), []);
  }
}

/** All that answering needs. */
export type JudgedSet = {
  readonly evaluator: Evaluator;
  /** The policies that demand something; null where there are none. */
  readonly demander: Evaluator | null;
  readonly meanings: Meanings;
  readonly factTypes: ReadonlyMap<string, FactType>;
  readonly reads: ReadonlyMap<Effect, Reads>;
  readonly cache: VerdictCache;
};

/** The verdict with the demands that apply; one that cannot be evaluated denies, like every other policy. */
function withDemands(verdict: EffectVerdict, request: CedarRequest, { demander, meanings }: JudgedSet): EffectVerdict {
  if (demander === null) return verdict;
  const answer = demander.evaluate(request);
  if (answer.type === "failure") return failed(answer.errors.map(({ message }) => message).join("; "), []);
  const { errors, reason } = answer.response.diagnostics;
  const [error] = errors;
  if (error !== undefined)
    return failed(
      error.error.message,
      errors.map(({ policyId }) => policyId),
    );
  const demands = [...reason].sort().map((id) => meanings.get(id));
  const known = demands.flatMap((meaning): readonly Demand[] =>
    meaning !== undefined && "demand" in meaning ? [meaning.demand] : [],
  );
  if (known.length !== demands.length) return failed("a policy answered that was never loaded", []);
  return known.length === 0 ? verdict : { ...verdict, demands: known };
}

function interpret(effect: Effect, answer: AuthorizationAnswer, meanings: Meanings): EffectVerdict {
  if (answer.type === "failure") return failed(answer.errors.map(({ message }) => message).join("; "), []);
  const { decision, diagnostics } = answer.response;
  // Cedar skips a policy that errors, which would turn a forbid into nothing: one error denies the whole.
  const [error] = diagnostics.errors;
  if (error !== undefined)
    return failed(
      error.error.message,
      diagnostics.errors.map(({ policyId }) => policyId),
    );

  const matched = diagnostics.reason.map((id) => meanings.get(id));
  const known = matched.filter((meaning) => meaning !== undefined).sort((a, b) => (a.id < b.id ? -1 : 1));
  const ids = known.map(({ id }) => id);
  const permits = known.filter(({ kind }) => kind === "permit");
  if (known.length !== matched.length) return failed("a policy answered that was never loaded", ids);
  if (decision === "allow") {
    if (permits.length === 0 || permits.length !== known.length) return failed("an allow without a permit", ids);
    return { outcome: "allow", policies: ids };
  }
  const forbids = known.filter(({ kind }) => kind === "forbid");
  if (forbids.length > 0) {
    const because = forbids.map((forbid) => forbid.because).join(" ");
    return { outcome: "deny", code: "forbidden", because, policies: forbids.map(({ id }) => id) };
  }
  const holds = known.flatMap((meaning): readonly Hold[] => (meaning.kind === "hold" ? [meaning.hold] : []));
  if (holds.length > 0) return { outcome: "hold", holds };
  return { outcome: "deny", code: "no_policy", because: `No policy permits \`${effect}\` here.`, policies: [] };
}

function failed(message: string, policies: readonly string[]): EffectVerdict {
  const ids = [...new Set(policies)].sort() as PolicyId[];
  return {
    outcome: "deny",
    code: "policy_error",
    because: `The policies could not be evaluated: ${message}`,
    policies: ids,
  };
}

/** The most recently used answers of one set: the younger half and the older one, which goes as a whole. */
export class VerdictCache {
  #younger = new Map<string, EffectVerdict>();
  #older = new Map<string, EffectVerdict>();
  readonly #half: number;

  /** `max` is how many answers are kept at most. */
  constructor(max: number) {
    this.#half = Math.ceil(max / 2);
  }

  get(key: string): EffectVerdict | undefined {
    const verdict = this.#younger.get(key);
    if (verdict !== undefined) return verdict;
    const older = this.#older.get(key);
    if (older !== undefined) this.set(key, older);
    return older;
  }

  set(key: string, verdict: EffectVerdict): void {
    if (key.length > CACHE_KEY_CHARS_MAX) return;
    if (this.#younger.size >= this.#half) {
      this.#older = this.#younger;
      this.#younger = new Map();
    }
    this.#younger.set(key, verdict);
  }
}
