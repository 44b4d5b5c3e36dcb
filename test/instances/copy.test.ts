// Moving from the embedded file to a shared database: with the binary as it is written in docs/operations.md.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { openSqliteStore } from "../../src/stores/sqlite/index.ts";
import { exportRows } from "../support/actions.ts";
import { audit, morning } from "../support/day.ts";
import { approve, hold, permitFor, redeem } from "../support/flow.ts";
import { House } from "../support/house.ts";
import { skip, startDatabase } from "../support/instances.ts";
import { openSession, type Postgres } from "../support/postgres.ts";
import { Installation } from "../support/process.ts";

void describe("keyturn store", { skip }, () => {
  let postgres: Postgres;
  before(async () => {
    postgres = await startDatabase();
  });
  after(() => postgres.stop());

  void test("a copy goes on where the file ended: same ledger, same keys, waiting requests and used attempts", async () => {
    await using home = new Installation();
    const first = await House.over(home.files);
    const gate = await first.gate();
    await morning(first, gate);
    const held = await hold(gate, exportRows(5000));
    const done = await hold(gate, exportRows(5001));
    await approve(await first.person("ann"), done);
    const permit = await permitFor(gate, exportRows(5001), done);
    const attempt = randomUUID();
    const redeemed = (await redeem(gate, permit, done.digest, attempt)).body;
    const vkey = (await first.anyone.get("/ledger/vkey")).text;
    await first.stop();
    const file = join(home.data, "keyturn.db");
    {
      await using store = await openSqliteStore({ path: file });
      const erasable = (await store.range(0, 1000)).find(({ type }) => type === "session.opened");
      await store.append({ entries: [], erase: [erasable?.index ?? -1] });
    }

    const to = ["--to", postgres.url("app"), "--ledger", "moved", "--json"];
    const copied = await home.keyturn(["store", "copy", "--from", file, ...to]);
    assert.equal(copied.code, 0, copied.err);
    const again = await home.keyturn(["store", "copy", "--from", file, ...to]);
    assert.deepEqual([again.code, /copy_target_used/.test(again.err)], [1, true], again.err);

    const settings = {
      store: { url: postgres.url("app"), ledger: "moved", wake: "notify" as const },
      keys: { permit: null, ledger: null, operator: join(home.data, "operator.token") },
    };
    await using second = await House.over(home.files, { settings });
    assert.equal((await second.anyone.get("/ledger/vkey")).text, vkey);
    const later = second.as(gate.token);
    const repeated = await redeem(later, permit, done.digest, attempt);
    assert.deepEqual([repeated.status, repeated.body["permit_id"]], [200, redeemed["permit_id"]]);
    await approve(await second.person("ann"), held);
    const used = await redeem(later, await permitFor(later, exportRows(5000), held), held.digest);
    assert.equal(used.status, 200, used.text);
    assert.equal((await audit(second.operator)).integrity.findings.length, 0);
  });

  void test("a file that a server has open is not copied, and one that is not there is not made", async () => {
    await using home = new Installation();
    await using house = await House.over(home.files);
    const file = join(home.data, "keyturn.db");
    const to = ["--to", postgres.url("app"), "--ledger", "never", "--json"];
    const busy = await home.keyturn(["store", "copy", "--from", file, ...to]);
    assert.match(busy.err, /store_locked/);
    const missing = join(home.dir, "nothing.db");
    assert.equal((await home.keyturn(["store", "copy", "--from", missing, ...to])).code, 1);
    assert.equal(existsSync(missing), false);
    assert.ok((await house.size()) > 0);
  });

  void test("migrate prepares a database as its owner, once; a server without it says what to do", async () => {
    const session = await openSession(postgres.port);
    await session.ask("create database fresh");
    session.close();
    await using home = new Installation();
    const url = postgres.url().replace(/postgres$/, "fresh");
    const settings = { store: { url, ledger: "main", wake: "poll" as const } };
    await assert.rejects(House.over(home.files, { settings }), /keyturn store migrate/);
    const made = await home.keyturn(["store", "migrate", "--to", url, "--role", "app", "--json"]);
    assert.deepEqual([made.code, JSON.parse(made.out)], [0, { from: 0, to: 1, role: "app" }], made.err);
    const again = await home.keyturn(["store", "migrate", "--to", url]);
    assert.match(again.out, /already/);
    await using house = await House.over(home.files, { settings });
    assert.equal((await house.anyone.get("/readyz")).status, 200);
    const yaml = `listen: 127.0.0.1:0\nstore: { postgres: { url: "${url}" } }\n`;
    writeFileSync(join(home.dir, "keyturn.yaml"), yaml);
    const token = await home.keyturn(["store", "operator-token"]);
    assert.match(token.out, /^kto_[0-9a-z]{26}_[A-Za-z0-9_-]{43}\n$/, token.err);
    assert.equal((await house.as(token.out.trim()).get("/v1/tokens")).status, 200);
  });
});
