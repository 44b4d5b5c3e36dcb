import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalBytes, digest } from "../../../src/core/action/index.ts";
import { EFFECTS, levelOf, scoreRisk, TRAITS, WEIGHTS, WEIGHTS_ID } from "../../../src/core/risk/index.ts";
import type {
  Classification,
  Effect,
  Fact,
  FactValue,
  Provenance,
  Trait,
  TraitId,
} from "../../../src/core/risk/index.ts";

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
  assert.equal(WEIGHTS_ID, `v3 ${digest(canonicalBytes(WEIGHTS))}`);
  assert.equal(scoreRisk(classified(["read"]), undefined).weights, WEIGHTS_ID);
  assert.notEqual(WEIGHTS_ID, `v3 ${digest(canonicalBytes({ ...WEIGHTS, gateOnly: 5 }))}`);
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

const traitOf = (id: TraitId): Trait => ({ id, because: `has ${id}` });
const worse: readonly [string, readonly Effect[], readonly TraitId[], readonly Fact[], string, number][] = [
  ["two statements that read", ["read"], ["multiple"], [], "low", 11],
  ["a read without bound", ["read"], ["unbounded"], [], "low", 20],
  ["a program of its own choosing", ["read"], ["program_execution"], [], "high", 60],
  ["a read of a secret that no effect names", ["read"], ["secret_access"], [], "high", 60],
  ["a right that is given", ["write"], ["privilege_change"], [], "high", 60],
  ["something dynamic", ["read"], ["dynamic_code"], [], "medium", 30],
  ["something obfuscated", ["read"], ["obfuscated"], [], "medium", 30],
  ["exfiltration", ["network"], ["exfiltration"], [], "high", 60],
  ["exfiltration of what is marked", ["network"], ["exfiltration"], [personal], "critical", 85],
  ["less logging", ["write"], ["defence_evasion"], [], "high", 60],
  ["less logging of what is marked audit", ["read"], ["defence_evasion"], [audit], "critical", 85],
  ["a log that is deleted", ["delete"], ["defence_evasion"], [], "critical", 85],
  ["something that a parser and the operator call irreversible", ["delete"], ["irreversible"], [forever], "high", 60],
  ["something irreversible that deletes nothing", ["write"], ["irreversible"], [], "high", 60],
];
for (const [name, effects, traits, facts, level, score] of worse) {
  test(`scoreRisk: ${name} is ${level} (${score})`, () => {
    const risk = scoreRisk({ ...classified(effects, facts), traits: traits.map(traitOf) }, "production");
    assert.deepEqual([risk.level, risk.score], [level, score]);
    for (const id of traits) {
      const points = risk.contributions.filter((one) => one.id === `trait.${id}`);
      assert.deepEqual(points, [{ id: `trait.${id}`, points: WEIGHTS.traits[id].points, evidence: `has ${id}` }]);
    }
  });
}

test("scoreRisk: a reason keeps the place where it stands", () => {
  const span = { pointer: "/action/properties/sql", start: 3, end: 9 };
  const effect = { effect: "delete", because: "deletes", provenance: "parsed", span } as const;
  const trait = { id: "unbounded", because: "all of it", span } as const;
  const risk = scoreRisk({ effects: [effect], facts: [], opaque: [], traits: [trait] }, "production");
  const spans = risk.contributions.filter((one) => one.span !== undefined);
  assert.deepEqual(
    spans.map(({ id, span: place }) => [id, place]),
    [
      ["effect.delete", span],
      ["trait.unbounded", span],
    ],
  );
});

test("law: a further trait never lowers the score, and neither does an effect or a fact beside traits", () => {
  const traits = fc.array(fc.constantFrom(...TRAITS).map(traitOf), { maxLength: 6 });
  fc.assert(
    fc.property(
      anyClassification,
      traits,
      traits,
      anyEffect,
      fc.constant(forever),
      anyEnvironment,
      (rest, some, more, effect, fact2, environment) => {
        fc.pre(rest.effects.length > 0);
        const before = { ...rest, traits: some };
        const score = (one: Classification): number => scoreRisk(one, environment).score;
        assert.ok(score({ ...before, traits: [...some, ...more] }) >= score(before));
        assert.ok(score({ ...before, effects: [...rest.effects, effect] }) >= score(before));
        assert.ok(score({ ...before, facts: [...rest.facts, fact2] }) >= score(before));
        assert.equal(score({ ...before, traits: [...some, ...some] }), score(before));
      },
    ),
    { numRuns: 1_000 },
  );
});
