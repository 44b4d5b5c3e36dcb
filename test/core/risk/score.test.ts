import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalBytes, digest } from "../../../src/core/action/index.ts";
import { EFFECTS, levelOf, scoreRisk, WEIGHTS, WEIGHTS_ID } from "../../../src/core/risk/index.ts";
import type { Classification, Effect, Fact, FactValue, Provenance } from "../../../src/core/risk/index.ts";

const fact = (name: string, value: FactValue, provenance: Provenance = "operator"): Fact => ({
  name,
  value,
  provenance,
});
const classified = (
  effects: readonly Effect[],
  facts: readonly Fact[] = [],
  provenance: Provenance = "operator",
): Classification => ({
  effects: effects.map((effect) => ({ effect, because: `does ${effect}`, provenance })),
  facts,
  opaque: effects.includes("opaque") ? ["not in the catalogue"] : [],
});
const personal = fact("sensitivity", ["personal"]);
const audit = fact("sensitivity", ["audit"]);
const forever = fact("irreversible", true);
const rows = (value: number, provenance: Provenance = "operator"): Fact => fact("rows", value, provenance);

const levels: readonly [string, Classification, string | undefined, string, number][] = [
  ["a small read of personal data", classified(["read"], [rows(100), personal]), "production", "low", 24],
  ["the same, environment unknown", classified(["read"], [rows(100), personal]), undefined, "low", 24],
  ["the same, environment misspelled", classified(["read"], [rows(100), personal]), "Production", "low", 24],
  ["the same in development", classified(["read"], [rows(100), personal]), "development", "low", 16],
  ["a large read of personal data", classified(["read"], [rows(12_000), personal]), "production", "medium", 30],
  ["an export of 12,000 personal rows", classified(["export"], [rows(12_000), personal]), "production", "high", 60],
  ["an export of one personal row", classified(["export"], [rows(1), personal]), "development", "high", 60],
  ["an export of harmless rows", classified(["export"], [rows(10), fact("sensitivity", [])]), "development", "low", 23],
  ["an export of nobody knows how much", classified(["export"]), "development", "medium", 38],
  ["a granted role", classified(["escalate"], [fact("role", "admin")]), "production", "high", 60],
  ["a granted role in development", classified(["escalate"]), "development", "high", 60],
  ["a secret", classified(["secret.read"]), "development", "high", 60],
  ["a dropped table", classified(["ddl"], [forever]), "production", "high", 60],
  ["a dropped table somewhere unknown", classified(["ddl"], [forever]), undefined, "high", 60],
  ["a dropped table in development", classified(["ddl"], [forever]), "development", "medium", 45],
  ["a change of the schema", classified(["ddl"]), "production", "medium", 38],
  ["audit rows deleted", classified(["delete"], [audit]), "production", "critical", 85],
  ["audit rows written, in development", classified(["write"], [audit]), "development", "critical", 85],
  ["audit rows read", classified(["read"], [audit, rows(10)]), "production", "low", 25],
  ["not understood", classified(["opaque"]), "development", "medium", 30],
  ["no effect at all", classified([]), "development", "medium", 30],
  ["everything at once", classified(EFFECTS, [rows(10 ** 9), personal, audit, forever]), "production", "critical", 100],
];

for (const [name, classification, environment, level, score] of levels) {
  test(`scoreRisk: ${name} is ${level} (${score})`, () => {
    const risk = scoreRisk(classification, environment);
    assert.deepEqual([risk.level, risk.score], [level, score]);
  });
}

test("scoreRisk: every point has a name and its evidence, and they add up", () => {
  const risk = scoreRisk(classified(["read", "network"], [rows(5_000), personal], "gate"), "staging");
  assert.deepEqual(
    risk.contributions.map(({ id, points }) => [id, points]),
    [
      ["effect.network", 15],
      ["rows", 10],
      ["environment.staging", 3],
      ["sensitivity.personal", 8],
      ["provenance.gate", 6],
    ],
  );
  assert.equal(risk.score, 42);
  assert.ok(risk.contributions.every(({ evidence }) => /^[\x20-\x7e]+$/.test(evidence)));
});

test("scoreRisk: floors name themselves and lift the score to their level", () => {
  const { floors, score } = scoreRisk(classified(["export", "escalate"], [rows(1), audit]), "production");
  assert.deepEqual(
    floors.map(({ id, level }) => [id, level]),
    [
      ["escalate", "high"],
      ["export.sensitive", "high"],
    ],
  );
  assert.equal(score, 45 + 4 + 8 + 12);
});

test("scoreRisk: a gate's row count cannot make an export smaller, a parser's can", () => {
  const score = (given: readonly Fact[]): number => scoreRisk(classified(["export"], given), "development").score;
  assert.equal(score([rows(10, "gate")]), score([]));
  assert.ok(score([rows(10, "parsed")]) < score([]));
  assert.ok(score([rows(10 ** 8, "gate")]) > score([]));
  assert.equal(score([rows(-1, "parsed")]), score([]));
});

test("scoreRisk: opaque reasons count even where the effect is missing", () => {
  const risk = scoreRisk({ ...classified(["read"]), opaque: ["no limit"] }, "development");
  assert.equal(risk.level, "medium");
});

const bounds: readonly [number, string][] = [
  [0, "low"],
  [29, "low"],
  [30, "medium"],
  [59, "medium"],
  [60, "high"],
  [84, "high"],
  [85, "critical"],
  [100, "critical"],
];
test("levelOf: the bounds", () =>
  assert.deepEqual(
    bounds.map(([score]) => levelOf(score)),
    bounds.map(([, level]) => level),
  ));

test("WEIGHTS_ID names the version and the digest of the table", () => {
  assert.equal(WEIGHTS_ID, `v2 ${digest(canonicalBytes(WEIGHTS))}`);
  assert.equal(scoreRisk(classified(["read"]), undefined).weights, WEIGHTS_ID);
  assert.notEqual(WEIGHTS_ID, `v2 ${digest(canonicalBytes({ ...WEIGHTS, gateOnly: 5 }))}`);
});

const provenance = fc.constantFrom<Provenance>("operator", "gate", "parsed");
const anyEffect = fc.record({ effect: fc.constantFrom(...EFFECTS), because: fc.constant("x"), provenance });
const anyFact: fc.Arbitrary<Fact> = fc.oneof(
  fc.record({ name: fc.constant("rows"), value: fc.nat({ max: 10 ** 7 }), provenance }),
  fc.record({ name: fc.constant("irreversible"), value: fc.boolean(), provenance }),
  fc.record({
    name: fc.constant("sensitivity"),
    value: fc.array(fc.constantFrom("personal", "audit", "financial", "secret", "health")),
    provenance,
  }),
  fc.record({ name: fc.constant("table"), value: fc.string(), provenance }),
);
const anyClassification: fc.Arbitrary<Classification> = fc.record({
  effects: fc.array(anyEffect, { maxLength: 5 }),
  facts: fc.array(anyFact, { maxLength: 4 }),
  opaque: fc.array(fc.constant("why"), { maxLength: 1 }),
});
const anyEnvironment = fc.constantFrom("production", "staging", "development", "elsewhere", undefined);

test("law: a further effect never lowers the score", () => {
  fc.assert(
    fc.property(anyClassification, anyEffect, anyEnvironment, (before, effect, environment) => {
      fc.pre(before.effects.length > 0); // an action without effects is scored as opaque, until it is understood
      const after = { ...before, effects: [...before.effects, effect] };
      assert.ok(scoreRisk(after, environment).score >= scoreRisk(before, environment).score);
    }),
    { numRuns: 1_000 },
  );
});

test("law: a further fact never lowers the score, but for the first row count that is known", () => {
  const knowsRows = ({ facts }: Classification): boolean =>
    facts.some((one) => one.name === "rows" && one.provenance !== "gate");
  fc.assert(
    fc.property(anyClassification, anyFact, anyEnvironment, (before, more, environment) => {
      fc.pre(more.name !== "rows" || more.provenance === "gate" || knowsRows(before));
      const after = { ...before, facts: [...before.facts, more] };
      assert.ok(scoreRisk(after, environment).score >= scoreRisk(before, environment).score);
    }),
    { numRuns: 1_000 },
  );
});

test("law: more rows never score less", () => {
  const amount = fc.oneof(fc.nat({ max: 2_000 }), fc.nat());
  fc.assert(
    fc.property(anyClassification, amount, amount, provenance, anyEnvironment, (rest, a, b, by, environment) => {
      const score = (count: number): number =>
        scoreRisk({ ...rest, facts: [...rest.facts, rows(count, by)] }, environment).score;
      assert.ok(score(Math.max(a, b)) >= score(Math.min(a, b)));
    }),
    { numRuns: 1_000 },
  );
});

test("law: the score is a whole number from 0 to 100 at or above every floor, and the level is that of the score", () => {
  fc.assert(
    fc.property(anyClassification, anyEnvironment, (classification, environment) => {
      const { score, level, floors, contributions } = scoreRisk(classification, environment);
      assert.ok(Number.isInteger(score) && score >= 0 && score <= 100);
      assert.equal(level, levelOf(score));
      assert.ok(floors.every((floor) => score >= WEIGHTS.levels[floor.level]));
      assert.ok(contributions.every(({ points }) => Number.isInteger(points) && points > 0));
    }),
  );
});
