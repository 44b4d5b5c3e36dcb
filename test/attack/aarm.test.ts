// What AARM v1.0 asks of a system like this, as far as this version goes. Through the real server.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Instant } from "../../src/core/brand.ts";
import { openHeader } from "../../src/core/ledger/index.ts";
import { verifyReceipt } from "../../src/verify/index.ts";
import { jsonText, type Json } from "../../src/core/action/index.ts";
import { deleteAudit, exportRows, readRows } from "../support/actions.ts";
import { HOUR } from "../support/clock.ts";
import { approve, hold, permitFor, redeem, review, statusOf } from "../support/flow.ts";
import { House, type Client } from "../support/house.ts";
import { at, textAt } from "../support/json.ts";

let house: House;
let gate: Client;
let ahead = 0;
before(async () => {
  house = await House.open({ clock: { now: () => (Date.now() + ahead) as Instant } });
  gate = await house.gate("report-bot", "sdk", "dee");
});
after(() => house[Symbol.asyncDispose]());

test("aarm.R1: an action is recorded before its answer leaves, and every failure to answer is no answer", async () => {
  for (const question of [readRows(5), exportRows(12_000), deleteAudit()]) {
    const size = await house.size();
    const answer = await gate.post("/access/v1/evaluation", question);
    const [entry, ...more] = await house.entries(size);
    assert.equal(more.length, 0);
    assert.equal(entry?.type, "action.evaluated");
    assert.equal(entry.stream, `evaluation/${textAt(answer.body, "context", "evaluation_id")}`);
    assert.deepEqual(
      [entry.publics["digest"], entry.publics["outcome"]],
      [at(answer.body, "context", "digest"), at(answer.body, "context", "outcome")],
    );
  }
  const unanswered: readonly (readonly [what: string, client: Client, body: Json])[] = [
    ["no credential", house.anyone, readRows(5)],
    ["a wrong one", await house.person("ann"), readRows(5)],
    ["another's name", gate, readRows(5, { agent: "other-bot" })],
    ["nonsense", gate, { decision: true }],
  ];
  for (const [what, client, body] of unanswered) {
    const answer = await client.post("/access/v1/evaluation", body);
    assert.ok(answer.status >= 400, what);
    assert.equal(answer.body["decision"], undefined, what);
  }
  const redeemed = await hold(gate, exportRows(101));
  await approve(await house.person("ann"), redeemed);
  const permit = await permitFor(gate, exportRows(101), redeemed);
  const answer = await redeem(gate, permit, redeemed.digest);
  const index = at(answer.body, "receipt", "index");
  const entries = await house.entries(Number(index));
  assert.deepEqual(
    [entries[0]?.type, entries[0]?.stream],
    ["permit.redeemed", `request/${redeemed.id}`],
    "the receipt names the entry",
  );
});

test("aarm.R4: allow, deny and step-up; a step-up without an answer times out to deny", async () => {
  const allowed = await gate.post("/access/v1/evaluation", readRows(5));
  assert.deepEqual([allowed.body["decision"], at(allowed.body, "context", "outcome")], [true, "allow"]);
  const denied = await gate.post("/access/v1/evaluation", deleteAudit());
  assert.deepEqual(
    [denied.body["decision"], at(denied.body, "context", "outcome"), at(denied.body, "context", "access_request")],
    [false, "deny", undefined],
  );
  const unknown = await gate.post("/access/v1/evaluation", readRows(1000));
  assert.deepEqual(
    [unknown.body["decision"], at(unknown.body, "context", "code")],
    [false, "no_policy"],
    "what nothing permits is denied",
  );

  const question = exportRows(12_000);
  const approved = await hold(gate, question);
  await approve(await house.person("ann"), approved);
  assert.equal((await redeem(gate, await permitFor(gate, question, approved), approved.digest)).status, 200);
  const refused = await hold(gate, exportRows(13_000));
  assert.equal((await review(await house.person("bob"), refused, "deny")).status, 200);
  assert.equal(await statusOf(gate, refused), "denied");

  const silent = await hold(gate, exportRows(14_000));
  ahead += HOUR;
  assert.equal(await statusOf(gate, silent), "expired");
  const applied = await gate.post(
    "/access/v1/evaluation",
    exportRows(14_000, { context: { approval: { id: silent.approval } } }),
  );
  assert.equal(applied.body["decision"], false);
});

test("aarm.R6: every evaluation binds human, service, agent, session and role to the action", async () => {
  const session = "conversation-17";
  const properties = { on_behalf_of: "ann@example.com", role: "analyst", act: { sub: "gateway-svc", type: "service" } };
  for (const question of [
    readRows(5, { properties, context: { session } }),
    exportRows(15_000, { properties, context: { session } }),
  ]) {
    const size = await house.size();
    await gate.post("/access/v1/evaluation", question);
    const [entry] = await house.entries(size);
    const payload = entry?.payload;
    const { body } = await house.operator.get("/v1/tokens");
    const token = (body["tokens"] as readonly { id: string; agent: string; gate: string; holder: string }[]).find(
      ({ id }) => id === at(payload, "token"),
    );
    assert.deepEqual(
      [token?.agent, token?.gate, token?.holder],
      ["report-bot", "sdk", "dee"],
      "the token, and the human who holds it",
    );
    assert.deepEqual([at(payload, "agent"), at(payload, "gate")], ["report-bot", "sdk"]);
    assert.deepEqual(
      at(payload, "question", "subject"),
      { type: "agent", id: "report-bot", properties },
      "human, service and role as they were claimed",
    );
    assert.equal(at(payload, "question", "context", "session"), session);
    assert.equal(at(payload, "digest"), entry?.publics["digest"]);
  }
  const held = await hold(gate, exportRows(15_000, { properties }));
  const { body } = await (await house.person("ann")).get(`/v1/requests/${held.id}`);
  const relations = (body["barred"] as readonly { person: { id: string }; relation: string }[]).map(
    ({ person, relation }) => `${person.id} ${relation}`,
  );
  assert.deepEqual(relations.toSorted(), ["ann on_behalf_of", "cy agent_owner", "dee token_holder", "gil delegate"]);
});

test("aarm.R5: every decision, permit, redemption and outcome has a signed receipt that is verified offline", async () => {
  const from = await house.size();
  await gate.post("/access/v1/evaluation", readRows(7));
  await gate.post("/access/v1/evaluation", deleteAudit());
  const held = await hold(gate, exportRows(7_001));
  await approve(await house.person("ann"), held);
  const permit = await permitFor(gate, exportRows(7_001), held);
  const used = await redeem(gate, permit, held.digest);
  const path = `/v1/permits/${textAt(used.body, "permit_id")}/outcome`;
  assert.equal((await gate.post(path, { status: "succeeded" })).status, 200);
  const denied = await hold(gate, exportRows(7_002));
  await review(await house.person("ann"), denied, "deny");

  const vkey = (await house.anyone.get("/ledger/vkey")).text.trim();
  const told = new Map<string, string>();
  for (const { index, type, header } of await house.store.range(from, 1000)) {
    const { text } = await house.operator.get(`/ledger/receipt/${index}`);
    // From here on nothing but the receipt, the key and the leaf: no server, no store.
    const proven = verifyReceipt({ receipt: text, vkey, leaf: Uint8Array.from(header) });
    assert.equal(proven.index, index);
    const flipped = Uint8Array.from(header, (byte, at) => (at === 9 ? byte ^ 1 : byte));
    assert.throws(() => verifyReceipt({ receipt: text, vkey, leaf: flipped }));
    assert.throws(() => verifyReceipt({ receipt: text.replace(`index ${index}`, `index ${index + 1}`), vkey }));
    const { publics } = openHeader(header);
    told.set(`${type} ${jsonText(publics["outcome"] ?? publics["verdict"] ?? publics["status"])}`.trim(), text);
  }
  for (const decision of [
    "action.evaluated allow",
    "action.evaluated deny",
    "action.evaluated require_approval",
    "review.recorded approve",
    "review.recorded deny",
    "request.approved",
    "request.denied",
    "permit.issued",
    "permit.redeemed",
    "action.completed succeeded",
  ]) {
    assert.ok(told.has(decision), decision);
  }
});
