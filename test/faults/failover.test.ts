import assert from "node:assert/strict";
import { test } from "node:test";
import { findPostgres } from "../support/postgres.ts";
import { skip } from "../support/instances.ts";
import { failovers } from "./failovers.ts";

void test(
  "default.store-down: a failover to the standby loses nothing that was acknowledged and makes nothing twice",
  { skip, timeout: 120_000 },
  async (t) => {
    const bin = findPostgres();
    assert.ok(bin !== null, "CI needs PostgreSQL: install `postgresql`");
    const { acknowledged, awayMs } = await failovers(bin, 2, 16, (line) => t.diagnostic(line));
    assert.ok(acknowledged >= 200);
    assert.equal(awayMs.length, 2);
  },
);
