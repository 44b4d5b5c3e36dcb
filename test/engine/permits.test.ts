import assert from "node:assert/strict";
import { test } from "node:test";
import type { Refusal, RefusalCode, RequestState } from "../../src/core/approval/index.ts";
import { approvalOf, permitOf } from "../../src/core/ids.ts";
import { applyApproval, completeEvaluation, completePermit, loadRequest, redeem } from "../../src/engine/index.ts";
import type { Caller, Issued, Redeemed } from "../../src/engine/index.ts";
import { exportRows, grantRole, readRows } from "../support/actions.ts";
import { Bench } from "../support/bench.ts";
import { HOUR, MINUTE, SECOND } from "../support/clock.ts";
import { CATALOGUE, DIRECTORY, edited, POLICIES } from "../support/rules.ts";

const QUESTION = exportRows(12_000);

async function approved(bench: Bench, question = QUESTION, by: readonly string[] = ["ann"]): Promise<RequestState> {
  const state = await bench.ask(question);
  for (const person of by) assert.ok(!("refused" in (await bench.review(person, state))), person);
  return state;
}

async function apply(
  bench: Bench,
  state: RequestState,
  caller: Caller = bench.caller(),
  question = QUESTION,
): Promise<Issued | Refusal> {
  return applyApproval(bench.ctx, caller, await bench.evaluate(question, caller), approvalOf(state.opened.id));
}

async function permit(bench: Bench, state: RequestState, caller?: Caller): Promise<string> {
  const issued = await apply(bench, state, caller);
  assert.ok("permit" in issued, JSON.stringify(issued));
  return issued.permit;
}

function use(
  bench: Bench,
  state: RequestState,
  jws: string,
  attempt = "attempt-1",
  caller: Caller = bench.caller(),
): Promise<Redeemed | Refusal> {
  return redeem(bench.ctx, caller, jws, state.opened.digest, attempt);
}

function told(answer: Refusal | object): RefusalCode | "done" {
  return "refused" in answer ? (answer as Refusal).refused : "done";
}

async function statusNow(bench: Bench, state: RequestState): Promise<string | undefined> {
  return (await loadRequest(bench.ctx, state.opened.id))?.progress.status;
}

test("evaluations never use an approval up: permits are issued again, with the same id", async () => {
  using bench = new Bench();
  const state = await approved(bench);
  const first = await apply(bench, state);
  const size = await bench.size();
  bench.clock.pass(SECOND);
  assert.deepEqual(await apply(bench, state), first, "soon after, it is the very same permit");
  assert.equal(await bench.size(), size + 1, "whose issue is told once; only the question is another entry");
  bench.clock.pass(40 * SECOND);
  const second = await apply(bench, state);
  assert.ok("permit" in first && "permit" in second);
  assert.equal(first.id, permitOf(state.opened.id));
  assert.equal(second.id, first.id);
  assert.notEqual(second.permit, first.permit);
  assert.equal(told(await use(bench, state, first.permit)), "done", "the older one still holds");
  assert.equal(told(await use(bench, state, second.permit, "attempt-2")), "permit_redeemed", "and uses up both");
  assert.equal(told(await apply(bench, state)), "permit_redeemed");
});

test("the same attempt gets the same answer, whatever the clock says by then", async () => {
  using bench = new Bench();
  const state = await approved(bench);
  const jws = await permit(bench, state);
  const first = await use(bench, state, jws);
  const size = await bench.size();
  bench.clock.pass(2 * HOUR);
  assert.deepEqual(await use(bench, state, jws), first);
  assert.equal(told(await use(bench, state, jws, "attempt-2")), "permit_redeemed");
  assert.equal(
    told(await use(bench, state, jws, "attempt-1", bench.caller("report-bot", "exec"))),
    "permit_other_gate",
  );
  assert.equal(await bench.size(), size);
});

test("permit.raced: of fifty who redeem at once exactly one may execute", async () => {
  using bench = new Bench();
  const state = await approved(bench);
  const jws = await permit(bench, state);
  const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => use(bench, state, jws, `attempt-${n}`)));
  assert.equal(answers.filter((answer) => told(answer) === "done").length, 1);
  assert.equal(answers.filter((answer) => told(answer) === "permit_redeemed").length, 49);
  assert.equal((await bench.types()).filter((type) => type === "permit.redeemed").length, 1);
  const again = await Promise.all(Array.from({ length: 50 }, () => use(bench, state, jws, "attempt-0")));
  assert.equal(new Set(again.map((answer) => JSON.stringify(answer))).size, 1);
});

test("permit.expired: neither a permit nor an approval outlives its time, sweeper or not", async () => {
  using bench = new Bench();
  const state = await approved(bench);
  const jws = await permit(bench, state);
  bench.clock.pass(MINUTE);
  assert.equal(told(await use(bench, state, jws)), "permit_expired");
  bench.clock.pass(HOUR - MINUTE - 1);
  const last = await permit(bench, state);
  bench.clock.pass(1);
  assert.ok(["permit_expired", "approval_expired"].includes(told(await use(bench, state, last))));
  assert.equal(told(await apply(bench, state)), "approval_expired");
  assert.equal(await statusNow(bench, state), "approved", "no sweeper has been here");
});

test("an approval applies to its own agent and its own action", async () => {
  using bench = new Bench();
  const state = await approved(bench);
  assert.equal(told(await apply(bench, state, bench.caller(), exportRows(12_001))), "permit_other_action");
  assert.equal(
    told(await apply(bench, state, bench.caller("other-bot"), exportRows(12_000, { agent: "other-bot" }))),
    "request_unknown",
  );
  assert.equal(told(await apply(bench, await bench.ask(exportRows(1)), bench.caller(), exportRows(1))), "not_approved");
});

/** What changed between the review and the redemption, and what is refused then. */
const CHANGES: readonly (readonly [what: string, change: Parameters<Bench["change"]>[0], code: RefusalCode])[] = [
  [
    "the approver was deactivated",
    { directory: edited(DIRECTORY, "    name: Ann Achterberg", "    active: false\n    name: Ann Achterberg") },
    "approval_voided",
  ],
  [
    "the approver left the group",
    { directory: edited(DIRECTORY, "data-owners: [ann, bob, cy, dee, gil]", "data-owners: [bob, cy, dee, gil]") },
    "approval_voided",
  ],
  [
    "the approver now owns the agent",
    { directory: edited(DIRECTORY, "id: report-bot, owners: [cy]", "id: report-bot, owners: [cy, ann]") },
    "approval_voided",
  ],
  [
    "the approver is now the owner's delegate",
    { directory: edited(DIRECTORY, "from: cy, to: gil", "from: cy, to: ann") },
    "approval_voided",
  ],
  [
    "policy asks for more people",
    {
      policies: edited(
        POLICIES,
        '@approvers("data-owners") @expires',
        '@approvers("data-owners") @quorum("2") @expires',
      ),
    },
    "terms_not_met",
  ],
  [
    "policy asks others",
    {
      policies: edited(
        POLICIES,
        '@hold @approvers("data-owners") @expires("1h")',
        '@hold @approvers("security") @expires("1h")',
      ),
    },
    "terms_not_met",
  ],
  [
    "policy forbids it",
    { policies: `${POLICIES}\n@id("freeze") forbid (principal, action == Action::"export", resource);` },
    "policy_denied",
  ],
  [
    "the resource turned out to be an audit record",
    {
      catalogue: edited(
        edited(CATALOGUE, "id: customers, sensitivity: [personal]", "id: customers, sensitivity: [audit]"),
        "effects: [export]",
        "effects: [export, write]",
      ),
    },
    "policy_denied",
  ],
  [
    "the risk is higher than was shown",
    {
      catalogue: edited(
        edited(
          CATALOGUE,
          "id: customers, sensitivity: [personal]",
          "id: customers, sensitivity: [personal, financial, secret, audit]",
        ),
        "title: Export customers to a file",
        "constants: { irreversible: true }",
      ),
    },
    "risk_rose",
  ],
];

test("what changed between the review and the redemption is looked at again", async () => {
  for (const [what, change, code] of CHANGES) {
    using bench = new Bench();
    const state = await approved(bench);
    const jws = await permit(bench, state);
    bench.change(change);
    assert.equal(told(await use(bench, state, jws)), code, what);
    assert.equal(told(await apply(bench, state)), code, `${what}, on evaluation`);
    assert.ok(!(await bench.types()).includes("permit.redeemed"), what);
    assert.equal(await statusNow(bench, state), code === "approval_voided" ? "pending" : "approved", what);
  }
});

test("after a void people are asked again, and somebody else may approve", async () => {
  using bench = new Bench();
  const state = await approved(bench);
  const jws = await permit(bench, state);
  bench.change({
    directory: edited(DIRECTORY, "    name: Ann Achterberg", "    active: false\n    name: Ann Achterberg"),
  });
  assert.equal(told(await use(bench, state, jws)), "approval_voided");
  const again = await bench.ask(QUESTION);
  assert.equal(again.opened.id, state.opened.id);
  assert.equal(again.progress.status, "pending");
  assert.ok(!("refused" in (await bench.review("bob", state))));
  assert.equal(told(await use(bench, state, jws)), "done");
  assert.deepEqual(
    (await bench.types()).slice(-5),
    ["request.attached", "review.recorded", "request.approved", "permit.redeemed"].toSpliced(0, 0, "action.evaluated"),
  );
});

test("approver.late-member: who was removed and joined again has joined too late", async () => {
  using bench = new Bench();
  const state = await approved(bench);
  const jws = await permit(bench, state);
  bench.change({
    directory: edited(DIRECTORY, "data-owners: [ann, bob, cy, dee, gil]", "data-owners: [bob, cy, dee, gil]"),
  });
  bench.clock.pass(SECOND);
  bench.change({ directory: DIRECTORY });
  assert.equal(told(await use(bench, state, jws)), "approval_voided");
  const refused = await bench.review("ann", state);
  assert.equal(told(refused), "member_too_late");
});

test("an approval that is no longer enough ends, so that a new request asks under today's policy", async () => {
  const stricter = edited(
    POLICIES,
    '@approvers("data-owners") @expires',
    '@approvers("data-owners") @quorum("2") @expires',
  );
  using bench = new Bench();
  const state = await approved(bench);
  bench.change({ policies: stricter });
  const fresh = await bench.ask(QUESTION);
  assert.notEqual(fresh.opened.id, state.opened.id);
  assert.deepEqual(fresh.terms, [{ group: "data-owners", quorum: 2 }]);
  assert.equal(told(await apply(bench, state)), "approval_expired");

  using waiting = new Bench();
  const pending = await waiting.ask(QUESTION);
  waiting.change({ policies: stricter });
  const next = await waiting.ask(QUESTION);
  assert.notEqual(next.opened.id, pending.opened.id);
  assert.equal(await statusNow(waiting, pending), "failed");
  assert.equal((await waiting.store.requests({ status: ["pending"], limit: 9 })).length, 1);
});

test("an approval whose terms were raised by another attempt ends as well", async () => {
  using bench = new Bench();
  const caller = bench.caller("orphan-bot");
  const prompted = exportRows(7, { agent: "orphan-bot" });
  const first = await bench.ask(prompted, bench.caller("orphan-bot", "sdk", "dee")); // the token's holder stands behind it
  assert.deepEqual(first.terms, [{ group: "data-owners", quorum: 1 }]);
  await bench.review("ann", first);
  const second = await bench.ask(prompted, caller); // nobody does
  assert.notEqual(second.opened.id, first.opened.id);
  assert.deepEqual(second.terms, [{ group: "data-owners", quorum: 2 }]);
  assert.equal(second.progress.status, "pending");
});

test("the outcome is recorded once, under the permit; the same report is answered alike", async () => {
  using bench = new Bench();
  const state = await approved(bench);
  const jws = await permit(bench, state);
  const id = permitOf(state.opened.id);
  const done = { status: "succeeded" as const, details: { rows: 12_000, file: "x" } };
  const report = (
    outcome: Parameters<typeof completePermit>[3],
    caller = bench.caller(),
  ): ReturnType<typeof completePermit> => completePermit(bench.ctx, caller, id, outcome);
  assert.equal(told(await report(done)), "not_redeemed");
  await use(bench, state, jws);
  assert.equal(told(await report(done, bench.caller("other-bot"))), "permit_unknown");
  const first = await report(done);
  const size = await bench.size();
  assert.deepEqual(await report({ status: "succeeded", details: { file: "x", rows: 12_000 } }), first);
  assert.equal(told(await report({ ...done, status: "failed" })), "outcome_known");
  assert.equal(told(await report({ ...done, details: { rows: 1 } })), "outcome_known");
  assert.equal(await bench.size(), size);
});

test("what passed at once has an outcome too, once, and only what passed", async () => {
  using bench = new Bench();
  const passed = await bench.evaluate(readRows(5));
  const held = await bench.evaluate(grantRole("admin"));
  const done = { status: "succeeded" as const, details: {} };
  const report = (
    id: typeof passed.id,
    outcome: Parameters<typeof completeEvaluation>[3] = done,
    agent = "report-bot",
  ): ReturnType<typeof completeEvaluation> => completeEvaluation(bench.ctx, bench.caller(agent), id, outcome);
  assert.equal(told(await report(held.id)), "not_redeemed");
  assert.equal(told(await report(passed.id, done, "other-bot")), "permit_unknown");
  assert.equal(told(await report(`eval_${"0".repeat(26)}` as typeof passed.id)), "permit_unknown");
  const raced = await Promise.all(Array.from({ length: 10 }, () => report(passed.id)));
  assert.equal((await bench.types()).filter((type) => type === "action.completed").length, 1);
  assert.ok(raced.some((answer) => told(answer) === "done"));
  assert.deepEqual(
    await report(passed.id),
    raced.find((answer) => told(answer) === "done"),
  );
  assert.equal(told(await report(passed.id, { status: "failed", details: {} })), "outcome_known");
});
