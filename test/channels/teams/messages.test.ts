import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { conversationOf } from "../../../src/channels/teams/index.ts";
import { sweep } from "../../../src/engine/index.ts";
import { dropTable, exportRows } from "../../support/actions.ts";
import { Bench } from "../../support/bench.ts";
import { HOUR, MINUTE } from "../../support/clock.ts";
import { edited, POLICIES } from "../../support/rules.ts";
import { allText, PAGE } from "../chat.ts";
import { Chat, linkedDirectory } from "./chat.ts";
import { buttons, CHANNEL, CHAT, Tenant } from "./tenant.ts";

let tenant: Tenant;
before(async () => {
  tenant = await Tenant.open();
});
after(() => tenant[Symbol.asyncDispose]());

test("each approver gets a card, it changes in place with every review, and it ends without buttons", async () => {
  tenant.standing.clear();
  using chat = new Chat(tenant, tenant.config());
  const { opened } = await chat.bench.ask(dropTable("orders"));
  await chat.settle();
  const { messages } = tenant;
  assert.deepEqual(
    messages.map(({ conversation }) => conversation),
    [`a:${tenant.id("ann")}`, `a:${tenant.id("bob")}`],
    "who has an account of this tenant",
  );
  for (const { card, summary } of messages) {
    assert.deepEqual([...buttons(card).keys()], ["Approve", "Deny", "Deny and say why", "Open"]);
    assert.equal(buttons(card).get("Open")?.["url"], `${PAGE}${opened.id}`);
    assert.equal(summary, "Review: change the structure of … (medium risk)");
  }
  const [first, second] = messages;
  assert.ok(first !== undefined && second !== undefined);
  const said = await chat.click("ann", first);
  assert.match(said, /^Recorded\. Waiting for review/);
  assert.ok(
    tenant.messages.every(({ edits, card }) => edits === 1 && allText(card).includes("Ann Achterberg approved")),
  );
  assert.match(await chat.click("bob", second), /^Recorded\. Approved/);
  assert.equal((await chat.state(opened.id)).progress.status, "approved");
  for (const { card } of tenant.messages) {
    assert.match(allText(card), /^Approved: /);
    assert.deepEqual([...buttons(card).keys()], ["Open"]);
  }
  assert.equal(tenant.messages.length, 2, "nobody got another message");
});

test("a policy's @notify, a group and the settings name places; in a channel the thread tells, in a chat nothing does", async () => {
  tenant.standing.clear();
  const policies = edited(POLICIES, '@id("hold-drop")', '@id("hold-drop") @notify("teams:payments, slack:#other")');
  using bench = new Bench({}, { policies, directory: linkedDirectory(tenant, ["ann", "bob"]) });
  using chat = new Chat(tenant, tenant.config({ groups: new Map([["security", ["oncall"]]]) }), bench);
  await chat.bench.ask(dropTable("orders"));
  await chat.settle();
  const [channel, group, ...more] = tenant.messages;
  assert.ok(channel !== undefined && group !== undefined && more.length === 0, "and nobody directly");
  assert.match(channel.conversation, new RegExp(`^${CHANNEL};messageid=`));
  assert.equal(group.conversation, CHAT);
  assert.match(
    await chat.click("ann", group, "Deny and say why", "not on a <b>Friday</b> @everyone"),
    /^Recorded\. Denied/,
  );
  const replies = [...tenant.standing.values()].filter(({ thread }) => thread);
  assert.equal(replies.length, 1);
  assert.match(allText(replies[0]?.card ?? {}), /Ann Achterberg denied.*not on a <b>Friday<\/b> @everyone.*Denied: /);
  assert.match(allText(group.card), /not on a <b>Friday<\/b> @everyone/);
});

test("a name that nobody gave is refused, and told aloud", async () => {
  tenant.standing.clear();
  const policies = edited(POLICIES, '@id("hold-drop")', '@id("hold-drop") @notify("teams:nowhere")');
  using bench = new Bench({}, { policies, directory: linkedDirectory(tenant, ["ann"]) });
  using chat = new Chat(tenant, tenant.config(), bench);
  await chat.bench.ask(dropTable("orders"));
  await chat.settle();
  assert.equal(tenant.messages.length, 0);
  const failed = (await chat.bench.entries()).find(({ type }) => type === "notification.failed");
  assert.match(JSON.stringify(failed?.payload), /nothing is called `nowhere`/);
});

test("high risk is approved on its page, a requester can only stop it, and hears of the end", async () => {
  tenant.standing.clear();
  using chat = new Chat(tenant, tenant.config({ requesters: true }));
  await chat.bench.ask(exportRows(12_000));
  await chat.settle();
  const reviewer = tenant.messages.find(({ summary }) => summary.startsWith("Review"));
  const requester = tenant.messages.find(({ summary }) => summary.startsWith("Waits for others"));
  assert.ok(reviewer !== undefined && requester !== undefined);
  assert.equal(requester.conversation, `a:${tenant.id("cy")}`);
  assert.deepEqual([...buttons(reviewer.card).keys()], ["Open to approve", "Deny", "Deny and say why"]);
  assert.deepEqual([...buttons(requester.card).keys()], ["Deny", "Deny and say why", "Open"]);
  chat.bench.clock.pass(2 * HOUR);
  await sweep(chat.bench.ctx);
  await chat.settle();
  const told = tenant.messages.filter(({ conversation }) => conversation === `a:${tenant.id("cy")}`);
  assert.equal(told.length, 2);
  assert.match(allText(told[1]?.card ?? {}), /^Expired: nobody decided in time/);
});

test("a reminder stands in the thread, and a card that was deleted is put up again", async () => {
  tenant.standing.clear();
  using chat = new Chat(tenant, tenant.config({ channels: ["payments"] }));
  const { opened } = await chat.bench.ask(dropTable("orders"));
  await chat.settle();
  chat.bench.clock.pass(50 * MINUTE);
  await sweep(chat.bench.ctx);
  await chat.settle();
  const [reminder] = [...tenant.standing.values()].filter(({ thread }) => thread);
  assert.match(allText(reminder?.card ?? {}), /^Waiting for review, 10 min left\. Needs 0 of 1 of data-owners/);
  tenant.fault = ({ method }) => (method === "PUT" ? { status: 404 } : null);
  await chat.bench.review("ann", await chat.state(opened.id));
  await chat.settle();
  tenant.fault = () => null;
  assert.equal(tenant.messages.length, 2);
});

test("a token serves until shortly before its end, and another is asked for after a 401", async () => {
  tenant.standing.clear();
  tenant.tokens = 0;
  using chat = new Chat(tenant, tenant.config());
  await chat.bench.ask(dropTable("a1"));
  await chat.bench.ask(dropTable("a2"));
  await chat.settle();
  assert.deepEqual([tenant.tokens, tenant.messages.length], [1, 4]);
  chat.bench.clock.pass(58 * MINUTE);
  await chat.bench.ask(dropTable("a3"));
  await chat.settle();
  assert.equal(tenant.tokens, 2);
  tenant.tokens += 1; // what was given out is revoked
  await chat.bench.ask(dropTable("a4"));
  await chat.settle();
  chat.bench.clock.pass(5000);
  await chat.settle();
  assert.equal(tenant.tokens, 4);
});

test("conversations are named by their id or by the link that Teams gives out", () => {
  const rows: readonly (readonly [written: string, kind: string | null])[] = [
    [CHANNEL, "channel"],
    [CHAT, "chat"],
    ["https://teams.microsoft.com/l/channel/19%3Aa1b2%40thread.tacv2/General?groupId=1&tenantId=2", "channel"],
    ["https://teams.microsoft.com/l/chat/19:meeting_abc@thread.v2/0?context=x", "chat"],
    ["https://teams.microsoft.com/l/message/19%3Aa1b2%40thread.tacv2/17", null],
    ["19:x@unq.gbl.spaces", null],
    ["#general", null],
    ["19:../../x@thread.v2", null],
    ["19:a/b@thread.v2", null],
  ];
  for (const [written, kind] of rows) assert.equal(conversationOf(written)?.kind ?? null, kind, written);
});
