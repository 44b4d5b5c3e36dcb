// The real socket client of Slack against our own double: the emulator has no Socket Mode.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { dropTable } from "../../support/actions.ts";
import { allText } from "../chat.ts";
import { Chat } from "./chat.ts";
import { Workspace } from "./workspace.ts";

let workspace: Workspace;
before(async () => {
  workspace = await Workspace.open();
});
after(() => workspace[Symbol.asyncDispose]());

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let n = 0; n < 500; n += 1) {
    if (holds()) return;
    await sleep(10);
  }
  assert.fail(`never: ${what}`);
}

test("clicks come through a socket, are acknowledged when they are durable, and the socket comes back by itself", async () => {
  using chat = new Chat(workspace, workspace.config({ by: "socket" }));
  const ending = new AbortController();
  const listening = chat.channel.listen(async (click) => chat.inbox.take(click), ending.signal);
  await until("it connects", () => workspace.connections === 1);
  const { opened } = await chat.bench.ask(dropTable("orders"));
  await chat.settle();
  const [message] = workspace.messages;
  assert.ok(message !== undefined);
  const { channel, ts } = message;
  const value = workspace.buttons(message).get("keyturn.approve")?.value ?? "";
  const click = workspace.payload({ user: workspace.id("ann"), value, channel, ts });
  assert.deepEqual(await workspace.push(click), {});
  assert.equal((await chat.state(opened.id)).reviews.length, 0, "acknowledged before it is decided");
  assert.deepEqual(await workspace.push(click), {}, "a second delivery of it is acknowledged too");
  await chat.settle();
  assert.deepEqual(
    (await chat.state(opened.id)).reviews.map(({ person }) => person),
    ["ann"],
  );
  const foreign = workspace.payload({
    user: workspace.id("bob"),
    value,
    change: (one) => ({ ...one, api_app_id: "A0OTHER" }),
  });
  assert.deepEqual(await workspace.push(foreign), {});
  assert.deepEqual(chat.dropped, ["foreign_app"]);

  workspace.fault = (method) => (method === "apps.connections.open" ? { status: 500, body: {} } : null);
  workspace.dropSockets();
  await until("it is in trouble", () => chat.channel.trouble?.() !== null);
  workspace.fault = () => null;
  await until("it connects again", () => workspace.connections === 1 && chat.channel.trouble?.() === null);
  const second = workspace.payload({ user: workspace.id("bob"), value, channel, ts });
  assert.deepEqual(await workspace.push(second), {});
  await chat.settle();
  assert.equal((await chat.state(opened.id)).progress.status, "approved");
  assert.match(allText(workspace.messages[0]?.blocks ?? null), /^Approved: /);
  ending.abort();
  await listening;
});

test("channel.slow-ack: what could not be kept in time is not acknowledged, and decides nothing afterwards", async () => {
  using chat = new Chat(workspace, workspace.config({ by: "socket" }));
  const ending = new AbortController();
  const { clock } = chat.bench;
  const listening = chat.channel.listen(async (click) => {
    clock.pass(4000); // the store took so long
    return chat.inbox.take(click);
  }, ending.signal);
  await until("it connects", () => workspace.connections === 1);
  workspace.standing.clear();
  const { opened } = await chat.bench.ask(dropTable("orders"));
  await chat.settle();
  const [message] = workspace.messages;
  assert.ok(message !== undefined);
  const value = workspace.buttons(message).get("keyturn.approve")?.value ?? "";
  const click = workspace.payload({ user: workspace.id("ann"), value, channel: message.channel, ts: message.ts });
  assert.equal(await workspace.push(click, 300), null);
  await chat.settle();
  chat.restart();
  await chat.settle();
  assert.equal((await chat.state(opened.id)).reviews.length, 0);
  assert.deepEqual(chat.results, ["late"]);
  ending.abort();
  await listening;
});
