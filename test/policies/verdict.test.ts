import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { isAuthorized } from "@cedar-policy/cedar-wasm/nodejs";
import fc from "fast-check";
import { decideAction } from "../../src/core/policy/index.ts";
import { EFFECTS } from "../../src/core/risk/index.ts";
import type { Effect, PolicyId } from "../../src/core/risk/index.ts";
import { CACHE_ENTRIES_MAX, VerdictCache } from "../../src/policies/cedar/evaluate.ts";
import { toRequest } from "../../src/policies/cedar/request.ts";
import { compile, slotsMade } from "../../src/policies/cedar/shards.ts";
import { generateSchema } from "../../src/policies/cedar/schema.ts";
import { parseFile } from "../../src/policies/cedar/parse.ts";
import { digest } from "../../src/core/action/index.ts";
import { ask, FACT_TYPES, load, say } from "./fixture.ts";
import type { Asked } from "./fixture.ts";

const SET = `
@id("permit-reads") permit (principal, action == Action::"read", resource)
when { context.facts has rows && context.facts.rows <= 100 };
@id("permit-exports") permit (principal, action in [Action::"export", Action::"network"], resource);
@id("hold-exports") @hold @approvers("security, data-owners") @quorum("2, 1") @expires("2h") @because("Exports leave the house.")
forbid (principal, action == Action::"export", resource) unless { context.facts has rows && context.facts.rows <= 1000 };
@id("hold-nights") @hold @approvers("security") @expires("15m") @assurance("A1")
forbid (principal, action, resource) when { context.hour < 6 || context.weekday > 5 };
@id("forbid-audit") forbid (principal, action, resource)
when { context.facts has sensitivity && context.facts.sensitivity.contains("audit") };
@id("forbid-mallory") @because("Mallory is out.") forbid (principal == Agent::"mallory", action, resource);
@id("forbid-vault") forbid (principal, action, resource == Resource::"vault/a/b");
@id("forbid-critical") forbid (principal, action, resource) when { context.risk.level == "critical" };
@id("permit-deploys") permit (principal, action == Action::"deploy", resource)
when { context has environment && context.environment == "staging" && context.action == "app.deploy" };
`;
const set = load(SET);
const noon = "2026-11-20T12:00:00Z"; // a Friday

const verdicts: readonly [string, Effect, Asked, string][] = [
  ["a permit", "read", { facts: { rows: 100 } }, "allow permit-reads"],
  ["one row too many", "read", { facts: { rows: 101 } }, "deny no_policy"],
  ["nobody knows how many rows", "read", {}, "deny no_policy"],
  ["a small export", "export", { facts: { rows: 1_000 } }, "allow permit-exports"],
  ["a large one", "export", { facts: { rows: 1_001 } }, "hold hold-exports (security 2, data-owners 1)"],
  ["one of unknown size", "export", {}, "hold hold-exports (security 2, data-owners 1)"],
  [
    "all holds that apply",
    "export",
    { at: "2026-11-20T05:59:59Z" },
    "hold hold-exports (security 2, data-owners 1) + hold hold-nights (security 1)",
  ],
  ["a hold needs no permit", "write", { at: "2026-11-20T05:59:59Z" }, "hold hold-nights (security 1)"],
  ["six o'clock is day", "write", { at: "2026-11-20T06:00:00Z" }, "deny no_policy"],
  ["Saturday", "write", { at: "2026-11-21T12:00:00Z" }, "hold hold-nights (security 1)"],
  ["Sunday", "write", { at: "2026-11-22T12:00:00Z" }, "hold hold-nights (security 1)"],
  ["Monday", "write", { at: "2026-11-23T12:00:00Z" }, "deny no_policy"],
  [
    "a forbid beats holds and permits",
    "export",
    { facts: { sensitivity: ["audit"] }, at: "2026-11-21T05:00:00Z" },
    "deny forbidden forbid-audit",
  ],
  [
    "all forbids that apply",
    "read",
    { agent: "mallory", facts: { rows: 1, sensitivity: ["audit"] } },
    "deny forbidden forbid-audit forbid-mallory",
  ],
  ["a resource by its uid", "network", { resource: ["vault", "a/b"] }, "deny forbidden forbid-vault"],
  ["a type that swallows a part of the id", "network", { resource: ["vault/a", "b"] }, "allow permit-exports"],
  [
    "a risk that is not critical",
    "network",
    { facts: { sensitivity: ["financial"] }, effects: ["network"] },
    "allow permit-exports",
  ],
  [
    "a critical risk",
    "network",
    { facts: { sensitivity: ["secret"], rows: 10 ** 9, irreversible: true }, effects: [...EFFECTS] },
    "deny forbidden forbid-critical",
  ],
  [
    "the environment and the native name",
    "deploy",
    { environment: "staging", action: "app.deploy" },
    "allow permit-deploys",
  ],
  ["another environment", "deploy", { environment: "production", action: "app.deploy" }, "deny no_policy"],
  ["no environment", "deploy", { action: "app.deploy" }, "deny no_policy"],
  ["another name", "deploy", { environment: "staging", action: "app.destroy" }, "deny no_policy"],
  ["nothing for opaque", "opaque", {}, "deny no_policy"],
  ["a fact that no schema names stays outside", "network", { facts: { ticket: "T-1" } }, "allow permit-exports"],
  ["a fact of the wrong type", "network", { facts: { rows: "1" } }, "deny policy_error"],
  ["half a row", "network", { facts: { rows: 0.5 } }, "deny policy_error"],
  ["a list where a text belongs", "network", { facts: { table: ["t"] } }, "deny policy_error"],
];

for (const [name, effect, asked, expected] of verdicts) {
  test(`verdict: ${name}`, () => {
    const input = ask({ at: noon, ...asked });
    assert.equal(say(set.verdict(effect, input)), expected);
    assert.equal(say(set.verdict(effect, input)), expected, "the second time, from the cache");
  });
}

test("verdict: a hold carries its sentence, its time and its assurance", () => {
  assert.deepEqual(set.verdict("export", ask({ at: noon })), {
    outcome: "hold",
    holds: [
      {
        policy: "hold-exports",
        because: "Exports leave the house.",
        terms: [
          { group: "security", quorum: 2 },
          { group: "data-owners", quorum: 1 },
        ],
        expiresInMs: 7_200_000,
        assurance: "A1",
      },
    ],
  });
});

test("verdict: a denial tells why", () => {
  const denied = set.verdict("read", ask({ agent: "mallory", at: noon }));
  assert.equal(denied.outcome === "deny" && denied.because, "Mallory is out.");
  const unknown = set.verdict("delete", ask({ at: noon }));
  assert.equal(unknown.outcome === "deny" && unknown.because, "No policy permits `delete` here.");
});

test("verdict: two values of one fact are an error, not a choice", () => {
  const input = ask({ facts: { rows: 1 }, at: noon });
  const twice = {
    ...input.classification,
    facts: [...input.classification.facts, { name: "rows", value: 2, provenance: "gate" as const }],
  };
  assert.equal(say(set.verdict("read", { ...input, classification: twice })), "deny policy_error");
});

test("a stock Cedar engine that ignores the annotations denies whatever is held", () => {
  const asked: readonly Asked[] = [{}, { at: "2026-11-21T12:00:00Z" }, { facts: { rows: 5_000 } }];
  for (const input of asked.map(ask)) {
    assert.equal(set.verdict("export", input).outcome, "hold");
    const request = toRequest("export", input, FACT_TYPES);
    const answer = isAuthorized({ ...request, policies: { staticPolicies: SET }, schema: set.schema });
    assert.equal(answer.type === "success" && answer.response.decision, "deny");
  }
});

test("an old set goes on answering for itself beside the new one", () => {
  const old = load(`@id("old") permit (principal, action, resource);`);
  const fresh = load(`@id("new") forbid (principal, action, resource);`);
  for (const hour of ["10", "11"]) {
    const input = ask({ at: `2026-11-20T${hour}:00:00Z` }); // the second hour is in neither cache
    assert.equal(say(old.verdict("read", input)), "allow old");
    assert.equal(say(fresh.verdict("read", input)), "deny forbidden new");
  }
  assert.throws(() => load("nonsense"), /ConfigError/);
  assert.equal(say(old.verdict("write", ask({}))), "allow old");
});

test("reloads take the place of sets that nobody can ask any more", async () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const before = slotsMade();
  for (let round = 0; round < 20; round++) {
    assert.equal(
      say(load(`@id("r${round}") permit (principal, action, resource);`).verdict("read", ask({}))),
      `allow r${round}`,
    );
    collect();
    await setTimeout(1); // finalizers run between tasks
  }
  assert.ok(slotsMade() - before <= 5, `${slotsMade() - before} slots for 20 reloads`);
});

test("the cache forgets the least recently used, and never keeps a question that is too long", () => {
  const cache = new VerdictCache(2);
  const verdict = { outcome: "allow", policies: [] } as const;
  for (const key of ["a", "b"]) cache.set(key, verdict);
  assert.equal(cache.get("a"), verdict);
  cache.set("c", verdict);
  assert.deepEqual(
    ["a", "b", "c"].map((key) => cache.get(key) === verdict),
    [true, false, true],
  );
  cache.set("x".repeat(5_000), verdict);
  assert.equal(cache.get("x".repeat(5_000)), undefined);
  assert.ok(CACHE_ENTRIES_MAX >= 1_000);
});

// Everything that a policy can see, each changed alone, must lead to another answer, or the cache would confuse two questions.
const seen: readonly [string, string, Asked, Asked][] = [
  ["the agent", `principal == Agent::"a"`, { agent: "a" }, { agent: "b" }],
  ["the resource's uid", `resource == Resource::"t/a"`, { resource: ["t", "a"] }, { resource: ["t", "b"] }],
  ["the resource's id", `resource.id == "a"`, { resource: ["t", "a"] }, { resource: ["t", "b"] }],
  ["the resource's type", `resource.type == "t"`, { resource: ["t", "a"] }, { resource: ["u", "a"] }],
  ["the native name", `context.action == "x"`, { action: "x" }, { action: "y" }],
  [
    "the environment",
    `context has environment && context.environment == "e"`,
    { environment: "e" },
    { environment: "f" },
  ],
  ["a missing environment", `context has environment`, { environment: "e" }, {}],
  ["a number", `context.facts has rows && context.facts.rows == 1`, { facts: { rows: 1 } }, { facts: { rows: 2 } }],
  [
    "a set",
    `context.facts has sensitivity && context.facts.sensitivity.contains("a")`,
    { facts: { sensitivity: ["a", "b"] } },
    { facts: { sensitivity: ["b"] } },
  ],
  ["the level", `context.risk.level == "low"`, {}, { effects: ["escalate"] }],
  ["the score", `context.risk.score == 10`, { environment: "production" }, { environment: "staging" }],
  ["the hour", `context.hour == 12`, { at: "2026-11-20T12:59:59Z" }, { at: "2026-11-20T13:00:00Z" }],
  ["the weekday", `context.weekday == 5`, { at: "2026-11-20T12:00:00Z" }, { at: "2026-11-27T12:00:00Z" }],
];
for (const [name, condition, yes, no] of seen) {
  test(`the cache tells apart: ${name}`, () => {
    const one = load(`@id("p") permit (principal, action, resource) when { ${condition} };`);
    const expected = name === "the weekday" ? "allow p" : "deny no_policy";
    assert.equal(say(one.verdict("read", ask(yes))), "allow p");
    assert.equal(say(one.verdict("read", ask(no))), expected);
    assert.equal(say(one.verdict("read", ask(yes))), "allow p");
  });
}

const scope = fc.oneof(
  fc.constant("action"),
  fc.constantFrom(...EFFECTS).map((effect) => `action == Action::"${effect}"`),
  fc
    .uniqueArray(fc.constantFrom(...EFFECTS), { minLength: 1, maxLength: 3 })
    .map((effects) => `action in [${effects.map((effect) => `Action::"${effect}"`).join(", ")}]`),
  fc.constantFrom(...EFFECTS).map((effect) => `action in Action::"${effect}"`),
);
const condition = fc.constantFrom(
  "",
  "when { context.facts has rows && context.facts.rows > 10 }",
  "unless { context.facts has rows && context.facts.rows > 10 }",
  `when { action == Action::"read" || action == Action::"opaque" }`,
  `when { context.facts has rows && context.facts.rows * 9223372036854775807 > 0 }`,
  `when { resource.id like "a*" }`,
);
const somePolicy = fc
  .tuple(fc.constantFrom("permit", "forbid"), scope, condition)
  .map(([effect, action, when]) => `${effect} (principal, ${action}, resource) ${when};`);

test("law: policies divided by effect answer as the whole set does, in every detail", () => {
  const schema = generateSchema(FACT_TYPES);
  fc.assert(
    fc.property(
      fc.array(somePolicy, { maxLength: 8 }),
      fc.boolean(),
      fc.constantFrom(1, 11, 12),
      (texts, hierarchy, rows) => {
        const { policies } = parseFile({ name: "x", text: texts.join("\n"), digest: digest(new Uint8Array()) });
        assert.equal(policies.length, texts.length);
        const ready = policies.map(({ statement, json }, index) => ({
          id: `p${index}` as PolicyId,
          text: statement.text,
          action: json.action,
        }));
        const [divided, whole] = [true, false].map((sharded) => compile(schema, ready, { sharded, hierarchy }));
        for (const effect of EFFECTS) {
          const request = toRequest(
            effect,
            ask({ facts: { rows }, resource: ["t", rows === 1 ? "a" : "b"] }),
            FACT_TYPES,
          );
          const [one, other] = [divided?.evaluate(request), whole?.evaluate(request)].map((answer) => {
            if (answer?.type !== "success") return answer;
            const { decision, diagnostics } = answer.response;
            return {
              decision,
              reason: [...diagnostics.reason].sort(),
              errors: diagnostics.errors.map(({ policyId }) => policyId).sort(),
            };
          });
          assert.deepEqual(one, other);
        }
      },
    ),
    { numRuns: 40 },
  );
});

test("an operator's groups of actions are not lost by dividing", () => {
  const { schema } = load(`@id("p") permit (principal, action, resource);`);
  const body = `appliesTo { principal: [Agent], resource: [Resource], context: Question };`;
  const grouped = schema.replace(
    /action "read"[^;]*;/,
    `action "changes"; action ${EFFECTS.map((effect) => `"${effect}"`)
      .filter((name) => name !== `"delete"`)
      .join(", ")} ${body}\naction "delete" in [Action::"changes", Action::"write"] ${body}`,
  );
  const grouping = load(
    `@id("p") permit (principal, action, resource);
     @id("group") forbid (principal, action in Action::"changes", resource);
     @id("write") forbid (principal, action in [Action::"write"], resource);`,
    grouped,
  );
  const answer = (effect: Effect): string => say(grouping.verdict(effect, ask({})));
  assert.deepEqual(
    ["delete", "write", "read"].map((effect) => answer(effect as Effect)),
    ["deny forbidden group write", "deny forbidden write", "allow p"],
  );
});

test("decideAction over a real set: every effect counts, and the holds of all of them merge", () => {
  const input = ask({ effects: ["read", "export"], facts: { rows: 100 }, at: "2026-11-20T03:00:00Z" });
  const decision = decideAction(input.classification, (effect) => set.verdict(effect, input));
  assert.equal(decision.outcome, "require_approval");
  assert.deepEqual(decision.outcome === "require_approval" && decision.holds.map(({ policy }) => policy), [
    "hold-nights",
  ]);
});
