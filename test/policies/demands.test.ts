import assert from "node:assert/strict";
import { test } from "node:test";
import { isAuthorized } from "@cedar-policy/cedar-wasm/nodejs";
import { toRequest } from "../../src/policies/cedar/request.ts";
import { ask, FACT_TYPES, load, problemsOf } from "./fixture.ts";

const policy = (annotations: string, effect = "forbid"): string =>
  `@id("x") ${annotations} ${effect} (principal, action, resource);`;

const read: readonly [string, unknown][] = [
  [`action.properties.limit <= 1000`, [{ op: "cap", path: ["limit"], max: 1000 }]],
  [`action.properties.a.b = "x;y"`, [{ op: "set", path: ["a", "b"], value: "x;y" }]],
  [`action.properties.a = {"b": [1, null]}`, [{ op: "set", path: ["a"], value: { b: [1, null] } }]],
  [
    `remove action.properties.a-b; action.properties.c = false`,
    [
      { op: "remove", path: ["a-b"] },
      { op: "set", path: ["c"], value: false },
    ],
  ],
];

for (const [written, expected] of read) {
  test(`@modify: ${written}`, () => {
    const verdict = load(policy(`@modify(${JSON.stringify(written)})`)).verdict("read", ask({}));
    const [demand] = verdict.demands ?? [];
    assert.deepEqual(demand?.kind === "modify" && demand.changes, expected);
  });
}

const refused: readonly [string, RegExp][] = [
  [policy(`@modify`), /`@modify` says nothing/],
  [policy(`@modify("")`), /`@modify` says nothing/],
  [policy(`@modify("action.name = \\"x\\"")`), /does not understand `action.name/],
  [policy(`@modify("resource.id = 1")`), /does not understand/],
  [policy(`@modify("action.properties.limit < 5")`), /does not understand/],
  [policy(`@modify("action.properties.limit <= -5")`), /does not understand/],
  [policy(`@modify("action.properties.limit <= 1e9")`), /does not understand/],
  [policy(`@modify("action.properties.limit = maybe")`), /does not understand/],
  [policy(`@modify("action.properties.__proto__ = 1")`), /does not understand/],
  [policy(`@modify("action.properties.a = {\\"__proto__\\": 1}")`), /does not understand/],
  [policy(`@modify("action.properties = 1")`), /does not understand/],
  [policy(`@modify("action.properties.limit <= 5")`, "permit"), /`@modify` stands on a permit/],
  [policy(`@modify("action.properties.limit <= 5") @expires("1h")`), /`@expires` without `@hold`/],
  [policy(`@modify("action.properties.limit <= 5") @hold @approvers("security") @expires("1h")`), /on one policy/],
  [policy(`@defer("rows")`), /`@defer` needs `@expires`/],
  [policy(`@defer("row") @expires("5m")`), /there is no fact `row` \| did you mean `rows`/],
  [policy(`@defer @expires("5m")`), /`@defer` names no fact/],
  [policy(`@defer("rows") @expires("5m") @approvers("security")`), /`@approvers` without `@hold`/],
  [policy(`@defer("rows") @expires("10s")`), /`@expires` cannot be understood/],
];

for (const [text, expected] of refused) {
  test(`refuses: ${text}`, () => assert.match(problemsOf(text).join("\n"), expected));
}

test("a stock engine that ignores the annotations denies what is to be changed, and what waits", () => {
  for (const annotation of [`@modify("action.properties.limit <= 5")`, `@defer("rows") @expires("5m")`]) {
    const text = `@id("p") permit (principal, action, resource);\n${policy(annotation)}`;
    const set = load(text);
    const stock = isAuthorized({
      ...toRequest("read", ask({}), FACT_TYPES),
      policies: { staticPolicies: text },
      schema: set.schema,
    });
    assert.equal(stock.type === "success" && stock.response.decision, "deny");
    const verdict = set.verdict("read", ask({}));
    assert.deepEqual(
      [verdict.outcome, verdict.demands?.length],
      ["allow", 1],
      "and ours says what it would be without",
    );
  }
});

test("a demand that cannot be evaluated denies", () => {
  const set = load(`@id("p") permit (principal, action, resource);
@id("x") @modify("action.properties.limit <= 5") forbid (principal, action, resource)
when { context.facts has rows && context.facts.rows * 9223372036854775807 > 0 };`);
  const verdict = set.verdict("read", ask({ facts: { rows: 2 } }));
  assert.equal(verdict.outcome === "deny" && verdict.code, "policy_error");
});
