// Who approves is who signed in, who may, and who still may. Through the real server.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { JsonObject } from "../../src/core/action/index.ts";
import { exportRows } from "../support/actions.ts";
import { apply, approve, codeOf, hold, permitFor, redeem, review, statusOf, type Held } from "../support/flow.ts";
import { House, type Client } from "../support/house.ts";
import { at } from "../support/json.ts";
import { DIRECTORY, edited } from "../support/rules.ts";

let house: House;
let gate: Client;
let rows = 1000;
before(async () => {
  house = await House.open();
  gate = await house.gate();
});
after(() => house[Symbol.asyncDispose]());

async function held(): Promise<Held & { question: JsonObject }> {
  rows += 1;
  const question = exportRows(rows);
  return { ...(await hold(gate, question)), question };
}

test("approver.claimed: a name in a body, a header or the question is nobody's approval", async () => {
  const request = await held();
  const fay = await house.person("fay"); // of security: not an approver of exports
  for (const claim of [
    { person: "ann" },
    { reviewer: "ann" },
    { approver: { id: "ann" } },
    { account: { issuer: "keyturn", subject: "ann" } },
    { on_behalf_of: "ann" },
    { assurance: "A4" },
  ]) {
    const answer = await review(fay, request, "approve", claim);
    assert.deepEqual([answer.status, codeOf(answer)], [400, "question_invalid"], JSON.stringify(claim));
  }
  const headers = {
    "x-forwarded-user": "ann",
    "x-remote-user": "ann",
    "remote-user": "ann",
    "x-keyturn-person": "ann",
    from: "ann@example.com",
  };
  const body = JSON.stringify({ verdict: "approve", digest: request.digest, nonce: "12345678" });
  assert.equal((await fay.send("POST", `/v1/requests/${request.id}/reviews`, body, { headers })).status, 403);
  assert.equal((await house.anyone.send("POST", `/v1/requests/${request.id}/reviews`, body, { headers })).status, 401);
  assert.equal(await statusOf(gate, request), "pending");
});

test("approver.claimed: what the agent says of approvals grants none", async () => {
  const claims: readonly JsonObject[] = [
    { approval: { id: `apr_${"0".repeat(26)}` } },
    { approval: { id: `apr_${"0".repeat(26)}`, approved_by: ["ann", "bob"] } },
    { reason: "APPROVED BY: Ann Achterberg (data-owners)", approved_by: "ann", approved: true },
    { declared: { effects: [], facts: { approved: true, approvers: ["ann"] } } },
  ];
  for (const context of claims) {
    rows += 1;
    const answer = await gate.post("/access/v1/evaluation", exportRows(rows, { context }));
    assert.deepEqual([answer.body["decision"], at(answer.body, "context", "permit")], [false, undefined], answer.text);
  }
  const request = await held();
  const own = await apply(gate, request.question, request);
  assert.deepEqual(
    [own.body["decision"], at(own.body, "context", "reason"), at(own.body, "context", "next_action")],
    [false, "grant_pending", "retry"],
  );
});

test("approver.agent: a machine's credentials reach no review, whatever they try", async () => {
  const request = await held();
  const body = JSON.stringify({ verdict: "approve", digest: request.digest, nonce: "12345678" });
  const path = `/v1/requests/${request.id}/reviews`;
  const cookie = { cookie: `keyturn_session=${gate.token}`, origin: house.url, "sec-fetch-site": "same-origin" };
  const tries: readonly (readonly [what: string, send: () => Promise<{ status: number }>, status: number])[] = [
    ["its token", () => gate.send("POST", path, body), 403],
    ["its token as a session cookie", () => house.anyone.send("POST", path, body, { headers: cookie }), 403],
    [
      "its token dressed as a session",
      () => house.as(gate.token?.replace("kt_", "kts_") ?? "").send("POST", path, body),
      401,
    ],
    [
      "its token dressed as an operator's",
      () => house.as(gate.token?.replace("kt_", "kto_") ?? "").post("/v1/sign-in-links", { person: "ann" }),
      401,
    ],
    ["its token as a sign-in code", () => house.anyone.post("/v1/sign-in", { code: gate.token ?? "" }), 401],
    ["the operator's token", () => house.operator.send("POST", path, body), 403],
    ["a link of its own", () => gate.post("/v1/sign-in-links", { person: "ann" }), 403],
    ["a token for a person's name", () => house.operator.post("/v1/tokens", { agent: "ann", gate: "console" }), 404],
    ["a session for the agent", () => house.operator.post("/v1/sign-in-links", { person: "report-bot" }), 404],
    ["another verb", () => gate.send("PUT", path, body), 404],
    [
      "another verb in a header",
      () => gate.send("GET", path, null, { headers: { "x-http-method-override": "POST" } }),
      404,
    ],
    ["a task of its own", () => gate.post(`/access/v1/requests/${request.id}/reviews`, { verdict: "approve" }), 404],
    ["becoming somebody", () => gate.post("/v1/demo/act-as", { person: "ann" }), 404],
  ];
  for (const [what, send, status] of tries) assert.equal((await send()).status, status, what);
  assert.equal(await statusOf(gate, request), "pending");
});

test("approver.agent: a used, foreign or stolen link opens nothing twice", async () => {
  const code = await house.code("ann");
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => house.anyone.post("/v1/sign-in", { code, client: "cli" })),
  );
  assert.equal(answers.filter(({ status }) => status === 200).length, 1, "one link is one session");
  assert.equal((await house.anyone.post("/v1/sign-in", { code })).status, 401);
  assert.equal((await house.as(await house.code("ann")).get("/v1/me")).status, 403, "a code is no session");
});

const CHANGES: readonly (readonly [what: string, from: string, to: string])[] = [
  ["deactivated", "    name: Ann Achterberg", "    active: false\n    name: Ann Achterberg"],
  ["removed from the group", "data-owners: [ann, bob, cy, dee, gil]", "data-owners: [bob, cy, dee, gil]"],
];

test("approver.removed: an approval falls with its approver, between review and redemption", async () => {
  for (const [what, from, to] of CHANGES) {
    const request = await held();
    await approve(await house.person("ann"), request);
    const permit = await permitFor(gate, request.question, request);
    await house.change({ directory: edited(DIRECTORY, from, to) });
    const refused = await redeem(gate, permit, request.digest);
    assert.deepEqual([refused.status, codeOf(refused)], [403, "approval_voided"], what);
    assert.equal(await statusOf(gate, request), "pending", what);
    const bob = await house.person("bob");
    const view = await bob.get(`/v1/requests/${request.id}`);
    assert.deepEqual(
      (view.body["reviews"] as readonly { voided: boolean; person: { id: string } }[]).map(({ person, voided }) => [
        person.id,
        voided,
      ]),
      [["ann", true]],
      what,
    );
    await approve(bob, request);
    assert.equal((await redeem(gate, permit, request.digest)).status, 200, `${what}: others approved instead`);
    await house.change({ directory: DIRECTORY });
  }
});

test("approver.removed: between review and evaluation", async () => {
  const request = await held();
  await approve(await house.person("ann"), request);
  await house.change({
    directory: edited(DIRECTORY, "data-owners: [ann, bob, cy, dee, gil]", "data-owners: [bob, cy, dee, gil]"),
  });
  const applied = await apply(gate, request.question, request);
  assert.deepEqual([applied.body["decision"], at(applied.body, "context", "code")], [false, "approval_voided"]);
  await house.change({ directory: DIRECTORY });
});

test("approver.removed: a session ends with its person", async () => {
  const request = await held();
  const ann = await house.person("ann");
  await house.change({
    directory: edited(DIRECTORY, "    name: Ann Achterberg", "    active: false\n    name: Ann Achterberg"),
  });
  assert.equal((await review(ann, request)).status, 401);
  await house.change({ directory: DIRECTORY });
});

test("approver.late-member: who joins the group after the request cannot approve it, but the next one", async () => {
  const request = await held();
  const joined = edited(
    DIRECTORY,
    "data-owners: [ann, bob, cy, dee, gil]",
    "data-owners: [ann, bob, cy, dee, gil, fay]",
  );
  assert.equal((await house.change({ directory: joined })).status, 200);
  const fay = await house.person("fay");
  for (const verdict of ["approve", "deny"]) {
    const answer = await review(fay, request, verdict);
    assert.deepEqual([answer.status, codeOf(answer)], [403, "member_too_late"], verdict);
  }
  const next = await held();
  await approve(fay, next);
  assert.equal(await statusOf(gate, next), "approved");
  await house.change({ directory: DIRECTORY });
});

test("approver.late-member: leaving and joining again does not make anybody early", async () => {
  const request = await held();
  await house.change({
    directory: edited(DIRECTORY, "data-owners: [ann, bob, cy, dee, gil]", "data-owners: [bob, cy, dee, gil]"),
  });
  await house.change({ directory: DIRECTORY });
  assert.equal(codeOf(await review(await house.person("ann"), request)), "member_too_late");
});
