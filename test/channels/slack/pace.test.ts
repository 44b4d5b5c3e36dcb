import assert from "node:assert/strict";
import { test } from "node:test";
import { Pace, PACE_WAIT_MS_MAX } from "../../../src/ports/pace.ts";
import { ChannelError } from "../../../src/ports/channel.ts";
import { dropTable } from "../../support/actions.ts";
import { Bench } from "../../support/bench.ts";
import { HandClock, MINUTE } from "../../support/clock.ts";
import { Chat, linkedDirectory } from "./chat.ts";
import { Workspace } from "./workspace.ts";

test("a burst goes at once, then one by one; what would wait too long is left to the outbox", async () => {
  const clock = new HandClock();
  const waited: number[] = [];
  const pace = new Pace(
    (ms) => {
      waited.push(ms);
      return Promise.resolve();
    },
    () => clock.now(),
  );
  const rate = { burst: 3, perSecond: 1 };
  for (let n = 0; n < 5; n += 1) await pace.turn("a", rate);
  await pace.turn("b", rate);
  assert.deepEqual(waited, [1000, 2000], "others have a pace of their own");
  for (let n = 0; n < 3; n += 1) await pace.turn("a", rate);
  await assert.rejects(pace.turn("a", rate), (error) => error instanceof ChannelError && (error.retryAfterMs ?? 0) > 0);
  clock.pass(PACE_WAIT_MS_MAX + MINUTE);
  for (let n = 0; n < 3; n += 1) await pace.turn("a", rate);
  assert.equal(waited.length, 5, "and after a rest there is a burst again");
});

test("many requests in one moment: no minute has more messages than Slack takes, and all arrive", async () => {
  const REQUESTS = 150;
  await using workspace = await Workspace.open([]);
  const directory = linkedDirectory(workspace, []);
  using bench = new Bench({ pendingPerAgent: 10_000, evaluationsPerMinute: 100_000 }, { directory });
  using chat = new Chat(workspace, workspace.config({ channels: ["#approvals"] }), bench);
  const posted: number[] = [];
  workspace.fault = (method) => {
    if (method === "chat.postMessage") posted.push(bench.clock.now());
    return null;
  };
  for (let n = 0; n < REQUESTS; n += 1) await bench.ask(dropTable(`table_${n}`));
  for (let n = 0; n < 100 && workspace.messages.length < REQUESTS; n += 1) {
    await chat.settle();
    bench.clock.pass(1000);
  }
  assert.equal(workspace.messages.length, REQUESTS);
  assert.equal(posted.length, REQUESTS, "none twice");
  const inMinute = posted.map((from) => posted.filter((at) => at >= from && at < from + MINUTE).length);
  // One a second, and the eight that may be under way when a minute begins.
  assert.ok(Math.max(...inMinute) <= 68, `${Math.max(...inMinute)} in a minute`);
});
