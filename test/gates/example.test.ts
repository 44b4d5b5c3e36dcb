import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Double } from "./double.ts";
import type { Rule } from "./double.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/sdk.ts", import.meta.url));

test("examples/sdk.ts runs through the public name: held and approved, and a sentence for every other end", async () => {
  const table: readonly [Rule, string | null, RegExp][] = [
    ["hold", "approved", /^held: http:.*\/requests\/arq_.*\nexported 12000 customers\n$/],
    ["hold", "denied", /\ndenied by ann: not before the audit\n$/],
    ["hold", "cancelled", /\nrequest arq_\S+ was withdrawn\. Nothing was executed\.\n$/],
    ["hold", "expired", /\n[^\n]*Nothing was executed[^\n]*\n$/],
    ["deny", null, /^denied by policy: a rule of the test\n$/],
  ];
  for (const [rule, decision, said] of table) {
    await using double = await new Double().start();
    double.rule = rule;
    const env = { ...process.env, KEYTURN_URL: double.url, KEYTURN_TOKEN: "kt_test" };
    const running = promisify(execFile)(process.execPath, ["--conditions=keyturn-source", EXAMPLE], { env });
    const denial = { by: "ann", reason: "not before the audit" };
    if (decision !== null) double.decide(await double.task(), decision, decision === "denied" ? denial : undefined);
    assert.match((await running).stdout, said);
  }
});
