import assert from "node:assert/strict";
import { test } from "node:test";
import { compare, idOf, testNames, threatsIn } from "../../tools/threats.ts";

const PAGE = `# Security

| id | attack | answer | status |
|---|---|---|---|
| \`permit.replayed\` | used twice | redeemed once | proven |
| \`permit.raced\` | used at once | redeemed once | planned: stores |
`;

test("a proven threat needs a test whose name begins with its id", () => {
  assert.deepEqual(compare(PAGE, ["permit.replayed: refused"]), { problems: [], notes: [], proven: 1 });
  for (const name of [
    "replays are refused",
    "refused: permit.replayed",
    "permit.replayed-twice",
    "permit.replayedx",
    "permit",
  ]) {
    const { problems } = compare(PAGE, [name]);
    assert.match(problems[0] ?? "", /SECURITY\.md:5: `permit\.replayed` is called proven/, name);
  }
});

test("a proof of a planned threat is noted, an unknown id of a known family is a problem", () => {
  const found = compare(PAGE, [
    "permit.replayed",
    "permit.raced: by two gates",
    "permit.stolen: no",
    "other.thing: fine",
  ]);
  assert.deepEqual(found.notes, ["SECURITY.md:6: `permit.raced` is planned, and has a test"]);
  assert.deepEqual(found.problems, ["a test is named `permit.stolen`, which SECURITY.md does not list"]);
});

test("rows that cannot be read are problems", () => {
  const cases: readonly (readonly [row: string, problem: RegExp])[] = [
    ["| `permit.raced` | a | b | done |", /`done` is no status/],
    ["| `permit.raced` | a | b | planned: |", /`planned:` is no status/],
    ["| `permit` | a | b | proven |", /`permit` is no threat id/],
    ["| `permit.replayed` | a | b | proven |", /stands twice/],
    ["| `permit.other` | | b | proven |", /needs its attack in words/],
    ["| `permit.other` | a | | proven |", /needs its answer in words/],
  ];
  for (const [row, problem] of cases) assert.match(threatsIn(PAGE + row + "\n").problems.join("\n"), problem);
});

test("only tests that run count", () => {
  const text = [
    'test("self.owner: barred", () => {});',
    "it(`aarm.R1: ${name}`, () => {});",
    'await t.test("quorum.race: one wins", async () => {});',
    'test("flood.requests: limited", { timeout: 5 }, () => {});',
    '// test("self.admin: barred", () => {});',
    'test.skip("self.delegate: barred", () => {});',
    'test.todo("self.ci-actor: barred");',
    'test("self.linked-account: barred", { skip: true }, () => {});',
    'assert.equal("self.same-account", x);',
  ];
  assert.deepEqual(testNames(text.join("\n")), [
    "self.owner: barred",
    "aarm.R1: ${}",
    "quorum.race: one wins",
    "flood.requests: limited",
  ]);
  assert.deepEqual(["aarm.R1: ${}", "quorum.${}", "no id"].map(idOf), ["aarm.R1", null, null]);
});
