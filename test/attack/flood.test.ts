// Nobody is worn down by asking, and nobody fills the ledger. Through the real server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { exportRows, readRows } from "../support/actions.ts";
import { codeOf, hold, review } from "../support/flow.ts";
import { House } from "../support/house.ts";
import { at, textAt } from "../support/json.ts";

test("flood.requests: at most so many wait for people; the next is told when to come again", async () => {
  await using house = await House.open({ limits: { pendingPerAgent: 5 } });
  const gate = await house.gate();
  const questions = Array.from({ length: 20 }, (_, n) => exportRows(n + 101));
  const answers = await Promise.all(
    questions.map(async (question) => {
      const evaluated = await gate.post("/access/v1/evaluation", question);
      return gate.post("/access/v1/requests", {
        ...question,
        denial: { evaluation_id: textAt(evaluated.body, "context", "evaluation_id") },
      });
    }),
  );
  assert.equal(answers.filter(({ status }) => status === 202).length, 5);
  for (const answer of answers.filter(({ status }) => status !== 202)) {
    assert.deepEqual([answer.status, codeOf(answer)], [429, "pending_limited"]);
    assert.ok(Number(answer.headers.get("retry-after")) >= 1);
  }
  const inbox = await (await house.person("ann")).get("/v1/requests?status=pending");
  assert.equal((inbox.body["requests"] as readonly object[]).length, 5);
});

test("flood.requests: what people denied a moment ago they are not asked again", async () => {
  await using house = await House.open();
  const gate = await house.gate();
  const question = exportRows(12_000);
  const held = await hold(gate, question);
  const ann = await house.person("ann");
  assert.equal((await review(ann, held, "deny", { reason: "not today" })).status, 200);
  const size = await house.size();
  for (let n = 0; n < 5; n++) {
    const again = await gate.post("/access/v1/evaluation", question);
    assert.deepEqual(
      [
        again.body["decision"],
        at(again.body, "context", "outcome"),
        at(again.body, "context", "code"),
        at(again.body, "context", "access_request"),
      ],
      [false, "deny", "repeated_denial", undefined],
    );
    const forced = await gate.post("/access/v1/requests", { ...question, denial: { evaluation_id: held.evaluation } });
    assert.deepEqual([forced.status, codeOf(forced)], [400, "not_requestable"], "nor with the evaluation from before");
  }
  assert.deepEqual(new Set((await house.entries(size)).map(({ type }) => type)), new Set(["action.evaluated"]));
  const told = await gate.get(`/access/v1/requests/${held.id}`);
  assert.deepEqual(told.body["denial"], { by: "Ann Achterberg", reason: "not today" });
});

test("flood.entries: over the limit of a minute one entry is written, however much is sent", async () => {
  await using house = await House.open({ limits: { evaluationsPerMinute: 20 } });
  const gate = await house.gate();
  const other = await house.gate("other-bot");
  const question = exportRows(12_000);
  const held = await hold(gate, question); // an evaluation and a request: two of twenty
  const size = await house.size();
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, n) =>
      n % 2 === 0
        ? gate.post("/access/v1/evaluation", readRows(1))
        : gate.post("/access/v1/requests", { ...question, denial: { evaluation_id: held.evaluation } }),
    ),
  );
  for (const answer of answers) {
    if (answer.status !== 429) continue;
    assert.equal(codeOf(answer), "rate_limited");
    const seconds = Number(answer.headers.get("retry-after"));
    assert.ok(seconds >= 1 && seconds <= 60, String(seconds));
  }
  assert.ok(answers.filter(({ status }) => status === 429).length >= 182);
  const written = (await house.entries(size)).map(({ type }) => type);
  assert.equal(written.filter((type) => type === "limit.exceeded").length, 1);
  assert.ok(written.length <= 19, String(written.length));
  assert.equal(
    (await other.post("/access/v1/evaluation", readRows(1, { agent: "other-bot" }))).status,
    200,
    "others go on",
  );
});

test("flood.entries: refused redemptions, foreign ids, failed sign-ins and bad tokens write nothing", async () => {
  await using house = await House.open();
  const gate = await house.gate();
  const size = await house.size();
  const digest = `sha256:${"0".repeat(64)}`;
  for (let n = 0; n < 10; n++) {
    const attempts = [
      gate.post("/v1/permits/redeem", { permit: "a.b.c", digest, attempt: "12345678" }),
      gate.post(`/v1/permits/prm_${"0".repeat(26)}/outcome`, { status: "failed" }),
      gate.post(`/access/v1/requests/arq_${"0".repeat(26)}/cancel`, {}),
      house.anyone.post("/v1/sign-in", { code: `ktl_${"0".repeat(26)}_${"A".repeat(43)}` }),
      house.as(`kt_${"0".repeat(26)}_${"A".repeat(43)}`).get("/v1/whoami"),
    ];
    for (const answer of await Promise.all(attempts)) assert.ok(answer.status >= 400);
  }
  assert.equal(await house.size(), size);
});
