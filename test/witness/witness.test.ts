// C2SP tlog-witness, as its text says it: what is cosigned, and what each refusal is.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { addSignatures, openCosignatures } from "../../src/core/ledger/index.ts";
import { verifyEd25519 } from "../../src/verify/index.ts";
import { openWitnessFolder, Witness, type WitnessFolder } from "../../src/witness/index.ts";
import { TestLog } from "../support/log.ts";
import { TestWitness } from "../support/witness.ts";

const NOW = 1_780_000_000;

type World = Disposable & {
  readonly log: TestLog;
  readonly witness: Witness;
  readonly folder: WitnessFolder;
  readonly dir: string;
};

function open(log: TestLog = new TestLog(), dir: string = mkdtempSync(join(tmpdir(), "keyturn-witness-"))): World {
  const folder = openWitnessFolder(dir, "witness.test/one");
  const witness = new Witness({ folder, logs: [log.vkey], now: () => NOW });
  return {
    log,
    witness,
    folder,
    dir,
    [Symbol.dispose]: () => {
      folder[Symbol.dispose]();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

test("the first checkpoint, its continuation, and the same once more are cosigned at the witness's time", () => {
  using world = open();
  const { log, witness, folder } = world;
  log.grow(7);
  for (const [old, size] of [
    [0, 3],
    [3, 7],
    [7, 7],
  ] as const) {
    const answer = witness.add(log.body(old, size));
    assert.deepEqual([answer.status, answer.type], [200, "text/plain; charset=utf-8"], answer.body);
    const note = addSignatures(log.note(size), [answer.body]);
    const signed = openCosignatures(note, [folder.vkey], verifyEd25519);
    assert.deepEqual(signed, [{ name: "witness.test/one", seconds: NOW }]);
  }
});

test("ledger.fork: a history that forks is refused, although the log's own key signed it", () => {
  using world = open();
  const { log, witness } = world;
  assert.equal(witness.add(log.grow(6).body(0)).status, 200);
  const fork = log.fork(4).grow(9, "other ");
  assert.equal(witness.add(fork.body(6)).status, 422, "longer, with the fork's own proof");
  const sameSize = log.fork(4).grow(6, "other ");
  const refused = witness.add(sameSize.body(6));
  assert.deepEqual([refused.status, refused.body], [409, "6\n"], "of the same size");
  const shorter = witness.add(log.body(5, 5));
  assert.deepEqual([shorter.status, shorter.type, shorter.body], [409, "text/x.tlog.size", "6\n"], "an older one");
  assert.equal(witness.add(log.grow(9).body(6)).status, 200, "the true one goes on");
});

test("each fault has the status that tlog-witness gives it, and none of them moves the witness", () => {
  using world = open();
  const { log, witness } = world;
  log.grow(9);
  assert.equal(witness.add(log.body(0, 4)).status, 200);
  const stranger = new TestLog(log.origin).grow(9);
  const [proof = ""] = log.body(4, 9).split("\n").slice(1);
  const rows: readonly (readonly [what: string, body: string, status: number])[] = [
    ["another log", new TestLog("log.test/ledger/two/1").grow(2).body(0), 404],
    ["another key under the same origin", stranger.body(4), 403],
    ["an old size that is beyond the checkpoint", log.body(4, 9).replace("old 4", "old 10"), 400],
    ["an old size that is not where it stands", log.body(2, 9), 409],
    ["a first submission once more", log.body(0, 9), 409],
    ["no proof", log.body(4, 9).replace(/^old 4\n[^]*?\n\n/, "old 4\n\n"), 422],
    ["a proof of something else", log.body(4, 8).replace(log.note(8), log.note(9)), 422],
    ["a line too many in the proof", log.body(4, 9).replace("\n", `\n${proof}\n`), 422],
    ["64 lines of proof", log.body(4, 9).replace("\n", `\n${`${proof}\n`.repeat(64)}`), 400],
    ["a leading zero", log.body(4, 9).replace("old 4", "old 04"), 400],
    ["CRLF", log.body(4, 9).replace("old 4\n", "old 4\r\n"), 400],
    ["no old size", log.note(9), 400],
    ["no signature line", `old 4\n\n${log.note(9).split("\n\n")[0] ?? ""}\n`, 400],
    ["nothing", "", 400],
  ];
  for (const [what, body, status] of rows) assert.equal(witness.add(body).status, status, what);
  assert.equal(witness.add(log.body(4, 9)).status, 200, "it still stands at 4");
});

test("a proof with the first checkpoint is refused: from nothing there is nothing to prove", () => {
  using world = open();
  const { log, witness } = world;
  log.grow(9);
  const body = log.body(4, 9).replace("old 4", "old 0");
  assert.equal(witness.add(body).status, 422);
});

test("whatever is submitted in whatever order, all that was ever cosigned is one history", () => {
  const step = fc.record({ old: fc.nat(12), size: fc.nat(12), forked: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), fc.integer({ min: 1, max: 11 }), (steps, at) => {
      using world = open();
      const log = world.log.grow(12);
      const fork = log.fork(at).grow(12, "other ");
      let stands = 0;
      const sides = new Set<TestLog>();
      for (const { old, size, forked } of steps) {
        if (old > size) continue;
        const side = forked ? fork : log;
        const { status } = world.witness.add(side.body(old, size));
        if (status !== 200) continue;
        assert.ok(old === stands && size >= stands, `cosigned ${size} after ${stands}`);
        stands = size;
        if (size > at) sides.add(side); // up to there the two are the same
      }
      assert.ok(sides.size <= 1, "two histories were cosigned");
    }),
    { numRuns: 60 },
  );
});

test("what was cosigned last is on disk, holds over a restart, and is not forgotten because a file was damaged", () => {
  const log = new TestLog().grow(9);
  const dir = mkdtempSync(join(tmpdir(), "keyturn-witness-"));
  try {
    {
      const folder = openWitnessFolder(dir, "witness.test/one");
      assert.throws(() => openWitnessFolder(dir, null), { code: "witness_folder_held" });
      const witness = new Witness({ folder, logs: [log.vkey], now: () => NOW });
      assert.equal(witness.add(log.body(0, 5)).status, 200);
      assert.deepEqual(
        readdirSync(join(dir, "logs")).filter((name) => name.endsWith(".new")),
        [],
      );
      folder[Symbol.dispose]();
      assert.equal(existsSync(join(dir, "pid")), false);
    }
    writeFileSync(join(dir, "pid"), "999999999"); // what a crash leaves behind
    using folder = openWitnessFolder(dir, null);
    assert.equal(folder.name, "witness.test/one");
    const witness = new Witness({ folder, logs: [log.vkey], now: () => NOW });
    assert.equal(witness.add(log.body(0, 9)).body, "5\n");
    const [file = ""] = readdirSync(join(dir, "logs"));
    const kept = readFileSync(join(dir, "logs", file), "utf8");
    assert.equal(kept, log.note(5));
    for (const damaged of [
      "",
      kept.slice(0, -20),
      kept.replace("\n5\n", "\n0\n"),
      new TestLog(log.origin).grow(1).note(),
    ]) {
      writeFileSync(join(dir, "logs", file), damaged);
      assert.throws(() => witness.add(log.body(0, 9)), { code: "witness_state_damaged" });
    }
    writeFileSync(join(dir, "logs", file), kept);
    assert.equal(witness.add(log.body(5, 9)).status, 200);
    assert.throws(
      () => new Witness({ folder, logs: [log.vkey, new TestLog(log.origin).vkey], now: () => NOW }),
      RangeError,
    );
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

test("over HTTP: add-checkpoint by POST, nothing else, and bodies have a limit", async () => {
  const log = new TestLog().grow(3);
  await using witness = await new TestWitness().start([log.vkey]);
  const send = async (method: string, path: string, body: string | null): Promise<readonly [number, string]> => {
    const response = await fetch(witness.url + path, body === null ? { method } : { method, body });
    await response.arrayBuffer();
    return [response.status, response.headers.get("content-type") ?? ""];
  };
  const text = "text/plain; charset=utf-8";
  assert.deepEqual(await send("POST", "/add-checkpoint", log.body(0)), [200, text]);
  assert.deepEqual(await send("POST", "/add-checkpoint", log.body(0)), [409, "text/x.tlog.size"]);
  assert.deepEqual(await send("GET", "/add-checkpoint", null), [405, text]);
  assert.deepEqual(await send("GET", "/", null), [404, text]);
  assert.deepEqual(await send("GET", "/healthz", null), [200, text]);
  assert.deepEqual(await send("POST", "/add-checkpoint", "x".repeat(300_000)), [413, text]);
});
