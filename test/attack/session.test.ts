// What an agent did before an attempt: sequences that no single action gives away. Through the real server.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import type { Instant } from "../../src/core/brand.ts";
import { readRows } from "../support/actions.ts";
import { HOUR } from "../support/clock.ts";
import { apply, approve, hold, redeem } from "../support/flow.ts";
import { House, type Client } from "../support/house.ts";
import { at, textAt } from "../support/json.ts";
import { CATALOGUE, edited, POLICIES } from "../support/rules.ts";

const catalogue = edited(
  CATALOGUE,
  "  table.drop:",
  `  mail.send: { effects: [network] }
  scan: { effects: [read], facts: { rows: { from: action.properties.limit, type: integer, optional: true } } }
  table.drop:`,
);
const policies = `${POLICIES}
@id("permit-scan")
permit (principal, action == Action::"read", resource) when { context.action == "scan" };

@id("hold-slices") @because("Many small reads are one large one.")
@hold @approvers("data-owners") @expires("1h")
forbid (principal, action == Action::"read", resource)
unless { context.alike.hour.rows <= 1000 && context.alike.hour.unknown_rows == 0 };

@id("permit-network") permit (principal, action == Action::"network", resource);
@id("hold-after-personal") @because("It has read personal data within a day.")
@hold @approvers("security") @expires("1h")
forbid (principal, action == Action::"network", resource)
when { context.recent.day.sensitivities.contains("personal") };
`;

let house: House;
let ahead = 0;
before(async () => {
  house = await House.open({ catalogue, policies, clock: { now: () => (Date.now() + ahead) as Instant } });
});
after(() => house[Symbol.asyncDispose]());

const mail = (agent: string, session?: string): ReturnType<typeof readRows> => ({
  subject: { type: "agent", id: agent },
  action: { name: "mail.send", properties: { to: randomUUID() } },
  resource: { type: "mailbox", id: "out" },
  context: { environment: "production", ...(session === undefined ? {} : { session }) },
});

async function outcome(gate: Client, question: ReturnType<typeof readRows>): Promise<string> {
  const { body, text } = await gate.post("/access/v1/evaluation", question);
  assert.ok(at(body, "context", "outcome"), text);
  return textAt(body, "context", "outcome");
}

test("policy.slicing: slices that are small each are held once they add up, also at once and under new session names", async () => {
  const gate = await house.gate();
  const slice = (session: string): ReturnType<typeof readRows> => readRows(99, { context: { session } });
  const answers = await Promise.all(Array.from({ length: 30 }, (_, n) => outcome(gate, slice(`s-${n}`))));
  assert.equal(answers.filter((answer) => answer === "allow").length, 10, "990 rows, and not one slice more");
  assert.equal(answers.filter((answer) => answer === "require_approval").length, 20);
  assert.equal(await outcome(gate, readRows(10)), "allow", "990 and 10 are 1,000");
  assert.equal(await outcome(gate, readRows(1)), "require_approval");
  const held = await hold(gate, readRows(2, { context: { session: "after" } }));
  await approve(await house.person("ann"), held);
  const applied = await apply(gate, readRows(2, { context: { session: "after" } }), held);
  assert.equal(applied.body["decision"], true, "people may let the sum grow");
  assert.equal((await redeem(gate, textAt(applied.body, "context", "permit"), held.digest)).status, 200);
  ahead += HOUR;
  ahead += HOUR;
  assert.equal(await outcome(gate, readRows(1)), "allow", "the window has passed");
});

test("policy.slicing: rows that came of an action count where they are more than it said, and rows nobody knows hold", async () => {
  const gate = await house.gate("other-bot");
  const asked = readRows(1, { agent: "other-bot" });
  const { body } = await gate.post("/access/v1/evaluation", asked);
  const evaluation = textAt(body, "context", "evaluation_id");
  const report = { status: "succeeded", details: { rows: 1_500 } };
  assert.equal((await gate.post(`/v1/evaluations/${evaluation}/outcome`, report)).status, 200);
  assert.equal(await outcome(gate, asked), "require_approval", "it took 1,500 rows under the name of one");

  const orphan = await house.gate("orphan-bot");
  const scan = { ...readRows(1, { agent: "orphan-bot" }), action: { name: "scan", properties: {} } };
  assert.equal(await outcome(orphan, scan), "require_approval", "not known is not few");
});

test("session.exfiltration: after personal data was read, what leaves is held, in whatever session and after a restart", async () => {
  const gate = await house.gate("deploy-bot");
  const pipeline = (question: ReturnType<typeof readRows>): ReturnType<typeof readRows> => ({
    ...question,
    subject: { type: "pipeline", id: "deploy-bot" },
  });
  assert.equal(await outcome(gate, pipeline(mail("deploy-bot", "a"))), "allow", "nothing was read before");
  assert.equal(await outcome(gate, pipeline(readRows(200, { context: { session: "a" } }))), "deny");
  assert.equal(
    await outcome(gate, pipeline(mail("deploy-bot", "a"))),
    "allow",
    "a read that was denied touched nothing",
  );
  assert.equal(await outcome(gate, pipeline(readRows(5, { context: { session: "a" } }))), "allow");
  for (const session of ["a", "b", undefined]) {
    assert.equal(await outcome(gate, pipeline(mail("deploy-bot", session))), "require_approval", session);
  }

  const { files } = house;
  await house.stop();
  house = await House.over(files, { clock: { now: () => (Date.now() + ahead) as Instant } });
  const again = house.as(gate.token);
  assert.equal(
    await outcome(again, pipeline(mail("deploy-bot", "c"))),
    "require_approval",
    "a restart forgets nothing",
  );
  ahead += 25 * HOUR;
  assert.equal(await outcome(again, pipeline(mail("deploy-bot", "d"))), "allow", "a day later");
});
