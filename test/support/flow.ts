import { randomUUID } from "node:crypto";
import assert from "node:assert/strict";
import type { JsonObject } from "../../src/core/action/index.ts";
import type { Answer, Client } from "./house.ts";
import { at, textAt } from "./json.ts";

/** The code of a problem, after a look at its shape (RFC 9457). */
export function codeOf({ status, headers, body, text }: Answer): string {
  assert.match(headers.get("content-type") ?? "", /^application\/problem\+json/, text);
  assert.equal(body["status"], status, text);
  for (const member of ["type", "title", "detail", "code"]) assert.equal(typeof body[member], "string", text);
  return textAt(body, "code");
}

export type Held = {
  readonly id: string;
  readonly digest: string;
  readonly evaluation: string;
  readonly approval: string;
};

/** Asks for an action that policy holds: evaluation, then request. */
export async function hold(gate: Client, question: JsonObject, more: JsonObject = {}): Promise<Held> {
  const evaluated = await gate.post("/access/v1/evaluation", question);
  assert.equal(at(evaluated.body, "context", "outcome"), "require_approval", evaluated.text);
  const evaluation = textAt(evaluated.body, "context", "evaluation_id");
  const asked = await gate.post("/access/v1/requests", { ...question, denial: { evaluation_id: evaluation }, ...more });
  assert.ok(asked.status === 202 || asked.status === 201, asked.text);
  const id = textAt(asked.body, "task", "id");
  return { id, digest: textAt(asked.body, "task", "digest"), evaluation, approval: id.replace("arq_", "apr_") };
}

export async function review(
  person: Client,
  held: Pick<Held, "id" | "digest">,
  verdict = "approve",
  more: JsonObject = {},
): Promise<Answer> {
  return person.post(`/v1/requests/${held.id}/reviews`, { verdict, digest: held.digest, nonce: randomUUID(), ...more });
}

export async function approve(person: Client, held: Held): Promise<void> {
  const answer = await review(person, held);
  assert.equal(answer.status, 200, answer.text);
}

/** Evaluates again with the approval. */
export async function apply(gate: Client, question: JsonObject, held: Pick<Held, "approval">): Promise<Answer> {
  const context = { ...(at(question, "context") as JsonObject | undefined), approval: { id: held.approval } };
  return gate.post("/access/v1/evaluation", { ...question, context });
}

/** The permit of an approved request. */
export async function permitFor(gate: Client, question: JsonObject, held: Pick<Held, "approval">): Promise<string> {
  const answer = await apply(gate, question, held);
  assert.equal(answer.body["decision"], true, answer.text);
  return textAt(answer.body, "context", "permit");
}

export async function redeem(
  gate: Client,
  permit: string,
  digest: string,
  attempt: string = randomUUID(),
): Promise<Answer> {
  return gate.post("/v1/permits/redeem", { permit, digest, attempt });
}

export async function statusOf(gate: Client, held: Pick<Held, "id">): Promise<string> {
  return textAt((await gate.get(`/access/v1/requests/${held.id}`)).body, "task", "status");
}
