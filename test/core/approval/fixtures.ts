import type {
  EvaluationId,
  GateId,
  GroupName,
  Instant,
  PersonId,
  RequestId,
  AgentId,
} from "../../../src/core/brand.ts";
import { canonicalAction, parseQuestion, type JsonObject } from "../../../src/core/action/index.ts";
import { applyEvent, foldRequest } from "../../../src/core/approval/index.ts";
import type {
  Agent,
  Barred,
  Delegation,
  LinkStrength,
  OpenedRequest,
  Person,
  Relation,
  RequestEvent,
  RequestState,
  Review,
  Reviewer,
  Roster,
  Verdict,
} from "../../../src/core/approval/index.ts";
import { formatId } from "../../../src/core/ids.ts";
import type { Assurance, Decision, Term } from "../../../src/core/policy/index.ts";
import type { PolicyId, Risk, RiskLevel } from "../../../src/core/risk/index.ts";

export const T0: Instant = 1_780_000_000_000 as Instant;
export const MINUTE = 60_000;

export function later(ms: number): Instant {
  return (T0 + ms) as Instant;
}

export function who(id: string): PersonId {
  return id as PersonId;
}

export function termsOf(...pairs: readonly (readonly [group: string, quorum: number])[]): readonly Term[] {
  return pairs.map(([group, quorum]) => ({ group: group as GroupName, quorum }));
}

type Written = {
  readonly name?: string;
  readonly active?: boolean;
  readonly emails?: readonly string[];
  readonly accounts?: Person["accounts"];
  readonly passkeys?: Person["passkeys"];
};

/** People by id; groups with members, `late` ones marked by `+` join a minute after T0. */
export function rosterOf(
  people: Readonly<Record<string, Written>>,
  groups: Readonly<Record<string, readonly string[]>> = {},
  agents: readonly Agent[] = [],
  delegations: readonly Delegation[] = [],
): Roster {
  return {
    digest: `sha256:${"0".repeat(64)}` as Roster["digest"],
    people: new Map(
      Object.entries(people).map(
        ([id, { name = `${id} surname`, active = true, emails = [], accounts = [], passkeys = [] }]) => [
          who(id),
          { id: who(id), name, active, emails, accounts, passkeys },
        ],
      ),
    ),
    agents: new Map(agents.map((agent) => [agent.id, agent])),
    groups: new Map(
      Object.entries(groups).map(([group, members]) => [
        group as GroupName,
        members.map((member) => ({
          group: group as GroupName,
          person: who(member.replace("+", "")),
          since: member.startsWith("+") ? later(MINUTE) : later(-MINUTE),
        })),
      ]),
    ),
    delegations,
    roles: new Map(),
    edits: [],
  };
}

export function agentOf(owners: readonly string[], deployers: readonly string[] = []): Agent {
  return { id: "bot" as AgentId, type: "agent", owners: owners.map(who), deployers: deployers.map(who), active: true };
}

export function delegation(from: string, to: string, until: Instant = later(MINUTE)): Delegation {
  return { from: who(from), to: who(to), until };
}

export function bar(person: string, relation: Relation = "agent_owner"): Barred {
  return { person: who(person), relation, evidence: "by the test" };
}

export function riskOf(level: RiskLevel): Risk {
  return { score: 50, level, contributions: [], floors: [], weights: "v1" };
}

export type Vary = Partial<
  Pick<OpenedRequest, "terms" | "barred" | "assurance" | "risk" | "expiresAt" | "approvedForMs">
> & {
  readonly properties?: JsonObject;
};

export const REQUEST: RequestId = formatId("request", new Uint8Array(16).fill(7));
export const EVALUATION: EvaluationId = formatId("evaluation", new Uint8Array(16).fill(9));
const question = { subject: { type: "agent", id: "bot" }, action: { name: "x" }, resource: { type: "t", id: "r" } };

export function openedWith({ properties, ...vary }: Vary = {}): OpenedRequest {
  const asked = parseQuestion({
    ...question,
    subject: { ...question.subject, ...(properties === undefined ? {} : { properties }) },
  });
  const { digest, text } = canonicalAction(asked);
  return {
    id: REQUEST,
    evaluation: EVALUATION,
    digest,
    canonical: text,
    question: asked,
    agent: "bot" as AgentId,
    gate: "sdk" as GateId,
    classification: { effects: [], facts: [], opaque: [] },
    risk: riskOf("high"),
    holds: [],
    terms: termsOf(["owners", 1]),
    assurance: "A1",
    barred: [],
    openedAt: T0,
    expiresAt: later(10 * MINUTE),
    approvedForMs: 30 * MINUTE,
    client: null,
    ...vary,
  };
}

/** A request and what came after its opening, each event a second after the one before. */
export function stateAfter(vary: Vary, ...events: readonly RequestEvent[]): RequestState {
  const opened: RequestEvent = { type: "request.opened", request: openedWith(vary) };
  const state = foldRequest([opened, ...events].map((event, index) => ({ event, at: later(index * 1000) })));
  if (state === null) throw new Error("no request");
  return state;
}

export function after(state: RequestState, events: readonly RequestEvent[], at: Instant): RequestState {
  return events.reduce((next, event) => applyEvent(next, { event, at }), state);
}

export function recorded(
  person: string,
  verdict: Verdict = "approve",
  groups: readonly string[] = ["owners"],
  assurance: Assurance = "A1",
): RequestEvent {
  const review: Review = {
    person: who(person),
    verdict,
    at: later(1000),
    groups: groups.map((group) => group as GroupName),
    assurance,
    channel: "test",
    nonce: "nonce-1",
    account: { issuer: "keyturn", subject: person },
    reason: null,
  };
  return { type: "review.recorded", review };
}

export function reviewer(person: string, assurance: Assurance = "A1", link: LinkStrength = "L3"): Reviewer {
  return { person: who(person), link, assurance };
}

export function heldFor(terms: readonly Term[], assurance: Assurance = "A1"): Decision {
  const hold = { policy: "p" as PolicyId, because: "b", terms, expiresInMs: MINUTE, assurance };
  return { outcome: "require_approval", holds: [hold], terms, expiresInMs: MINUTE, assurance };
}
