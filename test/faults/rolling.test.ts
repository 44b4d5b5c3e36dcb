// A rolling upgrade: each server ends and comes back while agents work. Nothing is lost, and nothing happens twice.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { exportRows } from "../support/actions.ts";
import { audit } from "../support/day.ts";
import { apply } from "../support/flow.ts";
import { Client, type Answer } from "../support/house.ts";
import { Instances, skip, startDatabase } from "../support/instances.ts";
import { at, textAt } from "../support/json.ts";
import type { Postgres } from "../support/postgres.ts";

const WORKERS = 4;
const RETRIES_MAX = 100;

/** Asks until there is an answer that is one: a connection that broke and a 503 say nothing of what became of it. */
async function insist(ask: () => Promise<Answer>): Promise<Answer> {
  for (let tries = 0; tries < RETRIES_MAX; tries += 1) {
    const answer = await ask().catch(() => null);
    if (answer !== null && answer.status !== 503) return answer;
    await sleep(20);
  }
  throw new Error("nobody answered");
}

void describe("a rolling upgrade under load", { skip }, () => {
  let postgres: Postgres;
  before(async () => {
    postgres = await startDatabase();
  });
  after(() => postgres.stop());

  void test("what was acknowledged is there, and every action runs once", async () => {
    await using trio = await Instances.open({ url: postgres.url("app") });
    const { house } = trio;
    const gate = await house.gate();
    const ann = await house.person("ann");
    const done: { id: string; permit: string }[] = [];
    let rows = 1000;
    let isOver = false;

    const work = async (): Promise<void> => {
      while (!isOver) {
        rows += 1;
        const question = exportRows(rows);
        const key = randomUUID();
        const evaluated = await insist(() => gate.post("/access/v1/evaluation", question));
        const denial = { evaluation_id: textAt(evaluated.body, "context", "evaluation_id") };
        const headers = { "idempotency-key": key };
        const asked = await insist(() => gate.post("/access/v1/requests", { ...question, denial }, { headers }));
        const id = textAt(asked.body, "task", "id");
        const digest = textAt(asked.body, "task", "digest");
        const nonce = randomUUID();
        const review = { verdict: "approve", digest, nonce };
        const reviewed = await insist(() => ann.post(`/v1/requests/${id}/reviews`, review));
        assert.equal(reviewed.status, 200, reviewed.text);
        const applied = await insist(() => apply(gate, question, { approval: id.replace("arq_", "apr_") }));
        const permit = textAt(applied.body, "context", "permit");
        const attempt = randomUUID();
        const redeemed = await insist(() => gate.post("/v1/permits/redeem", { permit, digest, attempt }));
        assert.equal(redeemed.status, 200, redeemed.text);
        done.push({ id, permit: textAt(redeemed.body, "permit_id") });
      }
    };
    const working = Promise.all(Array.from({ length: WORKERS }, work));
    for (const instance of [0, 1, 2]) {
      const before = done.length;
      while (done.length < before + 8) await sleep(5);
      await trio.restart(instance);
    }
    isOver = true;
    await working;

    const last = trio.one(2);
    const redeemed = (await last.entries()).filter(({ type }) => type === "permit.redeemed");
    const permits = redeemed.map(({ publics }) => publics["permit"]);
    assert.equal(new Set(permits).size, permits.length, "no permit twice");
    assert.equal(new Set(redeemed.map(({ stream }) => stream)).size, redeemed.length, "no request twice");
    assert.deepEqual(permits.map(String).toSorted(), done.map(({ permit }) => permit).toSorted());
    assert.equal(new Set(done.map(({ id }) => id)).size, done.length);
    // The operator's token is the same file for all of them.
    const report = await audit(new Client(last.url, house.operator.token));
    assert.deepEqual(report.decisions.findings, []);
    assert.equal(at({ passed: report.passed }, "passed"), true);
    assert.equal(report.counts.released, done.length);
  });
});
