// Nobody gets rid of a login to approve what it asks for. Through the real server.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instant } from "../../src/core/brand.ts";
import type { Editor } from "../../src/ports/people.ts";
import { OPERATOR, who } from "../support/administrators.ts";
import { exportRows } from "../support/actions.ts";
import { approve, codeOf, hold, review, statusOf, type Held } from "../support/flow.ts";
import { House, type Client } from "../support/house.ts";
import { at } from "../support/json.ts";
import { DIRECTORY, edited } from "../support/rules.ts";

const LOGIN = { issuer: "https://gitlab.example.com", subject: "4711-Builds" } as const;
const DAY_MS = 86_400_000;

let rows = 20_000;

/** A pipeline that ann's login started, and that somebody else's agent runs. */
async function startedBy(
  house: House,
  actor: string,
): Promise<Held & { readonly gate: Client; readonly quorum: unknown }> {
  rows += 1;
  const gate = await house.gate("other-bot", "sdk");
  const request = await hold(gate, exportRows(rows, { agent: "other-bot", properties: { ci_actor: actor } }));
  const task = await gate.get(`/access/v1/requests/${request.id}`);
  return { ...request, gate, quorum: at(task.body, "task", "progress", "terms", 0, "quorum") };
}

async function linked(house: House, strength: "L1" | "L2" = "L2"): Promise<void> {
  const link = { step: "link", person: who("ann"), account: { ...LOGIN, strength }, evidence: "asked her" } as const;
  assert.equal((await house.people.change([link], OPERATOR)).status, "applied");
}

async function assertBarred(house: House, request: Held): Promise<void> {
  const answer = await review(await house.person("ann"), request);
  assert.deepEqual([answer.status, codeOf(answer)], [403, "person_barred"], answer.text);
}

test("self.linked-account: a login given up by its person bars that person as long as an editor is barred", async () => {
  let skew = 0;
  const clock = { now: (): Instant => (Date.now() + skew) as Instant };
  const house = await House.open({ clock });
  await linked(house);
  const before = await startedBy(house, LOGIN.subject);
  await assertBarred(house, before);
  const ann = await house.person("ann");
  assert.equal((await ann.post("/v1/me/accounts/unlink", LOGIN)).status, 200);
  assert.ok(!(await ann.get("/v1/me/accounts")).text.includes(LOGIN.subject), "the login is gone");
  await assertBarred(house, before);

  const request = await startedBy(house, "4711-bUILDS");
  assert.equal(request.quorum, 2, "it is nobody's login now, and nobody stands in for its person");
  await assertBarred(house, request);
  await approve(await house.person("bob"), request);
  await assertBarred(house, request);
  assert.equal(await statusOf(request.gate, request), "pending");
  await approve(await house.person("cy"), request);
  assert.equal(await statusOf(request.gate, request), "approved");

  await house.stop();
  await using again = await House.over(house.files, { clock });
  await assertBarred(again, await startedBy(again, LOGIN.subject));
  skew = 8 * DAY_MS;
  const late = await startedBy(again, LOGIN.subject);
  assert.equal((await review(await again.person("ann"), late)).status, 200, "those days are over");
});

test("self.linked-account: whoever may be behind it bars its former person; another administrator bars only themselves", async () => {
  const person = (id: string): Editor => ({ kind: "person", person: who(id) });
  const rowsOf: readonly (readonly [what: string, editor: Editor, barred: boolean])[] = [
    ["the person", person("ann"), true],
    ["the machine's operator, who names nobody", OPERATOR, true],
    ["the machine's operator, who names another", { kind: "operator", claimed: "eve" }, true],
    ["another person", person("eve"), false],
    ["the identity provider", { kind: "source", source: "scim:okta" }, false],
  ];
  for (const [what, editor, barred] of rowsOf) {
    await using house = await House.open();
    await linked(house, "L1");
    assert.equal((await house.people.change([{ step: "unlink", ...LOGIN }], editor)).status, "applied", what);
    const request = await startedBy(house, LOGIN.subject);
    const answer = await review(await house.person("ann"), request);
    assert.equal(answer.status, barred ? 403 : 200, `${what}: ${answer.text}`);
  }
});

test("self.linked-account: a login that leaves the file goes on barring, unless the bar of editors is off", async () => {
  const without = edited(
    DIRECTORY,
    '      - { issuer: "https://chat.example.com", subject: U-ANN, strength: L2 }\n',
    "",
  );
  for (const [editorDays, status] of [
    [7, 403],
    [0, 200],
  ] as const) {
    await using house = await House.open({ people: { hold: ["file", "links", "scim", "oidc"], editorDays } });
    assert.equal((await house.change({ directory: without })).status, 200);
    const request = await startedBy(house, "U-ANN");
    assert.equal((await review(await house.person("ann"), request)).status, status);
  }
});
