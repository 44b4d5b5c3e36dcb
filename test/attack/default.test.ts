// Silence and failure are never a yes. Through the real server; where the store has to fail on cue, a double wraps the real one.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Instant } from "../../src/core/brand.ts";
import { StoreError } from "../../src/ports/store.ts";
import { openSqliteStore } from "../../src/stores/sqlite/index.ts";
import { exportRows, readRows } from "../support/actions.ts";
import { HOUR } from "../support/clock.ts";
import { FailingStore, type Fault } from "../support/failing-store.ts";
import { apply, approve, codeOf, hold, permitFor, redeem, review, statusOf, type Held } from "../support/flow.ts";
import { House, type Answer, type Client } from "../support/house.ts";
import { at } from "../support/json.ts";
import { RuleFiles } from "../support/rules.ts";

const QUESTION = exportRows(12_000);

test("default.timeout: nobody answers, and the action stays denied", async () => {
  let ahead = 0;
  await using house = await House.open({ clock: { now: () => (Date.now() + ahead) as Instant } });
  const gate = await house.gate();
  const ann = await house.person("ann");
  const held = await hold(gate, QUESTION);
  ahead += HOUR;
  assert.equal(await statusOf(gate, held), "expired");
  const late = await review(ann, held);
  assert.deepEqual([late.status, codeOf(late)], [410, "request_expired"]);
  const applied = await apply(gate, QUESTION, held);
  assert.deepEqual([applied.body["decision"], at(applied.body, "context", "permit")], [false, undefined]);
  const cancelled = await gate.post(`/access/v1/requests/${held.id}/cancel`, {});
  assert.equal(cancelled.status, 410);
  assert.equal((await ann.get(`/v1/requests/${held.id}`)).body["status"], "expired");
  assert.notEqual((await hold(gate, QUESTION)).id, held.id, "it may be asked again");
});

type World = {
  readonly gate: Client;
  readonly exec: Client;
  readonly ann: Client;
  readonly held: Held;
  readonly permit: string;
};
const ATTEMPT = randomUUID();

/** What is being written when the store fails, and how it is called for. */
const STEPS: readonly (readonly [type: string, send: (world: World) => Promise<Answer>])[] = [
  ["action.evaluated", ({ gate }) => gate.post("/access/v1/evaluation", readRows(1))],
  [
    "request.attached",
    ({ gate, held }) => gate.post("/access/v1/requests", { ...QUESTION, denial: { evaluation_id: held.evaluation } }),
  ],
  ["permit.issued", ({ exec, held }) => apply(exec, QUESTION, held)], // this gate has none yet
  ["permit.redeemed", ({ gate, held, permit }) => redeem(gate, permit, held.digest, ATTEMPT)],
];

/** An approved request with a permit in a real store, over a double that can fail. */
async function ready(): Promise<{ files: RuleFiles; store: FailingStore; house: House; world: World }> {
  const files = new RuleFiles();
  mkdirSync(join(files.dir, "data"));
  const store = new FailingStore(await openSqliteStore({ path: join(files.dir, "data", "keyturn.db") }));
  const house = await House.over(files, { store });
  const [gate, exec, ann] = [await house.gate(), await house.gate("report-bot", "exec"), await house.person("ann")];
  const held = await hold(gate, QUESTION);
  await approve(ann, held);
  return { files, store, house, world: { gate, exec, ann, held, permit: await permitFor(gate, QUESTION, held) } };
}

test("default.store-down: a store that fails in the middle answers nobody yes, and afterwards nobody anything", async () => {
  for (const fault of ["before", "after"] satisfies Fault[]) {
    for (const [type, send] of STEPS) {
      const { files, store, house, world } = await ready();
      try {
        store.failOn(type, fault);
        const answer = await send(world);
        const what = `${type}, ${fault} the commit`;
        assert.deepEqual([answer.status, codeOf(answer)], [503, "store_failed"], what);
        assert.ok(Number(answer.headers.get("retry-after")) >= 1, what);
        assert.ok(!/decision|permit_id|redeemed_at/.test(answer.text), what);
        await assert.rejects(house.ended, StoreError, "the process must not go on");
        for (const [later, again] of STEPS) assert.equal((await again(world)).status, 503, `${what}, then ${later}`);
        assert.equal((await house.anyone.get("/readyz")).status, 503, what);
        assert.ok(
          house.log.some((line) => line.startsWith("error") && line.includes("store_failed")),
          what,
        );
      } finally {
        await house.stop().catch(() => {});
        files.remove();
      }
    }
  }
});

test("default.store-down: a review that was not acknowledged, and one whose answer was lost", async () => {
  for (const fault of ["before", "after"] satisfies Fault[]) {
    const { files, store, house, world } = await ready();
    const question = exportRows(55);
    const held = await hold(world.gate, question);
    store.failOn("review.recorded", fault);
    assert.equal((await review(world.ann, held)).status, 503);
    await house.stop().catch(() => {});
    const again = await House.over(files);
    try {
      const status = await statusOf(again.as(world.gate.token), held);
      assert.equal(status, fault === "before" ? "pending" : "approved");
    } finally {
      await again[Symbol.asyncDispose]();
    }
  }
});

test("default.crash: a redemption in doubt is decided once, and the same attempt learns how", async () => {
  for (const fault of ["before", "after"] satisfies Fault[]) {
    const { files, store, house, world } = await ready();
    store.failOn("permit.redeemed", fault);
    assert.equal((await redeem(world.gate, world.permit, world.held.digest, ATTEMPT)).status, 503);
    await house.stop().catch(() => {});
    const again = await House.over(files);
    try {
      const gate = again.as(world.gate.token);
      const answers = await Promise.all([
        redeem(gate, world.permit, world.held.digest, ATTEMPT),
        redeem(gate, world.permit, world.held.digest),
      ]);
      assert.deepEqual(
        answers.map(({ status }) => status).toSorted((a, b) => a - b),
        [200, 409],
        fault,
      );
      if (fault === "after") assert.equal(answers[0]?.status, 200, "the attempt that was committed is the one");
      const used = (await again.entries()).filter(({ type }) => type === "permit.redeemed");
      assert.equal(used.length, 1, fault);
    } finally {
      await again[Symbol.asyncDispose]();
    }
  }
});

test("default.store-down: a second server on the same data is refused, says who holds it, and harms nothing", async () => {
  await using house = await House.open();
  const gate = await house.gate();
  const held = await hold(gate, QUESTION);
  await assert.rejects(House.over(house.files), (error) => {
    assert.ok(error instanceof StoreError);
    assert.equal(error.code, "store_locked");
    assert.ok(error.message.includes(`process ${process.pid}`), error.message);
    return true;
  });
  assert.equal(await statusOf(gate, held), "pending");
  await approve(await house.person("ann"), held);
});
