import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Dice } from "../crash/dice.ts";
import { exportRows } from "../support/actions.ts";
import { apply, approve, codeOf, hold, permitFor, redeem, review, statusOf } from "../support/flow.ts";
import { until } from "../support/process.ts";
import { account } from "./accounting.ts";
import { agentName, Fleet } from "./fleet.ts";
import { clockFrom, failing, inject, skip } from "./preload.ts";
import { Storm } from "./storm.ts";

const WRITERS = 8;
const APPROVED_FOR_SECONDS = 2;

/** What libfiu does to the server in the middle of its work, and whether it can go on. `failinfo` is errno. */
const FAULTS: readonly (readonly [title: string, fault: string, ends: boolean])[] = [
  ["a disk that no longer flushes (EIO)", "enable name=posix/io/sync/*,failinfo=5", true],
  ["a full disk (ENOSPC)", "enable name=posix/io/rw/pwrite,failinfo=28", true],
  ["a disk that no longer writes (EIO)", "enable name=posix/io/rw/pwrite,failinfo=5", true],
  ["one flush in five that fails", "enable_random name=posix/io/sync/*,probability=0.2,failinfo=5", true],
  ["a disk that writes less than it is told", "enable_random name=posix/io/rw/pwrite/reduce,probability=0.5", false],
];

/** A folder for a pipe or a clock, gone at the end. */
function scratch(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "keyturn-fault-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

void describe("the embedded store on a system that fails", { skip, timeout: 120_000 }, () => {
  for (const [title, fault, ends] of FAULTS) {
    void test(`default.store-down: ${title} costs nothing that was acknowledged`, async () => {
      using folder = scratch();
      const pipe = join(folder.path, "fiu");
      const options = { writers: WRITERS, approvedForSeconds: APPROVED_FOR_SECONDS, env: failing(pipe) };
      await using fleet = await Fleet.open({ store: { kind: "sqlite" }, instances: 1, ...options });
      const session = (await fleet.served(0).person("ann")).token ?? "";
      const tokens = await fleet.tokens(WRITERS);
      const approvedForMs = APPROVED_FOR_SECONDS * 1000;
      const storm = new Storm({ fleet, tokens, session, approvedForMs, dice: new Dice() });
      await until("writers are at work", () => storm.acknowledged > 40);
      const { process } = fleet.served(0);
      await inject(pipe, process.pid, fault);
      if (ends) {
        const { code, err } = await process.ended;
        assert.equal(code, 1, err);
        assert.match(err, /the store failed; nothing after this was acknowledged/);
        await fleet.start(0);
      }
      const before = storm.acknowledged;
      await until("writers go on", () => storm.acknowledged > before + 40);
      if (!ends) {
        // What was written in pieces is read by a server that starts from the file alone.
        await fleet.kill(0);
        await fleet.start(0);
      }
      await storm.end();
      assert.deepEqual([...storm.broken, ...(await account(fleet, storm.promised))], []);
      const { url, operator } = fleet.served(0);
      const verified = await fleet.home.keyturn(["verify", "--url", url], { KEYTURN_TOKEN: operator.token ?? "" });
      assert.equal(verified.code, 0, verified.out + verified.err);
    });
  }
});

void describe("a server whose clock jumps", { skip, timeout: 60_000 }, () => {
  void test("permit.expired: what ran out while the clock was ahead stays over when the clock goes back", async () => {
    using folder = scratch();
    const file = join(folder.path, "clock");
    writeFileSync(file, "+0\n");
    const options = { writers: 1, approvedForSeconds: 1800, env: clockFrom(file) };
    await using fleet = await Fleet.open({ store: { kind: "sqlite" }, instances: 1, ...options });
    const agent = agentName(0);
    const [token = ""] = await fleet.tokens(1);
    const gate = fleet.client(0, token);
    const ann = await fleet.served(0).person("ann");
    const [used, late, waiting] = [5001, 5002, 5003].map((rows) => exportRows(rows, { agent }));
    assert.ok(used !== undefined && late !== undefined && waiting !== undefined);
    const [first, second, third] = [await hold(gate, used), await hold(gate, late), await hold(gate, waiting)];
    await approve(ann, first);
    await approve(ann, second);
    const [one, two] = [await permitFor(gate, used, first), await permitFor(gate, late, second)];
    assert.equal((await redeem(gate, one, first.digest)).status, 200);

    writeFileSync(file, "+5m\n"); // beyond the permit, within the approval
    assert.equal(codeOf(await redeem(gate, two, second.digest)), "permit_expired");
    writeFileSync(file, "+3h\n"); // beyond everything
    await until("the timer has ended the request", async () => (await statusOf(gate, third)) === "expired");
    assert.equal((await apply(gate, late, second)).body["decision"], false);
    await sleep(1500); // the timer looks at the approval as well

    for (const clock of ["+0\n", "-1d\n"]) {
      writeFileSync(file, clock);
      assert.equal((await redeem(gate, two, second.digest)).status !== 200, true);
      assert.equal((await apply(gate, late, second)).body["decision"], false);
      assert.equal(codeOf(await review(ann, third)), "request_expired");
      assert.equal(codeOf(await redeem(gate, one, first.digest, randomUUID())), "permit_redeemed");
    }
    assert.equal((await fleet.stop(0))?.code, 0);
  });
});
