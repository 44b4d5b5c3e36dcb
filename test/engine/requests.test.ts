import assert from "node:assert/strict";
import { test } from "node:test";
import { digest } from "../../src/core/action/index.ts";
import { isLive, statusAt, type RequestState } from "../../src/core/approval/index.ts";
import { ask, EngineError, fingerprint, giveUp, requestFor, type EngineErrorCode } from "../../src/engine/index.ts";
import { dropTable, exportRows, grantRole, readRows } from "../support/actions.ts";
import { Bench, parsed } from "../support/bench.ts";
import { HOUR, MINUTE } from "../support/clock.ts";
import { DIRECTORY, edited, POLICIES } from "../support/rules.ts";

function withCode(code: EngineErrorCode): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof EngineError, String(error));
    assert.equal(error.code, code);
    return true;
  };
}

async function deniedRequest(bench: Bench): Promise<RequestState> {
  const state = await bench.ask(exportRows(12_000));
  await bench.review("ann", state, "deny");
  return state;
}

test("the same subject and action attach to the live request; anything else opens its own", async () => {
  using bench = new Bench();
  const first = await bench.ask(exportRows(12_000));
  const rows: readonly (readonly [
    what: string,
    question: ReturnType<typeof exportRows>,
    caller: string,
    same: boolean,
  ])[] = [
    ["the same again", exportRows(12_000), "report-bot", true],
    ["with another reason", exportRows(12_000, { context: { reason: "please" } }), "report-bot", true],
    ["in another session", exportRows(12_000, { context: { session: "s-2" } }), "report-bot", true],
    ["more rows", exportRows(12_001), "report-bot", false],
    ["another environment", exportRows(12_000, { context: { environment: "staging" } }), "report-bot", false],
    ["for another person", exportRows(12_000, { properties: { prompted_by: "dee" } }), "report-bot", false],
    ["another agent", exportRows(12_000, { agent: "other-bot" }), "other-bot", false],
  ];
  for (const [what, question, caller, same] of rows) {
    const state = await bench.ask(question, bench.caller(caller));
    assert.equal(state.opened.id === first.opened.id, same, what);
  }
});

test("an approval that is not used yet is found again; a used or finished request is not", async () => {
  using bench = new Bench();
  const first = await bench.ask(exportRows(12_000));
  await bench.review("ann", first);
  const again = await bench.ask(exportRows(12_000));
  assert.deepEqual([again.opened.id, again.progress.status], [first.opened.id, "approved"]);
  bench.clock.pass(HOUR);
  const fresh = await bench.ask(exportRows(12_000));
  assert.notEqual(fresh.opened.id, first.opened.id);
  assert.equal(fresh.progress.status, "pending");
  await giveUp(bench.ctx, bench.caller(), fresh.opened.id);
  assert.notEqual((await bench.ask(exportRows(12_000))).opened.id, fresh.opened.id);
});

test("a new caller of a live request is barred as well, whatever it already has", async () => {
  using bench = new Bench();
  const state = await bench.ask(dropTable("old"), bench.caller("report-bot", "sdk"));
  await bench.review("ann", state);
  const joined = await bench.ask(dropTable("old"), bench.caller("report-bot", "sdk", "ann"));
  assert.deepEqual(joined.reviews, []);
  assert.deepEqual(
    joined.voided.map(({ review, refusal }) => [review.person, refusal.refused]),
    [["ann", "person_barred"]],
  );
  const refused = await bench.review("ann", joined);
  assert.ok("refused" in refused && refused.refused === "person_barred");
});

test("people who just said no are not asked the same again until the cool-down is over", async () => {
  using bench = new Bench();
  const denied = await deniedRequest(bench);
  for (const ms of [0, 10 * MINUTE - 1]) {
    bench.clock.pass(ms);
    const { decision, id } = await bench.evaluate(exportRows(12_000));
    assert.ok(decision.outcome === "deny" && decision.code === "repeated_denial", decision.outcome);
    assert.ok(decision.because.includes(denied.opened.id));
    await assert.rejects(bench.ask(exportRows(12_000), bench.caller(), id), withCode("not_requestable"));
  }
  assert.equal((await bench.evaluate(exportRows(12_001))).decision.outcome, "require_approval", "another action");
  assert.equal((await bench.evaluate(readRows(5))).decision.outcome, "allow");
  bench.clock.pass(1);
  assert.equal((await bench.ask(exportRows(12_000))).progress.status, "pending", "before any sweep");
});

test("flood.requests: an evaluation from before the denial is no way round it", async () => {
  using bench = new Bench();
  const early = await bench.evaluate(exportRows(12_000));
  await deniedRequest(bench);
  const size = await bench.size();
  await assert.rejects(bench.ask(exportRows(12_000), bench.caller(), early.id), withCode("not_requestable"));
  assert.equal(await bench.size(), size);
});

test("a request needs a fresh evaluation of this agent about exactly this action", async () => {
  using bench = new Bench({ evaluationTtlMs: 5 * MINUTE });
  const mine = await bench.evaluate(exportRows(12_000));
  const other = await bench.evaluate(exportRows(12_000, { agent: "other-bot" }), bench.caller("other-bot"));
  const never = `eval_${"0".repeat(26)}` as typeof mine.id;
  const rows: readonly (readonly [
    what: string,
    question: ReturnType<typeof exportRows>,
    id: typeof mine.id,
    code: EngineErrorCode,
  ])[] = [
    ["unknown", exportRows(12_000), never, "evaluation_unknown"],
    ["another action", exportRows(13_000), mine.id, "denial_binding_invalid"],
    [
      "another environment",
      exportRows(12_000, { context: { environment: "staging" } }),
      mine.id,
      "denial_binding_invalid",
    ],
    ["another agent's", exportRows(12_000), other.id, "denial_binding_invalid"],
    ["of what passes", readRows(5), (await bench.evaluate(readRows(5))).id, "not_requestable"],
  ];
  const size = await bench.size();
  for (const [what, question, id, code] of rows)
    await assert.rejects(bench.ask(question, bench.caller(), id), withCode(code), what);
  bench.clock.pass(5 * MINUTE - 1);
  await bench.ask(exportRows(12_000), bench.caller(), mine.id);
  bench.clock.pass(1);
  await assert.rejects(bench.ask(exportRows(12_000), bench.caller(), mine.id), withCode("evaluation_expired"));
  assert.equal(await bench.size(), size + 1, "refusals write nothing");
});

test("one idempotency key is one request, however often it arrives, and never another body", async () => {
  using bench = new Bench();
  const caller = bench.caller();
  const send = async (limit: number, key: string): Promise<RequestState> => {
    const question = exportRows(limit);
    const { id } = await bench.evaluate(question, caller);
    return ask(bench.ctx, caller, {
      question: parsed(question),
      evaluation: id,
      client: null,
      key: { value: key, fingerprint: fingerprint(question) },
    });
  };
  const first = await send(1, "key-1");
  const size = await bench.size();
  assert.equal((await send(1, "key-1")).version, first.version, "nothing attached");
  assert.equal(await bench.size(), size + 1, "the evaluation alone");
  await assert.rejects(send(2, "key-1"), withCode("idempotency_reused"));
  assert.equal((await bench.store.requests({ limit: 10 })).length, 1);
  await bench.review("ann", first, "deny");
  bench.clock.pass(HOUR);
  assert.equal((await send(1, "key-1")).opened.id, first.opened.id, "also when it is over");
  assert.notEqual(digest(Buffer.from("x")), fingerprint("x"), "a fingerprint is of canonical JSON");
});

test("flood.requests: the limit of pending requests is exact under 200 at once", async () => {
  using bench = new Bench({ pendingPerAgent: 100 });
  const evaluated = await Promise.all(
    Array.from(
      { length: 200 },
      async (_, n) => [exportRows(n + 1), (await bench.evaluate(exportRows(n + 1))).id] as const,
    ),
  );
  const answers = await Promise.allSettled(evaluated.map(([question, id]) => bench.ask(question, bench.caller(), id)));
  const refused = answers.filter((answer) => answer.status === "rejected");
  assert.equal(refused.length, 100);
  for (const { reason } of refused) withCode("pending_limited")(reason);
  const pending = await bench.store.requests({ status: ["pending"], limit: 1000 });
  assert.equal(pending.length, 100);
  await bench.ask(exportRows(1, { agent: "other-bot" }), bench.caller("other-bot")); // limits are of one agent
  const first = answers.find((answer) => answer.status === "fulfilled");
  assert.ok(first?.status === "fulfilled");
  await giveUp(bench.ctx, bench.caller(), first.value.opened.id);
  await bench.ask(exportRows(500));
  await assert.rejects(bench.ask(exportRows(501)), withCode("pending_limited"));
});

test("fifty asks for one action at once are one request", async () => {
  using bench = new Bench();
  const evaluations = await Promise.all(Array.from({ length: 50 }, () => bench.evaluate(exportRows(12_000))));
  const answers = await Promise.allSettled(
    evaluations.map(({ id }) => bench.ask(exportRows(12_000), bench.caller(), id)),
  );
  const ids = new Set(answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value.opened.id] : [])));
  assert.equal(ids.size, 1);
  for (const answer of answers) if (answer.status === "rejected") withCode("contention")(answer.reason);
  assert.equal((await bench.types()).filter((type) => type === "request.opened").length, 1);
});

test("flood.entries: one entry tells of a window over the limit, for evaluations and for requests", async () => {
  using bench = new Bench({ evaluationsPerMinute: 5 });
  const { id } = await bench.evaluate(exportRows(12_000));
  for (let n = 0; n < 4; n++) await bench.ask(exportRows(12_000), bench.caller(), id);
  const size = await bench.size();
  for (let n = 0; n < 20; n++) {
    await assert.rejects(bench.evaluate(readRows(1)), withCode("rate_limited"));
    await assert.rejects(bench.ask(exportRows(12_000), bench.caller(), id), withCode("rate_limited"));
  }
  assert.deepEqual(await bench.types(size), ["limit.exceeded"]);
  await bench.evaluate(readRows(1, { agent: "other-bot" }), bench.caller("other-bot"));
  bench.clock.pass(MINUTE);
  for (let n = 0; n < 5; n++) await bench.evaluate(readRows(1));
  await assert.rejects(bench.evaluate(readRows(1)), withCode("rate_limited"));
  assert.equal((await bench.types(size)).filter((type) => type === "limit.exceeded").length, 2);
});

test("a token speaks for one active agent of the directory", async () => {
  using bench = new Bench();
  const size = await bench.size();
  const rows: readonly (readonly [agent: string, type: string, code: EngineErrorCode])[] = [
    ["nobody", "agent", "unknown_subject"],
    ["retired-bot", "agent", "unknown_subject"],
    ["report-bot", "service", "unknown_subject"],
    ["other-bot", "agent", "subject_not_yours"],
    ["cy", "user", "unknown_subject"],
  ];
  for (const [agent, type, code] of rows)
    await assert.rejects(bench.evaluate(readRows(1, { agent, type })), withCode(code), agent);
  assert.equal(await bench.size(), size);
});

test("an agent sees and cancels its own requests only", async () => {
  using bench = new Bench();
  const { opened } = await bench.ask(exportRows(12_000));
  const stranger = bench.caller("other-bot");
  const seen = await requestFor(bench.ctx, stranger, opened.id);
  const never = await requestFor(bench.ctx, stranger, `arq_${"0".repeat(26)}` as typeof opened.id);
  assert.deepEqual(seen, never, "another's and none are told apart");
  const cancelled = await giveUp(bench.ctx, stranger, opened.id);
  assert.ok("refused" in cancelled && cancelled.refused === "request_unknown");
  const own = await giveUp(bench.ctx, bench.caller(), opened.id);
  assert.ok(!("refused" in own) && own.progress.status === "cancelled");
  const twice = await giveUp(bench.ctx, bench.caller(), opened.id);
  assert.ok("refused" in twice && twice.refused === "request_closed");
});

test("time decides before any sweep", async () => {
  using bench = new Bench();
  const state = await bench.ask(grantRole("admin"));
  await bench.review("ann", state);
  bench.clock.pass(HOUR);
  assert.equal(statusAt(state, bench.clock.now()), "expired");
  assert.ok(!isLive(state, bench.clock.now()));
  const late = await bench.review("bob", state);
  assert.ok("refused" in late && late.refused === "request_expired");
  const cancelled = await giveUp(bench.ctx, bench.caller(), state.opened.id);
  assert.ok("refused" in cancelled);
  assert.deepEqual((await bench.types()).slice(-1), ["request.expired"], "the first who looks writes it down");
});

test("an agent behind whom nobody stands needs two people", async () => {
  using bench = new Bench();
  const rows: readonly (readonly [
    what: string,
    agent: string,
    properties: { [name: string]: string },
    quorum: number,
  ])[] = [
    ["owned", "report-bot", {}, 1],
    ["owned, and somebody known", "report-bot", { prompted_by: "dee" }, 1],
    ["owned, and somebody unknown", "report-bot", { prompted_by: "mallory" }, 2],
    ["orphaned", "orphan-bot", {}, 2],
    ["orphaned, but a person prompted it", "orphan-bot", { prompted_by: "dee" }, 1],
  ];
  for (const [what, agent, properties, quorum] of rows) {
    const state = await bench.ask(exportRows(1, { agent, properties }), bench.caller(agent));
    assert.deepEqual(state.terms, [{ group: "data-owners", quorum }], what);
  }
  bench.change({ directory: edited(DIRECTORY, "{ id: report-bot, owners: [cy] }", "{ id: report-bot }") });
  const raised = await bench.ask(exportRows(1));
  assert.deepEqual(raised.terms, [{ group: "data-owners", quorum: 2 }], "the attempt that joins has nobody behind it");
});

test("a crowd that asks for the same action at once joins one request, and nobody is turned away", async () => {
  using bench = new Bench();
  const states = await Promise.all(Array.from({ length: 40 }, () => bench.ask(exportRows(5_000))));
  assert.equal(new Set(states.map((state) => state.opened.id)).size, 1);
});

test("only an evaluation that asked for an approval can be followed by a request, even where policy asks for one now", async () => {
  using bench = new Bench();
  bench.change({
    policies: edited(POLICIES, 'action == Action::"export", resource);', 'action == Action::"deploy", resource);'),
  });
  const denied = await bench.evaluate(exportRows(12_000));
  assert.equal(denied.decision.outcome, "deny");
  bench.change({ policies: POLICIES });
  const size = await bench.size();
  await assert.rejects(bench.ask(exportRows(12_000), bench.caller(), denied.id), withCode("not_requestable"));
  assert.equal(await bench.size(), size);
});
