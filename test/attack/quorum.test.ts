// Distinct people are counted, not clicks, accounts or memberships. Through the real server.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { dropTable, exportRows, grantRole } from "../support/actions.ts";
import { apply, approve, codeOf, hold, review, statusOf } from "../support/flow.ts";
import { House, type Client } from "../support/house.ts";
import { at } from "../support/json.ts";
import { edited, POLICIES } from "../support/rules.ts";

let house: House;
let gate: Client;
before(async () => {
  house = await House.open();
  gate = await house.gate();
});
after(() => house[Symbol.asyncDispose]());

async function filled(id: string): Promise<unknown> {
  const { body } = await gate.get(`/access/v1/requests/${id}`);
  return (at(body, "task", "progress", "terms") as readonly { filled: number }[]).map((term) => term.filled);
}

test("quorum.one-person-many-groups: one person in both groups fills one place", async () => {
  const question = dropTable("one-person");
  const held = await hold(gate, question);
  const ann = await house.person("ann"); // in data-owners and in security
  await approve(ann, held);
  assert.deepEqual(await filled(held.id), [1, 0]);
  assert.equal(codeOf(await review(ann, held)), "already_reviewed");
  assert.equal((await apply(gate, question, held)).body["decision"], false);
  await approve(await house.person("dee"), held); // in data-owners alone: ann moves over to security
  assert.equal(await statusOf(gate, held), "approved");
});

test("quorum.many-accounts: sessions and logins of one person are one person", async () => {
  const held = await hold(gate, grantRole("many-accounts"));
  const sessions = await Promise.all(Array.from({ length: 4 }, () => house.person("ann")));
  const answers = await Promise.all(sessions.map((session) => review(session, held)));
  assert.deepEqual(
    answers.map(({ status }) => status).toSorted((a, b) => a - b),
    [200, 409, 409, 409],
  );
  assert.deepEqual(await filled(held.id), [1]);
  assert.equal(await statusOf(gate, held), "pending");
});

test("quorum.double-click: one click that arrives twice is one review and no error", async () => {
  const held = await hold(gate, grantRole("double-click"));
  const ann = await house.person("ann");
  const nonce = randomUUID();
  const answers = await Promise.all([1, 2, 3].map(() => review(ann, held, "approve", { nonce })));
  assert.ok(answers.some(({ status }) => status === 200));
  for (const answer of answers) if (answer.status !== 200) assert.equal(codeOf(answer), "already_reviewed");
  assert.deepEqual(await filled(held.id), [1]);
  assert.equal(await statusOf(gate, held), "pending");
});

test("quorum.race: many approve and deny at once, and exactly one entry ends it", async () => {
  const people = await Promise.all(["ann", "bob", "eve", "fay"].map((id) => house.person(id)));
  for (let round = 0; round < 5; round++) {
    const held = await hold(gate, grantRole(`race-${round}`));
    const answers = await Promise.all(
      people.map((person, n) => review(person, held, n % 2 === 0 ? "approve" : "deny")),
    );
    const status = await statusOf(gate, held);
    assert.ok(status === "denied" || status === "approved", status);
    for (const answer of answers) if (answer.status !== 200) assert.equal(codeOf(answer), "request_closed");
    const mine = (await house.entries())
      .filter(({ stream }) => stream === `request/${held.id}`)
      .map(({ type }) => type);
    assert.equal(mine.filter((type) => type === "request.denied" || type === "request.approved").length, 1);
    assert.equal(mine.at(-1), `request.${status}`);
  }
});

test("quorum.declared-not-enforced: a term that nothing would read, or nobody could meet, does not load, and the old rules serve on", async () => {
  const digest = at((await house.operator.post("/v1/reload", {})).body, "policies", "digest");
  const bad: readonly (readonly [what: string, from: string, to: string])[] = [
    ["an unknown annotation", '@quorum("2")', '@quorum("2") @require_approvers("3")'],
    ["a misspelt annotation", '@quorum("2")', '@quorom("2")'],
    ["an unknown group", '@approvers("security") @quorum', '@approvers("secrity") @quorum'],
    ["more people than there are", '@quorum("2")', '@quorum("9")'],
    ["no people", '@quorum("2")', '@quorum("0")'],
    ["terms without a hold", '@hold @approvers("security") @quorum("2")', '@approvers("security") @quorum("2")'],
    ["evidence that no channel gives", '@quorum("2")', '@quorum("2") @assurance("A5")'],
  ];
  for (const [what, from, to] of bad) {
    const answer = await house.change({ policies: edited(POLICIES, from, to) });
    assert.deepEqual([answer.status, codeOf(answer)], [422, "policies_invalid"], what);
    assert.ok(
      (answer.body["problems"] as readonly { line: number }[]).every(({ line }) => line > 0),
      what,
    );
    const held = await hold(gate, grantRole(`declared ${what}`));
    await approve(await house.person("ann"), held);
    assert.equal(await statusOf(gate, held), "pending", what);
  }
  const mended = await house.change({ policies: POLICIES });
  assert.deepEqual([mended.status, at(mended.body, "policies", "digest")], [200, digest]);
});

test("quorum.declared-not-enforced: a group that lost its people since cannot be outvoted", async () => {
  const held = await hold(gate, exportRows(77_777));
  const answer = await review(await house.person("eve"), held); // of security, not of data-owners
  assert.deepEqual([answer.status, codeOf(answer)], [403, "not_in_group"]);
});
