// What a storm was promised, held against what the ledger says.
import { createClient } from "../../src/client/index.ts";
import { decodeBase64 } from "../../src/core/encoding.ts";
import { openEntry } from "../../src/core/ledger/index.ts";
import { at as memberAt, textAt } from "../support/json.ts";
import type { Fleet } from "./fleet.ts";
import type { Promised } from "./storm.ts";

type Told = {
  approvals: number;
  redeemed: string[];
  outcomes: number;
  /** When the permit or the approval ends, whichever is first; when it was used. */
  until: number;
  usedAt: number;
};

/** Every sentence is a promise that was broken, or something that must never happen; none is good. */
export async function account(fleet: Fleet, promised: Promised): Promise<readonly string[]> {
  const { url, operator } = fleet.served(0);
  const evaluations = new Set<string>();
  const requests = new Map<string, Told>();
  for await (const line of createClient({ url, token: operator.token ?? "" }).entries()) {
    const { header, payload, salt } = line;
    if (payload === null || salt === null) continue;
    const entry = openEntry(decodeBase64(header), decodeBase64(payload), decodeBase64(salt));
    const [kind, id = ""] = entry.stream.split("/");
    if (kind === "evaluation") evaluations.add(id);
    if (kind !== "request") continue;
    const told = requests.get(id) ?? { approvals: 0, redeemed: [], outcomes: 0, until: Infinity, usedAt: -Infinity };
    requests.set(id, told);
    const number = (member: string): number => Number(memberAt(entry.payload ?? {}, member));
    if (entry.type === "review.recorded") told.approvals += 1;
    if (entry.type === "request.approved") told.until = number("approvedUntil");
    if (entry.type === "permit.issued") told.until = Math.min(told.until, number("expiresAt"));
    if (entry.type === "permit.redeemed") {
      told.redeemed.push(textAt(entry.payload ?? {}, "attempt"));
      told.usedAt = entry.at;
    }
    if (entry.type === "action.completed") told.outcomes += 1;
  }
  return [...lost(promised, evaluations, requests), ...wrong(requests)];
}

function* lost(
  promised: Promised,
  evaluations: ReadonlySet<string>,
  requests: ReadonlyMap<string, Told>,
): Generator<string> {
  for (const id of promised.evaluations)
    if (!evaluations.has(id)) yield `evaluation ${id} was answered and is not there`;
  for (const id of promised.requests) if (!requests.has(id)) yield `request ${id} was answered and is not there`;
  for (const id of promised.reviews)
    if (requests.get(id)?.approvals !== 1) yield `the review of ${id} is there ${requests.get(id)?.approvals} times`;
  for (const [id, attempt] of promised.redeemed)
    if (requests.get(id)?.redeemed[0] !== attempt) yield `the redemption of ${id} was answered and is not there`;
  for (const id of promised.outcomes)
    if (requests.get(id)?.outcomes !== 1) yield `the outcome of ${id} is there ${requests.get(id)?.outcomes} times`;
}

function* wrong(requests: ReadonlyMap<string, Told>): Generator<string> {
  for (const [id, { redeemed, outcomes, until, usedAt }] of requests) {
    if (redeemed.length > 1) yield `${id} was redeemed ${redeemed.length} times`;
    if (outcomes > 1) yield `${id} has ${outcomes} outcomes`;
    if (usedAt >= until) yield `${id} was used ${usedAt - until} ms after its time`;
  }
}
