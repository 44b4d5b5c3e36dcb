// What a click in Teams does when the moment is a bad one: right state, right card, nothing lost, nothing twice.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { JsonObject } from "../../../src/core/action/index.ts";
import { sweep } from "../../../src/engine/index.ts";
import { dropTable, exportRows } from "../../support/actions.ts";
import { HOUR, MINUTE, SECOND } from "../../support/clock.ts";
import { at, textAt } from "../../support/json.ts";
import { allText } from "../chat.ts";
import { Chat } from "./chat.ts";
import { buttons, Tenant, type Standing } from "./tenant.ts";

let tenant: Tenant;
before(async () => {
  tenant = await Tenant.open();
});
beforeEach(() => {
  tenant.standing.clear();
  tenant.calls.length = 0;
  tenant.fault = () => null;
});
after(() => tenant[Symbol.asyncDispose]());

const DOWN = { status: 503 } as const;
const inChannel = (): Chat => new Chat(tenant, tenant.config({ channels: ["payments"] }));

async function opened(chat: Chat, table = "orders"): Promise<{ readonly id: string; readonly message: Standing }> {
  const { opened: request } = await chat.bench.ask(dropTable(table));
  await chat.settle();
  const message = tenant.messages.at(-1);
  assert.ok(message !== undefined);
  return { id: request.id, message };
}

function pressed(chat: Chat, name: string, { card, conversation }: Standing, title = "Approve"): JsonObject {
  const button = buttons(card).get(title);
  const [data, verb] = [(button?.["data"] ?? {}) as JsonObject, textAt(button, "verb")];
  return tenant.activity({ name, verb, data, conversation, atMs: chat.bench.clock.now() });
}

/** What somebody was told in their own chat with the bot. */
function direct(name: string): readonly string[] {
  return tenant.messages
    .filter(({ conversation }) => conversation === `a:${tenant.id(name)}`)
    .map(({ card }) => allText(card));
}

test("a click during a restart: what was acknowledged is decided afterwards, once", async () => {
  using chat = inChannel();
  const { id, message } = await opened(chat);
  const { status, body } = await chat.send(pressed(chat, "ann", message));
  assert.deepEqual(
    [status, at(body ?? undefined, "value")],
    [200, "Received. The card changes as soon as it is decided."],
  );
  assert.equal((await chat.state(id)).reviews.length, 0, "acknowledged, and not decided");
  chat.restart();
  await chat.settle();
  assert.deepEqual(
    (await chat.state(id)).reviews.map(({ person }) => person),
    ["ann"],
  );
  assert.match(allText(message.card), /Ann Achterberg approved/);
  chat.restart();
  await chat.settle();
  assert.equal(await chat.entries("review.recorded"), 1);
  assert.deepEqual(direct("ann"), [], "the card itself says it");
});

test("a refusal that comes after a restart reaches the person all the same", async () => {
  using chat = inChannel();
  const { message } = await opened(chat);
  await chat.send(pressed(chat, "cy", message));
  chat.restart();
  await chat.settle();
  assert.match(direct("cy").join(), /^Nothing was decided\. You stand behind this action/);
});

test("two clicks at once are one review, and two people at once are two", async () => {
  using chat = inChannel();
  const { id, message } = await opened(chat);
  const said = await Promise.all(["ann", "ann", "bob"].map((name) => chat.press(pressed(chat, name, message))));
  assert.equal((await chat.state(id)).progress.status, "approved");
  assert.equal(await chat.entries("review.recorded"), 2);
  assert.equal(await chat.entries("request.approved"), 1);
  const refused = said.filter((text) => text.startsWith("Nothing was decided."));
  assert.equal(refused.length, 1);
  assert.match(refused[0] ?? "", /You have already reviewed|This request is already decided/);
});

test("a click after expiry decides nothing, says so, and the card says expired and not denied", async () => {
  using chat = inChannel();
  const { id, message } = await opened(chat);
  chat.bench.clock.pass(2 * HOUR);
  assert.match(await chat.press(pressed(chat, "ann", message)), /The time to review this request is over/);
  await sweep(chat.bench.ctx);
  await chat.settle();
  assert.equal((await chat.state(id)).progress.status, "expired");
  assert.match(allText(message.card), /^Expired: nobody decided in time/);
});

test("a click on an older card, or with another request's digest, is refused, and says why", async () => {
  using chat = inChannel();
  const { id, message } = await opened(chat);
  const older = pressed(chat, "ann", message);
  chat.bench.rules = { ...chat.bench.rules, titles: new Map([["table.drop", "Tidy up"]]) };
  assert.match(await chat.press(older), /What you were shown is not what would run/);
  const other = await opened(chat, "customers");
  const data = buttons(message.card).get("Approve")?.["data"] as JsonObject;
  const digest = at(buttons(other.message.card).get("Approve"), "data", "digest") ?? "";
  const mixed = tenant.activity({ name: "ann", data: { ...data, digest }, atMs: chat.bench.clock.now() });
  assert.match(await chat.press(mixed), /What you were shown is not what would run/);
  assert.equal((await chat.state(id)).reviews.length, 0);
});

test("Teams is down for ten minutes: cards wait, clicks that were taken are decided, and each once", async () => {
  using chat = inChannel();
  const { id, message } = await opened(chat);
  const click = pressed(chat, "ann", message);
  await chat.send(
    tenant.activity({
      name: "ann",
      data: {},
      atMs: chat.bench.clock.now(),
      change: (one) => ({ ...one, type: "message" }),
    }),
  );
  tenant.fault = () => DOWN;
  await chat.bench.ask(dropTable("later"));
  assert.equal((await chat.send(click)).status, 200, "it came before the outage was noticed");
  for (let minute = 0; minute < 10; minute += 1) {
    await chat.settle();
    chat.bench.clock.pass(MINUTE);
  }
  assert.equal((await chat.state(id)).reviews.length, 0, "nobody vouches for an account: it decides nothing");
  assert.equal(chat.outbox.troubles().length, 1);
  tenant.fault = () => null;
  for (let n = 0; n < 12; n += 1) {
    chat.bench.clock.pass(MINUTE);
    await chat.settle();
  }
  assert.equal(await chat.entries("review.recorded"), 1);
  assert.equal(tenant.messages.length, 2, "one for each request");
  assert.ok(tenant.messages.some(({ card }) => allText(card).includes("later")));
  assert.deepEqual(chat.outbox.troubles(), []);
});

test("an outage that is too long: the click decides nothing, and the person is asked to click again", async () => {
  using chat = inChannel();
  const { id, message } = await opened(chat);
  tenant.fault = ({ path }) => (path.includes("/members/") ? DOWN : null);
  await chat.send(pressed(chat, "ann", message));
  for (let minute = 0; minute < 17; minute += 1) {
    await chat.settle();
    chat.bench.clock.pass(MINUTE);
  }
  assert.equal((await chat.state(id)).reviews.length, 0);
  assert.match(direct("ann").join(), /could not be asked in time who you are\. Click again\./);
});

test("429 with Retry-After: nothing is sent until then, and everything arrives", async () => {
  using chat = inChannel();
  tenant.fault = ({ method }) => (method === "POST" ? { status: 429, headers: { "retry-after": "30" } } : null);
  await chat.bench.ask(dropTable("orders"));
  await chat.settle();
  const sent = tenant.count("POST");
  tenant.fault = () => null;
  chat.bench.clock.pass(29 * SECOND);
  await chat.settle();
  assert.equal(tenant.count("POST"), sent);
  chat.bench.clock.pass(2 * SECOND);
  await chat.settle();
  assert.equal(tenant.messages.length, 1);
  assert.deepEqual(chat.outbox.troubles(), [], "to be told to wait is no trouble");
});

test("a redirection and an endless answer are outages, and carry our token nowhere", async () => {
  using chat = inChannel();
  const elsewhere = { status: 307, headers: { location: `${tenant.url}elsewhere` } };
  const endless = { status: 201, body: "x".repeat(300_000) };
  for (const fault of [elsewhere, endless]) {
    tenant.fault = ({ path }) => (path.includes("/v3/") ? fault : null);
    await chat.bench.ask(dropTable(`t${String(fault.status)}`));
    await chat.settle();
    assert.equal(chat.outbox.troubles().length, 1);
    assert.equal(tenant.count("POST", "elsewhere"), 0);
    tenant.fault = () => null;
    chat.bench.clock.pass(MINUTE);
    await chat.settle();
  }
  assert.equal(tenant.messages.length, 2);
});

test("a click approves a medium risk, opens the page for a high one, and denies both", async () => {
  using chat = inChannel();
  await opened(chat);
  const { opened: high } = await chat.bench.ask(exportRows(12_000));
  await chat.settle();
  const [, message] = tenant.messages;
  const data = buttons(message?.card ?? {}).get("Deny")?.["data"] as JsonObject;
  const approve = tenant.activity({ name: "ann", data, atMs: chat.bench.clock.now() });
  assert.match(await chat.press(approve), /a click is not evidence enough for this risk.*in your chat with this app/);
  assert.match(direct("ann").join(), new RegExp(`not evidence enough.*${high.id}`));
  assert.equal((await chat.state(high.id)).reviews.length, 0);
  assert.ok(message !== undefined);
  assert.match(await chat.click("ann", message, "Deny"), /^Recorded\. Denied/);
  assert.equal((await chat.state(high.id)).progress.status, "denied");
});
