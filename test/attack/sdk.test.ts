import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "../../src/client/index.ts";
import { Cancelled, Denied, Unavailable, connect, perform } from "../../src/gates/sdk/index.ts";
import type { GuardOptions } from "../../src/gates/sdk/index.ts";
import type { JsonObject } from "../../src/core/action/index.ts";
import { Double, ok, problem } from "../gates/double.ts";

type Grant = { user: string; role: string };

function granter(double: Double, own: Partial<GuardOptions<[Grant], string>> = {}) {
  const ran: Grant[] = [];
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  const keyturn = connect({ url: double.url, token: "kt_test", retryForMs: 700, requestTimeoutMs: 300, onWarning });
  const run = keyturn.guard(
    (grant: Grant) => {
      ran.push(grant);
      return grant.role;
    },
    { action: "user.grant_role", resource: { type: "user", id: "eve" }, ...own },
  );
  return { run, ran, warnings };
}

const asUnavailable = (code: string) => (error: unknown) => {
  assert.ok(error instanceof Unavailable, inspect(error));
  assert.equal(error.code, code);
  return true;
};

test("shown.differs: what the caller changes after the call changes neither what is shown nor what runs (sdk)", async () => {
  await using double = await new Double().start();
  const { run, ran } = granter(double);
  const grant = { user: "eve", role: "reader" };
  const calling = run(grant);
  grant.role = "admin";
  const id = await double.task();
  grant.user = "mallory";
  double.decide(id, "approved");
  assert.equal(await calling, "reader");
  assert.deepEqual(ran, [{ user: "eve", role: "reader" }]);
  assert.doesNotMatch(double.wire, /admin|mallory/);
});

test("shown.differs: the function cannot be made to see other parameters through its own copy (sdk)", async () => {
  await using double = await new Double().start();
  double.rule = "allow";
  const keyturn = connect({ url: double.url, token: "kt_test" });
  const run = keyturn.guard(
    (grant: { roles: string[] }) => {
      assert.throws(() => grant.roles.push("admin"), TypeError);
      return grant.roles;
    },
    { action: "x.y", resource: { type: "t", id: "i" } },
  );
  assert.deepEqual(await run({ roles: ["reader"] }), ["reader"]);
});

test("shown.differs: a server that understood another action gets nothing run, at any of the three places (sdk)", async () => {
  const other = `sha256:${"0".repeat(64)}`;
  const isReevaluation = (body: JsonObject): boolean => "approval" in ((body["context"] ?? {}) as object);
  const table: readonly [string, (double: Double) => void][] = [
    [
      "evaluation that allows",
      (double) => {
        double.rule = "allow";
        double.bend = (context) => ({ ...context, digest: other });
      },
    ],
    [
      "request",
      (double) => {
        double.instead.push({
          path: /requests$/,
          reply: ({ body }) => {
            const reply = double.reply({
              method: "POST",
              path: "/access/v1/requests",
              body,
              headers: { authorization: "Bearer kt_test" },
            });
            const { task } = reply.body as { task: { id: string } };
            setTimeout(() => double.decide(task.id, "approved"), 20);
            return { ...reply, body: { task: { ...task, digest: other } } };
          },
        });
      },
    ],
    [
      "re-evaluation",
      (double) => {
        double.bend = (context, { body }) => (isReevaluation(body) ? { ...context, digest: other } : context);
      },
    ],
  ];
  for (const [where, lie] of table) {
    await using double = await new Double().start();
    lie(double);
    const { run, ran } = granter(double);
    const calling = run({ user: "eve", role: "admin" });
    calling.catch(() => undefined);
    if (where === "re-evaluation") double.decide(await double.task(), "approved");
    await assert.rejects(calling, asUnavailable("digest_differs"), where);
    assert.deepEqual([ran, double.count(/redeem/)], [[], 0], where);
  }
});

test("shown.differs: white space, order and encoding of strings are kept to the byte (sdk)", async () => {
  await using double = await new Double().start();
  double.rule = "allow";
  const keyturn = connect({ url: double.url, token: "kt_test" });
  const strings = ["  ls ", "ls\n", "l\u200bs", "é", "e\u0301", "\u202els", "", "\\u0041"];
  for (const text of strings) {
    const run = keyturn.guard((given: { command: string }) => given.command, {
      action: "x.y",
      resource: { type: "t", id: "i" },
    });
    assert.equal(await run({ command: text }), text);
    assert.deepEqual(double.asked["action"], { name: "x.y", properties: { command: text } });
  }
});

test("permit.late-execution: an abort at any moment before the run means that it never runs (sdk)", async () => {
  // [what the caller aborts at, in the order of the way of an action]
  const moments = ["whoami", "evaluation", "requests$", "stream", "approved", "reevaluation", "redeem"] as const;
  for (const moment of moments) {
    await using double = await new Double().start();
    const stop = new AbortController();
    const { run, ran } = granter(double);
    let evaluations = 0;
    double.bend = (context) => {
      evaluations += 1;
      if (moment === "evaluation" || (moment === "reevaluation" && evaluations === 2)) stop.abort();
      return context;
    };
    if (moment !== "approved" && moment !== "evaluation" && moment !== "reevaluation") {
      const path = moment === "stream" ? /tasks\/stream/ : new RegExp(moment);
      double.instead.push({
        path,
        reply: (exchange) => {
          stop.abort();
          return double.reply(exchange);
        },
      });
    }
    const calling = run.with({ signal: stop.signal })({ user: "eve", role: "admin" });
    const expectation = assert.rejects(
      calling,
      (error) => error instanceof Cancelled && error.code === "aborted",
      moment,
    );
    if (["approved", "reevaluation", "redeem"].includes(moment)) {
      const id = await double.task();
      while (double.streams === 0) await sleep(2);
      double.decide(id, "approved");
      if (moment === "approved") stop.abort();
    }
    await expectation;
    await sleep(60);
    assert.deepEqual(ran, [], `aborted at ${moment}`);
    for (const task of double.held.values()) {
      assert.notEqual(task.status, "pending", `aborted at ${moment}: the request is withdrawn`);
    }
    if (moment === "redeem") {
      const { status, details } = double.outcome;
      assert.deepEqual([status, details["executed"]], ["failed", false], "the ledger learns that nothing was executed");
    }
  }
});

test("permit.late-execution: an abort in the very last moment before the run, and one while nothing is answered (sdk)", async () => {
  await using double = await new Double().start();
  double.rule = "allow";
  const client = createClient({ url: double.url, token: "kt_test" });
  const stop = new AbortController();
  let ran = false;
  const attempt = perform({
    client,
    question: {
      subject: { type: "agent", id: "report-bot" },
      action: { name: "x.y" },
      resource: { type: "t", id: "i" },
    },
    signal: stop.signal,
    onWarning: () => undefined,
    recheck: async () => stop.abort(), // nothing is asked of anybody after this
    run: () => (ran = true),
  });
  await assert.rejects(attempt, Cancelled);
  assert.equal(ran, false);
  assert.deepEqual([double.outcome.status, double.outcome.details["executed"]], ["failed", false]);

  for (const path of [/whoami/, /evaluation$/, /requests$/]) {
    double.rule = "hold";
    double.instead.push({ path, reply: () => sleep(3_000).then(() => ok({})) });
    const keyturn = connect({ url: double.url, token: "kt_test" });
    const giveUp = new AbortController();
    const run = keyturn.guard(() => assert.fail("ran"), { action: "x.y", resource: { type: "t", id: "i" } });
    setTimeout(() => giveUp.abort(), 60);
    const startedAt = performance.now();
    await assert.rejects(run.with({ signal: giveUp.signal })(), Cancelled);
    assert.ok(performance.now() - startedAt < 2_000, `giving up at ${String(path)} is not kept waiting`);
  }
});

test("permit.late-execution: approvals and aborts that race run the call at most when it was not given up (sdk)", async () => {
  await using double = await new Double().start();
  const keyturn = connect({ url: double.url, token: "kt_test", onWarning: () => undefined });
  for (let round = 0; round < 20; round++) {
    double.held.clear();
    let abortedAt = 0;
    let ranAt = 0;
    const stop = new AbortController();
    const run = keyturn.guard(() => (ranAt = performance.now()), {
      action: `race.${round}`,
      resource: { type: "t", id: "i" },
    });
    const calling = run.with({ signal: stop.signal })();
    calling.catch(() => undefined);
    const id = await double.task();
    while (double.streams === 0) await sleep(1);
    setTimeout(() => {
      abortedAt = performance.now();
      stop.abort();
    }, round % 10);
    if (double.held.get(id)?.status === "pending") double.decide(id, "approved");
    await calling.catch(() => undefined);
    await sleep(15);
    assert.ok(ranAt === 0 || ranAt <= abortedAt, `round ${round}: ran ${ranAt - abortedAt} ms after it was given up`);
  }
});

test("permit.late-execution: a redemption whose answer stays lost runs nothing, and its retries share one attempt (sdk)", async () => {
  await using double = await new Double().start();
  const { run, ran } = granter(double);
  for (let lost = 0; lost < 50; lost++) double.instead.push({ path: /redeem/, reply: "handle-then-drop" });
  const calling = run({ user: "eve", role: "admin" });
  calling.catch(() => undefined);
  double.decide(await double.task(), "approved");
  await assert.rejects(calling, asUnavailable("unreachable"));
  assert.deepEqual(ran, []);
  const attempts = double.seen.filter(({ path }) => path.includes("redeem")).map(({ body }) => body["attempt"]);
  assert.ok(attempts.length > 1, "it was tried again");
  assert.equal(new Set(attempts).size, 1);
});

test("permit.late-execution: a redemption whose first answer was lost runs once under the same attempt (sdk)", async () => {
  await using double = await new Double().start();
  const { run, ran } = granter(double);
  double.instead.push({ path: /redeem/, reply: (exchange) => ({ ...double.reply(exchange), status: 503 }) });
  const calling = run({ user: "eve", role: "admin" });
  double.decide(await double.task(), "approved");
  assert.equal(await calling, "admin");
  assert.equal(ran.length, 1);
  assert.equal(double.count(/redeem/), 2);
});

test("default.server-down: nothing runs while the server cannot be reached, answers nonsense or is in trouble (sdk)", async () => {
  const table: readonly [string, Parameters<Double["instead"]["push"]>[0]["reply"], string][] = [
    ["connection closed", "drop", "unreachable"],
    ["500", problem(500, "internal", "a fault"), "overloaded"],
    ["503", problem(503, "store_failed", "the store failed"), "overloaded"],
    ["a page of a proxy", { status: 200, body: "<html>welcome</html>" }, "answer_malformed"],
    ["true", ok(true), "answer_malformed"],
    ["a decision as text", ok({ decision: "true", context: {} }), "answer_malformed"],
    ["a decision alone", ok({ decision: true }), "answer_malformed"],
    ["a duplicate member", { status: 200, body: '{"decision":false,"decision":true}' }, "answer_malformed"],
    ["a redirect", { status: 302, body: "", headers: { location: "/elsewhere" } }, "http_302"],
  ];
  for (const [what, reply, code] of table) {
    await using double = await new Double().start();
    double.rule = "allow";
    for (let again = 0; again < 50; again++) double.instead.push({ path: /evaluation$/, reply });
    const { run, ran } = granter(double);
    await assert.rejects(
      run({ user: "eve", role: "admin" }),
      (error) => (error instanceof Unavailable || error instanceof Denied) && error.code === code,
      what,
    );
    assert.deepEqual(ran, [], what);
  }
});

test("default.server-down: an outcome this version does not know is a denial, and half an allow is none (sdk)", async () => {
  const table: readonly [string, JsonObject][] = [
    ["unknown outcome", { decision: true, outcome: "permit" }],
    ["decision without outcome", { decision: true, outcome: "deny" }],
    ["outcome without decision", { decision: false, outcome: "allow" }],
    ["held and decided", { decision: true, outcome: "require_approval" }],
  ];
  for (const [what, { decision = null, outcome = null }] of table) {
    await using double = await new Double().start();
    double.instead.push({
      path: /evaluation$/,
      reply: (exchange) => {
        const { context } = double.reply(exchange).body as { context: JsonObject };
        return ok({ decision, context: { ...context, outcome } });
      },
    });
    const { run, ran } = granter(double);
    await assert.rejects(run({ user: "eve", role: "admin" }), Denied, what);
    assert.deepEqual(ran, [], what);
  }
});

test("default.server-down: no server at all is Unavailable within the time to retry (sdk)", async () => {
  const double = await new Double().start();
  await double.stop();
  const { run, ran } = granter(double);
  const startedAt = performance.now();
  await assert.rejects(run({ user: "eve", role: "admin" }), asUnavailable("unreachable"));
  assert.ok(performance.now() - startedAt < 2_000);
  assert.deepEqual(ran, []);
});

test("default.server-down: a server that never answers is Unavailable (sdk)", async () => {
  await using double = await new Double().start();
  for (let again = 0; again < 20; again++) {
    double.instead.push({ path: /whoami/, reply: () => new Promise(() => undefined) });
  }
  const { run, ran } = granter(double);
  await assert.rejects(run({ user: "eve", role: "admin" }), asUnavailable("timed_out"));
  assert.deepEqual(ran, []);
});

test("default.server-down: a server that restarts while an action is held costs nothing but time (sdk)", async () => {
  await using double = await new Double().start();
  const { run, ran } = granter(double);
  const calling = run({ user: "eve", role: "admin" });
  const id = await double.task();
  while (double.streams === 0) await sleep(2);
  await double.stop();
  double.decide(id, "approved"); // nobody hears it
  await sleep(300);
  await double.start();
  assert.equal(await calling, "admin");
  assert.equal(ran.length, 1);
});

test("secrets.logged: a secret parameter reaches the function and nobody else (sdk)", async () => {
  await using double = await new Double().start();
  const secret = "hunter2-s3cr3t";
  const seen: unknown[] = [];
  const warnings: Error[] = [];
  const keyturn = connect({ url: double.url, token: "kt_test", onWarning: (warning) => warnings.push(warning) });
  const options = { action: "user.create", resource: { type: "user", id: "eve" } };
  const byName = keyturn.guard((user: { name: string; password: string }) => seen.push(user.password), {
    ...options,
    secrets: ["password"],
  });
  const byPointer = keyturn.guard((_name: string, login: { password: string }) => seen.push(login.password), {
    ...options,
    secrets: ["/args/1/password"],
  });
  const failing = keyturn.guard(
    (user: { password: string }): void => {
      throw new Error(`cannot use ${user.password}`);
    },
    { ...options, secrets: ["password"] },
  );
  double.instead.push({ path: /outcome/, reply: problem(500, "internal", "a fault") });
  const calls = [byName({ name: "eve", password: secret }), byPointer("eve", { password: secret })];
  while (double.held.size < 2) await sleep(5);
  for (const id of double.held.keys()) double.decide(id, "approved");
  await Promise.all(calls);
  double.rule = "allow";
  await assert.rejects(failing({ password: secret }), /cannot use/);
  assert.deepEqual(seen, [secret, secret]);
  assert.doesNotMatch(double.wire, /hunter2/);
  assert.match(double.wire, /\$secret/);
  assert.doesNotMatch(inspect([keyturn, warnings], { depth: 12, showHidden: true }), /hunter2/);
});

test("secrets.logged: the token is in no error, warning or inspected client (sdk)", async () => {
  const keyturn = connect({ url: "http://127.0.0.1:1", token: "kt_verysecret", retryForMs: 0 });
  const run = keyturn.guard(() => 1, { action: "x.y", resource: { type: "t", id: "i" } });
  const error = await run().catch((caught: unknown) => caught);
  assert.ok(error instanceof Unavailable);
  assert.doesNotMatch(inspect([keyturn, error], { depth: 12, showHidden: true }), /verysecret/);
  assert.throws(
    () => connect({ url: "http://127.0.0.1:1", token: "kt_very\nsecret" }),
    (bad: Error) => !bad.message.includes("very"),
  );
});
