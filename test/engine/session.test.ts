import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { AgentId } from "../../src/core/brand.ts";
import type { Moment } from "../../src/core/risk/index.ts";
import { evaluate, localClock, newSurroundings, openSurroundings } from "../../src/engine/index.ts";
import type { EngineContext, Surroundings } from "../../src/engine/index.ts";
import { momentJson } from "../../src/engine/moment-json.ts";
import {
  ALIKE_PER_AGENT_MAX,
  AgentLog,
  deedOf,
  SESSIONS_PER_AGENT_MAX,
  TAGS_MAX,
  type Deed,
} from "../../src/engine/session-agent.ts";
import { Windows } from "../../src/engine/session-windows.ts";
import { relationTags } from "../../src/server/classify/tags.ts";
import { deleteAudit, exportRows, readRows } from "../support/actions.ts";
import { Bench, parsed } from "../support/bench.ts";
import { HOUR, MINUTE, SECOND } from "../support/clock.ts";
import type { Store } from "../../src/ports/store.ts";
import { FailingStore } from "../support/failing-store.ts";
import { CATALOGUE, edited } from "../support/rules.ts";

const AT = Date.UTC(2026, 5, 1, 12);
const deed = (more: Partial<Deed> = {}): Deed => ({
  session: null,
  at: AT,
  effects: ["read"],
  type: "table",
  resource: "t",
  added: { actions: 1, rows: 10, unknown: 0 },
  tags: [],
  untrusted: false,
  ...more,
});
const ONE = { actions: 1, rows: 1, unknown: 0 };
const NOTHING = { actions: 0, rows: 0, unknown: 0 };

test("law: a window holds all of its span, and at most a 24th more", () => {
  const times = fc.array(fc.integer({ min: 0, max: 3 * HOUR }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(times, (offsets) => {
      const windows = new Windows();
      const sorted = offsets.toSorted((a, b) => a - b);
      for (const offset of sorted) windows.add(AT + offset, ONE);
      const now = AT + (sorted.at(-1) ?? 0);
      const within = (ms: number): number => sorted.filter((offset) => AT + offset > now - ms).length;
      const { minutes5, hour, day } = windows.counts(now);
      assert.ok(minutes5.actions >= within(5 * MINUTE) && minutes5.actions <= within((5 * MINUTE * 26) / 24));
      assert.ok(hour.actions >= within(HOUR) && hour.actions <= within((HOUR * 26) / 24));
      assert.equal(day.actions, sorted.length);
      assert.deepEqual(
        Windows.restore(windows.dump()).counts(now),
        windows.counts(now),
        "what is written down is the same",
      );
    }),
  );
});

test("law: what is given back was never counted, and a clock that goes back loses nothing", () => {
  const windows = new Windows();
  windows.add(AT, ONE);
  windows.add(AT + SECOND, { actions: 1, rows: 500, unknown: 1 });
  windows.takeBack(AT + SECOND, { actions: 1, rows: 500, unknown: 1 });
  assert.deepEqual(windows.counts(AT + SECOND).hour, ONE);
  windows.add(AT - HOUR, ONE);
  assert.equal(windows.counts(AT + SECOND).minutes5.actions, 2, "counted as of the latest time that was seen");
  assert.deepEqual(windows.counts(AT + 25 * HOUR).day, NOTHING);
});

test("names of sessions, types and tags are the agent's own words: beyond the limits they are counted together, never forgotten", () => {
  const log = new AgentLog();
  for (let n = 0; n < SESSIONS_PER_AGENT_MAX + 50; n++) log.pass(deed({ session: `s${n}`, tags: ["personal"] }));
  assert.equal(log.session("s0", AT).actions, 1, "the first is still itself");
  const shared = log.session("never-heard", AT);
  assert.equal(shared.actions, 50, "one more shares with all beyond the limit");
  assert.deepEqual(shared.sensitivities, ["personal"]);
  for (let n = 0; n < ALIKE_PER_AGENT_MAX + 50; n++) log.pass(deed({ type: `type${n}` }));
  assert.ok(log.alike("read", "one-more-type", AT, ONE).hour.rows >= 500);
  for (let n = 0; n < TAGS_MAX + 1; n++) log.pass(deed({ tags: [`tag${n}`] }));
  assert.ok(log.recent(AT, ONE).day.sensitivities.includes("secret"), "so many tags count as the worst");
  assert.deepEqual(AgentLog.restore(log.dump()).recent(AT, ONE), log.recent(AT, ONE));
});

test("an unnamed session ends after an hour of silence, a named one after a day; windows do not end with them", () => {
  const log = new AgentLog();
  log.pass(deed());
  log.pass(deed({ session: "s" }));
  const later = AT + HOUR;
  assert.deepEqual([log.session(null, later).actions, log.session("s", later).actions], [0, 1]);
  assert.equal(log.session("s", AT + 24 * HOUR).actions, 0);
  assert.equal(log.recent(later, NOTHING).day.actions, 2);
});

async function seen(ctx: EngineContext, around: Surroundings, question = readRows(1)): Promise<Moment> {
  const asked = parsed(question);
  const classification = await ctx.rules().classifier.classify(asked);
  const at = ctx.clock.now();
  return around.sessions.look("report-bot" as AgentId, deedOf(asked, classification, at), around.local(at));
}

/** What a moment says but novelty, which lives no longer than the process. */
function lasting(moment: Moment): object {
  return momentJson({ ...moment, novel: [], approvals: { pending: 0, busiest: 0 } }, AT);
}

test("after a crash, sessions are what they were: from the ledger alone, and from any snapshot and what came after it", async () => {
  using bench = new Bench();
  const { ctx } = bench;
  const steps: readonly (() => Promise<unknown>)[] = [
    () => bench.evaluate(readRows(5, { context: { session: "a" } })),
    () => bench.evaluate(deleteAudit({ context: { session: "a" } })),
    () => Promise.all([1, 2, 3].map((n) => bench.evaluate(readRows(n)))),
    () => bench.ask(exportRows(12_000, { context: { session: "a", provenance: "untrusted" } })),
    async () => bench.review("ann", await bench.ask(exportRows(13_000)), "deny"),
  ];
  for (const step of steps) {
    await step();
    bench.clock.pass(SECOND);
    const before = lasting(await seen(ctx, ctx.around, readRows(1, { context: { session: "a" } })));
    const crashed = await openSurroundings(bench.store, bench.clock.now());
    assert.deepEqual(lasting(await seen(ctx, crashed, readRows(1, { context: { session: "a" } }))), before);
    await ctx.around.keeper.save();
    const restarted = await openSurroundings(bench.store, bench.clock.now());
    assert.deepEqual(lasting(await seen(ctx, restarted, readRows(1, { context: { session: "a" } }))), before);
  }
});

test("a snapshot taken while answers are on their way counts each of them once", async () => {
  using bench = new Bench();
  const { ctx } = bench;
  await Promise.all(
    Array.from({ length: 40 }, async (_, n) => {
      await bench.evaluate(readRows(2));
      if (n % 7 === 0) await ctx.around.keeper.save();
    }),
  );
  const moment = await seen(ctx, await openSurroundings(bench.store, bench.clock.now()));
  assert.equal(moment.alike.get("read")?.hour.actions, 41);
});

test("what is not on disk does not count: a store that fails gives it back", async () => {
  using bench = new Bench();
  const { ctx } = bench;
  const store = new FailingStore(bench.store);
  store.failOn("action.evaluated", "before");
  await assert.rejects(evaluate({ ...ctx, store }, bench.caller(), parsed(readRows(50))), { code: "store_failed" });
  assert.equal(
    (await seen(ctx, ctx.around)).alike.get("read")?.hour.actions,
    1,
    "the attempt that looks, and nothing else",
  );
});

test("what a policy sees of the moment: hours where the people are, novelty, and how busy people are", async () => {
  const policies = `
@id("permit-reads") permit (principal, action == Action::"read", resource);
@id("forbid-off-hours") @because("Nobody is there.") forbid (principal, action == Action::"read", resource)
when { !context.working_hours || context.local_hour == 13 };
@id("forbid-novel") @because("Never seen.") forbid (principal, action == Action::"read", resource)
when { context.novel && context.approvals.pending > 0 };
@id("hold-export") @hold @approvers("data-owners") @expires("1h") forbid (principal, action == Action::"export", resource);`;
  const catalogue = edited(CATALOGUE, "environments: [production, staging]", "environments: [production]");
  using bench = new Bench({}, { policies, catalogue });
  const hours = { from: 8, to: 18, weekdays: [1, 2, 3, 4, 5] };
  const around = { ...bench.ctx.around, local: localClock("Europe/Berlin", hours) };
  const ctx: EngineContext = { ...bench.ctx, around };
  const answer = async (question = readRows(1)): Promise<string> => {
    const { decision } = await evaluate(ctx, bench.caller(), parsed(question));
    return decision.outcome === "deny" ? decision.policies.join() : decision.outcome;
  };
  assert.equal(await answer(), "allow", "Monday, 14:00 in Berlin");
  bench.clock.pass(4 * HOUR);
  assert.equal(await answer(), "forbid-off-hours", "18:00");
  bench.clock.pass(19 * HOUR);
  assert.equal(await answer(), "forbid-off-hours", "13:00 on Tuesday, which a policy names");
  bench.clock.pass(HOUR);
  await bench.ask(exportRows(5));
  assert.equal(await answer(), "allow", "this table it has read before");
  const other = { ...readRows(1), resource: { type: "table", id: "orders" } };
  assert.equal(await answer(other), "forbid-novel");
});

test("newSurroundings and an empty ledger are the same", async () => {
  using bench = new Bench();
  const fresh = newSurroundings(bench.store);
  assert.deepEqual(
    await seen(bench.ctx, fresh),
    await seen(bench.ctx, await openSurroundings(bench.store, bench.clock.now())),
  );
});

test("data that nobody labelled is what the catalogue says of such, declared or read out of SQL", async () => {
  const catalogue = edited(CATALOGUE, "environments:", "unlabelled: [personal]\nenvironments:");
  using bench = new Bench({}, { catalogue });
  const tags = async (id: string): Promise<readonly unknown[]> => {
    const { classification } = await bench.evaluate({ ...readRows(5), resource: { type: "table", id } });
    return classification.facts.filter(({ name }) => name === "sensitivity").map(({ value }) => value);
  };
  assert.deepEqual(await tags("anything"), [["personal"]]);
  assert.deepEqual(await tags("audit_log"), [["audit"]], "what is labelled is what its label says");
  const tagsOfRelation = relationTags([{ type: "table", id: "plain", sensitivity: [] }], ["personal"]);
  assert.deepEqual([tagsOfRelation?.("plain"), tagsOfRelation?.("other")], [[], ["personal"]]);
});

test("a long ledger without a snapshot is read from where it still matters", async () => {
  using bench = new Bench({ evaluationsPerMinute: 100_000 });
  const old = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n++) await bench.evaluate(readRows(1));
  };
  await old(4_200);
  bench.clock.pass(26 * HOUR);
  await old(7);
  let read = 0;
  const store: Store = new Proxy(bench.store, {
    get: (target, name, self) => {
      if (name === "documents") return async () => [];
      const value: unknown = Reflect.get(target, name, self);
      if (typeof value !== "function") return value;
      return async (...args: readonly unknown[]) => {
        const answer: unknown = await value.apply(target, args);
        if (name === "range" && Array.isArray(answer)) read += answer.length;
        return answer;
      };
    },
  });
  const moment = await seen(bench.ctx, await openSurroundings(store, bench.clock.now()));
  assert.equal(moment.alike.get("read")?.hour.actions, 8);
  assert.ok(read < 100, `${read} entries were read`);
});

test("after an erasure no name of a session is left, and what it did is not forgotten", async () => {
  using bench = new Bench();
  const { ctx } = bench;
  await bench.evaluate(readRows(5, { context: { session: "the case of Mrs Doe" } }));
  await ctx.around.keeper.save();
  await ctx.around.keeper.forgetNames(ctx.clock.now());
  const documents = await bench.store.documents("sessions");
  assert.doesNotMatch(JSON.stringify(documents), /Doe/);
  const { session } = await seen(ctx, ctx.around, readRows(1, { context: { session: "the case of Mrs Doe" } }));
  assert.deepEqual([session.actions, session.sensitivities], [1, ["personal"]]);
  bench.clock.pass(24 * HOUR);
  const later = await seen(ctx, ctx.around, readRows(1, { context: { session: "x" } }));
  assert.equal(later.session.actions, 0);
});
