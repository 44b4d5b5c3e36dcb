import assert from "node:assert/strict";
import { test } from "node:test";
import type { Refusal, RefusalCode, RequestState, Verdict } from "../../src/core/approval/index.ts";
import { EngineError, loadRequest, submitReview, submitReviewAt, sweep } from "../../src/engine/index.ts";
import { dropTable, exportRows, grantRole } from "../support/actions.ts";
import { Bench, intent } from "../support/bench.ts";
import { HOUR, MINUTE } from "../support/clock.ts";
import { DIRECTORY, edited } from "../support/rules.ts";

const TERMINAL = ["request.approved", "request.denied", "request.expired", "request.cancelled", "request.failed"];

/** A crowd in which everybody may approve: p0 … p19 are in security. */
const CROWD = Array.from({ length: 20 }, (_, n) => `p${n}`);
const CROWDED = edited(
  edited(DIRECTORY, "groups:\n", `${CROWD.map((id) => `  - { id: ${id}, name: Person ${id} }\n`).join("")}groups:\n`),
  "security: [ann, bob, cy, eve, fay]",
  `security: [ann, bob, cy, eve, fay, ${CROWD.join(", ")}]`,
);

async function now(bench: Bench, state: RequestState): Promise<RequestState> {
  const loaded = await loadRequest(bench.ctx, state.opened.id);
  assert.ok(loaded !== null);
  return loaded;
}

test("quorum.race: of many who review at once the right ones count, and one entry ends the request", async () => {
  const rows: readonly (readonly [what: string, verdictOf: (n: number) => Verdict])[] = [
    ["all approve", () => "approve"],
    ["all deny", () => "deny"],
    ["half and half", (n) => (n % 2 === 0 ? "approve" : "deny")],
  ];
  for (const [what, verdictOf] of rows) {
    using bench = new Bench({}, { directory: CROWDED });
    const state = await bench.ask(grantRole("admin"));
    const answers = await Promise.allSettled(CROWD.map((person, n) => bench.review(person, state, verdictOf(n))));
    for (const answer of answers) if (answer.status === "rejected") assert.ok(answer.reason instanceof EngineError);
    const types = await bench.types();
    assert.equal(types.filter((type) => TERMINAL.includes(type)).length, 1, what);
    const { progress, reviews } = await now(bench, state);
    const last = types.findIndex((type) => TERMINAL.includes(type));
    assert.equal(types.lastIndexOf("review.recorded"), last - 1, "nobody counts after the end");
    if (progress.status === "approved") {
      assert.equal(new Set(progress.by).size, 2, what);
      assert.deepEqual(
        reviews.map(({ verdict }) => verdict),
        ["approve", "approve"],
        what,
      );
    } else {
      assert.equal(progress.status, "denied", what);
      assert.equal(reviews.filter(({ verdict }) => verdict === "deny").length, 1, what);
    }
  }
});

test("quorum.race: one last place, two at once, one gets it", async () => {
  using bench = new Bench();
  const state = await bench.ask(exportRows(12_000));
  const answers = await Promise.all([bench.review("ann", state), bench.review("bob", state)]);
  assert.equal(answers.filter((answer) => "refused" in answer && answer.refused === "request_closed").length, 1);
  assert.deepEqual(await bench.types(2), ["review.recorded", "request.approved"]);
});

test("quorum.double-click: the same click ten times is one review, and ten clicks are one too", async () => {
  using bench = new Bench();
  const state = await bench.ask(grantRole("admin"));
  const same = await Promise.all(Array.from({ length: 10 }, () => bench.review("ann", state, "approve", "one-click")));
  for (const answer of same) assert.ok(!("refused" in answer) || answer.refused === "already_reviewed");
  const many = await Promise.all(
    Array.from({ length: 10 }, (_, n) => bench.review("ann", state, "approve", `click-${n}`)),
  );
  for (const answer of many) assert.ok("refused" in answer && answer.refused === "already_reviewed");
  assert.equal((await bench.types()).filter((type) => type === "review.recorded").length, 1);
  assert.equal((await now(bench, state)).progress.status, "pending");
});

test("a nonce stands for one verdict: a denial under an approval's nonce is not lost silently", async () => {
  using bench = new Bench();
  const state = await bench.ask(grantRole("admin"));
  await bench.review("ann", state, "approve", "nonce-123");
  const denied = await bench.review("ann", state, "deny", "nonce-123");
  assert.ok(!("refused" in denied) && denied.progress.status === "denied");
  const again = await bench.review("ann", state, "deny", "nonce-123");
  assert.deepEqual(again, denied, "the same click after the end gets the first answer");
  assert.equal(((await bench.review("ann", state, "deny", "nonce-124")) as Refusal).refused, "request_closed");
});

test("a telling refusal leaves an entry, a late or repeated click none, and a crowd of tries few", async () => {
  using bench = new Bench();
  const state = await bench.ask(dropTable("old"));
  const size = await bench.size();
  const rows: readonly (readonly [person: string, digest: string, code: RefusalCode, told: boolean])[] = [
    ["cy", state.opened.digest, "person_barred", true],
    ["gil", state.opened.digest, "person_barred", true],
    ["ann", `sha256:${"0".repeat(64)}`, "digest_changed", true],
    ["nobody", state.opened.digest, "person_unknown", false],
  ];
  let entries = 0;
  for (const [person, digest, code, told] of rows) {
    const answer = await submitReview(bench.ctx, state.opened.id, intent(person, digest, "approve", `nonce-${person}`));
    assert.ok("refused" in answer && answer.refused === code, person);
    if (told) entries += 1;
    assert.equal((await bench.size()) - size, entries, person);
  }
  assert.deepEqual([...new Set(await bench.types(size))], ["review.refused"]);
  for (let n = 0; n < 100; n++) await bench.review("cy", state);
  assert.ok((await bench.size()) - size < 40, "clicking cannot fill the ledger");
  assert.ok(!("refused" in (await bench.review("ann", state))), "and keeps nobody out");
});

test("a review on what is known is recorded where that is all, and leaves no trace where it is not or lets nothing in", async () => {
  using bench = new Bench();
  const state = await bench.ask(grantRole("admin"));
  const { id, digest } = state.opened;
  const at = (person: string, verdict: Verdict, size: number): ReturnType<typeof submitReviewAt> =>
    submitReviewAt(bench.ctx, id, intent(person, digest, verdict, `nonce-${person}`), size);
  const size = await bench.size();
  for (const other of [size - 1, size + 1]) assert.equal(await at("ann", "approve", other), null);
  assert.equal(await at("cy", "approve", size), null, "barred");
  assert.equal(await bench.size(), size, "and nothing tells of it");
  const [ann, bob] = await Promise.all([at("ann", "approve", size), at("bob", "approve", size)]);
  assert.deepEqual([ann?.reviews.length, bob], [1, null], "the second one did not know of the first");
  assert.equal(await bench.size(), size + 1);
  assert.equal(await at("ann", "approve", size + 1), null, "the same click is answered by what was read");
  const done = await at("bob", "approve", size + 1);
  assert.equal(done?.progress.status, "approved");
  const late = await bench.ask(exportRows(12_000));
  const before = await bench.size();
  bench.clock.pass(HOUR);
  assert.equal(
    await submitReviewAt(bench.ctx, late.opened.id, intent("ann", late.opened.digest, "deny", "n-1"), before),
    null,
  );
  assert.equal(await bench.size(), before, "its end is somebody else's to write");
});

test("default.timeout: nobody answers, so nothing is approved, with or without a sweeper", async () => {
  using bench = new Bench();
  const state = await bench.ask(exportRows(12_000));
  bench.clock.pass(HOUR - 1);
  await sweep(bench.ctx); // reminds, and ends nothing
  assert.equal((await now(bench, state)).progress.status, "pending");
  bench.clock.pass(1);
  const late = await bench.review("ann", state);
  assert.ok("refused" in late && late.refused === "request_expired");
  assert.equal((await now(bench, state)).progress.status, "expired");
});

test("the sweeper writes down what time decided, once, however often and late it comes", async () => {
  using bench = new Bench();
  const pending = await bench.ask(exportRows(1));
  const unused = await bench.ask(exportRows(2));
  const denied = await bench.ask(exportRows(3));
  await bench.review("ann", unused);
  await bench.review("ann", denied, "deny");
  const size = await bench.size();
  assert.equal(await sweep(bench.ctx), 0);
  bench.clock.pass(10 * MINUTE);
  await Promise.all([sweep(bench.ctx), sweep(bench.ctx), sweep(bench.ctx)]);
  assert.equal(await bench.size(), size, "a cool-down ends without an entry");
  assert.equal(await bench.store.slot(`denied:report-bot:${denied.opened.digest}`), null);
  bench.clock.pass(10 * HOUR);
  await Promise.all([sweep(bench.ctx), sweep(bench.ctx), sweep(bench.ctx)]);
  assert.deepEqual((await bench.types(size)).toSorted(), ["permit.expired", "request.expired"]);
  assert.equal(await sweep(bench.ctx), 0);
  assert.equal(await bench.store.nextTimer(), null);
  assert.equal((await now(bench, pending)).progress.status, "expired");
  const { progress } = await now(bench, unused);
  assert.ok(progress.status === "approved" && progress.permit.status === "expired");
  assert.equal(await bench.store.slot(`live:report-bot:${unused.opened.digest}`), null);
});

test("a cool-down that a newer denial took over is not ended by the older timer", async () => {
  using bench = new Bench();
  const first = await bench.ask(exportRows(3));
  await bench.review("ann", first, "deny");
  bench.clock.pass(10 * MINUTE);
  const second = await bench.ask(exportRows(3));
  await bench.review("ann", second, "deny");
  await sweep(bench.ctx);
  const { decision } = await bench.evaluate(exportRows(3));
  assert.ok(decision.outcome === "deny" && decision.code === "repeated_denial");
});

test("nothing is told before it is committed, and everything after", async () => {
  using bench = new Bench();
  const told: string[] = [];
  const leave = bench.ctx.bus.subscribe((state) => told.push(`${state.progress.status} ${state.version}`));
  const state = await bench.ask(grantRole("admin"));
  await bench.review("ann", state);
  await bench.review("cy", state); // barred: recorded as refused
  await bench.review("bob", state);
  leave();
  assert.deepEqual(told, ["pending 1", "pending 2", "pending 3", "approved 5"]);
});
