// Nobody makes an approver, a login or an administrator alone. Through the real server.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { GroupName } from "../../src/core/brand.ts";
import type { DirectoryStep } from "../../src/ports/people.ts";
import { verifyLedger } from "../../src/verify/index.ts";
import { ADMINS, isIn, OPERATOR, OWNERS, pendingOf, shown, who } from "../support/administrators.ts";
import { exportRows } from "../support/actions.ts";
import { approve, codeOf, hold, permitFor, redeem, review, statusOf } from "../support/flow.ts";
import { House } from "../support/house.ts";
import { at, textAt } from "../support/json.ts";
import { edited, POLICIES } from "../support/rules.ts";

test("policy.self-change: a file that makes an approver waits for two administrators; what it takes away goes at once", async () => {
  await using house = await House.open({ directory: ADMINS });
  const loosened = edited(ADMINS, "data-owners: [ann, bob, cy, dee, gil]", "data-owners: [ann, bob, cy, gil, fay]");
  assert.equal((await house.change({ directory: loosened })).status, 200);
  assert.deepEqual([await isIn(house, "fay"), await isIn(house, "dee")], [false, false]);
  const [id = ""] = await pendingOf(house);
  const [eve, fay] = [await house.person("eve"), await house.person("fay")];
  await approve(eve, { ...(await shown(eve, id)), evaluation: "", approval: "" });
  assert.equal(await isIn(house, "fay"), false, "nobody is known behind the file, so one is not enough");
  await approve(fay, { ...(await shown(fay, id)), evaluation: "", approval: "" });
  await house.people.change([], OPERATOR); // in turn: what was agreed to is in force after it
  assert.equal(await isIn(house, "fay"), true);
  assert.deepEqual(await pendingOf(house), []);
  const types = (await house.entries()).map(({ type }) => type);
  assert.equal(types.filter((type) => type === "directory.changed").length, 3);
  const checkpoint = (await house.operator.get("/v1/ledger/checkpoint")).text;
  const vkey = (await house.operator.get("/v1/ledger/vkey")).text.trim();
  const report = await verifyLedger({ entries: await house.store.range(0, 1000), checkpoint, vkey });
  assert.ok(report.passed, `an auditor follows all of it: ${JSON.stringify(report.decisions)}`);
});

test("policy.self-change: what loosens is held whichever way it comes", async () => {
  await using house = await House.open({ directory: ADMINS });
  const key = { id: "key", publicKey: "AA", synced: false, since: 0 as never };
  const scim = "scim:okta" as const;
  const firm = { issuer: "https://idp.example.com", subject: "mallory", strength: "L4" } as const;
  const rows: readonly (readonly [string, readonly DirectoryStep[], "held" | "applied"])[] = [
    [
      "a member of a group that a hold names",
      [{ step: "put_group", source: scim, group: OWNERS, members: [who("fay")] }],
      "held",
    ],
    [
      "an administrator",
      [{ step: "put_group", source: scim, group: "admins" as GroupName, members: [who("ann")] }],
      "held",
    ],
    ["a firm login of an approver", [{ step: "link", person: who("ann"), account: firm, evidence: "t" }], "held"],
    [
      "a weak login, which can only bar",
      [{ step: "link", person: who("ann"), account: { ...firm, subject: "w", strength: "L2" }, evidence: "t" }],
      "applied",
    ],
    ["a passkey of an approver", [{ step: "enrol_passkey", person: who("bob"), passkey: key }], "held"],
    [
      "a person who decides nothing",
      [{ step: "put_person", source: scim, person: { id: who("zoe"), name: "Z", active: true, emails: [] } }],
      "applied",
    ],
    [
      "a group that nothing names",
      [{ step: "put_group", source: scim, group: "tea" as GroupName, members: [who("ann")] }],
      "applied",
    ],
    [
      "a deactivation",
      [{ step: "put_person", source: scim, person: { id: who("bob"), name: "B", active: false, emails: [] } }],
      "applied",
    ],
    [
      "a reactivation",
      [{ step: "put_person", source: scim, person: { id: who("bob"), name: "B", active: true, emails: [] } }],
      "held",
    ],
  ];
  for (const [what, steps, status] of rows) {
    const answer = await house.people.change(steps, { kind: "source", source: scim });
    assert.equal(answer.status, status, `${what}: ${JSON.stringify(answer)}`);
  }
});

test("policy.self-change: a held change survives a restart, and is taken back when the file is", async () => {
  const house = await House.open({ directory: ADMINS });
  await house.change({ directory: edited(ADMINS, "[ann, bob, cy, dee, gil]", "[ann, bob, cy, dee, gil, fay]") });
  const [id = ""] = await pendingOf(house);
  await house.stop();
  const again = await House.over(house.files);
  try {
    assert.deepEqual(await pendingOf(again), [id]);
    assert.equal(await isIn(again, "fay"), false);
    await again.change({ directory: ADMINS });
    assert.deepEqual(await pendingOf(again), []);
    const eve = await again.person("eve");
    assert.equal(textAt((await eve.get(`/v1/requests/${id}`)).body, "status"), "cancelled");
  } finally {
    await again[Symbol.asyncDispose]();
  }
});

test("policy.self-change: who is taken out while their joining waits does not come in by the older request", async () => {
  await using house = await House.open({ directory: ADMINS });
  const eve = await house.person("eve");
  const asked = await eve.post("/v1/groups/data-owners/members", { add: ["fay"] });
  assert.equal((await eve.post("/v1/groups/data-owners/members", { remove: ["fay"] })).status, 200);
  assert.deepEqual(await pendingOf(house), []);
  const gil = await house.person("gil");
  const late = await review(gil, await shown(gil, textAt(asked.body, "request")));
  assert.deepEqual([late.status, codeOf(late)], [409, "request_closed"]);
});

test("approver.removed: whoever is deactivated loses their say at once, and people are asked again", async () => {
  await using house = await House.open();
  const gate = await house.gate();
  const request = await hold(gate, exportRows(5000));
  const ann = await house.person("ann");
  await approve(ann, request);
  assert.equal(await statusOf(gate, request), "approved");
  const person = { id: who("ann"), name: "Ann", active: false, emails: [] };
  await house.people.change([{ step: "put_person", source: "scim:okta", person }], {
    kind: "source",
    source: "scim:okta",
  });
  assert.equal(await statusOf(gate, request), "pending");
  assert.equal((await ann.get("/v1/me")).status, 401);
  const view = await (await house.person("bob")).get(`/v1/requests/${request.id}`);
  assert.match(view.text, /person_inactive|deactivated/);
});

test("approver.late-member: who comes by a provisioning client was not there before either", async () => {
  await using house = await House.open();
  const gate = await house.gate();
  const request = await hold(gate, exportRows(6000));
  const steps: readonly DirectoryStep[] = [
    { step: "put_group", source: "scim:okta", group: OWNERS, members: [who("fay")] },
  ];
  assert.equal((await house.people.change(steps, { kind: "source", source: "scim:okta" })).status, "applied");
  assert.equal(codeOf(await review(await house.person("fay"), request)), "member_too_late");
});

test("self.admin: who changed the group approves nothing that rests on it; who named themselves at a reload neither", async () => {
  const one = edited(ADMINS, "admins: [eve, fay, gil]", "admins: [gil]");
  await using house = await House.open({ directory: one });
  const gil = await house.person("gil");
  assert.equal((await gil.post("/v1/groups/data-owners/members", { add: ["fay"] })).body["status"], "applied");
  house.files.write({
    directory: edited(one, "data-owners: [ann, bob, cy, dee, gil]", "data-owners: [ann, bob, cy, gil]"),
  });
  assert.equal((await house.operator.post("/v1/reload", { by: "Ann Achterberg" })).status, 200);
  const gate = await house.gate("other-bot");
  const request = await hold(gate, exportRows(7000, { agent: "other-bot" }));
  for (const id of ["gil", "ann"]) {
    const refused = await review(await house.person(id), request);
    assert.equal(codeOf(refused), "person_barred", id);
    assert.match(refused.text, /you changed what it rests on/);
  }
  await approve(await house.person("bob"), request);
});

test("self.admin: an administrator gets no link that would make them somebody else who decides", async () => {
  await using house = await House.open({ directory: ADMINS });
  const eve = await house.person("eve");
  const refused = await eve.post("/v1/sign-in-links", { person: "ann" });
  assert.deepEqual([refused.status, codeOf(refused)], [403, "not_allowed"]);
});

test("self.admin: nobody whom an administrator made, signed in and let decide is a second approver", async () => {
  // The only one: nothing that loosens waits for another.
  const one = edited(ADMINS, "admins: [eve, fay, gil]", "admins: [gil]");
  await using house = await House.open({ directory: one });
  const gil = await house.person("gil");
  assert.equal((await gil.post("/v1/people", { id: "shadow", name: "Shadow" })).status, 200);
  const link = await gil.post("/v1/sign-in-links", { person: "shadow" });
  const code = textAt(link.body, "url").split("#code=")[1] ?? "";
  const shadow = house.as(textAt((await house.anyone.post("/v1/sign-in", { code, client: "cli" })).body, "session"));
  assert.equal((await shadow.get("/v1/me")).status, 200, "it reads");
  const again = await shadow.post("/v1/me/sign-in-code", {});
  const second = textAt(again.body, "url").split("#code=")[1] ?? "";
  const other = await house.anyone.post("/v1/sign-in", { code: second, client: "cli" });
  const joined = await gil.post("/v1/groups/data-owners/members", { add: ["shadow"] });
  assert.equal(joined.body["status"], "applied", joined.text);

  const gate = await house.gate("other-bot");
  const request = await hold(gate, exportRows(7001, { agent: "other-bot" }));
  for (const client of [shadow, house.as(textAt(other.body, "session"))])
    assert.equal(codeOf(await review(client, request)), "link_too_weak");
  // The operator's link is the human's own: it proves both sides.
  await approve(await house.person("shadow"), request);
});

test("approver.agent: roles are people's; a machine reads no directory and changes none", async () => {
  const audited = `${edited(ADMINS, "groups:\n", "groups:\n  audit: [dee]\n")}  auditor: [audit]\n`;
  await using house = await House.open({ directory: audited });
  const [gate, dee, eve, ann] = [
    await house.gate(),
    await house.person("dee"),
    await house.person("eve"),
    await house.person("ann"),
  ];
  const reads = [
    "/v1/people",
    "/v1/groups",
    "/v1/directory/pending",
    "/v1/ledger/entries?from=0&limit=1",
    "/v1/doctor",
  ];
  for (const path of reads) {
    const statuses = [gate, ann, dee, eve, house.operator].map(async (client) => (await client.get(path)).status);
    assert.deepEqual(await Promise.all(statuses), [403, 403, 200, 200, 200], path);
  }
  for (const [path, body] of [
    ["/v1/people", { id: "new", name: "New" }],
    ["/v1/groups/security/members", { remove: ["ann"] }],
    ["/v1/tokens", { agent: "report-bot", gate: "x" }],
    ["/v1/reload", {}],
  ] as const) {
    for (const client of [gate, ann, dee]) assert.equal((await client.post(path, body)).status, 403, path);
    assert.equal((await eve.post(path, body)).status, 200, path);
  }
});

test("channel.link-hijack: another's word makes no login that could review, and takes none from its holder", async () => {
  await using house = await House.open();
  const chat = { issuer: "https://chat.example.com", subject: "U-MALLORY" };
  const firm = await house.operator.post("/v1/people/ann/links", { ...chat, strength: "L3" });
  assert.deepEqual([firm.status, codeOf(firm)], [400, "question_invalid"]);
  assert.equal((await house.operator.post("/v1/people/ann/links", chat)).body["status"], "applied");
  assert.equal(house.people.holderOf(chat.issuer, chat.subject)?.accounts.at(-1)?.strength, "L2");
  const stolen = await house.operator.post("/v1/people/eve/links", { issuer: chat.issuer, subject: "U-ANN" });
  assert.deepEqual([stolen.status, codeOf(stolen)], [409, "account_taken"]);
  // By the weakest link the login bars: what is asked for in its name is ann's.
  const gate = await house.gate("other-bot");
  const question = exportRows(8000, { agent: "other-bot", properties: { prompted_by: "U-MALLORY" } });
  assert.equal(codeOf(await review(await house.person("ann"), await hold(gate, question))), "person_barred");
});

test("quorum.many-accounts: logins of several sources are one person, who sits once", async () => {
  await using house = await House.open();
  const account = { issuer: "https://second.example.com", subject: "ann-2", strength: "L4" } as const;
  await house.people.change([{ step: "link", person: who("ann"), account, evidence: "t" }], OPERATOR);
  assert.equal(house.people.holderOf(account.issuer, account.subject)?.id, "ann");
  const gate = await house.gate("orphan-bot");
  const question = exportRows(9000, { agent: "orphan-bot" }); // nobody behind it: two people
  const request = await hold(gate, question);
  await approve(await house.person("ann"), request);
  assert.equal(codeOf(await review(await house.person("ann"), request)), "already_reviewed");
  assert.equal(await statusOf(gate, request), "pending");
  await approve(await house.person("bob"), request);
  assert.equal((await redeem(gate, await permitFor(gate, question, request), request.digest)).status, 200);
});

test("policy.self-change: who lets somebody in is shown by which logins they come", async () => {
  await using house = await House.open({ directory: ADMINS });
  const account = { issuer: "https://idp.example.com", subject: "new-login", strength: "L4" } as const;
  const person = { id: who("zoe"), name: "Zoe", active: true, emails: [] };
  const steps: readonly DirectoryStep[] = [
    { step: "put_person", source: "scim:x", person },
    { step: "link", person: person.id, account, evidence: "provisioned" },
    { step: "join", source: "scim:x", group: OWNERS, person: person.id },
  ];
  const answer = await house.people.change(steps, { kind: "source", source: "scim:x" });
  assert.equal(answer.status, "held");
  assert.equal(house.people.holderOf(account.issuer, account.subject)?.id, "zoe", "the rest is in force");
  const [id = ""] = await pendingOf(house);
  const view = await (await house.person("eve")).get(`/v1/requests/${id}`);
  assert.match(
    view.text,
    /zoe joins data-owners \(scim:x\), who signs in as new-login of https:\/\/idp\.example\.com, L4/,
  );
});

test("policy.self-change: a file that changed while the server was away replaces what it asked for before", async () => {
  const house = await House.open({ directory: ADMINS });
  await house.change({ directory: edited(ADMINS, "[ann, bob, cy, dee, gil]", "[ann, bob, cy, dee, gil, fay]") });
  const [first] = await pendingOf(house);
  await house.stop();
  house.files.write({ directory: edited(ADMINS, "[ann, bob, cy, dee, gil]", "[ann, bob, cy, dee, gil, eve]") });
  const again = await House.over(house.files);
  try {
    const pending = await pendingOf(again);
    assert.equal(pending.length, 1);
    assert.notEqual(pending[0], first);
    assert.deepEqual([await isIn(again, "eve"), await isIn(again, "fay")], [false, false]);
  } finally {
    await again[Symbol.asyncDispose]();
  }
});

test("policy.self-change: whoever says that they changed a policy approves nothing that it holds, as long as it is set", async () => {
  const reworded = edited(POLICIES, "Data leaves with the consent of an owner.", "Data leaves.");
  for (const [editorDays, status] of [
    [7, 403],
    [0, 200],
  ] as const) {
    await using house = await House.open({ people: { hold: ["file", "links", "scim", "oidc"], editorDays } });
    house.files.write({ policies: reworded });
    assert.equal((await house.operator.post("/v1/reload", { by: "bob@example.com" })).status, 200);
    const request = await hold(await house.gate(), exportRows(4000));
    assert.equal((await review(await house.person("bob"), request)).status, status);
    const changed = (await house.entries()).filter(({ type }) => type === "policy.changed").at(-1);
    assert.equal(at(changed?.payload ?? {}, "by"), "bob@example.com");
  }
});

test("policy.self-change: a source that the settings trust is not held, and the others still are", async () => {
  await using house = await House.open({ directory: ADMINS, people: { hold: ["file", "links"], editorDays: 7 } });
  const join = (source: "scim:x" | "keyturn", person: string): DirectoryStep => {
    return { step: "join", source, group: OWNERS, person: who(person) };
  };
  const trusted = await house.people.change([join("scim:x", "fay")], { kind: "source", source: "scim:x" });
  assert.equal(trusted.status, "applied");
  assert.equal((await house.people.change([join("keyturn", "eve")], OPERATOR)).status, "held");
});
