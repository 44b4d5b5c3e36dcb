// A server and its witnesses: cosignatures in the background, and no start over a ledger that a witness contradicts.
import assert from "node:assert/strict";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { run } from "../../src/cli/verify.ts";
import { witnessKey } from "../../src/core/ledger/index.ts";
import { openEpoch } from "../../src/server/epoch.ts";
import { LEDGER_DEFAULT } from "../../src/server/config.ts";
import { systemChance, systemClock } from "../../src/server/compose.ts";
import { LIMITS_DEFAULT } from "../../src/engine/index.ts";
import { openCheckpoint, verifyReceipt, witnessesOf } from "../../src/verify/index.ts";
import { screen } from "../cli/terminal.ts";
import { readRows } from "../support/actions.ts";
import { codeOf } from "../support/flow.ts";
import { House, type HouseOptions } from "../support/house.ts";
import { until } from "../support/process.ts";
import { RuleFiles } from "../support/rules.ts";
import { TestWitness } from "../support/witness.ts";

async function vkeyOf(house: House): Promise<string> {
  return (await house.anyone.get("/ledger/vkey")).text.trim();
}

function with1(witness: TestWitness): Pick<HouseOptions, "ledger"> {
  return { ledger: { witnesses: [{ url: witness.url, vkey: witness.vkey }], witnessQuorum: 1 } };
}

async function cosignedSize(house: House): Promise<number> {
  const { status, text } = await house.operator.get("/ledger/checkpoint");
  return status === 200 ? openCheckpoint(text, await vkeyOf(house)).size : -1;
}

type World = {
  readonly files: RuleFiles;
  readonly witness: TestWitness;
  readonly vkey: string;
  /** The data directory as it was before the witness signed its last. */
  readonly backup: string;
  readonly witnessed: number;
};

/** A ledger that a witness has signed, its server stopped; and a backup from before. */
async function witnessed(files: RuleFiles, witness: TestWitness): Promise<World> {
  const backup = join(files.dir, "backup");
  const first = await House.over(files);
  const vkey = await vkeyOf(first);
  await first.stop();
  cpSync(join(files.dir, "data"), backup, { recursive: true });
  await witness.start([vkey]);
  const house = await House.over(files, with1(witness));
  const gate = await house.gate();
  for (let n = 0; n < 5; n++) await gate.post("/access/v1/evaluation", readRows(5));
  const size = await house.size();
  await until("the witness cosigns what is there", async () => (await cosignedSize(house)) >= size);
  const signed = await cosignedSize(house);
  await house.stop();
  return { files, witness, vkey, backup, witnessed: signed };
}

function restore({ files, backup }: World): void {
  rmSync(join(files.dir, "data"), { recursive: true });
  cpSync(backup, join(files.dir, "data"), { recursive: true });
}

async function each(run: (world: World) => Promise<void>): Promise<void> {
  const files = new RuleFiles();
  try {
    await using witness = new TestWitness();
    await run(await witnessed(files, witness));
  } finally {
    files.remove();
  }
}

test("checkpoints are cosigned in the background, and receipts carry the cosignature once it is there", async () => {
  await each(async ({ files, witness, vkey, witnessed: before }) => {
    await using house = await House.over(files, with1(witness));
    await (await house.gate()).post("/access/v1/evaluation", readRows(5));
    const size = await house.size();
    assert.ok(size > before);
    await until("cosigned", async () => (await cosignedSize(house)) >= size);
    const note = (await house.operator.get("/ledger/checkpoint")).text;
    const policy = { vkeys: [witness.vkey], quorum: 1 };
    assert.equal(witnessesOf(note, policy).length, 1);
    const { text } = await house.operator.get(`/ledger/receipt/${size - 1}`);
    assert.equal(verifyReceipt({ receipt: text, vkey, witnesses: policy }).index, size - 1);
    assert.deepEqual((await house.operator.get("/v1/doctor")).text.includes("witness"), false);
    const verify = (key: string): Promise<number> =>
      run(
        ["--url", house.url, "--token", house.operator.token ?? "", "--vkey", vkey, "--witness", key],
        screen({ cwd: files.dir }),
      );
    assert.equal(await verify(witness.vkey), 0, "`keyturn verify --witness` over what is published");
    const stranger = witnessKey("other.example", new Uint8Array(32).fill(9));
    assert.equal(await verify(stranger), 1, "another witness did not cosign it");
  });
});

test("a witness that is away blocks nothing: entries commit, receipts are given, the doctor says so", async () => {
  await each(async ({ files, witness, witnessed: before }) => {
    await using house = await House.over(files, with1(witness));
    await witness.stop();
    const gate = await house.gate();
    const started = performance.now();
    for (let n = 0; n < 20; n++) assert.equal((await gate.post("/access/v1/evaluation", readRows(5))).status, 200);
    assert.ok(performance.now() - started < 2_000);
    await until("the doctor knows", async () =>
      (await house.operator.get("/v1/doctor")).text.includes("witness_silent"),
    );
    const published = await cosignedSize(house);
    assert.ok(published >= before && published < (await house.size()), "the last that was cosigned is still published");
  });
});

test("ledger.rollback: a restored backup is not served, until an operator orders a new epoch that says so", async () => {
  await each(async (world) => {
    const { files, witness, vkey, witnessed: signed } = world;
    restore(world);
    await assert.rejects(House.over(files, with1(witness)), (error: Error & { code?: string }) => {
      assert.equal(error.code, "ledger_rolled_back");
      assert.match(error.message, new RegExp(`signed ${signed}: this is an old copy`));
      return true;
    });
    const config = {
      host: "127.0.0.1",
      port: 0,
      publicUrl: null,
      data: join(files.dir, "data"),
      directory: files.directory,
      catalogue: files.catalogue,
      policies: files.policies,
      limits: LIMITS_DEFAULT,
      ledger: { ...LEDGER_DEFAULT, ...with1(witness).ledger },
    };
    const epoch = await openEpoch(config, "the disk was lost", { chance: systemChance(), clock: systemClock });
    assert.deepEqual([epoch.closed, epoch.origin], [vkey.split("+")[0], vkey.split("+")[0]?.replace(/1$/, "2")]);

    await using house = await House.over(files, with1(witness));
    assert.equal(await vkeyOf(house), epoch.vkey);
    const closed = (await house.entries()).find(({ type }) => type === "epoch.closed");
    assert.deepEqual(closed?.publics["witnessed"], [{ witness: "witness.test/one", says: "stale", size: signed }]);
    assert.deepEqual(closed?.payload, { because: "the disk was lost" });
    assert.equal(
      codeOf(await house.operator.get("/ledger/checkpoint")),
      "checkpoint_unwitnessed",
      "not told to it yet",
    );
    await witness.stop();
    await witness.start([vkey, epoch.vkey]);
    await until("the new epoch is cosigned", async () => (await cosignedSize(house)) > 0);
  });
});

test("ledger.fork: a copy that went its own way with the real key is not served, and the witness does not sign it", async () => {
  await each(async (world) => {
    const { files, witness, witnessed: signed } = world;
    restore(world);
    // Without its witness the old copy runs, and grows beyond what was signed.
    const alone = await House.over(files);
    const gate = await alone.gate();
    while ((await alone.size()) < signed + 10) await gate.post("/access/v1/evaluation", readRows(7));
    await alone.stop();
    await assert.rejects(House.over(files, with1(witness)), { code: "ledger_forked" });
    assert.deepEqual(witness.log.length > 0 && witness.log.every((line) => line.startsWith("422")), true);
  });
});

test("witnesses_silent: with nobody there to ask, a start is refused, unless fewer witnesses are asked for", async () => {
  await each(async ({ files, witness }) => {
    await witness.stop();
    await assert.rejects(
      House.over(files, { ledger: { witnesses: [{ url: witness.url, vkey: witness.vkey }], witnessQuorum: 1 } }),
      {
        code: "witnesses_silent",
      },
    );
    await using house = await House.over(files, {
      ledger: { witnesses: [{ url: witness.url, vkey: witness.vkey }], witnessQuorum: 0 },
    });
    assert.equal((await house.operator.get("/ledger/checkpoint")).status, 200);
    assert.equal((await house.entries()).filter(({ type }) => type === "config.changed").length >= 2, true);
  });
});

test("ledger.key-swap: a server whose ledger key was replaced does not start under the old name", async () => {
  const files = new RuleFiles();
  try {
    await (await House.over(files)).stop();
    rmSync(join(files.dir, "data", "ledger-key.pem"));
    await assert.rejects(House.over(files), { code: "ledger_key_changed" });
  } finally {
    files.remove();
  }
});
