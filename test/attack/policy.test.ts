import assert from "node:assert/strict";
import { test } from "node:test";
import { isAuthorized } from "@cedar-policy/cedar-wasm/nodejs";
import { decideAction } from "../../src/core/policy/index.ts";
import { toRequest } from "../../src/policies/cedar/request.ts";
import { ask, FACT_TYPES, load, problemsOf, say } from "../policies/fixture.ts";

const OVERFLOWING = `
@id("permit-all") permit (principal, action, resource);
@id("forbid-large") forbid (principal, action, resource)
when { context.facts has rows && context.facts.rows * 9223372036854775807 > 0 };`;

// Cedar skips a policy that errors: a forbid that overflows is a forbid that is not there. It passes strict validation.
test("policy.erroring-forbid: a forbid that fails to evaluate denies, where Cedar itself would allow", () => {
  const set = load(OVERFLOWING);
  const input = ask({ facts: { rows: 2 } });
  const stock = isAuthorized({
    ...toRequest("read", input, FACT_TYPES),
    policies: { staticPolicies: OVERFLOWING },
    schema: set.schema,
  });
  assert.equal(stock.type === "success" && stock.response.decision, "allow", "the trap is there");

  for (const attempt of ["first", "again"]) {
    const verdict = set.verdict("read", input);
    assert.equal(say(verdict), "deny policy_error forbid-large", attempt);
    assert.match(verdict.outcome === "deny" ? verdict.because : "", /integer overflow/);
  }
  const decision = decideAction(input.classification, (effect) => set.verdict(effect, input));
  assert.equal(decision.outcome === "deny" && decision.code, "policy_error");
});

test("policy.missing-attribute: a policy that reads what may be missing does not load, and a question that does not fit is denied", () => {
  const careless = `@id("permit-all") permit (principal, action, resource);
@id("forbid-large") forbid (principal, action == Action::"export", resource)
when { context.facts.rows > 1000 };`;
  assert.deepEqual(problemsOf(careless), [
    '3:8 unable to guarantee safety of access to optional attribute `facts.rows` in context for Action::"export" | try testing for the attribute\'s presence with `context.facts has rows && ..`',
  ]);
  const stock = isAuthorized({ ...toRequest("export", ask({}), FACT_TYPES), policies: { staticPolicies: careless } });
  assert.equal(stock.type === "success" && stock.response.decision, "allow", "the trap is there");

  // Written with care it holds what is unknown, and a fact that is not what the schema says denies.
  const careful = load(
    careless.replace(
      "when { context.facts.rows > 1000 }",
      "unless { context.facts has rows && context.facts.rows <= 1000 }",
    ),
  );
  assert.equal(say(careful.verdict("export", ask({}))), "deny forbidden forbid-large");
  assert.equal(say(careful.verdict("export", ask({ facts: { rows: "12000" } }))), "deny policy_error");
  assert.equal(say(careful.verdict("export", ask({ facts: { rows: 1_000 } }))), "allow permit-all");
});

test("quorum.declared-not-enforced: a term that nothing would read, or that nobody could meet, does not load", () => {
  const terms: readonly [string, RegExp][] = [
    [`@require_approvers("2")`, /unknown annotation `@require_approvers`/],
    [`@Quorum("2")`, /unknown annotation `@Quorum` \| did you mean `@quorum`/],
    [`@quorum("4")`, /4 of `security` can never approve: it has 3 active members/],
    [`@quorum("-1")`, /`@quorum` is a number from 1 to 16/],
    [`@quorum("2", "1")`, /unexpected token/],
    [`@quorum("2 of 3")`, /`@quorum` is a number from 1 to 16/],
    [`@exclude("ann")`, /unknown annotation `@exclude`/],
    [`@assurance("A4")`, /A4 is the passkeys of two people, and this asks for one/],
    [`@assurance("fingerprint")`, /`@assurance` does not know `fingerprint`/],
  ];
  for (const [annotation, expected] of terms) {
    const text = `@id("h") @hold @approvers("security") @expires("1h") ${annotation} forbid (principal, action, resource);`;
    assert.match(problemsOf(text).join("\n"), expected, annotation);
  }
  const unheld = `@id("f") @approvers("security") @quorum("2") forbid (principal, action, resource);`;
  assert.match(problemsOf(unheld).join("\n"), /`@quorum` without `@hold` would do nothing/);
  const enforced = load(
    `@id("h") @hold @approvers("security") @quorum("3") @expires("1h") forbid (principal, action, resource);`,
  );
  assert.equal(say(enforced.verdict("read", ask({}))), "hold h (security 3)");
});
