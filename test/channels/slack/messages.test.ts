import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { dropTable, exportRows } from "../../support/actions.ts";
import { sweep } from "../../../src/engine/index.ts";
import { Bench } from "../../support/bench.ts";
import { MINUTE } from "../../support/clock.ts";
import { POLICIES, edited } from "../../support/rules.ts";
import { allText, PAGE } from "../chat.ts";
import { Chat, linkedDirectory } from "./chat.ts";
import { Workspace } from "./workspace.ts";

let workspace: Workspace;
before(async () => {
  workspace = await Workspace.open();
});
after(() => workspace[Symbol.asyncDispose]());

test("each approver gets a message, it is edited with every review, and it ends without buttons", async () => {
  workspace.standing.clear();
  using chat = new Chat(workspace, workspace.config());
  const { opened } = await chat.bench.ask(dropTable("orders"));
  await chat.settle();
  const { messages } = workspace;
  assert.equal(messages.length, 5, "ann and bob are linked; dee, eve and fay are found by their addresses");
  for (const message of messages) {
    assert.deepEqual(
      [...workspace.buttons(message).keys()],
      ["keyturn.approve", "keyturn.deny", "keyturn.deny_reason", "keyturn.open"],
    );
    assert.equal(workspace.buttons(message).get("keyturn.open")?.url, `${PAGE}${opened.id}`);
  }
  const [first] = messages;
  assert.ok(first !== undefined);
  assert.equal(await chat.click("ann", first), 200);
  assert.ok(
    workspace.messages.every(({ edits, blocks }) => edits === 1 && allText(blocks).includes("Ann Achterberg approved")),
  );
  assert.equal(await chat.click("bob", first), 200);
  assert.equal((await chat.state(opened.id)).progress.status, "approved");
  for (const message of workspace.messages) {
    assert.match(allText(message.blocks), /^Approved: /);
    assert.deepEqual([...workspace.buttons(message).keys()], ["keyturn.open"]);
  }
  assert.equal(workspace.whispers.length, 0);
});

test("a policy's @notify, a group's channel and the settings name channels; what happened stands in the thread", async () => {
  workspace.standing.clear();
  const policies = edited(POLICIES, '@id("hold-drop")', '@id("hold-drop") @notify("slack:#payments, teams:other")');
  using bench = new Bench({}, { policies, directory: linkedDirectory(workspace, ["ann", "bob"]) });
  const groups = new Map([["security", { channels: ["#approvals"], onDuty: null }]]);
  using chat = new Chat(workspace, workspace.config({ groups }), bench);
  await chat.bench.ask(dropTable("orders"));
  await chat.settle();
  const where = workspace.messages.map(({ channel }) => channel).toSorted();
  assert.deepEqual(where, [workspace.id("#payments"), workspace.id("#approvals")].toSorted(), "and nobody directly");
  const [message] = workspace.messages;
  assert.ok(message !== undefined);
  await chat.click("ann", message, "keyturn.deny");
  const replies = [...workspace.standing.values()].filter(({ thread }) => thread !== null);
  assert.equal(replies.length, 2, "one in each channel");
  assert.match(allText(replies[0]?.blocks ?? null), /Ann Achterberg denied.*\nDenied: change the structure of …\./);
});

test("who is on duty is told, unless too few are; a requester is told of the end, and has no button to approve", async () => {
  const groups = new Map(
    ["data-owners", "security"].map((group) => [group, { channels: [], onDuty: "@oncall" }] as const),
  );
  const rows: readonly (readonly [duty: readonly string[], told: readonly string[]])[] = [
    [
      ["ann", "bob", "mallory"],
      ["ann", "bob"],
    ],
    [["ann"], ["ann", "bob", "dee", "eve", "fay"]],
    [[], ["ann", "bob", "dee", "eve", "fay"]],
  ];
  for (const [duty, told] of rows) {
    workspace.userGroups.splice(0, 9, { id: "S1", handle: "oncall", users: duty.map((name) => workspace.id(name)) });
    workspace.calls.length = 0;
    using chat = new Chat(workspace, workspace.config({ groups, requesters: true }));
    await chat.bench.ask(dropTable("orders"));
    await chat.settle();
    const posted = workspace.calls.flatMap(({ method, args }) =>
      method === "chat.postMessage" ? [args["channel"]] : [],
    );
    const expected = [...told, "cy", "gil"].flatMap((name) => workspace.ids.get(name) ?? []);
    assert.deepEqual(new Set(posted), new Set(expected), duty.join());
    assert.equal(posted.length, expected.length);
  }
  workspace.standing.clear();
  using chat = new Chat(workspace, workspace.config({ requesters: true }));
  await chat.bench.ask(exportRows(12_000));
  await chat.settle();
  const own = workspace.messages.find(({ text }) => text.startsWith("Waits for others"));
  assert.ok(own !== undefined);
  assert.deepEqual([...workspace.buttons(own).keys()], ["keyturn.deny", "keyturn.deny_reason", "keyturn.open"]);
  const other = workspace.messages.find(({ text }) => text.startsWith("Review"));
  assert.deepEqual(
    [...workspace.buttons(other ?? own).keys()],
    ["keyturn.open", "keyturn.deny", "keyturn.deny_reason"],
    "high risk is approved on its page",
  );
});

test("a channel that another organisation sees is refused, and told aloud", async () => {
  workspace.standing.clear();
  workspace.sharedChannels.add(workspace.id("#approvals"));
  try {
    using chat = new Chat(workspace, workspace.config({ channels: ["#approvals", "#nowhere"] }));
    await chat.bench.ask(dropTable("orders"));
    await chat.settle();
    assert.equal(workspace.messages.length, 0);
    const failed = (await chat.bench.entries()).find(({ type }) => type === "notification.failed");
    assert.match(JSON.stringify(failed?.payload), /shared with another organisation.*no channel #nowhere/);
  } finally {
    workspace.sharedChannels.clear();
  }
});

test("a reminder stands below the message, and a message that was deleted is put up again", async () => {
  workspace.standing.clear();
  using chat = new Chat(workspace, workspace.config({ channels: ["#approvals"] }));
  const { opened } = await chat.bench.ask(dropTable("orders"));
  await chat.settle();
  chat.bench.clock.pass(50 * MINUTE);
  await sweep(chat.bench.ctx);
  await chat.settle();
  const [reminder] = [...workspace.standing.values()].filter(({ thread }) => thread !== null);
  assert.match(
    allText(reminder?.blocks ?? null),
    /^Waiting for review, 10 min left\. Needs 0 of 1 of data-owners, 0 of 1 of security\. .*Open$/,
  );
  workspace.fault = (method) =>
    method === "chat.update" ? { status: 200, body: { ok: false, error: "message_not_found" } } : null;
  await chat.bench.review("ann", await chat.state(opened.id));
  await chat.settle();
  workspace.fault = () => null;
  assert.equal(workspace.messages.length, 2);
});
