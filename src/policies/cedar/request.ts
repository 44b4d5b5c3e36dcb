import type { CedarValueJson, EntityJson, TypeAndId } from "@cedar-policy/cedar-wasm/nodejs";
import { NO_COUNTS, noMoment, utc } from "../../core/risk/index.ts";
import type { Counts, Effect, FactType, Moment, Spans, Stretch } from "../../core/risk/index.ts";
import type { PolicyInput } from "../../ports/policy.ts";

/** One question in Cedar's terms: all that an answer can depend on. */
export type CedarRequest = {
  readonly principal: TypeAndId;
  readonly action: TypeAndId;
  readonly resource: TypeAndId;
  readonly context: Record<string, CedarValueJson>;
  readonly entities: EntityJson[];
};

/** Builds the request for one effect; RangeError when the facts contradict each other. Facts that no schema names stay outside. */
export function toRequest(effect: Effect, input: PolicyInput, factTypes: ReadonlyMap<string, FactType>): CedarRequest {
  return withMoment(effect, input, toBareRequest(effect, input, factTypes));
}

/** The same without what came before: enough to know a verdict again by, where no policy looks back. */
export function toBareRequest(
  effect: Effect,
  input: PolicyInput,
  factTypes: ReadonlyMap<string, FactType>,
): CedarRequest {
  const { question, risk } = input;
  const { type, id } = question.resource;
  // The first "/" ends the type: `a/b` of type `c` and `b` of type `c/a` must not be one entity.
  const uid = { type: "Resource", id: `${type.replaceAll("%", "%25").replaceAll("/", "%2F")}/${id}` };
  const { hour, weekday } = utc(input.now);
  const { environment } = question.context;
  return {
    principal: { type: "Agent", id: question.subject.id },
    action: { type: "Action", id: effect },
    resource: uid,
    context: {
      action: question.action.name,
      ...(environment === undefined ? {} : { environment }),
      facts: factRecord(input, factTypes),
      traits: traitsOf(input),
      risk: { score: risk.score, level: risk.level },
      hour,
      weekday,
    },
    entities: [{ uid, attrs: { type, id }, parents: [] }],
  };
}

/** A bare request with what came before. */
export function withMoment(effect: Effect, { moment, now }: PolicyInput, bare: CedarRequest): CedarRequest {
  return { ...bare, context: { ...bare.context, ...momentRecord(effect, moment ?? noMoment(now)) } };
}

/** The members of what came before. */
export const MOMENT_MEMBERS: ReadonlySet<string> = new Set([
  "session",
  "recent",
  "alike",
  "novel",
  "approvals",
  "local_hour",
  "local_weekday",
  "working_hours",
]);

/** Members whose names and types are always these, whatever happened: they add nothing to a question's shape. */
export const FIXED_MEMBERS: ReadonlySet<string> = new Set([...MOMENT_MEMBERS, "action", "risk", "hour", "weekday"]);

/** What came before, in Cedar's terms. */
export function momentRecord(effect: Effect, moment: Moment): Record<string, CedarValueJson> {
  const { session, recent, alike, novel, approvals, local } = moment;
  return {
    session: { ...session, effects: [...session.effects], sensitivities: [...session.sensitivities] },
    recent: spansRecord(recent, stretchRecord),
    alike: spansRecord(alike.get(effect) ?? NO_COUNTS, countsRecord),
    novel: novel.includes(effect),
    approvals: { ...approvals },
    local_hour: local.hour,
    local_weekday: local.weekday,
    working_hours: local.working,
  };
}

function spansRecord<T>({ minutes5, hour, day }: Spans<T>, of: (span: T) => CedarValueJson): CedarValueJson {
  return { minutes5: of(minutes5), hour: of(hour), day: of(day) };
}

function countsRecord({ actions, rows, unknown }: Counts): Record<string, CedarValueJson> {
  return { actions, rows, unknown_rows: unknown };
}

function stretchRecord(stretch: Stretch): CedarValueJson {
  const { effects, sensitivities } = stretch;
  return { ...countsRecord(stretch), effects: [...effects], sensitivities: [...sensitivities] };
}

function traitsOf({ classification: { traits = [] } }: PolicyInput): string[] {
  return traits.length === 0 ? [] : [...new Set(traits.map(({ id }) => id))].sort();
}

function factRecord(input: PolicyInput, factTypes: ReadonlyMap<string, FactType>): Record<string, CedarValueJson> {
  const facts = input.classification.facts.filter(({ name }) => factTypes.has(name));
  // In order, so that one set of facts has one shape; most classifiers give them so.
  if (facts.some(({ name }, at) => at > 0 && name < (facts[at - 1]?.name ?? ""))) {
    facts.sort((a, b) => (a.name < b.name ? -1 : 1));
  }
  const record: Record<string, CedarValueJson> = {};
  for (const [at, { name, value }] of facts.entries()) {
    const before = facts[at - 1];
    if (before?.name === name && JSON.stringify(before.value) !== JSON.stringify(value)) {
      throw new RangeError(`the fact \`${name}\` has two values`);
    }
    record[name] = typeof value === "object" ? [...value] : value;
  }
  return record;
}
