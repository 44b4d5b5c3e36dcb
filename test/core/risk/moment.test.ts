import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { lasting, noMoment, rowsOf, scoreRisk, utc, WEIGHTS } from "../../../src/core/risk/index.ts";
import type { Classification, Counts, Effect, Fact, Moment, Provenance } from "../../../src/core/risk/index.ts";

const fact = (rows: number, provenance: Provenance = "operator"): Fact => ({ name: "rows", value: rows, provenance });
const classified = (facts: readonly Fact[] = [fact(5)], effect: Effect = "read"): Classification => ({
  effects: [{ effect, because: "", provenance: "operator" }],
  facts,
  opaque: [],
});
const counts = (actions: number, rows: number): Counts => ({ actions, rows, unknown: 0 });
const alike = (actions: number, rows: number): Partial<Moment> => {
  const all = counts(actions, rows);
  return { alike: new Map([["read", { minutes5: all, hour: all, day: all }]]) };
};
const moment = (more: Partial<Moment>): Moment => ({ ...noMoment(0), ...more });
const usual = scoreRisk(classified(), "production");

const table: readonly [string, Partial<Moment>, number][] = [
  ["nothing before", {}, 0],
  ["something new", { novel: ["read"] }, 3],
  ["999 rows before", alike(2, 1_004), 0],
  ["1,000 rows before", alike(2, 1_005), 2],
  ["a million rows before", alike(2, 1_000_005), 8],
  ["all there are", alike(2, Number.MAX_SAFE_INTEGER), 10],
  ["often", alike(100, 5), 2],
  ["ten times as often", alike(1_000, 5), 4],
  ["at night", { local: { hour: 3, weekday: 1, working: false } }, 4],
  ["many requests wait", { approvals: { pending: 50, busiest: 0 } }, 3],
  ["one person approves and approves", { approvals: { pending: 0, busiest: 20 } }, 3],
  ["strangers' words", { session: { ...noMoment(0).session, untrusted: true } }, 10],
];

for (const [what, more, points] of table) {
  test(`the moment: ${what} is ${points} points, which do not last`, () => {
    const risk = scoreRisk(classified(), "production", moment(more));
    assert.equal(risk.score, usual.score + points);
    assert.deepEqual(lasting(risk), usual);
  });
}

test("what a moment adds is told in plain sentences", () => {
  const told = (more: Partial<Moment>): string | undefined =>
    scoreRisk(classified(), "production", moment(more)).contributions.find(({ id }) => id.startsWith("moment."))
      ?.evidence;
  const sentences: readonly (readonly [Partial<Moment>, string])[] = [
    [{ novel: ["read"] }, "This agent was not seen to read data on this resource before."],
    [
      { novel: ["network", "execute", "opaque"] },
      "This agent was not seen to use the network, run a program or do something that is not understood on this resource before.",
    ],
    [alike(2, 1_005), "It took 1000 rows of this kind within the day before this attempt."],
    [alike(100, 5), "It did this 100 times within five minutes, this attempt included."],
    [
      { approvals: { pending: 1, busiest: 20 } },
      "People are busy: 1 request waits, and one person approved 20 within the hour.",
    ],
  ];
  for (const [more, sentence] of sentences) assert.equal(told(more), sentence);
  const claimed: Classification = {
    effects: (["write", "execute", "write"] as const).map((effect) => ({ effect, because: "", provenance: "gate" })),
    facts: [fact(7_000, "gate")],
    opaque: [],
  };
  const evidence = scoreRisk(claimed, "production").contributions.map((one) => one.evidence);
  assert.ok(evidence.includes("Only the gate says that it would run a program and change data."));
  assert.ok(evidence.includes("It concerns 7000 rows."));
});

const someMoment: fc.Arbitrary<Moment> = fc
  .record({
    actions: fc.nat(5_000),
    rows: fc.nat(10_000_000),
    novel: fc.boolean(),
    working: fc.boolean(),
    pending: fc.nat(100),
    untrusted: fc.boolean(),
  })
  .map(({ actions, rows, novel, working, pending, untrusted }) =>
    moment({
      ...alike(actions, rows),
      novel: novel ? ["read"] : [],
      local: { hour: 1, weekday: 1, working },
      approvals: { pending, busiest: 0 },
      session: { ...noMoment(0).session, untrusted },
    }),
  );

test("law: a moment and an adviser only raise, within their bounds, and more of the same raises no less", () => {
  const advice = fc.option(fc.record({ raise: fc.oneof(fc.integer(), fc.double()), because: fc.string() }), {
    nil: null,
  });
  fc.assert(
    fc.property(someMoment, advice, fc.nat(1_000_000), (before, advised, more) => {
      const risk = scoreRisk(classified(), "production", before, advised);
      assert.ok(Number.isInteger(risk.score) && risk.score >= usual.score && risk.score <= 100);
      assert.ok(risk.score - usual.score <= WEIGHTS.adviserMax + 36);
      assert.deepEqual(lasting(risk), usual);
      const known = before.alike.get("read")?.day ?? counts(0, 0);
      const grown = { ...before, ...alike(known.actions + 1, known.rows + more) };
      assert.ok(scoreRisk(classified(), "production", grown, advised).score >= risk.score);
    }),
  );
});

test("rows are known from the operator, a parser or a source, and not from a gate alone", () => {
  const known: readonly [Provenance, boolean][] = [
    ["operator", false],
    ["parsed", false],
    ["source", false],
    ["gate", true],
  ];
  for (const [provenance, unknown] of known) {
    assert.deepEqual(rowsOf(classified([fact(7, provenance)])), { rows: 7, unknown }, provenance);
  }
  assert.deepEqual(rowsOf(classified([])), { rows: 0, unknown: true });
  assert.deepEqual(rowsOf(classified([], "deploy")), { rows: 0, unknown: false }, "it has no rows to know");
  assert.deepEqual(rowsOf(classified([fact(7, "gate"), fact(3)])), { rows: 7, unknown: false });
});

test("law: UTC's hour and weekday are the calendar's", () => {
  fc.assert(
    fc.property(fc.date({ min: new Date(-1e13), max: new Date(1e14), noInvalidDate: true }), (date) => {
      const { hour, weekday } = utc(date.getTime());
      assert.deepEqual([hour, weekday], [date.getUTCHours(), ((date.getUTCDay() + 6) % 7) + 1]);
    }),
  );
});
