// The working day of test/scenario, on PostgreSQL and with three servers that take turns: nobody can tell.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { audit, morning, noon } from "../support/day.ts";
import { Instances, skip, startDatabase } from "../support/instances.ts";
import type { Postgres } from "../support/postgres.ts";

void describe("a day on three instances", { skip }, () => {
  let postgres: Postgres;
  before(async () => {
    postgres = await startDatabase();
  });
  after(() => postgres.stop());

  void test("approvals, refusals and changes go through any of them, and stand up to an auditor", async () => {
    await using trio = await Instances.open({ url: postgres.url("app") });
    const { house } = trio;
    const gate = await house.gate();
    const released = (await morning(house, gate)) + (await noon(house, gate));
    const report = await audit(house.operator);
    assert.deepEqual(
      [report.integrity, report.completeness, report.decisions].flatMap(({ findings }) => findings),
      [],
    );
    assert.equal(report.passed, true, JSON.stringify(report));
    assert.equal(report.counts.released, released);
    const shares = trio.houses.map(({ url }) => trio.proxy.answered.get(url) ?? 0);
    assert.ok(Math.min(...shares) > 10, `each answered its share: ${shares.join(", ")}`);
  });
});
