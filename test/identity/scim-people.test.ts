// What provisioning does to people: who may approve, who no longer may, and what waits for an administrator.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import scimmy from "scimmy";
import type { JsonObject } from "../../src/core/action/index.ts";
import type { PersonId } from "../../src/core/brand.ts";
import { fits, parseFilter } from "../../src/identity/scim/index.ts";
import { exportRows } from "../support/actions.ts";
import { approve, codeOf, hold, permitFor, redeem, review, statusOf } from "../support/flow.ts";
import { House } from "../support/house.ts";
import { at, textAt } from "../support/json.ts";
import { DIRECTORY, edited } from "../support/rules.ts";
import { HELD, OKTA, Provisioner, provisioned, USER } from "../support/scim.ts";

const ANN = { externalId: "00u-ann", displayName: "Ann Achterberg" };

async function personOf(house: House, userName: string): Promise<JsonObject | undefined> {
  const people = (await house.operator.get("/v1/people")).body["people"] as readonly JsonObject[];
  return people.find((one) => textAt(one, "id").startsWith(userName.split("@")[0] ?? ""));
}

test("approver.removed: an approver who is deprovisioned has no say, at once, and the request says why", async (t) => {
  for (const [how, act] of [
    [
      "active: False",
      (s: Provisioner, id: string) => s.patch(`/Users/${id}`, { op: "Replace", path: "active", value: "False" }),
    ],
    ["DELETE", (s: Provisioner, id: string) => s.send("DELETE", `/Users/${id}`)],
  ] as const) {
    await t.test(how, async () => {
      const { house, scim } = await provisioned();
      await using _ = house;
      const user = await scim.user("ann@corp.example", ANN);
      const [gate, ann] = [await house.gate(), await house.person("ann")];
      const question = exportRows(4711);
      const held = await hold(gate, question);
      await approve(ann, held);
      assert.equal(await statusOf(gate, held), "approved");
      const permit = await permitFor(gate, question, held);
      const gone = await act(scim, user);
      assert.ok(gone.status === 200 || gone.status === 204, gone.text);
      assert.equal(await statusOf(gate, held), "pending");
      const view = await (await house.person("bob")).get(`/v1/requests/${held.id}`);
      assert.match(view.text, /person_inactive|inactive|deactivated/i);
      assert.equal((await redeem(gate, permit, held.digest)).status, 403);
      assert.equal((await ann.get("/v1/me")).status, 401);
      const closed = (await house.entries()).filter(({ type }) => type === "session.closed");
      assert.ok(closed.length >= 1, "the session is closed, and wakes up no more");
      // The file speaks of ann too: forgetting the user must not bring the leaver back.
      const person = await personOf(house, "ann");
      assert.equal(person?.["active"], false);
    });
  }
});

test("a provisioned person reviews by the login that externalId names, and by no other", async () => {
  const { house, scim } = await provisioned();
  await using _ = house;
  const id = await scim.user("zoe.new@corp.example", { externalId: "00u-zoe", displayName: "Zoe New" });
  await scim.user("nobody@corp.example");
  await scim.group("Data Owners", id);
  const zoe = house.people.holderOf(OKTA.issuer, "00u-zoe");
  assert.match(zoe?.id ?? "", /^zoe\.new-[0-9a-f]{6}$/);
  assert.deepEqual(zoe?.accounts, [{ issuer: OKTA.issuer, subject: "00u-zoe", strength: "L3" }]);
  const gate = await house.gate();
  const held = await hold(gate, exportRows(5000));
  assert.equal((await review(await house.person(zoe?.id ?? ""), held)).status, 200);
  // Whoever has no externalId has no login here.
  const nobody = await personOf(house, "nobody");
  assert.equal(nobody?.["logins"], 0);
  // A login that moves: the old one is nobody's.
  assert.equal(
    (await scim.patch(`/Users/${id}`, { op: "replace", path: "externalId", value: "00u-zoe2" })).status,
    200,
  );
  assert.equal(house.people.holderOf(OKTA.issuer, "00u-zoe"), undefined);
  assert.equal(house.people.holderOf(OKTA.issuer, "00u-zoe2")?.id, zoe?.id);
});

test("channel.link-hijack: a client cannot make a user somebody else by name, address or a guessed login", async () => {
  const directory = edited(
    DIRECTORY,
    '"https://git.example.com", subject: cy-codes',
    `"${OKTA.issuer}", subject: cy-codes`,
  );
  const { house, scim } = await provisioned({ directory });
  await using _ = house;
  const id = await scim.user("ann", { displayName: "Ann Achterberg", emails: [{ value: "ann@example.com" }] });
  const made = textAt(await personOf(house, "ann-"), "id");
  assert.match(made, /^ann-[0-9a-f]{6}$/);
  assert.equal(at((await scim.get(`/Users/${id}`)).body, "id"), id);
  const guessed = await scim.send("POST", "/Users", { schemas: [USER], userName: "x", externalId: "cy-codes" });
  assert.deepEqual([guessed.status, at(guessed.body, "scimType")], [409, "uniqueness"]);
  const bob = await scim.user("bob2", { externalId: "00u-bob2" });
  const moved = await scim.patch(`/Users/${bob}`, { op: "replace", path: "externalId", value: "00u-ann" });
  assert.deepEqual([moved.status, at(moved.body, "scimType")], [409, "uniqueness"]);
});

test("policy.self-change: what loosens by provisioning waits for an administrator, and is stored meanwhile", async () => {
  const directory = `${DIRECTORY}\nroles: { admin: [admins] }\n`.replace(
    "groups:\n",
    "groups:\n  admins: [eve, fay]\n",
  );
  const { house, scim } = await provisioned({ directory });
  await using _ = house;
  const id = await scim.user("zoe@corp.example", { externalId: "00u-zoe" });
  const group = await scim.send("POST", "/Groups", {
    schemas: ["urn:ietf:params:scim:schemas:core:2.0:Group"],
    displayName: "Data Owners",
    members: [{ value: id }],
  });
  assert.equal(group.status, 201, group.text);
  const request = textAt(group.body, HELD, "request");
  assert.equal(at(group.body, "members", 0, "value"), id);
  const zoe = house.people.holderOf(OKTA.issuer, "00u-zoe")?.id ?? ("" as PersonId);
  assert.deepEqual(house.people.groupsOf("scim:okta", zoe), []);
  // Nobody made it who could be barred: two administrators.
  const view = await (await house.person("eve")).get(`/v1/requests/${request}`);
  const held = { id: request, digest: textAt(view.body, "digest") };
  await approve(await house.person("eve"), { ...held, evaluation: "", approval: "" });
  await approve(await house.person("fay"), { ...held, evaluation: "", approval: "" });
  const path = `/Groups/${textAt(group.body, "id")}`;
  let after = await scim.get(path);
  // What people agreed to comes into force by itself, a moment later.
  for (let i = 0; i < 500 && at(after.body, HELD) !== undefined; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    after = await scim.get(path);
  }
  assert.equal(at(after.body, HELD), undefined);
  assert.deepEqual(house.people.groupsOf("scim:okta", zoe), ["data-owners"]);
  // Out at once, and never held.
  const out = await scim.patch(path, { op: "remove", path: "members" });
  assert.deepEqual(
    [out.status, at(out.body, HELD), house.people.groupsOf("scim:okta", zoe).length],
    [200, undefined, 0],
  );
});

test("approver.agent: a provisioning client provisions, and nothing else; nobody else does", async () => {
  const { house } = await provisioned();
  await using _ = house;
  const made = await house.operator.post("/v1/scim-tokens", { client: "okta" });
  const client = house.as(textAt(made.body, "token"));
  assert.match(textAt(made.body, "token"), /^ktc_/);
  const gate = await house.gate();
  const held = await hold(gate, exportRows(900));
  for (const [method, path, body] of [
    ["POST", `/v1/requests/${held.id}/reviews`, { verdict: "approve", digest: held.digest, nonce: "12345678" }],
    ["POST", "/access/v1/evaluation", exportRows(900)],
    ["GET", "/v1/people", null],
    ["POST", "/v1/tokens", { agent: "report-bot", gate: "sdk" }],
    ["POST", "/v1/sign-in-links", { person: "ann" }],
    ["GET", "/v1/ledger/entries", null],
  ] as const) {
    const answer = await client.send(method, path, body === null ? null : JSON.stringify(body));
    assert.deepEqual([answer.status, codeOf(answer)], [403, "not_allowed"], path);
  }
  for (const other of [house.anyone, gate, house.operator, await house.person("ann")]) {
    const answer = await other.get("/scim/v2/Users");
    assert.equal(answer.status, other === house.anyone ? 401 : 403);
  }
  const revoked = await house.operator.post(`/v1/tokens/${textAt(made.body, "id")}/revoke`, {});
  assert.equal(revoked.status, 200, revoked.text);
  assert.equal((await client.get("/scim/v2/Users")).status, 401);
  assert.equal((await house.operator.post("/v1/scim-tokens", { client: "none" })).status, 404);
});

test("what was provisioned survives a restart", async () => {
  const { house, scim } = await provisioned();
  const id = await scim.user("keep@corp.example", { externalId: "00u-keep" });
  const group = await scim.group("Keepers", id);
  await house.stop();
  await using again = await House.over(house.files, { scim: [OKTA] });
  const other = await Provisioner.of(again);
  assert.equal(textAt((await other.get(`/Users/${id}`)).body, "externalId"), "00u-keep");
  assert.equal(at((await other.get(`/Groups/${group}`)).body, "members", 0, "value"), id);
  const twin = await other.send("POST", "/Users", { schemas: [USER], userName: "KEEP@corp.example" });
  assert.equal(twin.status, 409);
});

// Another reading of the same RFC: scimmy's. It compares with regard to case, so these values are all in lower case.
test("filters find what scimmy finds", () => {
  const word = fc.constantFrom("a", "b", "ab", "abc", "bc", "c");
  const name = fc.constantFrom("userName", "displayName", "title", "nickName");
  const term = fc.oneof(
    fc.tuple(name, fc.constantFrom("eq", "co", "sw", "ew"), word).map(([n, op, w]) => `${n} ${op} "${w}"`),
    name.map((n) => `${n} pr`),
  );
  const all = fc.array(term, { minLength: 1, maxLength: 3 }).map((terms) => terms.join(" and "));
  const filter = fc.array(all, { minLength: 1, maxLength: 3 }).map((terms) => terms.join(" or "));
  const user = fc.record(
    { userName: word, displayName: word, title: word, nickName: word },
    { requiredKeys: ["userName"] },
  );
  fc.assert(
    fc.property(filter, fc.array(user, { maxLength: 6 }), (text, users) => {
      const ours = users.filter((one) => fits(parseFilter(text), { ...one }, { left: 10_000 }));
      const theirs = new scimmy.Types.Filter(text).match(users.map((one) => ({ ...one })));
      assert.equal(JSON.stringify(ours), JSON.stringify(theirs));
    }),
    { numRuns: 300 },
  );
});

test("what a filter may cost is limited, also where it finds nothing", () => {
  const filter = parseFilter('display eq "x" or type eq "y"');
  assert.equal(fits(filter, { value: "a" }, { left: 3 }), false);
  assert.throws(() => fits(filter, { value: "a" }, { left: 2 }), { name: "ScimError", scimType: "tooMany" });
});
