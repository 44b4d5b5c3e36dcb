// A working day of a house: everything that can happen to requests happens, and an auditor who trusts only the key agrees.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instant } from "../../src/core/brand.ts";
import { exportRows } from "../support/actions.ts";
import { HOUR, MINUTE } from "../support/clock.ts";
import { audit, morning, noon } from "../support/day.ts";
import { approve, hold, permitFor, redeem } from "../support/flow.ts";
import { House } from "../support/house.ts";
import { RuleFiles } from "../support/rules.ts";

test("a day of approvals, refusals, changes, time-outs and a restart stands up to an auditor", async () => {
  let ahead = -2 * HOUR; // the day ends before now, as an auditor would have it
  const clock = { now: () => (Date.now() + ahead) as Instant };
  const files = new RuleFiles();
  let house = await House.over(files, { clock });
  try {
    const gate = await house.gate();
    let released = await morning(house, gate);
    released += await noon(house, gate);
    const unused = await hold(gate, exportRows(800));
    await approve(await house.person("ann"), unused);
    await hold(gate, exportRows(900));
    ahead += HOUR + MINUTE;
    await house.stop();

    house = await House.over(files, { clock });
    const again = house.as(gate.token);
    const late = await hold(again, exportRows(800));
    assert.notEqual(late.id, unused.id);
    await approve(await house.person("dee"), late);
    assert.equal((await redeem(again, await permitFor(again, exportRows(800), late), late.digest)).status, 200);
    released += 1;

    const report = await audit(house.operator);
    assert.deepEqual(
      [report.integrity, report.completeness, report.decisions].flatMap(({ findings }) => findings),
      [],
    );
    assert.equal(report.passed, true, JSON.stringify(report));
    assert.equal(report.counts.released, released);
    assert.equal(report.counts.entries, await house.size());
  } finally {
    await house[Symbol.asyncDispose]();
  }
});
