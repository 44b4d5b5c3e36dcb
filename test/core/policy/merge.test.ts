import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { GroupName } from "../../../src/core/brand.ts";
import {
  ASSURANCES,
  coversTerms,
  decideAction,
  isAtLeastAsStrict,
  mergeVerdicts,
  QUORUM_MAX,
} from "../../../src/core/policy/index.ts";
import type { Decision, EffectVerdict, Hold } from "../../../src/core/policy/index.ts";
import { EFFECTS } from "../../../src/core/risk/index.ts";
import type { Classification, Effect, PolicyId } from "../../../src/core/risk/index.ts";

const policy = (id: string): PolicyId => id as PolicyId;
const group = (name: string): GroupName => name as GroupName;
const hold = (id: string, terms: readonly (readonly [string, number])[], rest: Partial<Hold> = {}): Hold => ({
  policy: policy(id),
  because: `because of ${id}`,
  terms: terms.map(([name, quorum]) => ({ group: group(name), quorum })),
  expiresInMs: 60_000,
  assurance: "A1",
  ...rest,
});
const allow: EffectVerdict = { outcome: "allow", policies: [policy("p")] };
const nothing: EffectVerdict = { outcome: "deny", code: "no_policy", because: "Nothing permits.", policies: [] };
const forbid: EffectVerdict = { outcome: "deny", code: "forbidden", because: "Never.", policies: [policy("f")] };
const broken: EffectVerdict = { outcome: "deny", code: "policy_error", because: "Overflow.", policies: [policy("e")] };
const held: EffectVerdict = { outcome: "hold", holds: [hold("h", [["security", 1]])] };

const outcomes: readonly [string, readonly EffectVerdict[], string][] = [
  ["no verdict at all", [], "deny no_policy"],
  ["one allow", [allow], "allow"],
  ["all effects allowed", [allow, allow], "allow"],
  ["one effect that nothing permits", [allow, nothing], "deny no_policy"],
  ["a hold alone is enough, with approval", [held], "require_approval"],
  ["hold beats allow", [allow, held, allow], "require_approval"],
  ["an effect without permit denies what is held elsewhere", [held, nothing], "deny no_policy"],
  ["forbid beats hold", [held, forbid], "deny forbidden"],
  ["an error beats hold and allow", [allow, held, broken], "deny policy_error"],
  ["the gravest reason names the denial", [nothing, broken, forbid], "deny forbidden"],
  ["a hold without holds asks nobody", [{ outcome: "hold", holds: [] }], "deny policy_error"],
  ["a hold without terms asks nobody", [{ outcome: "hold", holds: [hold("h", [])] }], "deny policy_error"],
  ["a quorum of none", [{ outcome: "hold", holds: [hold("h", [["security", 0]])] }], "deny policy_error"],
  ["half a person", [{ outcome: "hold", holds: [hold("h", [["security", 1.5]])] }], "deny policy_error"],
  ["a crowd", [{ outcome: "hold", holds: [hold("h", [["security", QUORUM_MAX + 1]])] }], "deny policy_error"],
  [
    "one good hold does not hide a broken one",
    [{ outcome: "hold", holds: [hold("a", [["security", 1]]), hold("b", [])] }],
    "deny policy_error",
  ],
  [
    "a hold that is over at once",
    [{ outcome: "hold", holds: [hold("h", [["security", 1]], { expiresInMs: 0 })] }],
    "deny policy_error",
  ],
];

for (const [name, verdicts, expected] of outcomes) {
  test(`mergeVerdicts: ${name}`, () => assert.equal(label(mergeVerdicts(verdicts)), expected));
}

test("mergeVerdicts: all holds merge to the largest quorums, the shortest time, the strongest assurance", () => {
  const decision = mergeVerdicts([
    {
      outcome: "hold",
      holds: [
        hold(
          "z",
          [
            ["security", 1],
            ["owners", 3],
          ],
          { expiresInMs: 9_000 },
        ),
      ],
    },
    {
      outcome: "hold",
      holds: [hold("a", [["security", 2]], { expiresInMs: 7_000, assurance: "A3" }), hold("z", [["owners", 1]])],
    },
    allow,
  ]);
  assert.deepEqual(decision, {
    outcome: "require_approval",
    holds: [
      hold("a", [["security", 2]], { expiresInMs: 7_000, assurance: "A3" }),
      hold(
        "z",
        [
          ["owners", 3],
          ["security", 1],
        ],
        { expiresInMs: 9_000 },
      ),
    ],
    terms: [
      { group: "owners", quorum: 3 },
      { group: "security", quorum: 2 },
    ],
    expiresInMs: 7_000,
    assurance: "A3",
  });
});

test("mergeVerdicts: a denial tells all reasons of its kind, once, and all their policies", () => {
  const other: EffectVerdict = { outcome: "deny", code: "forbidden", because: "Not here.", policies: [policy("a")] };
  assert.deepEqual(mergeVerdicts([forbid, nothing, other, forbid]), {
    outcome: "deny",
    code: "forbidden",
    because: "Never. Not here.",
    policies: ["a", "f"],
  });
});

const classified = (effects: readonly Effect[], opaque: readonly string[] = []): Classification => ({
  effects: effects.map((effect) => ({ effect, because: "", provenance: "operator" })),
  facts: [],
  opaque,
});
const answers = (verdicts: Partial<Record<Effect, EffectVerdict>>) => (effect: Effect) => verdicts[effect] ?? nothing;

const decisions: readonly [string, Classification, Partial<Record<Effect, EffectVerdict>>, string][] = [
  ["one allowed effect", classified(["read"]), { read: allow }, "allow"],
  ["the strictest effect wins", classified(["read", "export"]), { read: allow, export: held }, "require_approval"],
  ["every effect needs an answer", classified(["read", "export"]), { read: allow }, "deny no_policy"],
  ["no effect is opaque", classified([]), { opaque: held }, "require_approval"],
  ["no effect and no hold", classified([]), {}, "deny opaque_unheld"],
  ["opaque is never allowed", classified(["opaque"]), { opaque: allow }, "deny opaque_unheld"],
  [
    "a reason makes it opaque",
    classified(["read"], ["no limit"]),
    { read: allow, opaque: allow },
    "deny opaque_unheld",
  ],
  ["an opaque read may be held", classified(["read"], ["no limit"]), { read: allow, opaque: held }, "require_approval"],
  ["an opaque read is still a read", classified(["read"], ["no limit"]), { opaque: held }, "deny no_policy"],
  ["a forbid on opaque stays one", classified(["opaque"]), { opaque: forbid }, "deny forbidden"],
  ["an error on opaque stays one", classified(["opaque"]), { opaque: broken }, "deny policy_error"],
];

for (const [name, classification, verdicts, expected] of decisions) {
  test(`decideAction: ${name}`, () => {
    assert.equal(label(decideAction(classification, answers(verdicts))), expected);
  });
}

test("decideAction: asks once for each distinct effect", () => {
  const asked: Effect[] = [];
  decideAction(classified(["read", "export", "read"], ["why"]), (effect) => {
    asked.push(effect);
    return held;
  });
  assert.deepEqual(asked.sort(), ["export", "opaque", "read"]);
});

const arbitraryHold: fc.Arbitrary<Hold> = fc.record({
  policy: fc.constantFrom("a", "b", "c").map(policy),
  because: fc.constantFrom("x", "y"),
  terms: fc.array(
    fc.record({ group: fc.constantFrom("g", "h", "i").map(group), quorum: fc.integer({ min: 0, max: 4 }) }),
    { maxLength: 3 },
  ),
  expiresInMs: fc.integer({ min: 1, max: 5 }),
  assurance: fc.constantFrom(...ASSURANCES),
});
const arbitraryVerdict: fc.Arbitrary<EffectVerdict> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(allow) },
  {
    weight: 5,
    arbitrary: fc.record({ outcome: fc.constant("hold" as const), holds: fc.array(arbitraryHold, { maxLength: 3 }) }),
  },
  { weight: 1, arbitrary: fc.constantFrom(nothing, forbid, broken) },
);

test("law: a further verdict never loosens a decision", () => {
  fc.assert(
    fc.property(fc.array(arbitraryVerdict, { minLength: 1, maxLength: 5 }), arbitraryVerdict, (verdicts, more) => {
      assert.ok(isAtLeastAsStrict(mergeVerdicts([...verdicts, more]), mergeVerdicts(verdicts)));
      assert.ok(isAtLeastAsStrict(mergeVerdicts([...verdicts, more]), mergeVerdicts([more])));
    }),
    { numRuns: 500 },
  );
});

test("law: the order of verdicts and repeats change nothing", () => {
  const some = fc.array(arbitraryVerdict, { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(
      some.chain((verdicts) =>
        fc.tuple(fc.constant(verdicts), fc.shuffledSubarray(verdicts, { minLength: verdicts.length })),
      ),
      ([verdicts, shuffled]) => {
        assert.deepEqual(mergeVerdicts([...shuffled, ...shuffled]), mergeVerdicts(verdicts));
      },
    ),
    { numRuns: 500 },
  );
});

test("law: whatever is not understood is never allowed", () => {
  const effects = fc.array(fc.constantFrom(...EFFECTS), { maxLength: 4 });
  fc.assert(
    fc.property(effects, fc.array(fc.string(), { maxLength: 2 }), arbitraryVerdict, (found, opaque, verdict) => {
      const decision = decideAction(classified(found, opaque), () => verdict);
      if (found.length === 0 || opaque.length > 0 || found.includes("opaque"))
        assert.notEqual(decision.outcome, "allow");
    }),
  );
});

const strictness: readonly [string, Decision, Decision, boolean][] = [
  ["deny over allow", mergeVerdicts([forbid]), mergeVerdicts([allow]), true],
  ["allow under hold", mergeVerdicts([allow]), mergeVerdicts([held]), false],
  ["hold under deny", mergeVerdicts([held]), mergeVerdicts([forbid]), false],
  ["two people over one", requires([["g", 2]]), requires([["g", 1]]), true],
  ["one person under two", requires([["g", 1]]), requires([["g", 2]]), false],
  ["another group is not a substitute", requires([["g", 9]]), requires([["h", 1]]), false],
  ["a shorter time is stricter", requires([["g", 1]], { expiresInMs: 1 }), requires([["g", 1]]), true],
  ["a longer time is not", requires([["g", 1]]), requires([["g", 1]], { expiresInMs: 1 }), false],
  ["a weaker assurance is not", requires([["g", 1]]), requires([["g", 1]], { assurance: "A2" }), false],
];

for (const [name, a, b, expected] of strictness) {
  test(`isAtLeastAsStrict: ${name}`, () => assert.equal(isAtLeastAsStrict(a, b), expected));
}

test("coversTerms: nothing is covered by anything, something by nothing", () => {
  const term = { group: group("g"), quorum: 1 };
  assert.equal(coversTerms([], []), true);
  assert.equal(coversTerms([term], []), true);
  assert.equal(coversTerms([], [term]), false);
});

function requires(terms: readonly (readonly [string, number])[], rest: Partial<Hold> = {}): Decision {
  return mergeVerdicts([{ outcome: "hold", holds: [hold("h", terms, rest)] }]);
}

function label(decision: Decision): string {
  return decision.outcome === "deny" ? `deny ${decision.code}` : decision.outcome;
}
