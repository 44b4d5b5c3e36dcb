// A working day of a house: everything that can happen to requests happens, and an auditor who trusts only the key agrees.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instant } from "../../src/core/brand.ts";
import { verifyLedger, type Report } from "../../src/verify/index.ts";
import { deleteAudit, dropTable, exportRows, grantRole, readRows } from "../support/actions.ts";
import { HOUR, MINUTE } from "../support/clock.ts";
import { apply, approve, codeOf, hold, permitFor, redeem, review, statusOf } from "../support/flow.ts";
import { House, type Client } from "../support/house.ts";
import { at, textAt } from "../support/json.ts";
import { DIRECTORY, edited, POLICIES, RuleFiles } from "../support/rules.ts";

/** What an auditor downloads, checked with nothing else. */
async function audit(operator: Client): Promise<Report> {
  const checkpoint = (await operator.get("/v1/ledger/checkpoint")).text;
  const vkey = (await operator.get("/v1/ledger/vkey")).text.trim();
  const { text } = await operator.get("/v1/ledger/entries?from=0&limit=5000");
  const bytes = (encoded: string): Uint8Array => new Uint8Array(Buffer.from(encoded, "base64"));
  const entries = text
    .trimEnd()
    .split("\n")
    .map(
      (line) =>
        JSON.parse(line) as {
          index: number;
          stream: string;
          version: number;
          type: string;
          header: string;
          payload: string;
          salt: string;
        },
    )
    .map((entry) => ({
      ...entry,
      header: bytes(entry.header),
      payload: bytes(entry.payload),
      salt: bytes(entry.salt),
    }));
  return verifyLedger({ entries, checkpoint, vkey });
}

async function morning(house: House, gate: Client): Promise<number> {
  const [ann, bob, cy, dee] = (await Promise.all(["ann", "bob", "cy", "dee"].map((id) => house.person(id)))) as [
    Client,
    Client,
    Client,
    Client,
  ];
  const passed = await gate.post("/access/v1/evaluation", readRows(5));
  const evaluation = textAt(passed.body, "context", "evaluation_id");
  assert.equal(
    (await gate.post(`/v1/evaluations/${evaluation}/outcome`, { status: "succeeded", details: { rows: 5 } })).status,
    200,
  );
  assert.equal((await gate.post("/access/v1/evaluation", deleteAudit())).body["decision"], false);

  const exported = await hold(gate, exportRows(12_000));
  assert.equal((await review(cy, exported)).status, 403);
  await approve(ann, exported);
  const permit = await permitFor(gate, exportRows(12_000), exported);
  const used = await redeem(gate, permit, exported.digest);
  assert.equal(used.status, 200);
  const outcome = { status: "succeeded", details: { rows: 12_000 } };
  const path = `/v1/permits/${textAt(used.body, "permit_id")}/outcome`;
  const reported = await gate.post(path, outcome);
  assert.deepEqual((await gate.post(path, outcome)).body, reported.body, "a repeated report");
  const view = (await dee.get(`/v1/requests/${exported.id}`)).body;
  assert.deepEqual([at(view, "permit", "status"), at(view, "outcome", "details", "rows")], ["redeemed", 12_000]);

  const dropped = await hold(gate, dropTable("scratch"));
  await approve(ann, dropped);
  await approve(dee, dropped);
  assert.equal((await redeem(gate, await permitFor(gate, dropTable("scratch"), dropped), dropped.digest)).status, 200);

  const granted = await hold(gate, grantRole("admin"));
  await approve(bob, granted);
  assert.equal((await review(ann, granted, "deny", { reason: "never" })).status, 200);
  const given = await hold(gate, exportRows(400));
  assert.equal((await gate.post(`/access/v1/requests/${given.id}/cancel`, {})).status, 200);
  assert.equal(codeOf(await gate.post(`/access/v1/requests/${given.id}/cancel`, {})), "request_closed");
  return 2;
}

async function noon(house: House, gate: Client): Promise<number> {
  const left = await hold(gate, exportRows(500)); // its approver leaves
  await approve(await house.person("ann"), left);
  await house.change({
    directory: edited(DIRECTORY, "    name: Ann Achterberg", "    active: false\n    name: Ann Achterberg"),
  });
  assert.equal(at((await apply(gate, exportRows(500), left)).body, "context", "code"), "approval_voided");
  await approve(await house.person("bob"), left);
  assert.equal((await redeem(gate, await permitFor(gate, exportRows(500), left), left.digest)).status, 200);
  await house.change({ directory: DIRECTORY });

  const joined = await hold(gate, exportRows(600)); // a second attempt is made by its approver
  await approve(await house.person("dee"), joined);
  assert.equal((await hold(await house.gate("report-bot", "sdk", "dee"), exportRows(600))).id, joined.id);
  assert.equal(await statusOf(gate, joined), "pending");

  const outgrown = await hold(gate, exportRows(700)); // policy gets stricter, before and after the approval
  const waiting = await hold(gate, exportRows(701));
  await approve(await house.person("bob"), outgrown);
  await house.change({
    policies: edited(POLICIES, '@approvers("data-owners") @expires', '@approvers("data-owners") @quorum("2") @expires'),
  });
  assert.equal(at((await apply(gate, exportRows(700), outgrown)).body, "context", "next_action"), "request");
  const fresh = await hold(gate, exportRows(700));
  assert.notEqual(fresh.id, outgrown.id);
  assert.notEqual((await hold(gate, exportRows(701))).id, waiting.id);
  assert.equal(await statusOf(gate, waiting), "failed");
  await approve(await house.person("bob"), fresh);
  await approve(await house.person("dee"), fresh);
  assert.equal((await redeem(gate, await permitFor(gate, exportRows(700), fresh), fresh.digest)).status, 200);
  await house.change({ policies: POLICIES });
  return 2;
}

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
