import { canonicalBytes, digest } from "../action/index.ts";
import { levelOf, WEIGHTS } from "./weights.ts";
import type { Classification, Contribution, Effect, Fact, Risk, RiskLevel, Span, Trait, TraitId } from "./facts.ts";
import { momentPoints } from "./situation.ts";
import type { Advice } from "./situation.ts";
import { tagsOf } from "./moment.ts";
import { effectWords } from "./words.ts";
import type { Moment } from "./moment.ts";

type Floor = Risk["floors"][number];

// Maps, because names come from outside and `toString` is not a weight.
const ENVIRONMENTS: ReadonlyMap<string, number> = new Map(Object.entries(WEIGHTS.environments));
const SENSITIVITY: ReadonlyMap<string, number> = new Map(Object.entries(WEIGHTS.sensitivity));

/** Which table scored: its version and the SHA-256 of its canonical JSON, so that an auditor can compute any score again. */
export const WEIGHTS_ID: string = `v${WEIGHTS.version} ${digest(canonicalBytes(WEIGHTS))}`;

/**
 * How much an action should worry us, with every reason named.
 *
 * Monotone: a further effect, trait or fact or more rows never lowers the score, with one exception that is meant: a row
 * count that the operator's catalogue or a parser *knows* replaces the large one assumed for an export without any.
 * Whatever a gate only says can raise the score, never lower it. Floors cannot be bought back.
 */
export function scoreRisk(
  classification: Classification,
  environment: string | undefined,
  moment: Moment | null = null,
  advice: Advice | null = null,
): Risk {
  const effects = new Set<Effect>(classification.effects.map(({ effect }) => effect));
  if (effects.size === 0 || classification.opaque.length > 0) effects.add("opaque");
  const tags = tagsOf(classification.facts);
  const traits = new Map<TraitId, Trait>();
  for (const trait of classification.traits ?? []) if (!traits.has(trait.id)) traits.set(trait.id, trait);
  const irreversible = classification.facts.some((fact) => fact.name === "irreversible" && fact.value === true);

  const contributions = [
    ...effectPoints(effects, classification),
    ...rowPoints(effects, classification.facts),
    environmentPoints(environment),
    ...tags.map((tag) => KNOWN_TAGS.get(tag) ?? sensitivityPoint(tag)),
    ...[...traits.values()].map(({ id, because, span }) =>
      point(`trait.${id}`, WEIGHTS.traits[id].points, because, span),
    ),
    // A parser and the operator who say the same count once.
    ...(irreversible && !traits.has("irreversible")
      ? [point("irreversible", WEIGHTS.irreversible, "It cannot be undone.")]
      : []),
    ...provenancePoints(classification),
    ...(moment === null ? [] : momentPoints(classification, moment)),
    ...(advice === null ? [] : [advicePoints(advice)]),
  ].filter((contribution) => contribution.points > 0);
  const floors = [
    ...floorsOf(effects, tags, irreversible && !traits.has("irreversible"), environment),
    ...traitFloors(traits, effects, tags, environment),
  ];

  const sum = contributions.reduce((total, contribution) => total + contribution.points, 0);
  const lowest = Math.max(0, ...floors.map((floor) => WEIGHTS.levels[floor.level]));
  const score = Math.min(WEIGHTS.scoreMax, Math.max(sum, lowest));
  return { score, level: levelOf(score), contributions, floors, weights: WEIGHTS_ID };
}

export type { Advice } from "./situation.ts";

/**
 * The risk without what only held of its moment: an action that people approved in the afternoon is not another one at
 * night, nor because its agent has been busy since.
 */
export function lasting(risk: Risk): Risk {
  const contributions = risk.contributions.filter(({ id }) => !id.startsWith("moment.") && id !== "adviser");
  if (contributions.length === risk.contributions.length) return risk;
  const sum = contributions.reduce((total, { points }) => total + points, 0);
  const lowest = Math.max(0, ...risk.floors.map((floor) => WEIGHTS.levels[floor.level]));
  const score = Math.min(WEIGHTS.scoreMax, Math.max(sum, lowest));
  return { ...risk, score, level: levelOf(score), contributions };
}

/** Whoever advises may raise by so much and lower by nothing, whatever it says. */
function advicePoints({ raise, because }: Advice): Contribution {
  const points = Number.isFinite(raise) ? Math.trunc(Math.min(WEIGHTS.adviserMax, Math.max(0, raise))) : 0;
  return point("adviser", points, because);
}

/** The gravest effect counts in full, every other one a fifth. */
function effectPoints(effects: ReadonlySet<Effect>, { effects: found, opaque }: Classification): Contribution[] {
  const gravest = [...effects].sort((a, b) => WEIGHTS.effects[b] - WEIGHTS.effects[a] || (a < b ? -1 : 1));
  return gravest.map((effect, place) => {
    const full = WEIGHTS.effects[effect];
    const first = found.find((one) => one.effect === effect);
    const evidence = first?.because ?? opaque[0] ?? "Nothing is known of what it does.";
    const points = place === 0 ? full : Math.floor(full / WEIGHTS.furtherEffectDivisor);
    return point(`effect.${effect}`, points, evidence, first?.span);
  });
}

function rowPoints(effects: ReadonlySet<Effect>, facts: readonly Fact[]): Contribution[] {
  const counts = facts.filter((fact) => fact.name === "rows" && typeof fact.value === "number" && fact.value >= 0);
  const claimed = Math.max(0, ...counts.map((fact) => Number(fact.value)));
  const known = counts.some((fact) => fact.provenance !== "gate");
  if (effects.has("export") && !known && claimed < WEIGHTS.rows.assumed) {
    const said =
      counts.length === 0 ? "Nobody knows how many rows" : `Only the gate says that it concerns ${claimed} rows`;
    return [point("rows.unknown", magnitude(WEIGHTS.rows.assumed), `${said}: counted as ${WEIGHTS.rows.assumed}.`)];
  }
  return [point("rows", magnitude(claimed), `It concerns ${claimed} rows.`)];
}

/** Points per power of ten. Computed from the digits, because floating logarithms differ between engines. */
function magnitude(rows: number): number {
  const digits = rows < 1 ? 0 : String(Math.min(Math.trunc(rows), Number.MAX_SAFE_INTEGER)).length - 1;
  const power = 10 ** digits;
  const half = rows >= 3 * power ? WEIGHTS.rows.perHalf : 0;
  return rows < 1 ? 0 : Math.min(WEIGHTS.rows.max, digits * WEIGHTS.rows.perPower + half);
}

function environmentPoints(environment: string | undefined): Contribution {
  if (environment === undefined) return UNKNOWN_ENVIRONMENT;
  return KNOWN_ENVIRONMENTS.get(environment) ?? environmentPoint(environment);
}

function environmentPoint(environment: string): Contribution {
  return point(`environment.${environment}`, environmentWeight(environment), `It runs in ${environment}.`);
}

// What many answers say the same way is said once: objects and sentences made anew for each were a good part of scoring.
const UNKNOWN_ENVIRONMENT = point(
  "environment.unknown",
  WEIGHTS.otherEnvironment,
  "The environment is not known: counted as production.",
);
const KNOWN_ENVIRONMENTS: ReadonlyMap<string, Contribution> = new Map(
  [...ENVIRONMENTS.keys()].map((name) => [name, environmentPoint(name)]),
);
const KNOWN_TAGS: ReadonlyMap<string, Contribution> = new Map(
  [...SENSITIVITY.keys()].map((tag) => [tag, sensitivityPoint(tag)]),
);

function environmentWeight(environment: string): number {
  return ENVIRONMENTS.get(environment) ?? WEIGHTS.otherEnvironment;
}

/** Production, and whatever is not known to be something milder. */
function isProduction(environment: string | undefined): boolean {
  return environment === undefined || environmentWeight(environment) >= WEIGHTS.otherEnvironment;
}

function sensitivityPoint(tag: string): Contribution {
  return point(
    `sensitivity.${tag}`,
    SENSITIVITY.get(tag) ?? WEIGHTS.otherSensitivity,
    `The resource is marked ${tag}.`,
  );
}

function provenancePoints({ effects }: Classification): Contribution[] {
  const claimed = effects.filter(({ provenance }) => provenance === "gate").map(({ effect }) => effect);
  if (claimed.length === 0) return [];
  const evidence = `Only the gate says that it would ${effectWords(claimed.toSorted(), "and")}.`;
  return [point("provenance.gate", WEIGHTS.gateOnly, evidence)];
}

function floorsOf(
  effects: ReadonlySet<Effect>,
  tags: readonly string[],
  irreversible: boolean,
  environment: string | undefined,
): readonly Floor[] {
  const destroys = effects.has("delete") || effects.has("ddl");
  const floors: Floor[] = [];
  const add = (id: string, level: RiskLevel, evidence: string): void => void floors.push({ id, level, evidence });
  if (effects.has("opaque")) add("opaque", "medium", "What is not understood is never low.");
  if (effects.has("escalate")) add("escalate", "high", "It widens what somebody may do.");
  if (effects.has("secret.read")) add("secret.read", "high", "It reveals a secret.");
  if (destroys && irreversible && isProduction(environment))
    add("irreversible", "high", "It destroys for good in production.");
  if (effects.has("export") && tags.length > 0)
    add("export.sensitive", "high", `It takes out what is marked ${tags.join(", ")}.`);
  if (tags.includes("audit") && (destroys || effects.has("write")))
    add("audit.tampering", "critical", "It changes the record that others rely on.");
  return floors;
}

/** Each trait's own floor, and those that only come together with something else. */
function traitFloors(
  traits: ReadonlyMap<TraitId, Trait>,
  effects: ReadonlySet<Effect>,
  tags: readonly string[],
  environment: string | undefined,
): readonly Floor[] {
  const destroys = effects.has("delete") || effects.has("ddl");
  const raised = (id: TraitId): RiskLevel => {
    if (id === "irreversible" && isProduction(environment)) return "high";
    if (id === "exfiltration" && tags.length > 0) return "critical";
    if (id === "defence_evasion" && (destroys || tags.includes("audit"))) return "critical";
    return WEIGHTS.traits[id].floor;
  };
  return [...traits.values()].flatMap(({ id, because }) => {
    const level = raised(id);
    return level === "low" ? [] : [{ id: `trait.${id}`, level, evidence: because }];
  });
}

function point(id: string, points: number, evidence: string, span?: Span): Contribution {
  return { id, points, evidence, ...(span === undefined ? {} : { span }) };
}
