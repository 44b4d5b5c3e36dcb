// Log before act: every step can prove that it is in the ledger, and a gate runs nothing whose redemption is not.
import assert from "node:assert/strict";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { test } from "node:test";
import type { Json } from "../../src/core/action/index.ts";
import { openHeader, verifierKey } from "../../src/core/ledger/index.ts";
import { connect, type ConnectOptions } from "../../src/gates/sdk/index.ts";
import { signerOf } from "../../src/server/keys.ts";
import { verifyReceipt } from "../../src/verify/index.ts";
import { Double, ok } from "../gates/double.ts";
import { exportRows, readRows } from "../support/actions.ts";
import { apply, approve, hold, redeem, review } from "../support/flow.ts";
import { House } from "../support/house.ts";
import { at, textAt } from "../support/json.ts";

test("evaluation, decision, permit, redemption and outcome are proven to whoever asks, each by its own leaf", async () => {
  await using house = await House.open();
  const gate = await house.gate();
  const vkey = (await house.anyone.get("/ledger/vkey")).text.trim();
  /** The type and public members of what a receipt proves, after it was verified offline. */
  const proven = (receipt: Json | undefined): readonly [string, Json | undefined] => {
    const opened = verifyReceipt({ receipt: textAt(receipt, "proof"), vkey });
    assert.deepEqual([at(receipt, "index"), at(receipt, "size")], [opened.index, opened.checkpoint.size]);
    const { type, publics } = openHeader(opened.leaf);
    return [type, publics["digest"] ?? null];
  };
  const asked = { headers: { "keyturn-receipt": "1" } };

  const passed = await gate.post("/access/v1/evaluation?receipt=1", readRows(5));
  const digest = textAt(passed.body, "context", "digest");
  assert.deepEqual(proven(at(passed.body, "context", "receipt")), ["action.evaluated", digest]);
  const evaluation = textAt(passed.body, "context", "evaluation_id");
  const done = await gate.post(`/v1/evaluations/${evaluation}/outcome?receipt=1`, { status: "succeeded" });
  assert.deepEqual(proven(done.body["receipt"]), ["action.completed", digest]);

  const held = await hold(gate, exportRows(12_000));
  const pending = await gate.get(`/access/v1/requests/${held.id}?receipt=1`);
  assert.equal(pending.body["receipt"], undefined, "nothing is decided");
  await approve(await house.person("ann"), held);
  const approved = await gate.get(`/access/v1/requests/${held.id}`, asked);
  assert.deepEqual(proven(approved.body["receipt"]), ["request.approved", held.digest]);
  const context = { ...(exportRows(12_000)["context"] as object), approval: { id: held.approval } };
  const applied = await gate.post("/access/v1/evaluation", { ...exportRows(12_000), context }, asked);
  assert.deepEqual(proven(at(applied.body, "context", "receipt")), ["action.evaluated", held.digest]);
  assert.deepEqual(proven(at(applied.body, "context", "permit_receipt")), ["permit.issued", held.digest]);

  const attempt = randomUUID();
  const permit = textAt(applied.body, "context", "permit");
  const redeemed = await redeem(gate, permit, held.digest, attempt);
  assert.deepEqual(proven(redeemed.body["receipt"]), ["permit.redeemed", held.digest], "without being asked");
  assert.deepEqual((await redeem(gate, permit, held.digest, attempt)).body, redeemed.body, "the same once more");
  const path = `/v1/permits/${textAt(redeemed.body, "permit_id")}/outcome`;
  const outcome = await gate.post(path, { status: "succeeded" }, asked);
  assert.deepEqual(proven(outcome.body["receipt"]), ["action.completed", held.digest]);

  const other = await hold(gate, exportRows(700));
  await review(await house.person("ann"), other, "deny", { reason: "no" });
  const denied = await gate.get(`/access/v1/requests/${other.id}?receipt=1`);
  assert.deepEqual(proven(denied.body["receipt"]), ["request.denied", other.digest]);
  const plain = await apply(gate, exportRows(12_000), held);
  assert.equal(at(plain.body, "context", "receipt"), undefined, "nobody asked");
});

test("with the key pinned a held call runs, its receipt in hand before it does; under another key it never runs", async () => {
  await using house = await House.open();
  const gate = await house.gate();
  const ann = await house.person("ann");
  const vkey = (await house.anyone.get("/ledger/vkey")).text.trim();
  const stranger = verifierKey(vkey.split("+")[0] ?? "", signerOf(generateKeyPairSync("ed25519").privateKey).publicKey);
  const order: string[] = [];
  const run = async (rows: number, options: Partial<ConnectOptions>): Promise<void> => {
    const keyturn = connect({
      url: house.url,
      token: gate.token ?? "",
      environment: "production",
      onReceipt: (receipt) => order.push(openHeader(verifyReceipt({ receipt, vkey }).leaf).type),
      onWarning: () => {},
      ...options,
    });
    const exported = keyturn.guard(({ limit }: { limit: number }) => order.push(`ran ${limit}`), {
      action: "customers.export",
      resource: { type: "table", id: "customers" },
      onHeld: ({ id, digest, status }) => void (status === "pending" && review(ann, { id, digest })),
    });
    try {
      await exported({ limit: rows });
    } finally {
      keyturn.close();
    }
  };
  await run(1_000, { ledgerKey: vkey });
  await run(2_000, {});
  assert.deepEqual(order, ["permit.redeemed", "ran 1000", "permit.redeemed", "ran 2000"]);
  await assert.rejects(run(3_000, { ledgerKey: stranger }), { code: "receipt_invalid" });
  assert.equal(order.includes("ran 3000"), false);
  const last = (await house.entries()).at(-1);
  assert.deepEqual([last?.type, last?.publics["status"]], ["action.completed", "failed"], "and the ledger says so");
  assert.throws(() => connect({ url: house.url, token: "kt_x", ledgerKey: "not a key" }), TypeError);
});

test("ledger.skip: a server that lies about the receipt of a redemption gets nothing executed", async () => {
  const other = new Double(); // of another key
  const rows: readonly (readonly [what: string, bend: (receipt: Record<string, Json>, double: Double) => Json])[] = [
    ["no receipt", ({ index, size }) => ({ index: index ?? 0, size: size ?? 1 })],
    ["an empty proof", (receipt) => ({ ...receipt, proof: "" })],
    ["another permit's", (_, double) => double.receiptOf(`prm_${"0".repeat(26)}`, `sha256:${"0".repeat(64)}`)],
    ["another index", (receipt) => ({ ...receipt, index: 5 })],
    [
      "another ledger's",
      (receipt) => ({ ...receipt, proof: textAt(other.receiptOf(`prm_${"0".repeat(26)}`, ""), "proof") }),
    ],
    [
      "an altered leaf",
      (receipt) => ({ ...receipt, proof: textAt(receipt, "proof").replace(/^extra ..../m, "extra AAAA") }),
    ],
  ];
  for (const [what, bend] of rows) {
    await using double = await new Double().start();
    const honest = double.reply.bind(double);
    double.reply = (exchange) => {
      const reply = honest(exchange);
      if (exchange.path !== "/v1/permits/redeem") return reply;
      const body = reply.body as Record<string, Json>;
      return ok({ ...body, receipt: bend(body["receipt"] as Record<string, Json>, double) });
    };
    const keyturn = connect({ url: double.url, token: "kt_test", onWarning: () => {} });
    let ran = 0;
    const guarded = keyturn.guard(() => (ran += 1), { action: "a.b", resource: { type: "t", id: "1" } });
    const call = guarded();
    double.decide(await double.task(), "approved");
    await assert.rejects(call, { name: "Unavailable", code: "receipt_invalid" }, what);
    assert.equal(ran, 0, what);
    assert.deepEqual([double.outcome.status, double.outcome.details["executed"]], ["failed", false], what);
    keyturn.close();
  }
});
