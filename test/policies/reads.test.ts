import { test } from "node:test";
import assert from "node:assert/strict";
import type { AuthorizationAnswer } from "@cedar-policy/cedar-wasm/nodejs";
import fc from "fast-check";
import { digest } from "../../src/core/action/index.ts";
import type { PolicyId } from "../../src/core/risk/index.ts";
import { parseFile } from "../../src/policies/cedar/parse.ts";
import type { ParsedPolicy } from "../../src/policies/cedar/parse.ts";
import { keyOf, READS_ALL, readsOf } from "../../src/policies/cedar/reads.ts";
import { toRequest } from "../../src/policies/cedar/request.ts";
import type { CedarRequest } from "../../src/policies/cedar/request.ts";
import { generateSchema } from "../../src/policies/cedar/schema.ts";
import { compile } from "../../src/policies/cedar/shards.ts";
import { ask, FACT_TYPES } from "./fixture.ts";

function parsed(texts: readonly string[]): readonly ParsedPolicy[] {
  const { policies } = parseFile({ name: "x", text: texts.join("\n"), digest: digest(new Uint8Array()) });
  assert.equal(policies.length, texts.length, texts.join("\n"));
  return policies;
}

function reads(text: string): readonly string[] {
  return readsOf(parsed([text]).map(({ json }) => json)).map((path) => path.join("."));
}

const table: readonly (readonly [what: string, scope: string, condition: string, expected: readonly string[]])[] = [
  ["nothing", "principal, action, resource", "true", []],
  ["the subject by its scope", `principal == Agent::"a", action, resource`, "true", ["principal"]],
  ["the resource by its type", `principal, action, resource is Resource`, "true", ["resource"]],
  ["a member", "principal, action, resource", "context.hour > 3", ["context.hour"]],
  ["a member of a member", "principal, action, resource", "context.facts.rows > 3", ["context.facts.rows"]],
  ["a member in brackets", "principal, action, resource", `context["facts"]["rows"] > 3`, ["context.facts.rows"]],
  ["presence", "principal, action, resource", "context.facts has rows", ["context.facts.rows"]],
  ["presence along a path", "principal, action, resource", "context has facts.rows", ["context.facts.rows"]],
  ["a whole record", "principal, action, resource", "context.facts == {rows: 1}", ["context.facts"]],
  [
    "a whole record beside its member",
    "principal, action, resource",
    "context.facts.rows == 1 && context.facts == {rows: 1}",
    ["context.facts"],
  ],
  ["a variable on its own", "principal, action, resource", "[context].contains(context)", ["context"]],
  ["a variable within a record", "principal, action, resource", "{a: context}.a.hour == 3", ["context"]],
  [
    "a record that looks like an access",
    "principal, action, resource",
    `{".": context.hour, "Var": principal}["."] == 3`,
    ["context.hour", "principal"],
  ],
  [
    "through a condition",
    "principal, action, resource",
    "(if context.hour > 3 then context.risk else {score: 1, level: context.action}).score > 1",
    ["context.hour", "context.risk", "context.action"],
  ],
  [
    "within a method, a set and a pattern",
    "principal, action, resource",
    `["a"].contains(context.environment) || resource.id like "x*"`,
    ["context.environment", "resource.id"],
  ],
  ["a tag", "principal, action, resource", `principal.hasTag("x")`, ["principal"]],
];

for (const [what, scope, condition, expected] of table) {
  test(`reads: ${what}`, () => {
    assert.deepEqual([...reads(`permit (${scope}) when { ${condition} };`)].sort(), [...expected].sort());
    assert.deepEqual([...reads(`forbid (${scope}) unless { !(${condition}) };`)].sort(), [...expected].sort());
  });
}

const scope = fc.constantFrom(
  "principal, action, resource",
  `principal == Agent::"a", action, resource`,
  `principal, action, resource == Resource::"t/a"`,
);
const condition = fc.constantFrom(
  "true",
  "context.facts has rows && context.facts.rows > 1",
  "context.facts has rows && context.facts.rows * 9223372036854775807 > 0",
  "context has facts.table && context.facts.table == context.action",
  `context.facts == {rows: 1}`,
  `context has environment && ["e"].contains(context.environment)`,
  `context.facts has sensitivity && context.facts.sensitivity.contains("a")`,
  `{risk: context.risk}.risk.level == "low"`,
  `resource.id like "a*" || context.hour > 12`,
  `if context.weekday == 5 then context.action == "x.y" else principal == Agent::"b"`,
);
const somePolicies = fc.array(
  fc
    .tuple(fc.constantFrom("permit", "forbid"), scope, fc.constantFrom("when", "unless"), condition)
    .map(([effect, where, kind, what]) => `${effect} (${where}) ${kind} { ${what} };`),
  { maxLength: 5 },
);
const optional = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(values, { nil: undefined });
const someRequest: fc.Arbitrary<CedarRequest> = fc
  .record({
    agent: fc.constantFrom("a", "b"),
    action: fc.constantFrom("x.y", "t"),
    resource: fc.constantFrom(["t", "a"] as const, ["t", "b"] as const, ["u", "a"] as const),
    environment: optional(fc.constantFrom("e", "f")),
    rows: optional(fc.constantFrom(1, 2)),
    table: optional(fc.constantFrom("t", "u")),
    sensitivity: optional(fc.constantFrom(["a"], ["b"], ["a", "b"])),
    at: fc.constantFrom("2026-11-20T12:00:00Z", "2026-11-20T13:00:00Z", "2026-11-21T12:00:00Z"),
  })
  .map(({ rows, table, sensitivity, environment, ...asked }) => {
    const given = Object.entries({ rows, table, sensitivity }).filter(([, value]) => value !== undefined);
    const facts = Object.fromEntries(given) as Record<string, number | string | string[]>;
    return toRequest(
      "read",
      ask({ ...asked, facts, ...(environment === undefined ? {} : { environment }) }),
      FACT_TYPES,
    );
  });

/** All of an answer but the order of its lists, which is Cedar's whim. */
function said(answer: AuthorizationAnswer): string {
  if (answer.type === "failure") return JSON.stringify(answer.errors);
  const { decision, diagnostics } = answer.response;
  const errors = diagnostics.errors.map(({ policyId, error }) => `${policyId}: ${error.message}`);
  return JSON.stringify([decision, [...diagnostics.reason].sort(), errors.sort()]);
}

test("law: requests with the same key get the same answer, in every detail", () => {
  const schema = generateSchema(FACT_TYPES);
  let shared = 0;
  fc.assert(
    fc.property(somePolicies, fc.array(someRequest, { minLength: 12, maxLength: 12 }), (texts, requests) => {
      const policies = parsed(texts);
      const ready = policies.map(({ statement, json }, index) => {
        return { id: `p${index}` as PolicyId, text: statement.text, action: json.action };
      });
      const evaluator = compile(schema, ready, { sharded: false, hierarchy: false });
      const looked = readsOf(policies.map(({ json }) => json));
      const answers = new Map<string, { whole: string; answer: string }>();
      for (const request of requests) {
        const answer = said(evaluator.evaluate(request));
        const known = answers.get(keyOf(request, looked));
        if (known === undefined) answers.set(keyOf(request, looked), { whole: keyOf(request, READS_ALL), answer });
        else {
          assert.equal(answer, known.answer);
          if (known.whole !== keyOf(request, READS_ALL)) shared += 1;
        }
      }
    }),
    { numRuns: 80 },
  );
  assert.ok(shared > 50, `only ${shared} different requests ever shared a key: the law says nothing`);
});

test("a value of another type has another key, though nothing reads it", () => {
  const request = toRequest("read", ask({ facts: { rows: 1 } }), FACT_TYPES);
  const changed = (rows: number | string): CedarRequest => ({
    ...request,
    context: { ...request.context, facts: { rows } },
  });
  assert.equal(keyOf(changed(2), []), keyOf(request, []));
  for (const other of [changed("1"), changed(1.5), { ...request, context: { ...request.context, facts: {} } }]) {
    assert.notEqual(keyOf(other, []), keyOf(request, []));
  }
});
