/** An action whose effects stand in a text, from the question to the redeemed permit, and as policies see its traits. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { JsonObject } from "../../src/core/action/index.ts";
import { approve, hold, permitFor, redeem } from "../support/flow.ts";
import { House, type Client } from "../support/house.ts";
import { at } from "../support/json.ts";

const CATALOGUE = `
actions:
  sql.execute:
    texts: [{ from: action.properties.sql, as: sql, session: pinned }]
resources:
  - { type: table, id: customers, sensitivity: [personal] }
environments: [production]
`;

const POLICIES = `
@id("permit-bounded-reads")
permit (principal, action == Action::"read", resource)
when { !context.traits.contains("unbounded") };

@id("hold-changes")
@because("Changes take somebody of security.")
@hold
@approvers("security")
@expires("30m")
forbid (principal, action in [Action::"delete", Action::"ddl", Action::"export", Action::"opaque"], resource);

@id("forbid-audit")
forbid (principal, action, resource)
when { context.facts has tables && context.facts.tables.contains("audit_log") };
`;

let house: House;
let gate: Client;
before(async () => {
  house = await House.open({ catalogue: CATALOGUE, policies: POLICIES });
  gate = await house.gate();
});
after(() => house[Symbol.asyncDispose]());

const asked = (sql: string): JsonObject => ({
  subject: { type: "agent", id: "report-bot" },
  action: { name: "sql.execute", properties: { sql } },
  resource: { type: "database", id: "shop" },
  context: { environment: "production" },
});

const answers: readonly [string, string][] = [
  ["select id from orders limit 5", "allow"],
  ["select id from orders where id = 5", "allow"],
  ["delete from orders where id = 5", "require_approval"],
  ["select * from customers", "deny"], // an unbounded read, which nothing permits
  ["select id from audit_log limit 5", "deny"],
  ["selec", "require_approval"],
];
for (const [sql, outcome] of answers) {
  test(`a text decides: ${sql} is ${outcome}`, async () => {
    const { body, text } = await gate.post("/access/v1/evaluation", asked(sql));
    assert.equal(at(body, "context", "outcome") ?? "allow", outcome, text);
  });
}

test("a held text is shown with its traits, approved, and redeemed once", async () => {
  const question = asked("delete from orders");
  const held = await hold(gate, question);
  const ann = await house.person("ann");
  const view = await ann.get(`/v1/requests/${held.id}`);
  const traits = at(view.body, "traits");
  assert.ok(Array.isArray(traits), view.text);
  assert.deepEqual(
    traits.map((trait: JsonObject) => trait["id"]),
    ["irreversible", "unbounded"],
  );
  await approve(ann, held);
  const permit = await permitFor(gate, question, held);
  assert.equal((await redeem(gate, permit, held.digest)).status, 200);
});
