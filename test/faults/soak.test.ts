import assert from "node:assert/strict";
import { test } from "node:test";
import { growth, soak, type Sample } from "./soak.ts";

/** The short form of `node tools/soak.ts`, which takes half an hour. */
const MS = 60_000;

function samplesOf(values: readonly number[], of: "residentMb" | "files"): readonly Sample[] {
  return values.map((value) => ({ residentMb: 100, files: 50, acknowledged: 0, [of]: value }));
}

test("what grows is seen, and what goes up and down is not", () => {
  const steady = [80, 120, 150, 190, 150, 190, 150, 195, 155];
  const leaking = [80, 120, 150, 190, 230, 270, 340, 380, 420];
  assert.deepEqual(growth(samplesOf(steady, "residentMb")), []);
  assert.equal(growth(samplesOf(leaking, "residentMb")).length, 1);
  assert.deepEqual(growth(samplesOf([40, 60, 60, 58, 61, 60, 59, 62, 60], "files")), []);
  assert.equal(growth(samplesOf([40, 60, 60, 65, 70, 75, 90, 95, 99], "files")).length, 1);
});

test("a minute at 70 % load leaves memory and open files as they were", { timeout: 110_000 }, async (t) => {
  const result = await soak({ ms: MS, share: 0.7, samples: 12, progress: () => {} });
  const { samples, perSecond } = result;
  t.diagnostic(
    `${perSecond.toFixed(0)} a second; ${samples.map(({ residentMb }) => residentMb.toFixed(0)).join(" ")} MB`,
  );
  assert.deepEqual([...result.grown, ...result.broken], []);
});
