// What a click does when the moment is a bad one: right state, right message, nothing lost, nothing twice.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { dropTable, exportRows } from "../../support/actions.ts";
import { HOUR, MINUTE, SECOND } from "../../support/clock.ts";
import { sweep } from "../../../src/engine/index.ts";
import { allText } from "../chat.ts";
import { Chat } from "./chat.ts";
import { Workspace, type Standing } from "./workspace.ts";

let workspace: Workspace;
before(async () => {
  workspace = await Workspace.open();
});
beforeEach(() => {
  workspace.standing.clear();
  workspace.whispers.length = 0;
  workspace.calls.length = 0;
  workspace.altered.clear();
  workspace.fault = () => null;
});
after(() => workspace[Symbol.asyncDispose]());

const IN_CHANNEL = { channels: ["#approvals"] };
const DOWN = { status: 503, body: { ok: false } } as const;

async function opened(chat: Chat, table = "orders"): Promise<{ readonly id: string; readonly message: Standing }> {
  const { opened: request } = await chat.bench.ask(dropTable(table));
  await chat.settle();
  const message = workspace.messages.at(-1);
  assert.ok(message !== undefined);
  return { id: request.id, message };
}

function payloadOf(name: string, message: Standing, action = "keyturn.approve"): ReturnType<Workspace["payload"]> {
  const value = workspace.buttons(message).get(action)?.value ?? "";
  return workspace.payload({ user: workspace.id(name), action, value, channel: message.channel, ts: message.ts });
}

test("a click during a restart: what was acknowledged is decided afterwards, once", async () => {
  using chat = new Chat(workspace, workspace.config(IN_CHANNEL));
  const { id, message } = await opened(chat);
  assert.equal(await chat.send(payloadOf("ann", message)), 200);
  assert.equal((await chat.state(id)).reviews.length, 0, "acknowledged, and not decided");
  chat.restart();
  await chat.settle();
  assert.deepEqual(
    (await chat.state(id)).reviews.map(({ person }) => person),
    ["ann"],
  );
  assert.ok(workspace.messages.every(({ blocks }) => allText(blocks).includes("Ann Achterberg approved")));
  chat.restart();
  await chat.settle();
  assert.equal(await chat.entries("review.recorded"), 1);
});

test("two clicks at once are one review, and two people at once are two", async () => {
  using chat = new Chat(workspace, workspace.config(IN_CHANNEL));
  const { id, message } = await opened(chat);
  const clicks = [payloadOf("ann", message), payloadOf("ann", message), payloadOf("bob", message)];
  assert.deepEqual(await Promise.all(clicks.map(async (one) => chat.send(one))), [200, 200, 200]);
  await chat.settle();
  const state = await chat.state(id);
  assert.equal(state.progress.status, "approved");
  assert.equal(await chat.entries("review.recorded"), 2);
  assert.equal(await chat.entries("request.approved"), 1);
  assert.equal(workspace.whispers.length, 1);
  assert.match(
    workspace.whispers[0]?.text ?? "",
    /^Nothing was decided\. (?:You have already reviewed|This request is already decided)/,
  );
});

test("a click after expiry decides nothing, says so, and the message says expired and not denied", async () => {
  using chat = new Chat(workspace, workspace.config(IN_CHANNEL));
  const { id, message } = await opened(chat);
  const late = payloadOf("ann", message);
  chat.bench.clock.pass(2 * HOUR);
  assert.equal(await chat.send(late), 200);
  await sweep(chat.bench.ctx);
  await chat.settle();
  assert.equal((await chat.state(id)).progress.status, "expired");
  assert.match(workspace.whispers[0]?.text ?? "", /The time to review this request is over/);
  for (const { blocks } of workspace.messages) assert.match(allText(blocks), /^Expired: nobody decided in time/);
});

test("a click on a message of an older card or digest is refused, and says why", async () => {
  using chat = new Chat(workspace, workspace.config(IN_CHANNEL));
  const { id, message } = await opened(chat);
  const older = payloadOf("ann", message);
  chat.bench.rules = { ...chat.bench.rules, titles: new Map([["table.drop", "Tidy up"]]) };
  await chat.send(older);
  const other = await opened(chat, "customers");
  const value = workspace.buttons(message).get("keyturn.approve")?.value ?? "";
  const [, , digest] = (workspace.buttons(other.message).get("keyturn.approve")?.value ?? "").split(" ");
  const mixed = value.replace(/sha256:\w+/, digest ?? "");
  await chat.send(
    workspace.payload({ user: workspace.id("ann"), value: mixed, channel: message.channel, ts: message.ts }),
  );
  await chat.settle();
  assert.equal((await chat.state(id)).reviews.length, 0);
  assert.equal(workspace.whispers.length, 2);
  for (const { text } of workspace.whispers) assert.match(text, /What you were shown is not what would run/);
});

test("Slack is down for ten minutes: cards wait, clicks that were taken are decided, and each once", async () => {
  using chat = new Chat(workspace, workspace.config(IN_CHANNEL));
  const { id, message } = await opened(chat);
  workspace.fault = () => DOWN;
  const second = (await chat.bench.ask(dropTable("later"))).opened.id;
  assert.equal(await chat.send(payloadOf("ann", message)), 200, "it came before the outage was noticed");
  for (let minute = 0; minute < 10; minute += 1) {
    await chat.settle();
    chat.bench.clock.pass(MINUTE);
  }
  assert.equal((await chat.state(id)).reviews.length, 0, "nobody vouches for an account: it decides nothing");
  assert.equal(chat.outbox.troubles().length, 1);
  workspace.fault = () => null;
  for (let n = 0; n < 12; n += 1) {
    chat.bench.clock.pass(MINUTE);
    await chat.settle();
  }
  assert.equal((await chat.state(id)).reviews.length, 1);
  assert.equal(await chat.entries("review.recorded"), 1);
  assert.equal(workspace.messages.length, 2, "one for each request");
  assert.ok(
    workspace.messages.some(({ blocks }) => allText(blocks).includes("later")),
    second,
  );
  assert.deepEqual(chat.outbox.troubles(), []);
});

test("an outage that is too long: the click decides nothing, and the person is asked to click again", async () => {
  using chat = new Chat(workspace, workspace.config(IN_CHANNEL));
  const { id, message } = await opened(chat);
  workspace.fault = (method) => (method === "users.info" ? DOWN : null);
  await chat.send(payloadOf("ann", message));
  for (let minute = 0; minute < 16; minute += 1) {
    await chat.settle();
    chat.bench.clock.pass(MINUTE);
  }
  await chat.settle();
  assert.equal((await chat.state(id)).reviews.length, 0);
  assert.match(workspace.whispers[0]?.text ?? "", /could not be asked in time who you are\. Click again\./);
});

test("429 with Retry-After: nothing is sent until then, and everything arrives", async () => {
  using chat = new Chat(workspace, workspace.config(IN_CHANNEL));
  workspace.fault = (method) =>
    method === "chat.postMessage" ? { status: 429, body: { ok: false, error: "ratelimited" }, retryAfter: 30 } : null;
  await chat.bench.ask(dropTable("orders"));
  await chat.settle();
  assert.equal(workspace.count("chat.postMessage"), 1);
  workspace.fault = () => null;
  chat.bench.clock.pass(29 * SECOND);
  await chat.settle();
  assert.equal(workspace.count("chat.postMessage"), 1);
  chat.bench.clock.pass(2 * SECOND);
  await chat.settle();
  assert.equal(workspace.messages.length, 1);
  assert.deepEqual(chat.outbox.troubles(), [], "to be told to wait is no trouble");
});

test("an answer that was lost is asked for again, and an ephemeral one comes as a message where there is no place", async () => {
  using chat = new Chat(workspace, workspace.config(IN_CHANNEL));
  const { message } = await opened(chat);
  workspace.fault = (method) =>
    method === "chat.postEphemeral" ? { status: 200, body: { ok: false, error: "user_not_in_channel" } } : null;
  await chat.send(payloadOf("cy", message));
  await chat.settle();
  const direct = workspace.messages.find(({ text }) => text === "Nothing was decided.");
  assert.match(allText(direct?.blocks ?? null), /^Nothing was decided\. You stand behind this action/);
});

test("what stands on a medium risk approves with one click, on a high one it opens the page, and denying is one click on both", async () => {
  using chat = new Chat(workspace, workspace.config(IN_CHANNEL));
  const { message } = await opened(chat);
  const { opened: high } = await chat.bench.ask(exportRows(12_000));
  await chat.settle();
  const value = [
    "v1",
    high.id,
    high.digest,
    workspace
      .buttons(workspace.messages.at(-1) as Standing)
      .get("keyturn.deny")
      ?.value.split(" ")[3],
  ].join(" ");
  const by = { user: workspace.id("ann"), value, channel: message.channel, ts: message.ts };
  await chat.send(workspace.payload({ ...by, action: "keyturn.approve" }));
  await chat.settle();
  assert.equal((await chat.state(high.id)).reviews.length, 0);
  assert.match(workspace.whispers[0]?.text ?? "", new RegExp(`not evidence enough.*${high.id}`));
  await chat.send(workspace.payload({ ...by, action: "keyturn.deny" }));
  await chat.settle();
  assert.equal((await chat.state(high.id)).progress.status, "denied");
});

test("a reason is asked for in a dialog, and stands in the record and on the message", async () => {
  using chat = new Chat(workspace, workspace.config(IN_CHANNEL));
  const { id, message } = await opened(chat);
  const value = workspace.buttons(message).get("keyturn.deny_reason")?.value ?? "";
  const { channel, ts } = message;
  const user = workspace.id("ann");
  workspace.views.length = 0;
  const ask = workspace.payload({ user, action: "keyturn.deny_reason", value, channel, ts });
  assert.deepEqual([await chat.send(ask), await chat.send(ask)], [200, 200]);
  while (workspace.views.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(workspace.views.length, 1, "the same click opens one dialog");
  const metadata = JSON.stringify({ value, channel, ts });
  const long = await chat.received(workspace.submission(user, metadata, "é".repeat(1500)));
  assert.deepEqual(long.body?.["response_action"], "errors");
  const sent = workspace.submission(user, metadata, "  Not on a Friday *please* @here ");
  assert.deepEqual((await chat.received(sent)).body, { response_action: "clear" });
  assert.deepEqual((await chat.received(sent)).status, 200, "sent twice");
  await chat.settle();
  const state = await chat.state(id);
  assert.equal(state.progress.status, "denied");
  assert.equal(state.reviews[0]?.reason, "Not on a Friday *please* @here");
  assert.ok(workspace.messages.every(({ blocks }) => allText(blocks).includes("Not on a Friday *please* @here")));
  assert.equal(await chat.entries("review.recorded"), 1);
});

test("a dialog that does not open is said, and nothing is decided", async () => {
  using chat = new Chat(workspace, workspace.config(IN_CHANNEL));
  const { id, message } = await opened(chat);
  assert.equal(await chat.send(payloadOf("ann", message, "keyturn.deny_reason")), 200);
  while (workspace.whispers.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.match(workspace.whispers[0]?.text ?? "", /did not open the dialog in time, and nothing was decided/);
  assert.equal((await chat.state(id)).progress.status, "pending");
});
