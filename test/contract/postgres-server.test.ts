import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { migratePostgres, openPostgres } from "../../src/stores/postgres/index.ts";
import { exportRows, readRows } from "../support/actions.ts";
import { approve, codeOf, hold, permitFor, redeem, statusOf } from "../support/flow.ts";
import { House } from "../support/house.ts";
import { findPostgres, startPostgres } from "../support/postgres.ts";
import type { Postgres } from "../support/postgres.ts";
import { startProxy } from "../support/proxy.ts";

const bin = findPostgres();
const skip =
  bin === null && process.env["CI"] === undefined ? "PostgreSQL is not installed: install `postgresql`" : false;
const QUESTION = exportRows(12_000);

void describe("a server whose ledger is in PostgreSQL", { skip }, () => {
  let postgres: Postgres;
  before(async () => {
    assert.ok(bin !== null, "CI needs PostgreSQL: install `postgresql`");
    postgres = await startPostgres(bin, []);
    await migratePostgres({ url: postgres.url() });
  });
  after(() => postgres.stop());

  void test("an action is held, approved, permitted and redeemed once", async () => {
    await using house = await House.open({ store: await openPostgres({ url: postgres.url(), ledger: randomUUID() }) });
    const [gate, ann] = [await house.gate(), await house.person("ann")];
    const held = await hold(gate, QUESTION);
    await approve(ann, held);
    const permit = await permitFor(gate, QUESTION, held);
    const redeemed = await Promise.all(
      Array.from({ length: 8 }, () => redeem(gate, permit, held.digest, randomUUID())),
    );
    assert.equal(redeemed.filter(({ status }) => status === 200).length, 1);
  });

  void test("default.store-down: while the database is away nobody is answered yes, and the server goes on when it is back", async () => {
    await using proxy = await startProxy(postgres.port);
    const store = await openPostgres({
      url: postgres.url("kt", proxy.port),
      ledger: randomUUID(),
      patienceMs: 200,
    });
    await using house = await House.open({ store });
    const [gate, ann] = [await house.gate(), await house.person("ann")];
    const held = await hold(gate, QUESTION);

    proxy.open = false;
    proxy.reset();
    for (const [what, ask] of [
      ["an action that passes", () => gate.post("/access/v1/evaluation", readRows(1))],
      ["a review", () => ann.post(`/v1/requests/${held.id}/reviews`, { verdict: "approve", digest: held.digest })],
    ] as const) {
      const answer = await ask();
      assert.deepEqual([answer.status, codeOf(answer)], [503, "store_unavailable"], what);
      assert.ok(Number(answer.headers.get("retry-after")) >= 1, what);
    }
    // Long enough for the sweeper to meet it too.
    assert.equal(await Promise.race([house.ended.then(() => "ended"), sleep(1500, "runs on")]), "runs on");

    proxy.open = true;
    assert.equal(await statusOf(gate, held), "pending");
    await approve(ann, held);
    const permit = await permitFor(gate, QUESTION, held);
    assert.equal((await redeem(gate, permit, held.digest, randomUUID())).status, 200);
  });
});
