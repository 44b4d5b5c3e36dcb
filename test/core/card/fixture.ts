import { canonicalAction, parseQuestion } from "../../../src/core/action/index.ts";
import type { JsonObject } from "../../../src/core/action/index.ts";
import { foldRequest } from "../../../src/core/approval/index.ts";
import type { RequestEvent, RequestState } from "../../../src/core/approval/index.ts";
import type { AgentId, GateId, GroupName, Instant, PersonId } from "../../../src/core/brand.ts";
import { cardOf } from "../../../src/core/card/index.ts";
import type { Card } from "../../../src/core/card/index.ts";
import { formatId } from "../../../src/core/ids.ts";
import { scoreRisk } from "../../../src/core/risk/index.ts";
import type { Classification, Effect, PolicyId } from "../../../src/core/risk/index.ts";

export const T0: Instant = 1_780_000_000_000 as Instant;
export const MINUTE = 60_000;

export type Asked = {
  readonly agent?: string;
  readonly name: string;
  readonly parameters?: JsonObject;
  readonly resource: readonly [type: string, id: string];
  readonly environment?: string;
  readonly reason?: string;
  readonly subject?: JsonObject;
  readonly classification?: Partial<Classification>;
};

export function effect(name: Effect, because: string): Classification["effects"][number] {
  return { effect: name, because, provenance: "parsed" };
}

/** A request for an action, and what came after it, a second apart. */
export function stateOf(asked: Asked, ...events: readonly RequestEvent[]): RequestState {
  const { agent = "report-bot", name, parameters, resource, environment, reason, subject } = asked;
  const question = parseQuestion({
    subject: { type: "agent", id: agent, ...(subject === undefined ? {} : { properties: subject }) },
    action: { name, ...(parameters === undefined ? {} : { properties: parameters }) },
    resource: { type: resource[0], id: resource[1] },
    context: { ...(environment === undefined ? {} : { environment }), ...(reason === undefined ? {} : { reason }) },
  });
  const { digest, text } = canonicalAction(question);
  const classification: Classification = { effects: [], facts: [], opaque: [], ...asked.classification };
  const request: RequestEvent = {
    type: "request.opened",
    request: {
      id: formatId("request", new Uint8Array(16).fill(7)),
      evaluation: formatId("evaluation", new Uint8Array(16).fill(9)),
      digest,
      canonical: text,
      question,
      agent: agent as AgentId,
      gate: "sdk" as GateId,
      classification,
      risk: { ...scoreRisk(classification, environment), score: 50, level: "medium" },
      holds: [
        {
          policy: "hold-it" as PolicyId,
          because: "People look at this.",
          terms: [{ group: "owners" as GroupName, quorum: 2 }],
          expiresInMs: 60 * MINUTE,
          assurance: "A1",
        },
      ],
      terms: [{ group: "owners" as GroupName, quorum: 2 }],
      assurance: "A1",
      barred: [{ person: "cy" as PersonId, relation: "agent_owner", evidence: "owns it" }],
      openedAt: T0,
      expiresAt: (T0 + 60 * MINUTE) as Instant,
      approvedForMs: 30 * MINUTE,
      client: null,
    },
  };
  const state = foldRequest([request, ...events].map((event, at) => ({ event, at: (T0 + at * 1000) as Instant })));
  if (state === null) throw new Error("no request");
  return state;
}

export const NAMES: Parameters<typeof cardOf>[1] = {
  person: (id) => `${id.toUpperCase()} Surname`,
  title: (action) => (action === "customers.export" ? "Export customers to a file" : null),
};

export function cardFor(asked: Asked, at: Instant = (T0 + MINUTE) as Instant): Card {
  return cardOf(stateOf(asked), NAMES, at);
}

export function reviewOf(person: string, reason: string | null = null): RequestEvent {
  return {
    type: "review.recorded",
    review: {
      person: person as PersonId,
      verdict: "approve",
      at: (T0 + 1000) as Instant,
      groups: ["owners" as GroupName],
      assurance: "A1",
      channel: "console",
      account: { issuer: "keyturn", subject: person },
      reason,
      nonce: "n-1",
    },
  };
}
