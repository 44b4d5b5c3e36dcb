import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalize } from "../../../src/core/action/index.ts";
import type { Json, JsonObject, Question } from "../../../src/core/action/index.ts";
import type { GroupName } from "../../../src/core/brand.ts";
import { applyChanges, decideAction, isAtLeastAsStrict, isMet, mergeVerdicts } from "../../../src/core/policy/index.ts";
import type { Change, Decision, Demand, EffectVerdict } from "../../../src/core/policy/index.ts";
import type { Classification, Fact, PolicyId } from "../../../src/core/risk/index.ts";

const question = (properties?: JsonObject): Question => ({
  subject: { type: "agent", id: "a" },
  action: { name: "x", ...(properties === undefined ? {} : { properties }) },
  resource: { type: "t", id: "r" },
  context: {},
});
const cap = (path: string, max: number): Change => ({ op: "cap", path: path.split("."), max });
const set = (path: string, value: Json): Change => ({ op: "set", path: path.split("."), value });
const remove = (path: string): Change => ({ op: "remove", path: path.split(".") });

const changes: readonly [string, JsonObject | undefined, readonly Change[], JsonObject | string][] = [
  ["a number above is capped", { limit: 5_000 }, [cap("limit", 10)], { limit: 10 }],
  ["a number below stays", { limit: 5 }, [cap("limit", 10)], { limit: 5 }],
  ["no limit becomes one", undefined, [cap("limit", 10)], { limit: 10 }],
  ["the lowest cap wins", { limit: 50 }, [cap("limit", 10), cap("limit", 7)], { limit: 7 }],
  ["minus one is many a tool's word for no limit", { limit: -1 }, [cap("limit", 10)], "no whole number"],
  ["a fraction is no count", { limit: 1.5 }, [cap("limit", 10)], "no whole number"],
  ["a text is no count", { limit: "5000" }, [cap("limit", 10)], "no whole number"],
  ["a secret is no count", { limit: { $secret: "x" } }, [cap("limit", 10)], "no whole number"],
  ["a member within objects", { a: { b: 9, c: 1 } }, [set("a.b", true)], { a: { b: true, c: 1 } }],
  ["objects on the way are made", {}, [set("a.b", 1)], { a: { b: 1 } }],
  ["a list is no object", { a: [1] }, [set("a.b", 1)], "no object"],
  ["what is removed is gone", { a: 1, b: 2 }, [remove("a")], { b: 2 }],
  ["what is not there is gone already", { b: 2 }, [remove("a.c")], { b: 2 }],
  ["a set number is capped too", {}, [set("limit", 50), cap("limit", 10)], { limit: 10 }],
  ["two values", {}, [set("a", 1), set("a", 2)], "different things"],
  ["the same value twice", {}, [set("a", 1), set("a", 1)], { a: 1 }],
  ["set and removed", { a: 1 }, [set("a", 1), remove("a")], "different things"],
  ["capped and removed", { a: 1 }, [cap("a", 1), remove("a")], "different things"],
  ["a member and what is within it", { a: {} }, [set("a", 1), set("a.b", 1)], "within it"],
  ["an inherited name is a name", {}, [set("toString", 1)], { toString: 1 }],
];

for (const [name, before, asked, expected] of changes) {
  test(`applyChanges: ${name}`, () => {
    const changed = applyChanges(question(before), asked);
    if (typeof expected === "string") assert.match("conflict" in changed ? changed.conflict : "", new RegExp(expected));
    else assert.deepEqual("question" in changed && changed.question.action.properties, expected);
  });
}

const someJson = fc.oneof(fc.integer({ min: -2, max: 20 }), fc.constantFrom("x", true, null), fc.constant([1]));
const someProperties = fc.dictionary(
  fc.constantFrom("a", "b", "limit"),
  fc.oneof(someJson, fc.dictionary(fc.constantFrom("a", "b"), someJson, { maxKeys: 2 })),
);
const somePath = fc.constantFrom("a", "b", "limit", "a.a", "a.b", "b.a");
const someChange: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(somePath, fc.nat(15)).map(([path, max]) => cap(path, max)),
  fc.tuple(somePath, someJson).map(([path, value]) => set(path, value)),
  somePath.map(remove),
);

test("law: the order of changes does not matter, what was changed needs no change, and nothing else of the question moves", () => {
  let applied = 0;
  fc.assert(
    fc.property(someProperties, fc.array(someChange, { minLength: 1, maxLength: 5 }), (properties, asked) => {
      const before = question(properties);
      const changed = applyChanges(before, asked);
      const reversed = applyChanges(before, asked.toReversed());
      if ("conflict" in changed) return assert.ok("conflict" in reversed);
      applied += 1;
      assert.deepEqual(reversed, changed);
      const demand: Demand = { kind: "modify", policy: "m" as PolicyId, because: "", changes: asked };
      assert.ok(isMet(demand, changed.question, { effects: [], facts: [], opaque: [] }));
      const { action: one, ...rest } = changed.question;
      const { action: other, ...others } = before;
      assert.deepEqual([rest, one.name], [others, other.name]);
      assert.equal(
        canonicalize(before.action.properties ?? {}),
        canonicalize(properties),
        "the first one is as it was",
      );
    }),
    { numRuns: 1_000 },
  );
  assert.ok(applied > 200, `only ${applied} changes could be made`);
});

const id = (name: string): PolicyId => name as PolicyId;
const modify: Demand = { kind: "modify", policy: id("m"), because: "Less.", changes: [cap("limit", 10)] };
const defer = (fact: string, expiresInMs = 9): Demand => ({
  kind: "defer",
  policy: id(`d-${fact}`),
  because: "Not yet.",
  facts: [fact],
  expiresInMs,
});
const allow: EffectVerdict = { outcome: "allow", policies: [id("p")] };
const nothing: EffectVerdict = { outcome: "deny", code: "no_policy", because: "Nothing.", policies: [] };
const forbid: EffectVerdict = { outcome: "deny", code: "forbidden", because: "Never.", policies: [id("f")] };
const held: EffectVerdict = {
  outcome: "hold",
  holds: [
    { policy: id("h"), because: "", terms: [{ group: "g" as GroupName, quorum: 1 }], expiresInMs: 9, assurance: "A1" },
  ],
};
const demanding = (verdict: EffectVerdict, ...demands: readonly Demand[]): EffectVerdict => ({ ...verdict, demands });

const merges: readonly [string, readonly EffectVerdict[], string][] = [
  ["a demand comes before an allow", [demanding(allow, modify)], "modify m"],
  ["and before a hold: the stricter action has holds of its own", [demanding(held, modify)], "modify m"],
  ["and before silence, as a hold does", [demanding(nothing, modify)], "modify m"],
  ["but not before the silence of another effect", [demanding(allow, modify), nothing], "deny no_policy"],
  ["no forbid is bought off", [demanding(forbid, modify)], "deny forbidden"],
  ["nor that of another effect", [demanding(allow, defer("rows")), forbid], "deny forbidden"],
  ["nor a hold that asks nobody", [demanding({ outcome: "hold", holds: [] }, modify)], "deny policy_error"],
  ["what is missing is waited for first", [demanding(allow, modify, defer("rows"))], "defer rows"],
  ["all that is missing", [demanding(allow, defer("rows", 9)), demanding(held, defer("role", 5))], "defer role,rows 5"],
  ["changes of all effects", [demanding(allow, modify), demanding(held, modify)], "modify m"],
  ["no demand left", [demanding(allow)], "allow"],
];

for (const [name, verdicts, expected] of merges) {
  test(`mergeVerdicts: ${name}`, () => assert.ok(label(mergeVerdicts(verdicts)).startsWith(expected)));
}

const classification = (facts: readonly Fact[], opaque: readonly string[] = []): Classification => ({
  effects: [{ effect: "read", because: "", provenance: "operator" }],
  facts,
  opaque,
});

test("decideAction: a demand that is met is none, and what is not understood is still never allowed", () => {
  const rows: Fact = { name: "rows", value: 5, provenance: "source" };
  const verdict = demanding(allow, modify, defer("rows"));
  const decide = (properties: JsonObject, facts: readonly Fact[], opaque: readonly string[] = []): string => {
    const known = classification(facts, opaque);
    return label(
      decideAction(
        known,
        () => verdict,
        (demand) => isMet(demand, question(properties), known),
      ),
    );
  };
  assert.equal(decide({ limit: 50 }, []), "defer rows 9");
  assert.equal(decide({ limit: 50 }, [rows]), "modify m");
  assert.equal(decide({ limit: 10 }, [rows]), "allow");
  assert.equal(decide({ limit: 10 }, [rows], ["why"]), "deny opaque_unheld");
  assert.equal(decide({ limit: 50 }, [rows], ["why"]), "modify m");
});

const someVerdict: fc.Arbitrary<EffectVerdict> = fc
  .tuple(fc.constantFrom(allow, held, nothing, forbid), fc.subarray([modify, defer("rows"), defer("role")]))
  .map(([verdict, demands]) => (demands.length === 0 ? verdict : demanding(verdict, ...demands)));

test("law: with demands too, a further verdict never loosens, order and repeats change nothing", () => {
  const some = fc.array(someVerdict, { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(some, someVerdict, (verdicts, more) => {
      const all = mergeVerdicts([...verdicts, more]);
      assert.ok(isAtLeastAsStrict(all, mergeVerdicts(verdicts)));
      assert.ok(isAtLeastAsStrict(all, mergeVerdicts([more])));
      assert.deepEqual(mergeVerdicts([more, ...verdicts.toReversed(), more]), all);
    }),
    { numRuns: 500 },
  );
});

test("law: a demand lets nothing through that would be held or denied without it", () => {
  fc.assert(
    fc.property(fc.array(someVerdict, { minLength: 1, maxLength: 4 }), (verdicts) => {
      const bare = verdicts.map((verdict): EffectVerdict => ({ ...verdict, demands: [] }));
      const [before, after] = [mergeVerdicts(bare), mergeVerdicts(verdicts)];
      if (after.outcome === "allow" || after.outcome === "require_approval") assert.deepEqual(after, before);
    }),
    { numRuns: 500 },
  );
});

function label(decision: Decision): string {
  switch (decision.outcome) {
    case "deny":
      return `deny ${decision.code}`;
    case "defer":
      return `defer ${decision.facts.join(",")} ${decision.expiresInMs}`;
    case "modify":
      return `modify ${decision.policies.join(",")}`;
    case "allow":
    case "require_approval":
      return decision.outcome;
    default:
      return decision satisfies never;
  }
}
