import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { BACKOFF_MAX_MS, backoffDelay, retryDelay } from "../../src/client/backoff.ts";
import { Unavailable, WireError, createClient } from "../../src/client/index.ts";
import type { EvaluationRequest } from "../../src/client/index.ts";
import { Double, ok, problem } from "../gates/double.ts";
import type { Reply } from "../gates/double.ts";

const QUESTION: EvaluationRequest = {
  subject: { type: "agent", id: "report-bot" },
  action: { name: "table.read" },
  resource: { type: "table", id: "customers" },
};

const client = (double: Double, retryForMs = 2_000): ReturnType<typeof createClient> =>
  createClient({ url: double.url, token: "kt_test", retryForMs, requestTimeoutMs: 1_000 });

test("the pause between attempts doubles, has jitter, ends at a maximum, and yields to Retry-After", () => {
  const busy = new WireError({ status: 503, code: "busy", detail: "", retryAfterMs: 30_000 });
  const away = new Unavailable({ code: "unreachable", message: "" });
  const table = [
    [away, 0, 0, 50],
    [away, 0, 0.999, 99.95],
    [away, 3, 0, 400],
    [away, 60, 0.999, BACKOFF_MAX_MS - 2.5],
    [busy, 0, 0, 30_000],
    [new WireError({ status: 400, code: "bad", detail: "" }), 0, 0, null],
    [new WireError({ status: 409, code: "used", detail: "" }), 0, 0, null],
    [new WireError({ status: 429, code: "many", detail: "" }), 1, 0, 100],
    [new Unavailable({ code: "answer_malformed", message: "" }), 0, 0, null],
    [new Error("ours"), 0, 0, null],
  ] as const;
  for (const [failure, attempt, chance, expected] of table)
    assert.equal(retryDelay(failure, attempt, chance), expected);
  assert.ok(backoffDelay(5, 0) < backoffDelay(5, 0.9));
});

test("what may be repeated is repeated, what may not is not", async () => {
  const table: readonly [string, RegExp, (c: ReturnType<typeof createClient>) => Promise<unknown>, number][] = [
    ["evaluate", /evaluation$/, (c) => c.evaluate(QUESTION), 2],
    ["whoami", /whoami/, (c) => c.whoami(), 2],
    ["create a token", /tokens$/, (c) => c.createToken({ agent: "a", gate: "g" }), 1],
    ["sign in", /sign-in$/, (c) => c.signIn("code"), 1],
    ["make a link", /sign-in-links$/, (c) => c.createSignInLink("ann"), 1],
  ];
  for (const [what, path, call, attempts] of table) {
    await using double = await new Double().start();
    double.instead.push({ path, reply: "drop" });
    await call(client(double)).catch(() => undefined);
    assert.equal(double.count(path), attempts, what);
  }
});

test("Retry-After is kept, and one that is longer than we would wait ends the call at once", async () => {
  await using double = await new Double().start();
  double.rule = "allow";
  double.instead.push({ path: /evaluation$/, reply: problem(429, "too_many", "slower", { "retry-after": "1" }) });
  const startedAt = performance.now();
  assert.equal((await client(double).evaluate(QUESTION)).decision, true);
  assert.ok(performance.now() - startedAt >= 990);
  double.instead.push({ path: /evaluation$/, reply: problem(503, "busy", "later", { "retry-after": "60" }) });
  await assert.rejects(client(double).evaluate(QUESTION), { name: "WireError", code: "busy", retryAfterMs: 60_000 });
});

test("a problem is read as RFC 9457, and anything else by its status", async () => {
  const table: readonly [Reply, object][] = [
    [
      problem(400, "question_invalid", "`subject` is missing"),
      { status: 400, code: "question_invalid", detail: "`subject` is missing" },
    ],
    [
      { status: 404, body: "<html>" },
      { status: 404, code: "http_404" },
    ],
    [
      { status: 418, body: [1] },
      { status: 418, code: "http_418" },
    ],
    [
      { status: 403, body: { code: 7, detail: null, title: "No" } },
      { status: 403, code: "http_403", detail: "No" },
    ],
    [{ status: 400, body: { code: "c", detail: "d", pointer: "/action/name" } }, { pointer: "/action/name" }],
  ];
  for (const [reply, expected] of table) {
    await using double = await new Double().start();
    double.instead.push({ path: /whoami/, reply });
    await assert.rejects(client(double).whoami(), { name: "WireError", ...expected });
  }
});

test("an answer is limited in bytes and parsed strictly", async () => {
  const table: readonly [string, string, string][] = [
    [
      "too large",
      JSON.stringify({ agent: { type: "agent", id: "x".repeat(1_100_000) }, gate: "g" }),
      "answer_too_large",
    ],
    ["duplicate member", '{"gate":"a","gate":"b"}', "answer_malformed"],
    ["wrong type", '{"agent":{"type":"agent","id":7},"gate":"g"}', "answer_malformed"],
    ["empty", "", "answer_malformed"],
  ];
  for (const [what, body, code] of table) {
    await using double = await new Double().start();
    double.instead.push({ path: /whoami/, reply: { status: 200, body } });
    await assert.rejects(client(double).whoami(), { name: "Unavailable", code }, what);
  }
});

test("the token goes to the given server only: redirects are not followed, addresses in answers not called", async () => {
  await using elsewhere = await new Double().start();
  await using double = await new Double().start();
  double.instead.push({
    path: /whoami/,
    reply: { status: 307, body: "", headers: { location: `${elsewhere.url}/v1/whoami` } },
  });
  await assert.rejects(client(double).whoami(), { code: "http_307" });
  assert.equal(elsewhere.seen.length, 0);
});

test("an address or a token that cannot be meant is refused when the client is made", () => {
  const table = [
    ["keyturn.example", "kt_x"],
    ["ftp://keyturn.example", "kt_x"],
    ["https://user:word@keyturn.example", "kt_x"],
    ["https://keyturn.example/?token=1", "kt_x"],
    ["https://keyturn.example", "kt x"],
    ["https://keyturn.example", "kt_x\r\nX-Evil: 1"],
  ] as const;
  for (const [url, token] of table) assert.throws(() => createClient({ url, token }), TypeError, url);
});

test("an id that is none never becomes a path", async () => {
  await using double = await new Double().start();
  for (const id of ["..", "arq_/../../v1/reload", "", "apr_0000000000000000000000000"]) {
    await assert.rejects(client(double).cancel(id), { code: "id_invalid" });
  }
  assert.equal(double.seen.length, 0);
});

test("a call ends with the reason of its signal, also while it waits to try again", async () => {
  await using double = await new Double().start();
  for (let again = 0; again < 20; again++) double.instead.push({ path: /whoami/, reply: "drop" });
  const reason = new Error("enough");
  const stop = new AbortController();
  setTimeout(() => stop.abort(reason), 120);
  await assert.rejects(client(double, 10_000).whoami({ signal: stop.signal }), (error) => error === reason);
});

test("a long poll is given its time and says so", async () => {
  await using double = await new Double().start();
  double.instead.push({
    path: /requests/,
    reply: async () => {
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      return ok({ task: { id: ID, status: "pending", expires_at: "2030-01-01T00:00:00Z", digest: "sha256:0" } });
    },
  });
  const { task } = await client(double).task(ID, { waitSeconds: 2 });
  assert.equal(task.status, "pending");
  assert.equal(double.seen[0]?.headers["prefer"], "wait=2");
});

test("a process that is done ends, though its client was never closed", async () => {
  await using double = await new Double().start();
  double.rule = "allow";
  const script = `
    import { connect } from ${JSON.stringify(new URL("../../src/gates/sdk/index.ts", import.meta.url).href)};
    const { guard } = connect({ url: ${JSON.stringify(double.url)}, token: "kt_test" });
    const run = guard((x) => x.a, { action: "x.y", resource: { type: "t", id: "i" } });
    console.log(await run({ a: 1 }));`;
  const startedAt = performance.now();
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], {
    timeout: 8_000,
  });
  assert.equal(stdout, "1\n");
  assert.ok(performance.now() - startedAt < 4_000);
});

const ID = `arq_${"0".repeat(26)}`;
