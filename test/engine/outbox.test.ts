import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { giveUp, loadRequest, Outbox, sweep } from "../../src/engine/index.ts";
import type { OutboxParts } from "../../src/engine/index.ts";
import { ChannelError } from "../../src/ports/channel.ts";
import type { Channel } from "../../src/ports/channel.ts";
import { exportRows, grantRole } from "../support/actions.ts";
import { Bench } from "../support/bench.ts";
import { HOUR, MINUTE, SECOND } from "../support/clock.ts";
import { Board, DOWN } from "./board.ts";

const never = new AbortController().signal;
const page = (id: string): string => `https://keyturn.example/requests/${id}`;

function outboxOf(bench: Bench, channels: readonly Channel[], more: Partial<OutboxParts> = {}): Outbox {
  return new Outbox({ ctx: bench.ctx, channels, page, ...more });
}

/** Sends until nothing is due. */
async function drain(outbox: Outbox): Promise<void> {
  while ((await outbox.step(never)) > 0);
}

/** Lets time pass second by second, sending what becomes due. */
async function pass(bench: Bench, outbox: Outbox, ms: number, stepMs: number = SECOND): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    bench.clock.pass(stepMs);
    await drain(outbox);
  }
}

test("a request is shown to who may approve, changed in place with each review, and closed", async () => {
  using bench = new Bench();
  const board = new Board();
  const outbox = outboxOf(bench, [board]);
  const state = await bench.ask(grantRole("admin"));
  const { id } = state.opened;
  await drain(outbox);
  const everybody = ["ann", "bob", "eve", "fay"]; // cy owns the agent
  assert.deepEqual(
    board.standing(id),
    everybody.map((who) => `${who} pending`),
  );
  assert.equal(board.calls[0]?.notice.page, page(id));
  await bench.review("ann", state);
  await drain(outbox);
  assert.deepEqual([board.count("present"), board.count("update")], [4, 4]);
  await bench.review("bob", state, "deny");
  await drain(outbox);
  assert.deepEqual([board.count("present"), board.count("update"), board.count("close")], [4, 4, 4]);
  assert.deepEqual(
    board.standing(id),
    everybody.map((who) => `${who} denied`),
  );
  assert.ok([...board.posted.values()].every(({ closed }) => closed));
  assert.deepEqual(board.calls.at(-1)?.notice.changes, ["review.recorded", "request.denied"]);
  assert.equal((await bench.store.messages(10)).length, 0);
});

test("an instance without channels queues no news, and leaves those of another one alone", async () => {
  using bench = new Bench();
  const quiet = { ...bench.ctx, isQuiet: true };
  await outboxOf(bench, [], { ctx: quiet }).run(never);
  const { opened } = await bench.ask(grantRole("admin"));
  const waiting = await bench.store.messages(10);
  assert.equal(waiting.length, 1);
  await outboxOf(bench, [], { ctx: quiet }).run(never);
  assert.deepEqual(await bench.store.messages(10), waiting);
  const board = new Board();
  await drain(outboxOf(bench, [board]));
  assert.equal(board.standing(opened.id).length, 4);
  assert.ok(!("refused" in (await giveUp(quiet, bench.caller(), opened.id))));
  assert.deepEqual(await bench.store.messages(10), []);
});

test("changes that nobody could be told of in time become one, and what is over before it was shown is not shown", async () => {
  using bench = new Bench();
  const board = new Board();
  const state = await bench.ask(grantRole("admin"));
  await bench.review("ann", state);
  await bench.review("cy", state); // refused: nobody else is told
  const outbox = outboxOf(bench, [board]); // a channel that is set up only now
  await drain(outbox);
  assert.deepEqual(board.standing(state.opened.id), ["bob pending", "eve pending", "fay pending"]);
  assert.equal(board.calls.length, 3);
  const quick = await bench.ask(exportRows(7));
  await bench.review("ann", quick, "deny");
  await drain(outbox);
  assert.deepEqual(board.standing(quick.opened.id), []);
  assert.deepEqual(outbox.troubles(), [], "that is no loss");
});

test("ten minutes without the service: nothing is lost, nothing comes twice, and the last word is right", async () => {
  using bench = new Bench();
  const board = new Board();
  const outbox = outboxOf(bench, [board]);
  const shown = await bench.ask(grantRole("before"));
  await drain(outbox);
  let tries = 0;
  board.fail = () => ((tries += 1), DOWN);
  const during = await bench.ask(grantRole("during"));
  await bench.review("ann", shown);
  await bench.review("bob", shown);
  await pass(bench, outbox, 10 * MINUTE);
  assert.ok(tries > 5 && tries < 40, `${tries} tries: a service that is down is not stormed`);
  assert.equal(outbox.troubles()[0]?.because, "the service is away");
  board.fail = () => null;
  await pass(bench, outbox, 11 * MINUTE);
  assert.deepEqual(
    new Set(board.standing(shown.opened.id)),
    new Set(["ann", "bob", "eve", "fay"].map((w) => `${w} approved`)),
  );
  assert.deepEqual(board.standing(during.opened.id).length, 4);
  assert.equal(board.count("present"), 8, "each once");
  assert.deepEqual(outbox.troubles(), []);
});

test("a request that came and went during an outage counts as lost, aloud", async () => {
  using bench = new Bench();
  const board = new Board();
  const outbox = outboxOf(bench, [board]);
  board.fail = () => DOWN;
  const state = await bench.ask(exportRows(12_000));
  await pass(bench, outbox, 61 * MINUTE, MINUTE);
  await sweep(bench.ctx);
  board.fail = () => null;
  await pass(bench, outbox, 11 * MINUTE, MINUTE);
  assert.deepEqual(board.standing(state.opened.id), []);
  const entry = (await bench.entries()).find(({ type }) => type === "notification.failed");
  assert.deepEqual(entry?.payload, { request: state.opened.id, because: "it was over before anybody could be told" });
  assert.equal((await bench.store.messages(10)).length, 0);
});

test("Retry-After is kept: until it is over nothing is sent, and then everything", async () => {
  using bench = new Bench();
  const board = new Board();
  const outbox = outboxOf(bench, [board]);
  board.fail = () => new ChannelError({ code: "channel_rate_limited", message: "slow down", retryAfterMs: 30_000 });
  const state = await bench.ask(grantRole("admin"));
  await drain(outbox);
  let early = 0;
  board.fail = () => ((early += 1), null);
  const other = await bench.ask(grantRole("other"));
  await pass(bench, outbox, 29 * SECOND);
  assert.equal(early, 0);
  await pass(bench, outbox, 2 * SECOND);
  assert.equal(board.standing(state.opened.id).length + board.standing(other.opened.id).length, 8);
  assert.deepEqual(outbox.troubles(), [], "being told to wait is no outage");
});

test("after a restart it goes on where it was: the cards that stand are changed, none is put up again", async () => {
  using bench = new Bench();
  const board = new Board();
  const state = await bench.ask(grantRole("admin"));
  let left = 2;
  board.fail = () => (left-- > 0 ? null : DOWN);
  await drain(outboxOf(bench, [board])); // two of four places, then the end
  board.fail = () => null;
  bench.clock.pass(2 * MINUTE); // what it had taken is free again
  const next = outboxOf(bench, [board]);
  await drain(next);
  assert.equal(board.count("present"), 4);
  await bench.review("ann", state);
  await drain(outboxOf(bench, [board]));
  assert.equal(board.count("update"), 4);
});

test("a message that somebody deleted is put up again while people are waited for", async () => {
  using bench = new Bench();
  const board = new Board();
  const outbox = outboxOf(bench, [board]);
  const state = await bench.ask(grantRole("admin"));
  await drain(outbox);
  board.posted.clear();
  await bench.review("ann", state);
  await drain(outbox);
  assert.equal(board.standing(state.opened.id).length, 4);
  board.posted.clear();
  await bench.review("bob", state, "deny");
  await drain(outbox);
  assert.equal(board.standing(state.opened.id).length, 0);
  assert.equal((await bench.store.messages(10)).length, 0, "and nobody tries for ever");
});

test("a place that refuses is told of aloud, and the others are told all the same", async () => {
  using bench = new Bench();
  const board = new Board();
  const outbox = outboxOf(bench, [board]);
  board.fail = (_call, place) =>
    place === "bob" ? new ChannelError({ code: "channel_refused", message: "user_not_found" }) : null;
  const state = await bench.ask(grantRole("admin"));
  await drain(outbox);
  await bench.review("ann", state);
  await drain(outbox);
  assert.deepEqual(board.standing(state.opened.id), ["ann pending", "eve pending", "fay pending"]);
  const entries = (await bench.entries()).filter(({ type }) => type === "notification.failed");
  assert.equal(entries.length, 1);
  assert.deepEqual(entries[0]?.payload, { request: state.opened.id, because: "`bob`: user_not_found" });
  assert.equal(outbox.troubles()[0]?.givenUp, 1);
});

test("it gives up after a day, aloud and with few entries, and goes on with what comes then", async () => {
  using bench = new Bench();
  const hooks = new Board("hooks", "every");
  hooks.route = () => ["hook"];
  hooks.fail = () => DOWN;
  const results: string[] = [];
  const outbox = outboxOf(bench, [hooks], { onResult: (channel, result) => results.push(`${channel} ${result}`) });
  for (let n = 0; n < 30; n++) await bench.ask(exportRows(1000 + n));
  await pass(bench, outbox, 23 * HOUR, 5 * MINUTE);
  assert.ok(!results.includes("hooks given_up"));
  await pass(bench, outbox, 3 * HOUR, 5 * MINUTE);
  assert.equal(results.filter((result) => result === "hooks given_up").length, 30);
  assert.equal((await bench.store.messages(100)).length, 0);
  const entries = (await bench.types()).filter((type) => type === "notification.failed");
  assert.ok(entries.length >= 1 && entries.length <= 3, `${entries.length} entries`);
  assert.equal(outbox.troubles()[0]?.givenUp, 30);
  hooks.fail = () => null;
  bench.clock.pass(HOUR);
  await bench.ask(exportRows(5000));
  await drain(outbox);
  assert.deepEqual(
    hooks.calls.map(({ notice }) => notice.changes),
    [["request.opened"]],
  );
});

test("people are reminded once, in time; not when it is decided; and an expiry is told as one", async () => {
  using bench = new Bench();
  const board = new Board();
  const outbox = outboxOf(bench, [board]);
  const waits = await bench.ask(exportRows(9)); // an hour
  const decided = await bench.ask(exportRows(8));
  await drain(outbox);
  await bench.review("ann", decided, "deny");
  await drain(outbox);
  bench.clock.pass(47 * MINUTE);
  await sweep(bench.ctx);
  await drain(outbox);
  assert.equal(board.count("remind"), 0);
  bench.clock.pass(2 * MINUTE);
  for (let n = 0; n < 3; n++) await sweep(bench.ctx);
  await drain(outbox);
  const reminded = board.calls.filter(({ call }) => call === "remind");
  assert.deepEqual(
    reminded.map(({ place }) => place),
    ["ann", "bob", "dee"],
  );
  assert.ok(reminded.every(({ notice }) => notice.card.body.request === waits.opened.id));
  bench.clock.pass(12 * MINUTE);
  await sweep(bench.ctx);
  await drain(outbox);
  assert.deepEqual(new Set(board.standing(waits.opened.id).map((line) => line.split(" ")[1])), new Set(["expired"]));
});

test("a channel that tells every change tells each once, in order, with an id that a repetition keeps", async () => {
  using bench = new Bench();
  const hooks = new Board("hooks", "every");
  hooks.route = () => ["hook"];
  const outbox = outboxOf(bench, [hooks]);
  let answers = 0;
  // The receiver takes every second delivery, and its answer is lost.
  hooks.fail = () => ((answers += 1) % 2 === 1 ? { after: DOWN } : null);
  const state = await bench.ask(grantRole("admin"));
  await bench.review("ann", state);
  await bench.review("cy", state);
  await bench.review("bob", state);
  await pass(bench, outbox, 2 * MINUTE);
  const told = hooks.calls.map(({ notice }) => `${notice.id.split(".")[1]} ${notice.changes.join("+")}`);
  assert.deepEqual(
    [...new Set(told)],
    ["1 request.opened", "2 review.recorded", "4 review.recorded", "5 request.approved"],
  );
  assert.ok(told.length > 4, "some came twice, under the same id");
  assert.deepEqual(told, told.toSorted(), "and in order");
});

test("default.channel-down: the notification is lost for good, and silence passes nothing", async () => {
  using bench = new Bench();
  const board = new Board();
  board.fail = () => DOWN;
  const outbox = outboxOf(bench, [board], { giveUpAfterMs: 30 * MINUTE });
  const state = await bench.ask(exportRows(12_000));
  await pass(bench, outbox, 40 * MINUTE, 10 * SECOND);
  assert.ok((await bench.types()).includes("notification.failed"), "the loss is an entry");
  assert.equal(outbox.troubles()[0]?.givenUp, 1);
  assert.equal((await loadRequest(bench.ctx, state.opened.id))?.progress.status, "pending", "nobody decided");
  bench.clock.pass(HOUR);
  await sweep(bench.ctx);
  const after = await loadRequest(bench.ctx, state.opened.id);
  assert.equal(after?.progress.status, "expired");
  const late = await bench.review("ann", state);
  assert.ok("refused" in late && late.refused === "request_expired");
  const { decision } = await bench.evaluate(exportRows(12_000));
  assert.equal(decision.outcome, "require_approval");
  const types = await bench.types();
  assert.ok(!types.some((type) => type === "request.approved" || type.startsWith("permit.")));
});

test("law: whatever fails and when, at the end every place shows how it is, and no place ever goes back", async () => {
  const failure = fc.constantFrom<"ok" | "down" | "lost" | "limit">("ok", "ok", "ok", "down", "lost", "limit");
  const verdicts = fc.array(fc.tuple(fc.constantFrom("ann", "bob", "eve", "fay"), fc.boolean()), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.array(failure, { maxLength: 40 }), verdicts, async (failures, reviews) => {
      using bench = new Bench();
      const board = new Board();
      const outbox = outboxOf(bench, [board]);
      const plan = failures.values();
      board.fail = (call) => {
        const next = plan.next().value ?? "ok";
        // A card that was put up unheard is beyond reach: the port says what becomes of it.
        if (next === "lost") return call === "present" ? DOWN : { after: DOWN };
        if (next === "limit")
          return new ChannelError({ code: "channel_rate_limited", message: "x", retryAfterMs: 7000 });
        return next === "down" ? DOWN : null;
      };
      const state = await bench.ask(grantRole("admin"));
      for (const [who, yes] of reviews) {
        await drain(outbox);
        bench.clock.pass(SECOND);
        await bench.review(who, state, yes ? "approve" : "deny");
      }
      await pass(bench, outbox, 40 * MINUTE, MINUTE);
      const now = await loadRequest(bench.ctx, state.opened.id);
      const last = new Map<string, string>();
      const versions = new Map<string, number>();
      for (const { call, place, notice } of board.calls) {
        const { version, status } = notice.card.progress;
        if (call !== "present") assert.ok((versions.get(place) ?? 0) <= version, "never back");
        versions.set(place, version);
        last.set(place, status);
      }
      for (const [place, status] of last) assert.equal(status, now?.progress.status, place);
      assert.equal((await bench.store.messages(10)).length, 0);
    }),
    { numRuns: 40 },
  );
});
