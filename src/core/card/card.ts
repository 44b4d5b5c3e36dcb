import type { OpenedRequest, RequestState } from "../approval/index.ts";
import type { Digest, Instant, RequestId } from "../brand.ts";
import type { Assurance } from "../policy/index.ts";
import type { Effect, FactValue, FoundEffect, Provenance, RiskLevel, TraitId } from "../risk/index.ts";
import { limited } from "./limited.ts";
import type { Limited } from "./limited.ts";
import { membersOf } from "./members.ts";
import type { Members } from "./members.ts";
import type { CardNames } from "./names.ts";
import { progressOf } from "./progress.ts";
import type { CardProgress } from "./progress.ts";
import { plain, shown } from "./shown.ts";
import type { Literal } from "./shown.ts";
import { gravestFirst, verbOf } from "./words.ts";

/** What a request looks like everywhere: chat, console, mail and command line only render it. */
export type Card = {
  /** What does not change while people review: `cardDigest` covers it. */
  readonly body: CardBody;
  /** How it stands at the moment. */
  readonly progress: CardProgress;
};

/** Who asks to do what on what: our words, or the operator's title, around literals. */
export type Headline = {
  readonly verb: string;
  /** The operator's words for the action, from the catalogue. */
  readonly title: string | null;
  readonly agent: Literal;
  readonly action: Literal;
  /** `type/id` of the resource. */
  readonly object: Literal;
  readonly environment: Literal | null;
};

export type CardBody = {
  readonly v: 1;
  readonly request: RequestId;
  readonly digest: Digest;
  readonly headline: Headline;
  readonly subject: { readonly name: Literal; readonly properties: Members };
  readonly parameters: Members;
  readonly resource: Members;
  readonly gate: string;
  readonly effects: Limited<{ readonly effect: Effect; readonly because: Literal; readonly provenance: Provenance }>;
  readonly traits: Limited<{ readonly trait: TraitId; readonly because: Literal }>;
  readonly facts: Limited<{ readonly name: Literal; readonly value: Literal; readonly provenance: Provenance }>;
  /** Why the action could not be fully inspected; with one item or more, a renderer says so plainly. */
  readonly uninspected: Limited<Literal>;
  readonly risk: {
    readonly score: number;
    readonly level: RiskLevel;
    readonly reasons: Limited<{ readonly points: number; readonly because: Literal }>;
    readonly floors: Limited<{ readonly level: RiskLevel; readonly because: Literal }>;
  };
  readonly policies: Limited<{ readonly policy: string; readonly because: string }>;
  readonly assurance: Assurance;
  readonly openedAt: Instant;
  readonly expiresAt: Instant;
  /** What the agent says of itself: unverified, and set apart. */
  readonly claim: Literal | null;
};

/** Characters of a name or id, of a piece of evidence, of a claim. */
export const CARD_NAME_CHARS_MAX = 120;
export const CARD_EVIDENCE_CHARS_MAX = 240;
export const CARD_CLAIM_CHARS_MAX = 600;
/** Items of each list of a card. */
export const CARD_ITEMS_MAX = 12;

/** The card of a request as it stands at a time. */
export function cardOf(state: RequestState, names: CardNames, at: Instant): Card {
  return { body: bodyOf(state.opened, names), progress: progressOf(state, names, at) };
}

/** What does not change while people review. */
export function bodyOf(opened: OpenedRequest, names: Pick<CardNames, "title">): CardBody {
  const { question, classification, risk } = opened;
  const { subject, action, resource, context } = question;
  return {
    v: 1,
    request: opened.id,
    digest: opened.digest,
    headline: headlineOf(opened, names),
    subject: { name: name(`${subject.type}/${subject.id}`), properties: membersOf(subject.properties) },
    parameters: membersOf(action.properties),
    resource: membersOf(resource.properties),
    gate: plain(opened.gate, CARD_NAME_CHARS_MAX),
    effects: limited(gravestFirst(classification.effects), CARD_ITEMS_MAX, effectOf),
    traits: limited(classification.traits ?? [], CARD_ITEMS_MAX, ({ id, because }) => ({
      trait: id,
      because: evidence(because),
    })),
    facts: limited(classification.facts, CARD_ITEMS_MAX, ({ name: fact, value, provenance }) => ({
      name: name(fact),
      value: evidence(factText(value)),
      provenance,
    })),
    uninspected: limited(classification.opaque, CARD_ITEMS_MAX, evidence),
    risk: {
      score: risk.score,
      level: risk.level,
      reasons: limited(
        risk.contributions.toSorted((a, b) => b.points - a.points),
        CARD_ITEMS_MAX,
        (one) => ({ points: one.points, because: evidence(one.evidence) }),
      ),
      floors: limited(risk.floors, CARD_ITEMS_MAX, (one) => ({ level: one.level, because: evidence(one.evidence) })),
    },
    policies: limited(opened.holds, CARD_ITEMS_MAX, ({ policy, because }) => ({
      policy: plain(policy, CARD_NAME_CHARS_MAX),
      because: plain(because, CARD_EVIDENCE_CHARS_MAX),
    })),
    assurance: opened.assurance,
    openedAt: opened.openedAt,
    expiresAt: opened.expiresAt,
    claim: context.reason === undefined ? null : shown(context.reason, CARD_CLAIM_CHARS_MAX),
  };
}

function headlineOf({ question, agent, classification }: OpenedRequest, names: Pick<CardNames, "title">): Headline {
  const { action, resource, context } = question;
  const title = names.title(action.name);
  return {
    verb: verbOf(classification.effects),
    title: title === null ? null : plain(title, CARD_NAME_CHARS_MAX),
    agent: name(agent),
    action: name(action.name),
    object: name(`${resource.type}/${resource.id}`),
    environment: context.environment === undefined ? null : name(context.environment),
  };
}

function effectOf({ effect, because, provenance }: FoundEffect): CardBody["effects"]["items"][number] {
  return { effect, because: evidence(because), provenance };
}

function name(text: string): Literal {
  return shown(text, CARD_NAME_CHARS_MAX);
}

/** Evidence quotes what it was found in, so it may hold an agent's words. */
function evidence(text: string): Literal {
  return shown(text, CARD_EVIDENCE_CHARS_MAX);
}

function factText(value: FactValue): string {
  return typeof value === "object" ? value.join(", ") : String(value);
}
