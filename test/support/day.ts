import assert from "node:assert/strict";
import { verifyLedger, type Report } from "../../src/verify/index.ts";
import { deleteAudit, dropTable, exportRows, grantRole, readRows } from "./actions.ts";
import { apply, approve, codeOf, hold, permitFor, redeem, review, statusOf } from "./flow.ts";
import type { Client, House } from "./house.ts";
import { at, textAt } from "./json.ts";
import { DIRECTORY, edited, POLICIES } from "./rules.ts";

/** What an auditor downloads, checked with nothing else. */
export async function audit(operator: Client): Promise<Report> {
  const checkpoint = (await operator.get("/v1/ledger/checkpoint")).text;
  const vkey = (await operator.get("/v1/ledger/vkey")).text.trim();
  const { text } = await operator.get("/v1/ledger/entries?from=0&limit=5000");
  const bytes = (encoded: string): Uint8Array => new Uint8Array(Buffer.from(encoded, "base64"));
  const erasable = (encoded: string | null): Uint8Array | null => (encoded === null ? null : bytes(encoded));
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
          payload: string | null;
          salt: string | null;
        },
    )
    .map((entry) => ({
      ...entry,
      header: bytes(entry.header),
      payload: erasable(entry.payload),
      salt: erasable(entry.salt),
    }));
  return verifyLedger({ entries, checkpoint, vkey });
}

/** Everything that can happen to requests in peace; answers how many actions were released. */
export async function morning(house: House, gate: Client): Promise<number> {
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

/** Approvers leave, second attempts join, and policies change under way; answers how many actions were released. */
export async function noon(house: House, gate: Client): Promise<number> {
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
