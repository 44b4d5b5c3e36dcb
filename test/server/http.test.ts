import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { exportRows, readRows } from "../support/actions.ts";
import { codeOf, hold } from "../support/flow.ts";
import { at, textAt } from "../support/json.ts";
import { House, type Client } from "../support/house.ts";

let house: House;
let gate: Client;
before(async () => {
  house = await House.open();
  gate = await house.gate();
});
after(() => house[Symbol.asyncDispose]());

const EVALUATION = "/access/v1/evaluation";

test("X-Request-ID comes back, in every answer, when it is visible ASCII of a sane length", async () => {
  const rows: readonly (readonly [sent: string, echoed: string | null])[] = [
    ["req-1", "req-1"],
    ["bfe9eb29-ab87-4ca3-be83-a1d5d8305716", "bfe9eb29-ab87-4ca3-be83-a1d5d8305716"],
    ["a".repeat(200), "a".repeat(200)],
    ["a".repeat(201), null],
    ["two words", null],
    ["caf\u00e9", null],
  ];
  for (const [sent, echoed] of rows) {
    const headers = { "x-request-id": sent };
    const answers = [
      await gate.post(EVALUATION, readRows(1), { headers }),
      await gate.post(EVALUATION, {}, { headers }),
      await house.anyone.get("/v1/whoami", { headers }),
      await house.anyone.get("/nowhere", { headers }),
    ];
    assert.deepEqual(
      answers.map((answer) => answer.headers.get("x-request-id")),
      answers.map(() => echoed),
      sent,
    );
  }
});

test("every error is problem+json with a code of ours, and is not cached", async () => {
  const held = `arq_${"0".repeat(26)}`;
  const rows: readonly (readonly [
    what: string,
    send: () => ReturnType<Client["get"]>,
    status: number,
    code: string,
    type?: string,
  ])[] = [
    ["no credential", () => house.anyone.get("/v1/whoami"), 401, "unauthenticated"],
    ["the wrong one", () => gate.get("/v1/requests"), 403, "not_allowed"],
    ["no such path", () => gate.get("/v2/anything"), 404, "not_found"],
    ["no such method", () => gate.send("DELETE", EVALUATION, null), 404, "not_found"],
    ["a path that is no URL", () => gate.get("/v1/requests/%zz"), 400, "request_malformed"],
    ["a very long id", () => gate.get(`/access/v1/requests/${"a".repeat(5000)}`), 400, "request_malformed"],
    ["not JSON", () => gate.send("POST", EVALUATION, "{"), 400, "json_malformed"],
    ["no body", () => gate.send("POST", EVALUATION, ""), 400, "json_malformed"],
    [
      "another media type",
      () => gate.send("POST", EVALUATION, "a=b", { headers: { "content-type": "application/x-www-form-urlencoded" } }),
      415,
      "media_type",
    ],
    [
      "JSON as text",
      () => gate.send("POST", EVALUATION, JSON.stringify(readRows(1)), { headers: { "content-type": "text/plain" } }),
      415,
      "media_type",
    ],
    [
      "no such request",
      () => gate.get(`/access/v1/requests/${held}`),
      404,
      "request_unknown",
      "urn:openid:authzen:access-request:error:unknown_task",
    ],
    ["no id", () => gate.get("/access/v1/requests/7"), 400, "id_invalid"],
    [
      "no such evaluation",
      () => gate.post("/access/v1/requests", { ...exportRows(1), denial: { evaluation_id: `eval_${"0".repeat(26)}` } }),
      400,
      "evaluation_unknown",
      "urn:openid:authzen:access-request:error:invalid_denial_binding",
    ],
    [
      "no permit at all",
      () => gate.post("/v1/permits/redeem", { permit: "x", digest: `sha256:${"0".repeat(64)}`, attempt: "12345678" }),
      400,
      "permit_malformed",
    ],
    ["a bad query", () => house.operator.get("/v1/requests?limit=0"), 400, "question_invalid"],
    ["a bad cursor", () => house.operator.get("/v1/requests?cursor=1"), 400, "question_invalid"],
    ["a bad range", () => house.operator.get("/v1/ledger/entries?from=-1"), 400, "question_invalid"],
    ["nobody to sign in", () => house.operator.post("/v1/sign-in-links", { person: "mallory" }), 404, "person_unknown"],
    [
      "a token for nobody",
      () => house.operator.post("/v1/tokens", { agent: "mallory", gate: "sdk" }),
      404,
      "agent_unknown",
    ],
  ];
  for (const [what, send, status, code, type] of rows) {
    const answer = await send();
    assert.deepEqual([answer.status, codeOf(answer)], [status, code], `${what}: ${answer.text}`);
    assert.equal(answer.body["type"], type ?? `urn:keyturn:error:${code}`, what);
    assert.equal(answer.headers.get("cache-control"), "no-store", what);
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff", what);
  }
});

test("AuthZEN: members that are not known are ignored where nothing binds them", async () => {
  const { context, ...rest } = readRows(1);
  const plain = await gate.post(EVALUATION, readRows(1));
  const more = await gate.post(EVALUATION, {
    ...rest,
    context: { ...(context as object), trace: "t-1", nested: { a: [1] } },
    options: {},
    extra: 1,
  });
  assert.equal(more.status, 200, more.text);
  assert.equal(at(more.body, "context", "digest"), at(plain.body, "context", "digest"), "and change no digest");
});

test("AuthZEN: the same question gets the same decision, and a decision says what it rests on", async () => {
  const first = await gate.post(EVALUATION, exportRows(12_000));
  const second = await gate.post(EVALUATION, exportRows(12_000));
  const told = ({ body }: typeof first): unknown => ({
    ...body,
    context: { ...(body["context"] as object), evaluation_id: 0, access_request: 0 },
  });
  assert.deepEqual(told(first), told(second));
  assert.equal(first.body["decision"], false, "held is still a denial");
  assert.deepEqual(at(first.body, "context", "policies"), ["hold-export"]);
  assert.match(String(at(first.body, "context", "access_request", "endpoint") as string), /\/access\/v1\/requests$/);
  const passed = await gate.post(EVALUATION, readRows(1));
  assert.deepEqual(
    [passed.body["decision"], at(passed.body, "context", "outcome"), at(passed.body, "context", "access_request")],
    [true, "allow", undefined],
  );
  const metadata = (await house.anyone.get("/.well-known/authzen-configuration")).body;
  assert.equal(metadata["access_evaluation_endpoint"], house.url + EVALUATION);
});

test("AuthZEN batch: defaults, one answer a question, and three semantics", async () => {
  const { action: _, ...defaults } = readRows(1);
  const small = { action: readRows(1)["action"] ?? null };
  const large = { action: readRows(1000)["action"] ?? null };
  const rows: readonly (readonly [
    semantic: string | null,
    questions: readonly (typeof small)[],
    decisions: readonly boolean[],
  ])[] = [
    [null, [small, large, small], [true, false, true]],
    ["execute_all", [large, small], [false, true]],
    ["deny_on_first_deny", [small, large, small], [true, false]],
    ["permit_on_first_permit", [large, small, small], [false, true]],
  ];
  for (const [semantic, evaluations, decisions] of rows) {
    const options = semantic === null ? {} : { options: { evaluations_semantic: semantic } };
    const answer = await gate.post("/access/v1/evaluations", { ...defaults, evaluations, ...options });
    const got = (answer.body["evaluations"] as readonly { decision: boolean }[]).map(({ decision }) => decision);
    assert.deepEqual(got, decisions, String(semantic));
  }
  const single = await gate.post("/access/v1/evaluations", readRows(1));
  assert.deepEqual([single.status, single.body["decision"]], [200, true], "without `evaluations` it is one question");
});

test("AuthZEN batch: one bad question refuses the whole, by its place, and nothing is written", async () => {
  const good = readRows(1);
  const bad: readonly (readonly [what: string, evaluations: unknown, pointer: string])[] = [
    ["no object", [good, 5], "/evaluations/1"],
    ["no action", [good, good, { ...good, action: {} }], "/evaluations/2/action/name"],
    ["another agent", [good, readRows(1, { agent: "nobody" })], ""],
    ["no list", { 0: good }, "/evaluations"],
    ["too many", Array.from({ length: 101 }, () => good), "/evaluations"],
    [
      "an approval that is none",
      [good, readRows(1, { context: { approval: { id: "yes" } } })],
      "/evaluations/1/context/approval/id",
    ],
  ];
  const size = await house.size();
  for (const [what, evaluations, pointer] of bad) {
    const answer = await gate.send("POST", "/access/v1/evaluations", JSON.stringify({ evaluations }));
    assert.deepEqual([answer.status, answer.body["pointer"] ?? ""], [400, pointer], `${what}: ${answer.text}`);
  }
  const semantic = await gate.post("/access/v1/evaluations", {
    evaluations: [good],
    options: { evaluations_semantic: "any" },
  });
  assert.equal(semantic.body["pointer"], "/options/evaluations_semantic");
  assert.equal(await house.size(), size);
});

test("an Idempotency-Key makes one request of many, and belongs to one body and one token", async () => {
  const question = exportRows(20_000);
  const evaluated = await gate.post(EVALUATION, question);
  const body = { ...question, denial: { evaluation_id: at(evaluated.body, "context", "evaluation_id") ?? null } };
  const headers = { "idempotency-key": "key-1" };
  const first = await gate.post("/access/v1/requests", body, { headers });
  assert.equal(first.status, 202, first.text);
  assert.equal(first.headers.get("location"), `/access/v1/requests/${textAt(first.body, "task", "id")}`);
  const size = await house.size();
  const again = await Promise.all(Array.from({ length: 5 }, () => gate.post("/access/v1/requests", body, { headers })));
  for (const answer of again) assert.deepEqual([answer.status, answer.body], [202, first.body]);
  assert.equal(await house.size(), size, "a repeat writes nothing");
  const other = await gate.post("/access/v1/requests", { ...body, client: { id: "x" } }, { headers });
  assert.deepEqual([other.status, codeOf(other)], [409, "idempotency_reused"]);
  assert.equal(other.body["type"], "urn:openid:authzen:access-request:error:duplicate_request");
  const elsewhere = await house.gate("report-bot", "exec");
  const attached = await elsewhere.post("/access/v1/requests", { ...body, client: { id: "x" } }, { headers });
  assert.equal(attached.status, 202, "keys of another token are its own");
});

test("lists come in pages, newest first, without gaps or repeats, and by status", async () => {
  const bot = await house.gate("other-bot");
  for (let n = 0; n < 5; n++) await hold(bot, exportRows(500 + n, { agent: "other-bot" }));
  const all = await house.operator.get("/v1/requests?limit=200");
  const ids = (all.body["requests"] as readonly { id: string; opened_at: string }[]).map(({ id }) => id);
  assert.ok(ids.length >= 5 && new Set(ids).size === ids.length);
  const times = (all.body["requests"] as readonly { opened_at: string }[]).map((one) => one.opened_at);
  assert.deepEqual(times, times.toSorted().toReversed());
  const paged: string[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const page = await house.operator.get(`/v1/requests?limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`);
    paged.push(...(page.body["requests"] as readonly { id: string }[]).map(({ id }) => id));
    cursor = page.body["next_cursor"] as string | null;
  }
  assert.deepEqual(paged, ids);
  const decided = await house.operator.get("/v1/requests?status=decided");
  const pending = await house.operator.get("/v1/requests?status=pending");
  assert.equal(
    (decided.body["requests"] as readonly object[]).length + (pending.body["requests"] as readonly object[]).length,
    ids.length,
  );
});

test("who may not call has no body read: no credential comes before nonsense, and before size", async () => {
  for (const body of ["{", "x".repeat(2_000_000), `{"a":1,"a":2}`]) {
    const answer = await house.anyone.send("POST", EVALUATION, body).catch(() => null); // the connection may be cut
    if (answer !== null) assert.deepEqual([answer.status, codeOf(answer)], [401, "unauthenticated"]);
  }
});

test("the console's pages carry a strict policy, and nothing outside it is served", async () => {
  for (const path of ["/", "/sign-in", `/requests/arq_${"0".repeat(26)}`]) {
    const { status, headers, text } = await house.anyone.get(path);
    assert.equal(status, 200, path);
    const policy = headers.get("content-security-policy") ?? "";
    for (const part of [
      "default-src 'self'",
      "script-src 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "object-src 'none'",
    ]) {
      assert.ok(policy.includes(part), `${path}: ${part}`);
    }
    assert.ok(!/unsafe|https?:|\*/.test(policy), policy);
    assert.equal(headers.get("referrer-policy"), "no-referrer");
    assert.ok(!/<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=/i.test(text), "no inline script or style");
  }
  for (const path of [
    "/..%2f..%2fpackage.json",
    "/assets/../../package.json",
    "/assets/%2e%2e/%2e%2e/package.json",
    "/operator.token",
    "/keyturn.db",
  ]) {
    assert.notEqual((await house.anyone.get(path)).status, 200, path);
  }
});

test("HTTP that is not quite HTTP is refused, and the server stays", async () => {
  const raw = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(house.url).port), "127.0.0.1", () => socket.write(text));
      let got = "";
      socket.on("data", (bytes) => (got += bytes.toString("latin1")));
      socket.on("end", () => resolve(got));
      socket.on("error", reject);
    });
  assert.match(await raw("NONSENSE\r\n\r\n"), /^HTTP\/1\.1 400/);
  assert.match(await raw("GET / HTTP/1.1\r\n\r\n"), /^HTTP\/1\.1 400/);
  assert.match(await raw(`GET / HTTP/1.1\r\nHost: x\r\nX: ${"a".repeat(20_000)}\r\n\r\n`), /^HTTP\/1\.1 431/);
  assert.match(
    await raw(
      "POST /access/v1/evaluation HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    /^HTTP\/1\.1 400/,
  );
  assert.equal((await house.anyone.get("/readyz")).body["status"], "ready");
});
