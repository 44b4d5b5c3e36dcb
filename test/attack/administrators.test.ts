// Administrators put each other out, and bring people in, with somebody else's consent. Through the real server.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { GroupName } from "../../src/core/brand.ts";
import type { DirectoryStep, Editor } from "../../src/ports/people.ts";
import { ADMINS, isIn, OPERATOR, OWNERS, pendingOf, shown, who } from "../support/administrators.ts";
import { approve, codeOf, review } from "../support/flow.ts";
import { House } from "../support/house.ts";
import { textAt } from "../support/json.ts";
import { edited } from "../support/rules.ts";

/** Gil is the only administrator, so a provisioning client can make zoe one, and then there are two. */
async function withProvisioned(house: House): Promise<Editor> {
  const source = "scim:x" as const;
  const zoe = { id: who("zoe"), name: "Zoe", active: true, emails: [] };
  const steps: readonly DirectoryStep[] = [
    { step: "put_person", source, person: zoe },
    { step: "join", source, group: "admins" as GroupName, person: zoe.id },
  ];
  assert.equal((await house.people.change(steps, { kind: "source", source })).status, "applied");
  return { kind: "source", source };
}

/** Undefined for somebody who is not in the roster. */
async function activeOf(house: House, person: string): Promise<unknown> {
  return (await house.operator.get(`/v1/people/${person}`)).body["active"];
}

test("policy.self-change: an administrator's own change waits for another one, and denied it never comes", async () => {
  await using house = await House.open({ directory: ADMINS });
  const [eve, fay] = [await house.person("eve"), await house.person("fay")];
  const asked = await eve.post("/v1/groups/data-owners/members", { add: ["eve"] });
  assert.deepEqual([asked.status, asked.body["status"]], [200, "held"], asked.text);
  const request = await shown(eve, textAt(asked.body, "request"));
  const own = await review(eve, request);
  assert.deepEqual([own.status, codeOf(own)], [403, "person_barred"]);
  assert.equal((await review(await house.person("ann"), request)).status, 403);
  assert.equal((await review(fay, request, "deny")).status, 200);
  await house.people.change([], OPERATOR);
  assert.deepEqual([await isIn(house, "eve"), await pendingOf(house)], [false, []]);
  const again = await eve.post("/v1/groups/data-owners/members", { add: ["eve"] });
  await approve(fay, { ...(await shown(fay, textAt(again.body, "request"))), evaluation: "", approval: "" });
  await house.people.change([], OPERATOR);
  assert.equal(await isIn(house, "eve"), true);
});

test("policy.self-change: fewer than two administrators, a bar or an owner less are held too", async () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["one administrator left", "admins: [eve, fay, gil]", "admins: [eve]"],
    ["a delegation that barred", '  - { from: cy, to: gil, until: "2099-01-01T00:00:00Z" }', ""],
    ["an owner who was barred", "id: report-bot, owners: [cy]", "id: report-bot, owners: [dee]"],
  ];
  for (const [what, from, to] of cases) {
    await using house = await House.open({ directory: ADMINS });
    const text = edited(ADMINS, from, to).replace("delegations:\n\n", "");
    assert.equal((await house.change({ directory: text })).status, 200, what);
    assert.equal((await pendingOf(house)).length, 1, what);
  }
});

test("policy.self-change: an administrator who is taken out altogether has no say at once, and goes when another agrees", async () => {
  await using house = await House.open({ directory: edited(ADMINS, "admins: [eve, fay, gil]", "admins: [gil]") });
  const client = await withProvisioned(house);
  const gone = await house.people.change([{ step: "remove_person", source: "scim:x", person: who("zoe") }], client);
  if (gone.status !== "held") assert.fail("whoever removes administrators could change everything after it");
  assert.equal(await activeOf(house, "zoe"), false);
  const join = { step: "join", source: "scim:x", group: OWNERS, person: who("fay") } as const;
  assert.equal((await house.people.change([join], client)).status, "held");
  const gil = await house.person("gil");
  await approve(gil, { ...(await shown(gil, gone.request)), evaluation: "", approval: "" });
  await house.people.change([], OPERATOR);
  assert.equal(await activeOf(house, "zoe"), undefined);
});

test("policy.self-change: administrators who are taken out of the file altogether leave two behind until others agree", async () => {
  await using house = await House.open({ directory: ADMINS });
  const without = ADMINS.replace(/^ {2}- \{ id: (?:eve|fay), .*\n/gm, "")
    .replace("admins: [eve, fay, gil]", "admins: [gil]")
    .replace("[ann, bob, cy, eve, fay]", "[ann, bob, cy]")
    .replace(", deployers: [eve]", "");
  assert.equal((await house.change({ directory: without })).status, 200);
  assert.equal((await pendingOf(house)).length, 1);
  assert.deepEqual([await activeOf(house, "eve"), await activeOf(house, "fay")], [undefined, false]);
  const join = { step: "join", source: "scim:x", group: OWNERS, person: who("ann") } as const;
  const put = { ...join, group: "admins" as GroupName };
  assert.equal((await house.people.change([put], { kind: "source", source: "scim:x" })).status, "held");
});

test("policy.self-change: a login that comes after others were asked about its person waits too", async () => {
  await using house = await House.open({ directory: ADMINS });
  const client: Editor = { kind: "source", source: "scim:x" };
  const statusOf = async (step: DirectoryStep): Promise<string> => (await house.people.change([step], client)).status;
  const zoe = { id: who("zoe"), name: "Zoe", active: true, emails: [] };
  const link = (subject: string): DirectoryStep => {
    const account = { issuer: "https://idp.example.com", subject, strength: "L4" } as const;
    return { step: "link", person: zoe.id, account, evidence: "provisioned" };
  };
  assert.equal(await statusOf({ step: "put_person", source: "scim:x", person: zoe }), "applied");
  assert.equal(await statusOf(link("zoe")), "applied", "she decides nothing");
  assert.equal(await statusOf({ step: "join", source: "scim:x", group: OWNERS, person: zoe.id }), "held");
  assert.equal(await statusOf(link("mallory")), "held", "nobody who agrees to the joining has seen this one");
  assert.equal(house.people.holderOf("https://idp.example.com", "mallory"), undefined);
});

test("policy.self-change: whoever puts the other administrators out is not alone after it", async () => {
  await using house = await House.open({ directory: ADMINS });
  const gil = await house.person("gil");
  for (const id of ["eve", "fay"]) {
    const out = await gil.post(`/v1/people/${id}/active`, { active: false });
    assert.equal(out.body["status"], "applied", out.text);
  }
  const asked = await gil.post("/v1/groups/data-owners/members", { add: ["fay"] });
  assert.equal(asked.body["status"], "held", asked.text);
  assert.equal((await review(gil, await shown(gil, textAt(asked.body, "request")))).status, 403);
  // By the file, for which nobody is known, gil alone would be asked; and changed who the administrators are.
  await house.change({ directory: edited(ADMINS, "[ann, bob, cy, dee, gil]", "[ann, bob, cy, dee, gil, eve]") });
  const [, id = ""] = await pendingOf(house);
  assert.equal(codeOf(await review(gil, await shown(gil, id))), "person_barred");
  for (const person of ["ann", "bob"])
    assert.equal((await review(await house.person(person), { id, digest: "x" })).status, 400);
  // A client that puts everybody out gets no further; the operator's token is the way back.
  const gone = {
    step: "put_person",
    source: "scim:x",
    person: { id: who("gil"), name: "G", active: false, emails: [] },
  } as const;
  await house.people.change([gone], { kind: "source", source: "scim:x" });
  const join = { step: "join", source: "scim:x", group: OWNERS, person: who("fay") } as const;
  assert.equal((await house.people.change([join], { kind: "source", source: "scim:x" })).status, "held");
  const back = await house.operator.post("/v1/groups/admins/members", { add: ["dee"] });
  assert.equal(back.body["status"], "applied", back.text);
});
