import assert from "node:assert/strict";
import { test } from "node:test";
import { Dice } from "../crash/dice.ts";
import { skip } from "../support/instances.ts";
import { findPostgres, startPostgres } from "../support/postgres.ts";
import { kills } from "./kills.ts";

// The short form of `node tools/faults.ts kill`, which does 200 rounds.
const ROUNDS = 6;
const WRITERS = 64;
const LIMIT = { timeout: 180_000 };

for (const store of ["sqlite", "postgres"] as const) {
  void test(
    `default.crash: kill -9 under ${WRITERS} writers loses, doubles and delays nothing (${store})`,
    { ...LIMIT, skip: store === "postgres" ? skip : false },
    async (t) => {
      const dice = new Dice();
      t.diagnostic(`KEYTURN_SEED=${dice.seed}`);
      const bin = findPostgres();
      assert.ok(store === "sqlite" || bin !== null, "CI needs PostgreSQL: install `postgresql`");
      const postgres = store === "sqlite" || bin === null ? undefined : await startPostgres(bin, []);
      try {
        const base = { store, rounds: ROUNDS, writers: WRITERS, dice, progress: () => {} };
        const { broken, ...counts } = await kills(postgres === undefined ? base : { ...base, postgres });
        t.diagnostic(JSON.stringify(counts));
        assert.deepEqual(broken, []);
        assert.ok(counts.acknowledged > 100 && counts.redeemed > 0, JSON.stringify(counts));
      } finally {
        await postgres?.stop();
      }
    },
  );
}
