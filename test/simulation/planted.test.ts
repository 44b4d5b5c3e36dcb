import assert from "node:assert/strict";
import { test } from "node:test";
import { planted, PLANTS } from "./plants.ts";
import { simulate } from "./pool.ts";

/** Far fewer than CI plays: a bug that needs more is one that the simulation can hardly see. */
const SEEDS_MAX = 10_000;

for (const [place, { threats, bug }] of PLANTS.entries()) {
  test(`planted bug ${place + 1} is found: ${bug}`, async (t) => {
    const { violations } = await simulate({ from: 1, seeds: SEEDS_MAX, bug });
    const [first] = violations;
    assert.ok(first !== undefined, `${SEEDS_MAX} seeds did not show it`);
    t.diagnostic(`${first.seed} seeds; ${first.threat}: ${first.law}`);
    assert.ok(threats.includes(first.threat), `${first.threat}: ${first.law} (seed ${first.seed})`);
  });
}

test("the lowest seed that breaks a law is found, however many threads look for it", async () => {
  const bug = "accounts are counted instead of people";
  const found: (number | undefined)[] = [];
  for (const threads of [1, 3]) found.push((await simulate({ from: 1, seeds: 200, bug, threads })).violations[0]?.seed);
  assert.ok(found[0] !== undefined);
  assert.equal(found[1], found[0]);
});

test("a plant whose line has moved fails loudly", () => {
  const edits = [{ file: "a.ts", from: "once", to: "never" }];
  assert.equal(planted("a.ts", "it stands once here", edits), "it stands never here");
  for (const text of ["it is gone", "once and once more"]) {
    assert.throws(() => planted("a.ts", text, edits), /stands \d times in a\.ts; the plant has to follow the source/);
  }
});
