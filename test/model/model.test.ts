import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { replay } from "./replay.ts";
import { MUTANTS, mutated } from "./mutants.ts";
import { MODEL, modelDigest, readTraces } from "./trace.ts";

const { model, traces } = readTraces();
const text = readFileSync(MODEL, "utf8");

test("the traces are those of the model as it stands", () => {
  assert.equal(model, modelDigest(text), "the model has changed: run `node tools/model.ts traces`");
  const reached = new Set(traces.flatMap(({ steps }) => steps.map(({ op, result }) => `${op.kind} ${result}`)));
  const wanted = ["redeem ok", "redeem permit_redeemed", "redeem permit_expired", "redeem permit_other_gate"];
  for (const one of [...wanted, "redeem approval_voided", "approve request_expired", "approve person_barred"])
    assert.ok(reached.has(one), `no trace reaches \`${one}\``);
});

test("quorum.race: whatever the model does, two instances of the engine do step by step", async () => {
  const own = traces.filter(({ mutant }) => mutant === null);
  assert.ok(own.length >= 50);
  for (const trace of own) assert.equal(await replay(trace), null);
});

for (const mutant of MUTANTS) {
  test(`the engine does not do what a model says in which ${mutant.bug}`, async () => {
    mutated(text, mutant); // its line stands where it stood
    const trace = traces.find((one) => one.mutant === mutant.bug);
    assert.ok(trace !== undefined, "run `node tools/model.ts traces`");
    assert.notEqual(await replay(trace), null);
  });
}

/** Bugs of test/simulation that traces of a model with two instances and no network can meet. */
const BUGS = [
  "approvers are not looked at again at redemption",
  "time is judged when an append is asked for, not when it is committed",
  "a permit of another gate is accepted",
  "a denial ends nothing",
  "a late sweeper releases what nobody answered",
  "whoever stands behind a later attempt is not barred",
  "whoever was deactivated may still review",
  "a second attempt is told what the first was told",
  "a redemption is answered although its append was refused",
];

for (const bug of BUGS) {
  test(`traces of the model notice an engine in which ${bug}`, async () => {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: { bug } });
    const [difference] = (await once(worker, "message")) as [string | null];
    await worker.terminate();
    assert.notEqual(difference, null);
  });
}
