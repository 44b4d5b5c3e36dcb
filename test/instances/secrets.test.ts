// Logs of a server with a shared store hold no secret, least of all the password of the database.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { readRows } from "../support/actions.ts";
import { skip, startDatabase } from "../support/instances.ts";
import { textAt } from "../support/json.ts";
import { openSession, type Postgres } from "../support/postgres.ts";
import { Installation, until } from "../support/process.ts";
import { Client } from "../support/house.ts";

const PASSWORD = "pa55-of-the-database";

void describe("secrets and a shared store", { skip }, () => {
  let postgres: Postgres;
  before(async () => {
    postgres = await startDatabase();
  });
  after(() => postgres.stop());

  void test("secrets.logged: no line, answer or error has the database's password, a token or a key", async () => {
    await using home = new Installation();
    const url = postgres.url("app").replace("app@", `app:${PASSWORD}@`);
    writeFileSync(join(home.dir, "database.url"), `${url}\n`);
    const yaml = `listen: 127.0.0.1:0\nstore: { postgres: { url_file: ./database.url, ledger: quiet, patience_seconds: 1 } }\nkeys: { operator: ./operator.token }\n`;
    writeFileSync(join(home.dir, "keyturn.yaml"), yaml);
    const launched = home.launch(["serve", "--json"]);
    const address = await launched.seen(({ out }) => /"url":"([^"]+)"/.exec(out)?.[1] ?? null);
    const token = (await home.keyturn(["store", "operator-token"])).out.trim();
    const operator = new Client(address, token);
    const made = await operator.post("/v1/tokens", { agent: "report-bot", gate: "sdk" });
    const gate = new Client(address, textAt(made.body, "token"));
    assert.equal((await gate.post("/access/v1/evaluation", readRows(1))).status, 200);
    // The database goes away in the middle: errors are when secrets slip out.
    await postgres.crash("SIGQUIT");
    const asked = [operator.get("/readyz"), operator.get("/metrics"), gate.post("/access/v1/evaluation", readRows(2))];
    const told = await Promise.all(asked.map((one) => one.then(({ text }) => text, String)));
    assert.match(told[1] ?? "", /^keyturn_store_up 0$/m);
    await postgres.start();
    await until("it is back", async () => (await operator.get("/readyz")).status === 200);
    launched.signal("SIGTERM");
    const ended = await launched.ended;
    assert.equal(ended.code, 0, ended.err);
    const wrong = await home.keyturn(["store", "migrate", "--to", url.replace("127.0.0.1", "127.0.0.2"), "--json"]);
    const session = await openSession(postgres.port);
    session.close();
    const all = [ended.out, ended.err, ...told, wrong.out, wrong.err].join("\n");
    assert.match(ended.err, /away|lost|unavailable/, "the outage is in the log");
    for (const line of ended.err.trim().split("\n")) assert.equal(typeof JSON.parse(line), "object", line);
    for (const secret of [PASSWORD, token.slice(-43), (gate.token ?? "").slice(-43), "PRIVATE KEY"]) {
      assert.ok(!all.includes(secret), `${secret} was told`);
    }
  });
});
