import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { at, textAt } from "../../support/json.ts";
import { HandClock, HOUR } from "../../support/clock.ts";
import { Place, said } from "./places.ts";
import { StdioAgent } from "./stdio-agent.ts";

/** Long enough for an effect that should not be to show itself. */
const LATE_MS = 300;

test("permit.late-execution: a cancelled tool call does not run when its approval arrives; the same call later does, once", async () => {
  await using place = await Place.open();
  await using agent = await StdioAgent.start(place);
  const write = { path: place.path("late.txt"), content: "x" };
  void agent.ask("tools/call", { name: "write_file", arguments: write });
  const held = await place.held();
  agent.tell("notifications/cancelled", { requestId: agent.last, reason: "timed out" });
  await agent.ask("ping", {});
  await place.decide("approve", held);
  await sleep(LATE_MS);
  assert.deepEqual(place.names(), []);
  assert.equal(await place.redeemed(), 0);
  const result = await agent.call("write_file", write);
  assert.notEqual(result["isError"], true, said(result));
  assert.deepEqual(place.names(), ["late.txt"]);
  assert.equal(await place.redeemed(), 1);
});

test("permit.late-execution: a client that is gone executes nothing; the restarted agent's same call runs, once", async () => {
  await using place = await Place.open();
  const write = { path: place.path("gone.txt"), content: "x" };
  const held = await (async () => {
    await using agent = await StdioAgent.start(place);
    void agent.ask("tools/call", { name: "write_file", arguments: write });
    const one = await place.held();
    await agent.end();
    return one;
  })();
  await place.decide("approve", held);
  await sleep(LATE_MS);
  assert.deepEqual(place.names(), []);
  await using second = await StdioAgent.start(place);
  const result = await second.call("write_file", write);
  assert.notEqual(result["isError"], true, said(result));
  assert.equal(await place.redeemed(), 1);
});

test("approved after the budget was spent, across a killed gateway: the tools say how it stands, the same call runs once", async () => {
  await using place = await Place.open();
  const write = { path: place.path("budget.txt"), content: "x" };
  {
    await using agent = await StdioAgent.start(place, { options: ["--hold", "1"] });
    const pending = await agent.call("write_file", write);
    assert.match(said(pending), /^PENDING: request arq_.*call `write_file` again with exactly the same arguments/s);
    const id = textAt(pending, "_meta", "keyturn/request");
    assert.match(said(await agent.call("approval_status", { request: id })), /^PENDING/);
    const again = await agent.call("write_file", write);
    assert.equal(at(again, "_meta", "keyturn/request"), id);
    const wait = agent.call("approval_wait", { request: id });
    await sleep(50);
    await place.decide("approve");
    assert.match(said(await wait), /^APPROVED: .*Call the original tool again/);
    assert.match(
      said(await agent.call("approval_status", { request: "arq_aaaaaaaaaaaaaaaaaaaaaaaaaa" })),
      /no such request/,
    );
    agent.process.kill("SIGKILL");
    await agent.ended;
  }
  assert.deepEqual(place.names(), []);
  await using agent = await StdioAgent.start(place);
  const result = await agent.call("write_file", write);
  assert.notEqual(result["isError"], true, said(result));
  assert.deepEqual(place.names(), ["budget.txt"]);
  assert.equal(await place.redeemed(), 1);
});

test("withdrawn or expired while it is held: no effect, and the model is told", async () => {
  const clock = new HandClock(Date.now());
  await using place = await Place.open({ clock });
  await using agent = await StdioAgent.start(place, { options: ["--hold", "1"] });
  const withdrawn = agent.call("write_file", { path: place.path("w.txt"), content: "x" });
  const held = await place.held();
  await place.gate.post(`/access/v1/requests/${held.id}/cancel`, {});
  assert.match(said(await withdrawn), /^CANCELLED: .*withdrawn/);
  const write = { path: place.path("e.txt"), content: "x" };
  const first = textAt(await agent.call("write_file", write), "_meta", "keyturn/request");
  clock.pass(2 * HOUR);
  assert.match(said(await agent.call("approval_status", { request: first })), /^OVER: .* is expired/);
  const second = await agent.call("write_file", write);
  assert.notEqual(at(second, "_meta", "keyturn/request"), first);
  assert.deepEqual([place.names(), await place.redeemed()], [[], 0]);
});

test("permit.late-execution: two live calls of one action share its approval, and one of them runs", async () => {
  await using place = await Place.open();
  await using agent = await StdioAgent.start(place, { name: "files" });
  const write = { path: place.path("twice.txt"), content: "x" };
  const calls = [agent.call("write_file", write), agent.call("write_file", write)];
  const held = await place.held();
  await sleep(LATE_MS);
  assert.equal((await place.pending()).length, 1);
  await place.decide("approve", held);
  const errors = (await Promise.all(calls)).map((result) => result["isError"] === true);
  assert.deepEqual(
    errors.toSorted((a, b) => Number(a) - Number(b)),
    [false, true],
  );
  assert.equal(await place.redeemed(), 1);
});
