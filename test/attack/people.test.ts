// Nobody approves an action that they stand behind, by whatever account or way. Through the real server.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { JsonObject } from "../../src/core/action/index.ts";
import { exportRows, grantRole } from "../support/actions.ts";
import { apply, approve, codeOf, hold, review, statusOf, type Held } from "../support/flow.ts";
import { House, type Client } from "../support/house.ts";
import { at, textAt } from "../support/json.ts";
import { DIRECTORY, edited } from "../support/rules.ts";

let house: House;
let rows = 1000;
before(async () => {
  house = await House.open();
});
after(() => house[Symbol.asyncDispose]());

/** A held export that has not been asked for before. */
async function held(
  properties: JsonObject = {},
  more: { agent?: string; holder?: string; client?: JsonObject; reuse?: Client } = {},
): Promise<Held & { gate: Client; question: JsonObject }> {
  const { agent = "report-bot", holder, client } = more;
  const gate = more.reuse ?? (await house.gate(agent, "sdk", holder));
  rows += 1;
  const question = exportRows(rows, { agent, properties, type: agent === "deploy-bot" ? "pipeline" : "agent" });
  return { ...(await hold(gate, question, client === undefined ? {} : { client })), gate, question };
}

/** The person may not approve this one, is told so before and after the click, and nothing has moved. */
async function assertBarred(
  id: string,
  request: Held & { gate: Client; question: JsonObject },
  relation: string,
): Promise<void> {
  const person = await house.person(id);
  const view = await person.get(`/v1/requests/${request.id}`);
  assert.deepEqual(
    [at(view.body, "me", "can_approve"), at(view.body, "me", "refusal", "code")],
    [false, "person_barred"],
    id,
  );
  const named = (view.body["barred"] as readonly { person: { id: string }; relation: string }[]).map(
    (one) => `${one.person.id} ${one.relation}`,
  );
  assert.ok(named.includes(`${id} ${relation}`), `${id} ${relation} in ${named.join(", ")}`);
  const answer = await review(person, request);
  assert.deepEqual([answer.status, codeOf(answer)], [403, "person_barred"], answer.text);
  assert.equal(await statusOf(request.gate, request), "pending");
  const applied = await apply(request.gate, request.question, request);
  assert.deepEqual([applied.body["decision"], at(applied.body, "context", "permit")], [false, undefined]);
}

/** Somebody else's approval is enough: the bar is for those behind it alone. */
async function assertOthersMay(request: Held & { gate: Client }, id = "ann"): Promise<void> {
  await approve(await house.person(id), request);
  assert.equal(await statusOf(request.gate, request), "approved");
}

test("self.owner: the owner of the agent, also as a member of every group that may approve", async () => {
  const request = await held();
  await assertBarred("cy", request, "agent_owner");
  await assertOthersMay(request);
});

test("self.owner: an owner may still stop what the own agent does", async () => {
  const request = await held();
  assert.equal((await review(await house.person("cy"), request, "deny")).status, 200);
  assert.equal(await statusOf(request.gate, request), "denied");
});

test("self.owner: who becomes the owner while it is pending", async () => {
  const request = await held();
  await house.change({
    directory: edited(DIRECTORY, "id: report-bot, owners: [cy]", "id: report-bot, owners: [cy, dee]"),
  });
  const answer = await review(await house.person("dee"), request);
  assert.deepEqual([answer.status, codeOf(answer)], [403, "person_barred"]);
  await house.change({ directory: DIRECTORY });
});

test("self.same-account: the holder of the token that asks", async () => {
  const request = await held({}, { holder: "ann" });
  await assertBarred("ann", request, "token_holder");
  await assertOthersMay(request, "bob");
});

test("self.admin: the administrator who made the token in another's name, or in nobody's", async () => {
  const admins = `${edited(DIRECTORY, "groups:\n", "groups:\n  admins: [ann]\n")}roles:\n  admin: [admins]\n`;
  await using other = await House.open({ directory: admins });
  const ann = await other.person("ann");
  for (const [agent, holder, quorum] of [
    ["report-bot", "eve", 1],
    ["orphan-bot", undefined, 2],
  ] as const) {
    const wanted = { agent, gate: "sdk", ...(holder === undefined ? {} : { holder }) };
    const { body, status, text } = await ann.post("/v1/tokens", wanted);
    assert.equal(status, 200, text);
    const gate = other.as(textAt(body, "token"));
    const request = await hold(gate, exportRows(7_000 + quorum, { agent }));
    const answer = await review(ann, request);
    assert.deepEqual([answer.status, codeOf(answer)], [403, "person_barred"], agent);
    const task = await gate.get(`/access/v1/requests/${request.id}`);
    assert.equal(at(task.body, "task", "progress", "terms", 0, "quorum"), quorum, "the maker is no initiator");
    await approve(await other.person("bob"), request);
    assert.equal(await statusOf(gate, request), quorum === 1 ? "approved" : "pending");
  }
  // Nor does an administrator join a request of another token unseen.
  const plain = await other.gate("report-bot", "sdk", "eve");
  const asked = exportRows(7_500);
  const request = await hold(plain, asked);
  const made = await ann.post("/v1/tokens", { agent: "report-bot", gate: "sdk", holder: "eve" });
  assert.equal((await hold(other.as(textAt(made.body, "token")), asked)).id, request.id);
  assert.equal(codeOf(await review(ann, request)), "person_barred");
});

test("self.admin: no administrator takes the operator's token away, which is the way back", async () => {
  const admins = `${edited(DIRECTORY, "groups:\n", "groups:\n  admins: [ann]\n")}roles:\n  admin: [admins]\n`;
  await using other = await House.open({ directory: admins });
  const ann = await other.person("ann");
  const id = `tok_${other.operator.token?.split("_")[1] ?? ""}`;
  const answer = await ann.post(`/v1/tokens/${id}/revoke`, {});
  assert.deepEqual([answer.status, codeOf(answer)], [404, "token_unknown"]);
  assert.equal((await other.operator.get("/v1/tokens")).status, 200);
});

test("self.same-account: two attempts, of which the approver made the second", async () => {
  const request = await held();
  const again = await hold(await house.gate("report-bot", "sdk", "dee"), request.question);
  assert.equal(again.id, request.id);
  await assertBarred("dee", request, "token_holder");
  await assertOthersMay(request);
});

test("self.linked-account: another login of the same person, however weakly it is linked", async () => {
  for (const [account, id] of [
    ["cy-codes", "cy"],
    ["00U-ANN", "ann"],
    ["U-ANN", "ann"],
    ["cy.private@example.org", "cy"],
    ["Ann@Example.com", "ann"],
  ] as const) {
    const request = await held({ prompted_by: account }, { agent: "other-bot" });
    await assertBarred(id, request, "prompter");
  }
  const chat = await held({ on_behalf_of: { iss: "https://chat.example.com", sub: "U-ANN" } }, { agent: "other-bot" });
  await assertBarred("ann", chat, "on_behalf_of");
  await assertOthersMay(chat, "bob");
});

test("self.on-behalf-of: everybody in the chain for whom it is done", async () => {
  const chain = { act: { sub: "svc-7", type: "service", act: { sub: "bob@example.com", act: { sub: "ann" } } } };
  const request = await held({ on_behalf_of: ["dee"], ...chain }, { agent: "deploy-bot" });
  await assertBarred("dee", request, "on_behalf_of");
  await assertBarred("bob", request, "actor_chain");
  await assertBarred("ann", request, "actor_chain");
  const actor = await held({}, { client: { id: "ide", actor: { id: "bob", type: "user" } } });
  await assertBarred("bob", actor, "actor_chain");
});

test("self.ci-actor: who started the pipeline, and who wrote what it runs", async () => {
  const properties = {
    ci_actor: { login: "bob" },
    commit_authors: ["Ann Achterberg <ann@example.com>", "dee@example.com"],
  };
  const request = await held(properties, { agent: "deploy-bot" });
  await assertBarred("bob", request, "ci_actor");
  await assertBarred("ann", request, "commit_author");
  await assertBarred("dee", request, "commit_author");
});

test("self.admin: neither an operator, nor a person of every group, nor a deployer is exempt", async () => {
  const request = await held({}, { agent: "deploy-bot" });
  const operator = await review(house.operator, request);
  assert.deepEqual([operator.status, codeOf(operator)], [403, "not_allowed"]);
  await assertBarred("cy", request, "agent_owner");
  const role = grantRole("admin", { agent: "deploy-bot", type: "pipeline" });
  const escalation = { ...(await hold(request.gate, role)), gate: request.gate, question: role };
  await assertBarred("eve", escalation, "agent_deployer");
  await assertBarred("cy", escalation, "agent_owner");
});

test("self.delegate: a delegate of somebody behind it, and whoever delegated to them", async () => {
  const request = await held();
  await assertBarred("gil", request, "delegate"); // cy delegated to gil
  const reverse = await held({ prompted_by: "gil" }, { agent: "other-bot" });
  await assertBarred("cy", reverse, "delegator");
  await assertOthersMay(reverse);
});

test("self.delegate: who becomes a delegate while it is pending", async () => {
  const request = await held();
  await house.change({ directory: edited(DIRECTORY, "from: cy, to: gil", "from: cy, to: ann") });
  const answer = await review(await house.person("ann"), request);
  assert.deepEqual([answer.status, codeOf(answer)], [403, "person_barred"]);
  await house.change({ directory: DIRECTORY });
});

test("self.unknown-initiator: when nobody is known behind it, or somebody unknown is, one approver is not enough", async () => {
  const rowsOf: readonly (readonly [what: string, properties: JsonObject, agent: string])[] = [
    ["an agent that nobody owns", {}, "orphan-bot"],
    ["somebody whom the directory does not know", { prompted_by: "mallory@example.net" }, "report-bot"],
    ["a claim that cannot be read", { on_behalf_of: { iss: "https://idp.example.com" } }, "report-bot"],
    ["a numeric account", { ci_actor: 4711 }, "report-bot"],
    ["a crowd that hides the last", { commit_authors: [...Array<string>(64).fill("cy"), "ann"] }, "report-bot"],
  ];
  for (const [what, properties, agent] of rowsOf) {
    const request = await held(properties, { agent });
    const answer = await request.gate.get(`/access/v1/requests/${request.id}`);
    assert.deepEqual(
      at(answer.body, "task", "progress", "terms"),
      [{ group: "data-owners", quorum: 2, filled: 0 }],
      what,
    );
    await approve(await house.person("ann"), request);
    assert.equal(await statusOf(request.gate, request), "pending", what);
    await assertOthersMay(request, "bob");
  }
});
