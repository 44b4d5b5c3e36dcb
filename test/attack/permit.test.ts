// One permission is for one action, once, here and now. Through the real server.
import assert from "node:assert/strict";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import type { AgentId, ApprovalId, Digest, GateId, Instant, PermitId } from "../../src/core/brand.ts";
import { assemblePermit, parsePermit, permitSigningInput } from "../../src/core/permit/index.ts";
import { signerOf } from "../../src/server/keys.ts";
import { exportRows } from "../support/actions.ts";
import { apply, approve, codeOf, hold, permitFor, redeem, type Held } from "../support/flow.ts";
import { House, type Client } from "../support/house.ts";
import { at } from "../support/json.ts";
import { HOUR, MINUTE } from "../support/clock.ts";
import type { JsonObject } from "../../src/core/action/index.ts";

let house: House;
let gate: Client;
let ann: Client;
let ahead = 0;
let rows = 1000;
before(async () => {
  house = await House.open({ clock: { now: () => (Date.now() + ahead) as Instant } });
  gate = await house.gate();
  ann = await house.person("ann");
});
after(() => house[Symbol.asyncDispose]());

/** An approved action and a permit for it. */
async function granted(client: Client = gate): Promise<Held & { permit: string; question: JsonObject }> {
  rows += 1;
  const question = exportRows(rows);
  const held = await hold(client, question);
  await approve(ann, held);
  return { ...held, question, permit: await permitFor(client, question, held) };
}

async function assertRefused(
  answer: Awaited<ReturnType<typeof redeem>>,
  status: number,
  code: string,
  what = "",
): Promise<void> {
  assert.deepEqual([answer.status, codeOf(answer)], [status, code], `${what} ${answer.text}`);
}

async function redemptions(held: Held): Promise<number> {
  return (await house.entries()).filter(
    ({ stream, type }) => stream === `request/${held.id}` && type === "permit.redeemed",
  ).length;
}

test("permit.replayed: a permit is used once; the same attempt gets the same answer", async () => {
  const grant = await granted();
  const attempt = randomUUID();
  const first = await redeem(gate, grant.permit, grant.digest, attempt);
  assert.equal(first.status, 200, first.text);
  const again = await redeem(gate, grant.permit, grant.digest, attempt);
  assert.deepEqual(again.body, first.body);
  await assertRefused(await redeem(gate, grant.permit, grant.digest), 409, "permit_redeemed");
  const reapplied = await apply(gate, grant.question, grant);
  assert.deepEqual([reapplied.body["decision"], at(reapplied.body, "context", "next_action")], [false, "request"]);
  assert.equal(await redemptions(grant), 1);
  const fresh = await hold(gate, grant.question);
  assert.notEqual(fresh.id, grant.id, "the same action again is asked for again");
});

test("permit.raced: of twenty redemptions at once one may execute", async () => {
  const grant = await granted();
  const answers = await Promise.all(Array.from({ length: 20 }, () => redeem(gate, grant.permit, grant.digest)));
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  for (const answer of answers) if (answer.status !== 200) await assertRefused(answer, 409, "permit_redeemed");
  assert.equal(await redemptions(grant), 1);
});

test("permit.swapped: approving A never releases B", async () => {
  const a = await granted();
  const b = await hold(gate, exportRows(999_999));
  await assertRefused(await redeem(gate, a.permit, b.digest), 403, "permit_other_action");
  const applied = await apply(gate, exportRows(999_999), a);
  assert.deepEqual(
    [applied.body["decision"], at(applied.body, "context", "reason"), at(applied.body, "context", "permit")],
    [false, "out_of_scope", undefined],
  );
  const c = await granted();
  await assertRefused(await redeem(gate, c.permit, a.digest), 403, "permit_other_action");
  assert.equal(await redemptions(a), 0);
});

test("permit.other-gate: a permit is good at the gate and for the agent that it was issued to", async () => {
  const grant = await granted();
  const exec = await house.gate("report-bot", "exec");
  const stranger = await house.gate("other-bot", "sdk");
  await assertRefused(await redeem(exec, grant.permit, grant.digest), 403, "permit_other_gate");
  await assertRefused(await redeem(stranger, grant.permit, grant.digest), 403, "not_requester");
  assert.equal((await redeem(ann, grant.permit, grant.digest)).status, 403, "a person executes nothing");
  assert.equal((await redeem(house.operator, grant.permit, grant.digest)).status, 403);
  assert.equal(await redemptions(grant), 0);
  assert.equal((await redeem(gate, grant.permit, grant.digest)).status, 200);
});

test("permit.tampered: a permit that we did not sign, or not so, is unknown", async () => {
  const grant = await granted();
  const [head = "", body = "", signature = ""] = grant.permit.split(".");
  const { claims, keyId } = parsePermit(grant.permit);
  const stranger = signerOf(generateKeyPairSync("ed25519").privateKey);
  const forge = (change: Partial<typeof claims>, kid = keyId): string => {
    const input = permitSigningInput({ ...claims, ...change }, kid, {
      name: "customers.export",
      resource: { type: "table", id: "customers" },
    });
    return assemblePermit(input, stranger.sign(new TextEncoder().encode(input)));
  };
  const flipped = Buffer.from(signature, "base64url");
  flipped[5] = (flipped[5] ?? 0) ^ 1;
  const forged: readonly (readonly [what: string, permit: string])[] = [
    ["another key under our name", forge({})],
    ["another key under its own name", forge({}, stranger.keyId)],
    ["a longer life", forge({ expiresAt: (claims.expiresAt + HOUR) as Instant })],
    ["another gate", forge({ gate: "exec" as GateId })],
    ["another agent", forge({ agent: "other-bot" as AgentId })],
    ["another digest", forge({ digest: `sha256:${"0".repeat(64)}` as Digest })],
    [
      "another permit",
      forge({ permit: `prm_${"0".repeat(26)}` as PermitId, approval: `apr_${"0".repeat(26)}` as ApprovalId }),
    ],
    ["no signature", `${head}.${body}.`],
    ["one bit of the signature", `${head}.${body}.${flipped.toString("base64url")}`],
  ];
  for (const [what, permit] of forged)
    await assertRefused(await redeem(gate, permit, grant.digest), 404, "permit_unknown", what);
  for (const malformed of [`${head}.${body}`, `${grant.permit}.x`, `.${body}.${signature}`, "..", "null"]) {
    await assertRefused(await redeem(gate, malformed, grant.digest), 400, "permit_malformed", malformed);
  }
  assert.equal(await redemptions(grant), 0);
});

test("permit.tampered: another installation's permit is unknown here", async () => {
  await using elsewhere = await House.open();
  const theirs = await elsewhere.gate();
  const question = exportRows(5);
  const held = await hold(theirs, question);
  await approve(await elsewhere.person("ann"), held);
  await assertRefused(await redeem(gate, await permitFor(theirs, question, held), held.digest), 404, "permit_unknown");
});

test("permit.expired: neither the permit nor the approval behind it outlives its time", async () => {
  const grant = await granted();
  ahead += MINUTE + 1000;
  await assertRefused(await redeem(gate, grant.permit, grant.digest), 410, "permit_expired");
  const fresh = await permitFor(gate, grant.question, grant);
  ahead += HOUR;
  const late = await redeem(gate, fresh, grant.digest);
  assert.equal(late.status, 410, late.text);
  const applied = await apply(gate, grant.question, grant);
  assert.deepEqual(
    [at(applied.body, "context", "reason"), at(applied.body, "context", "next_action")],
    ["approval_expired", "request"],
  );
  assert.equal(await redemptions(grant), 0);
});

test("permit.expired: an approval that nobody used is not kept for later", async () => {
  rows += 1;
  const question = exportRows(rows);
  const held = await hold(gate, question);
  await approve(ann, held);
  ahead += HOUR + 1000;
  assert.equal((await apply(gate, question, held)).body["decision"], false);
  assert.notEqual((await hold(gate, question)).id, held.id);
});
