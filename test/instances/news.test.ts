// A decision travels with the news of it: whoever holds the agent at another server has nothing to read.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import pg from "pg";
import type { StoredEntry } from "../../src/ports/store.ts";
import { exportRows } from "../support/actions.ts";
import { approve, hold, statusOf } from "../support/flow.ts";
import { Instances, skip, startDatabase } from "../support/instances.ts";
import type { Postgres } from "../support/postgres.ts";
import { until } from "../support/process.ts";

/** The poll may be faster than the news of one decision, hardly of three. */
const ROUNDS = 3;

void describe("news between servers", { skip }, () => {
  let postgres: Postgres;
  before(async () => {
    postgres = await startDatabase();
  });
  after(() => postgres.stop());

  void test("a request and its decision are given to the other server, and nobody else can read them", async () => {
    // The first server makes the keys of a new ledger, and shares what the second one reads from their files.
    await using pair = await Instances.open({ url: postgres.url("app"), count: 2 });
    const [here, there] = [pair.one(0), pair.one(1)];
    const given = new Map<string, StoredEntry>();
    for (const { store } of [here, there]) {
      store.onAdvance((news = []) => news.forEach((entry) => void given.set(entry.type, entry)));
    }
    const ear = new pg.Client({ connectionString: postgres.url("app") });
    await ear.connect();
    const notices: string[] = [];
    ear.on("notification", ({ payload = "" }) => notices.push(payload));
    await ear.query("listen keyturn");
    const gate = await here.gate();
    const ann = there.as((await here.person("ann")).token);
    for (let round = 0; round < ROUNDS; round += 1) {
      const held = await hold(gate, exportRows(100 + round));
      await approve(ann, held);
      await until("it is told", async () => (await statusOf(gate, held)) === "approved");
    }
    for (const type of ["request.opened", "review.recorded", "request.approved"]) {
      const entry = given.get(type);
      assert.ok(entry !== undefined, `${type} among ${[...given.keys()].join(", ")}`);
      const [read] = await here.store.range(entry.index, 1);
      assert.deepEqual(Buffer.from(entry.payload ?? []), Buffer.from(read?.payload ?? []));
    }
    await ear.end();
    const text = notices.map((notice) => Buffer.from(notice.split(" ")[3] ?? "", "base64").toString("latin1")).join();
    assert.ok(text.length > 1000 && !text.includes("review.recorded"));
  });
});
