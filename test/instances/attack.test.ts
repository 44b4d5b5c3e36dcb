// The attacks on approvals and permits, each of them against three servers on one ledger behind a load balancer.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { skip, startDatabase } from "../support/instances.ts";
import { ROOT } from "../support/process.ts";

const FILES = ["permit", "quorum", "approver"].map((name) => `test/attack/${name}.test.ts`);
const PASSED_MIN = 20;

void test("the attacks on one server fail against three as well", { skip }, async () => {
  const postgres = await startDatabase();
  try {
    // Without what the runner of this file tells its own children.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const child = spawn(process.execPath, ["--test", "--test-reporter=tap", ...FILES.map((file) => join(ROOT, file))], {
      cwd: ROOT,
      env: { ...env, KEYTURN_TEST_DATABASE: postgres.url("app") },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [told, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
    const failed = told.split("\n").filter((line) => /^\s*not ok /.test(line));
    assert.equal(code, 0, failed.join("\n"));
    assert.ok(Number(/^# pass (\d+)$/m.exec(told)?.[1]) >= PASSED_MIN, told.slice(-500));
  } finally {
    await postgres.stop();
  }
});
