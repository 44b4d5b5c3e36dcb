import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { ConnectOptions, GuardOptions } from "../../src/gates/sdk/index.ts";
import { Cancelled, Denied, Expired, Unavailable, connect } from "../../src/gates/sdk/index.ts";
import { InputError } from "../../src/core/errors.ts";
import { Double, ok, problem } from "./double.ts";

type Rows = { readonly table: string; readonly limit: number };

/** A guarded export and a record of what it was run with. */
function exporter(
  double: Double,
  own: Partial<GuardOptions<[Rows], string>> = {},
  connection: Partial<ConnectOptions> = {},
) {
  const warnings: Error[] = [];
  const ran: Rows[] = [];
  const keyturn = connect({
    url: double.url,
    token: "kt_test",
    retryForMs: 3_000,
    onWarning: (warning) => warnings.push(warning),
    ...connection,
  });
  const run = keyturn.guard(
    (rows: Rows) => {
      ran.push(rows);
      return `exported ${rows.limit}`;
    },
    { action: "customers.export", resource: { type: "table", id: "customers" }, environment: "production", ...own },
  );
  return { keyturn, run, ran, warnings };
}

const ROWS: Rows = { table: "customers", limit: 12_000 };

test("an allowed action runs at once and its outcome is reported under the evaluation", async () => {
  await using double = await new Double().start();
  double.rule = "allow";
  const { run, ran } = exporter(double, { report: () => ({ rows: 12_000 }) });
  assert.equal(await run(ROWS), "exported 12000");
  assert.deepEqual(ran, [ROWS]);
  assert.equal(double.count(/requests|redeem/), 0);
  const { of, status, details } = double.outcome;
  assert.match(of, /^eval_/);
  assert.equal(status, "succeeded");
  assert.equal(details["rows"], 12_000);
});

test("a held action waits, redeems once under its own attempt, runs once, and reports under the permit", async () => {
  await using double = await new Double().start();
  const shown: string[] = [];
  const { run, ran } = exporter(double, { onHeld: (task) => shown.push(task.links?.review ?? "") });
  const calling = run(ROWS);
  const id = await double.task();
  await sleep(30);
  assert.deepEqual(ran, [], "nothing runs while it is held");
  double.decide(id, "approved");
  assert.equal(await calling, "exported 12000");
  assert.deepEqual([ran.length, double.count(/redeem/), double.outcomes.length], [1, 1, 1]);
  assert.match(double.outcome.of, /^prm_/);
  assert.deepEqual(shown, [`${double.url}/requests/${id}`]);
});

test("what ends a request ends the call with its own error, and nothing runs", async () => {
  const table = [
    ["denied", Denied, "denied_by_person", { by: "ann", reason: "not before the audit" }],
    ["cancelled", Cancelled, "request_cancelled", undefined],
    ["expired", Expired, "request_expired", undefined],
    ["failed", Denied, "request_failed", undefined],
    ["blessed", Denied, "request_failed", undefined], // a status this version does not know is no approval
  ] as const;
  for (const [status, kind, code, denial] of table) {
    await using double = await new Double().start();
    const { run, ran } = exporter(double);
    const calling = run(ROWS);
    double.decide(await double.task(), status, denial);
    await assert.rejects(calling, (error) => {
      assert.ok(error instanceof kind, `${status}: ${String(error)}`);
      assert.equal(error.code, code);
      if (error instanceof Denied && denial !== undefined) {
        assert.deepEqual([error.by, error.because], ["ann", "not before the audit"]);
        assert.match(error.requestId ?? "", /^arq_/);
      }
      return true;
    });
    assert.deepEqual([ran, double.count(/redeem/)], [[], 0], status);
  }
});

test("a policy's denial names its code, its reason and its policy", async () => {
  await using double = await new Double().start();
  double.rule = "deny";
  const { run, ran } = exporter(double);
  await assert.rejects(run(ROWS), { name: "Denied", code: "forbidden", because: "a rule of the test", by: null });
  await assert.rejects(run(ROWS), /by policy test-rule/);
  assert.deepEqual([ran, double.count(/requests/)], [[], 0]);
});

test("parameters: one plain object is the properties, anything else is a list", async () => {
  const table: readonly [readonly unknown[], unknown][] = [
    [[{ limit: 5 }], { limit: 5 }],
    [[{ limit: 5, left: undefined }], { limit: 5 }],
    [["customers", 5], { args: ["customers", 5] }],
    [[["a"]], { args: [["a"]] }],
    [[{ a: 1 }, { b: 2 }], { args: [{ a: 1 }, { b: 2 }] }],
    [["a", undefined], { args: ["a"] }],
    [[], { args: [] }],
    [[null], { args: [null] }],
  ];
  await using double = await new Double().start();
  double.rule = "allow";
  const keyturn = connect({ url: double.url, token: "kt_test" });
  for (const [given, expected] of table) {
    const run = keyturn.guard((...args: unknown[]) => args.length, { action: "x.y", resource: { type: "t", id: "i" } });
    await run(...given);
    assert.deepEqual((double.asked["action"] as { properties: unknown }).properties, expected);
  }
});

test("parameters that are no plain data are refused before anything is sent", async () => {
  await using double = await new Double().start();
  const keyturn = connect({ url: double.url, token: "kt_test" });
  const run = keyturn.guard((given: unknown) => assert.fail(`ran with ${typeof given}`), {
    action: "x.y",
    resource: { type: "t", id: "i" },
  });
  for (const given of [
    () => 1,
    new Date(),
    10n,
    Number.NaN,
    new Map(),
    {
      get a() {
        return 1;
      },
    },
    "\ud800",
  ]) {
    await assert.rejects(run(given), InputError);
  }
  assert.equal(double.seen.length, 0);
});

test("resource, facts, reason and people may be made from the parameters", async () => {
  await using double = await new Double().start();
  double.rule = "allow";
  const { run } = exporter(double, {
    resource: ({ table }) => ({ type: "table", id: table }),
    facts: ({ limit }) => ({ rows: limit }),
    effects: ["export"],
    reason: ({ limit }) => `the ${limit} of March`,
    onBehalfOf: "eve",
  });
  await run.with({ reason: "asked by finance" })(ROWS);
  const sent = double.asked;
  assert.deepEqual(sent["subject"], { type: "agent", id: "report-bot", properties: { on_behalf_of: "eve" } });
  assert.deepEqual(sent["resource"], { type: "table", id: "customers" });
  assert.deepEqual(sent["context"], {
    environment: "production",
    reason: "asked by finance",
    declared: { effects: ["export"], facts: { rows: 12_000 } },
  });
});

test("an error of the function is reported by name alone and rethrown as it is", async () => {
  await using double = await new Double().start();
  double.rule = "allow";
  const keyturn = connect({ url: double.url, token: "kt_test" });
  const failure = new RangeError("password hunter2 is wrong");
  const run = keyturn.guard(
    async () => {
      throw failure;
    },
    { action: "x.y", resource: { type: "t", id: "i" } },
  );
  await assert.rejects(run(), (error) => error === failure);
  assert.equal(double.outcome.status, "failed");
  assert.equal(double.outcome.details["error"], "RangeError");
  assert.doesNotMatch(double.wire, /hunter2/);
});

test("an outcome that cannot be reported is a warning, never a failure", async () => {
  await using double = await new Double().start();
  double.rule = "allow";
  double.instead.push({ path: /outcome/, reply: problem(403, "outcome_known", "reported already") });
  const { run, warnings } = exporter(double);
  assert.equal(await run(ROWS), "exported 12000");
  assert.deepEqual(
    warnings.map((warning) => (warning as { code?: string }).code),
    ["outcome_unreported"],
  );
});

test("a result that cannot be described still succeeded", async () => {
  await using double = await new Double().start();
  double.rule = "allow";
  const describe = (): never => {
    throw new Error("no rows here");
  };
  const { run, warnings } = exporter(double, { report: describe });
  assert.equal(await run(ROWS), "exported 12000");
  assert.equal(double.outcome.status, "succeeded");
  assert.equal(warnings.length, 1);
});

test("two calls at once with the same parameters: one approval runs one of them", async () => {
  await using double = await new Double().start();
  const { run, ran } = exporter(double);
  const calls = [run(ROWS), run(ROWS)];
  const id = await double.task();
  while (double.count(/requests$/) < 2) await sleep(5);
  double.decide(id, "approved");
  const results = await Promise.allSettled(calls);
  assert.deepEqual(results.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  const lost = results.find((result) => result.status === "rejected");
  assert.ok(lost?.reason instanceof Denied);
  assert.equal(lost.reason.code, "permit_redeemed");
  assert.equal(ran.length, 1);
});

test("giving up one of two calls that share a request does not withdraw it for the other", async () => {
  await using double = await new Double().start();
  const { run, ran } = exporter(double);
  const stop = new AbortController();
  const first = run.with({ signal: stop.signal })(ROWS);
  const second = run(ROWS);
  const id = await double.task();
  while (double.count(/requests$/) < 2) await sleep(5);
  await sleep(30);
  stop.abort();
  await assert.rejects(first, { name: "Cancelled", code: "aborted" });
  assert.equal(double.count(/cancel$/), 0);
  double.decide(id, "approved");
  assert.equal(await second, "exported 12000");
  assert.equal(ran.length, 1);
});

test("a time limit of the caller withdraws the request", async () => {
  await using double = await new Double().start();
  const { run, ran } = exporter(double, { timeoutMs: 80 });
  await assert.rejects(run(ROWS), (error) => error instanceof Expired && error.code === "wait_timed_out");
  assert.deepEqual([ran, double.count(/cancel$/)], [[], 1]);
});

test("a request that is past its end is expired here even if the server never says so", async () => {
  await using double = await new Double().start();
  double.lifeMs = -4_900; // its end and nearly all of the grace are over
  const { run, ran } = exporter(double);
  const calling = run(ROWS);
  await double.task();
  await assert.rejects(calling, { name: "Expired", code: "request_expired" });
  assert.deepEqual(ran, []);
});

test("a refused re-evaluation says why, and `retry` is retried", async () => {
  const table = [
    [{ next_action: "none", reason: "policy_denied" }, Denied, "policy_denied"],
    [{ next_action: "request", reason: "out_of_scope" }, Denied, "out_of_scope"],
    [{ next_action: "request", reason: "approval_expired" }, Expired, "approval_expired"],
  ] as const;
  for (const [answer, kind, code] of table) {
    await using double = await new Double().start();
    double.bend = (context, { body }) =>
      "approval" in (body["context"] as object) ? { ...context, outcome: "require_approval", ...answer } : context;
    const { run, ran } = exporter(double);
    const calling = run(ROWS);
    double.decide(await double.task(), "approved");
    await assert.rejects(calling, (error) => error instanceof kind && error.code === code);
    assert.deepEqual([ran, double.count(/redeem/)], [[], 0]);
  }
  await using double = await new Double().start();
  let asked = 0;
  double.bend = (context, { body }) => {
    if (!("approval" in (body["context"] as object)) || ++asked > 1) return context;
    return { ...context, outcome: "require_approval", next_action: "retry", reason: "grant_pending" };
  };
  const { run, ran } = exporter(double);
  const calling = run(ROWS);
  double.decide(await double.task(), "approved");
  await calling;
  assert.deepEqual([asked, ran.length], [2, 1]);
});

test("an approval without a permit runs nothing", async () => {
  await using double = await new Double().start();
  double.bend = (context) => ({ ...context, permit: null });
  const { run, ran } = exporter(double);
  const calling = run(ROWS);
  double.decide(await double.task(), "approved");
  await assert.rejects(calling, (error) => error instanceof Unavailable && error.code === "permit_missing");
  assert.deepEqual(ran, []);
});

test("a token the server does not know is named as such", async () => {
  await using double = await new Double().start();
  const { run, ran } = exporter(double, {}, { token: "kt_other" });
  await assert.rejects(run(ROWS), (error) => error instanceof Unavailable && error.code === "unauthorized");
  assert.deepEqual(ran, []);
  assert.equal(double.seen.length, 1, "a refusal is not repeated");
});

test("a failed whoami is not remembered", async () => {
  await using double = await new Double().start();
  double.rule = "allow";
  double.instead.push({ path: /whoami/, reply: ok({ agent: "?" }) });
  const { run } = exporter(double);
  await assert.rejects(run(ROWS), { name: "Unavailable", code: "answer_malformed" });
  assert.equal(await run(ROWS), "exported 12000");
});
