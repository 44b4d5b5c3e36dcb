// Clicks from Slack that must not count, through a real server and Slack's own web client; the workspace is an emulator.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Json, JsonObject } from "../../src/core/action/index.ts";
import { blockFault, type Block } from "../../src/channels/slack/blocks.ts";
import { Chat, linkedDirectory } from "../channels/slack/chat.ts";
import { ISSUER, Workspace, type Standing } from "../channels/slack/workspace.ts";
import { dropTable, grantRole } from "../support/actions.ts";
import { Bench } from "../support/bench.ts";
import { hold, type Held } from "../support/flow.ts";
import { House, type Client } from "../support/house.ts";
import { at } from "../support/json.ts";

const URL_PATH = "/v1/channels/slack";
let workspace: Workspace;
let house: House;
let gate: Client;
let held: Held;
let message: Standing;

before(async () => {
  workspace = await Workspace.open();
  house = await House.open({
    directory: linkedDirectory(workspace, ["ann", "bob", "cy"]),
    notify: { giveUpAfterMs: 60_000, webhooks: [], mail: null, slack: workspace.config({ channels: ["#approvals"] }) },
  });
  gate = await house.gate();
  held = await hold(gate, dropTable("orders"));
  await until("the message stands", () => workspace.messages.length === 1);
  [message] = workspace.messages as [Standing];
});
after(async () => {
  await house[Symbol.asyncDispose]();
  await workspace[Symbol.asyncDispose]();
});
beforeEach(() => {
  workspace.altered.clear();
  workspace.whispers.length = 0;
});

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let n = 0; n < 500; n += 1) {
    if (await holds()) return;
    await sleep(10);
  }
  assert.fail(`never: ${what}`);
}

function click(
  name: string,
  more: { readonly trigger?: string; readonly change?: (one: JsonObject) => JsonObject } = {},
): JsonObject {
  const value = workspace.buttons(message).get("keyturn.approve")?.value ?? "";
  return workspace.payload({ user: workspace.id(name), value, channel: message.channel, ts: message.ts, ...more });
}

async function post(headers: Record<string, string>, body: string): Promise<number> {
  return (await house.anyone.send("POST", URL_PATH, body, { headers })).status;
}

async function reviews(): Promise<number> {
  return (await house.entries()).filter(({ type }) => type.startsWith("review.")).length;
}

async function dropped(because: string): Promise<boolean> {
  const { text } = await house.anyone.get("/metrics");
  return (
    text.includes(`keyturn_clicks_dropped_total{because="${because}",channel="slack"}`) ||
    text.includes(`keyturn_clicks_dropped_total{channel="slack",because="${because}"}`)
  );
}

type Sent = { readonly headers: Record<string, string>; readonly body: string };
const MINUTES = 60_000;
const now = (): number => Date.now();
const altered = (sent: Sent, headers: Record<string, string>, body = sent.body): Sent => ({
  headers: { ...sent.headers, ...headers },
  body,
});
const team =
  (id: string) =>
  (one: JsonObject): JsonObject => ({ ...one, team: { id, domain: "evil" } });

const REFUSED: readonly (readonly [what: string, send: () => Sent, status: number, because: string])[] = [
  [
    "channel.forged: no signature",
    () => altered(workspace.signed(click("ann"), now()), { "x-slack-signature": "" }),
    401,
    "signature_missing",
  ],
  [
    "channel.forged: another secret's signature",
    () => altered(workspace.signed(click("ann"), now()), { "x-slack-signature": `v0=${"a".repeat(64)}` }),
    401,
    "signature_wrong",
  ],
  [
    "channel.forged: one byte of the body changed",
    () => {
      const sent = workspace.signed(click("ann"), now());
      return altered(sent, {}, sent.body.replace("block_actions", "block_actionz"));
    },
    401,
    "signature_wrong",
  ],
  [
    "channel.forged: another time under the same signature",
    () =>
      altered(workspace.signed(click("ann"), now()), {
        "x-slack-request-timestamp": String(Math.floor(now() / 1000) + 1),
      }),
    401,
    "signature_wrong",
  ],
  [
    "channel.forged: a time that is no number",
    () => altered(workspace.signed(click("ann"), now()), { "x-slack-request-timestamp": "1e9" }),
    401,
    "signature_missing",
  ],
  [
    "channel.forged: signed, with the payload twice",
    () => {
      const sent = workspace.signed(click("ann"), now());
      return resigned(`${sent.body}&${sent.body}`);
    },
    403,
    "not_understood",
  ],
  [
    "channel.forged: signed, with a member twice",
    () => resigned(`payload=${encodeURIComponent('{"type":"block_actions","type":"x"}')}`),
    403,
    "not_understood",
  ],
  [
    "channel.replayed: six minutes old",
    () => workspace.signed(click("ann"), now() - 6 * MINUTES),
    401,
    "timestamp_past",
  ],
  [
    "channel.future-time: six minutes ahead",
    () => workspace.signed(click("ann"), now() + 6 * MINUTES),
    401,
    "timestamp_future",
  ],
  [
    "channel.future-time: a year ahead",
    () => workspace.signed(click("ann"), now() + 365 * 24 * 60 * MINUTES),
    401,
    "timestamp_future",
  ],
  [
    "channel.foreign-tenant: another app",
    () => workspace.signed(click("ann", { change: (one) => ({ ...one, api_app_id: "A0EVIL" }) }), now()),
    403,
    "foreign_app",
  ],
  [
    "channel.foreign-tenant: another workspace",
    () => workspace.signed(click("ann", { change: team("T0EVIL") }), now()),
    403,
    "foreign_team",
  ],
  [
    "channel.foreign-tenant: no workspace at all",
    () => workspace.signed(click("ann", { change: (one) => ({ ...one, team: null }) }), now()),
    403,
    "foreign_team",
  ],
  [
    "channel.foreign-tenant: a user of another workspace in a shared channel",
    () =>
      workspace.signed(
        click("ann", { change: (one) => ({ ...one, user: { id: workspace.id("ann"), team_id: "T0EVIL" } }) }),
        now(),
      ),
    403,
    "foreign_user",
  ],
  [
    "channel.forged: a button that is not ours",
    () =>
      workspace.signed(
        click("ann", {
          change: (one) => ({ ...one, actions: [{ action_id: "keyturn.approve", value: `v1 ${held.id} yes` }] }),
        }),
        now(),
      ),
    403,
    "not_ours",
  ],
  [
    "channel.forged: a dialog that is not ours",
    () => workspace.signed(workspace.submission(workspace.id("ann"), "{}", "x"), now()),
    403,
    "not_ours",
  ],
];

function resigned(body: string): Sent {
  return { headers: workspace.sign(body, now()), body };
}

/** Sends every row of one threat: nothing of it counts. */
async function refused(threat: string): Promise<void> {
  const rows = REFUSED.filter(([what]) => what.startsWith(threat));
  assert.ok(rows.length > 0);
  const before = await reviews();
  for (const [what, send, status, because] of rows) {
    const { headers, body } = send();
    assert.equal(await post(headers, body), status, what);
    assert.ok(await dropped(because), `${what}: ${because}`);
    assert.equal(await reviews(), before, what);
  }
}

test("channel.forged: what Slack did not sign, or not as it came, and buttons that are not ours", () =>
  refused("channel.forged"));
test("channel.replayed: what was signed more than five minutes ago", () => refused("channel.replayed"));
test("channel.future-time: what is signed for later", () => refused("channel.future-time"));
test("channel.foreign-tenant: other apps, workspaces and their people", () => refused("channel.foreign-tenant"));

const DOUBTED: readonly (readonly [what: string, user: JsonObject, said: RegExp])[] = [
  ["channel.guest: a guest of one channel", { is_ultra_restricted: true }, /Guests of the workspace decide nothing/],
  ["channel.guest: a guest of several", { is_restricted: true }, /Guests of the workspace decide nothing/],
  ["channel.guest: a bot", { is_bot: true }, /only people do/],
  ["channel.guest: a workflow", { is_workflow_bot: true }, /only people do/],
  ["channel.guest: an account that was deactivated", { deleted: true }, /deactivated/],
  ["channel.foreign-tenant: a stranger", { is_stranger: true }, /other organisations/],
  ["channel.foreign-tenant: a member of another workspace", { team_id: "T0EVIL" }, /other workspaces/],
];

/** Clicks as one of whom Slack says what a row says, and looks at what they are told. */
async function doubted(threat: string): Promise<void> {
  const before = await reviews();
  for (const [what, user, said] of DOUBTED.filter(([name]) => name.startsWith(threat))) {
    workspace.whispers.length = 0;
    workspace.altered.set(workspace.id("bob"), user);
    const sent = workspace.signed(click("bob"), now());
    assert.equal(await post(sent.headers, sent.body), 200, "acknowledged: Slack has nothing to complain of");
    await until(what, () => workspace.whispers.length === 1);
    assert.match(workspace.whispers[0]?.text ?? "", said);
    assert.equal(await reviews(), before, what);
  }
}

test("channel.guest: guests, bots, workflows and deactivated accounts are told that they decide nothing", () =>
  doubted("channel.guest"));
test("channel.foreign-tenant: strangers in the workspace are told that they decide nothing", () =>
  doubted("channel.foreign-tenant"));

test("channel.link-hijack: a click of an account that is nobody's decides nothing, and the link goes to that account alone", async () => {
  const before = await reviews();
  const sent = workspace.signed(click("mallory"), now());
  assert.equal(await post(sent.headers, sent.body), 200);
  await until("it is said", () => workspace.whispers.length === 1);
  assert.equal(workspace.whispers[0]?.user, workspace.id("mallory"));
  assert.match(workspace.whispers[0]?.text ?? "", /not linked to you yet.*\/accounts#link=/);
  assert.equal(await reviews(), before);
  const offered = (await house.entries()).findLast(({ type }) => type === "link.offered");
  assert.match(JSON.stringify(offered?.payload), new RegExp(`${ISSUER}.*${workspace.id("mallory")}`));
  assert.ok(!JSON.stringify([...workspace.standing.values()]).includes("#link="), "no message that others see has it");
});

test("approver.agent: a token, a gate and a bot's click cannot reach the review of Slack", async () => {
  const before = await reviews();
  const body = workspace.signed(click("ann"), now()).body;
  const form = { "content-type": "application/x-www-form-urlencoded" };
  for (const client of [gate, house.operator, await house.person("ann")]) {
    const answer = await client.send("POST", URL_PATH, body, { headers: form });
    assert.equal(answer.status, 401, "no credential of ours stands in for Slack's signature");
  }
  const asAgent = await gate.post(URL_PATH, click("ann"));
  assert.equal(asAgent.status, 415);
  workspace.altered.set(workspace.id("eve"), { is_bot: true });
  const sent = workspace.signed(click("eve"), now());
  await post(sent.headers, sent.body);
  await until("it is said", () => workspace.whispers.length === 1);
  assert.equal(await reviews(), before);
});

test("self.on-behalf-of: whoever stands behind the action is told so, where nobody else sees it", async () => {
  const sent = workspace.signed(click("cy"), now());
  await post(sent.headers, sent.body);
  await until("it is said", () => workspace.whispers.length === 1);
  assert.equal(workspace.whispers[0]?.user, workspace.id("cy"));
  assert.match(workspace.whispers[0]?.text ?? "", /You stand behind this action and cannot approve it/);
});

test("channel.replayed: the same bytes, and the same click signed anew, are one review", async () => {
  const one = click("ann", { trigger: "13345224609.738474920.8088930838d88f008e0" });
  const before = await reviews();
  const sent = workspace.signed(one, now());
  const again = workspace.signed(one, now() + 1000);
  const statuses = await Promise.all([sent, sent, again, sent].map(async ({ headers, body }) => post(headers, body)));
  assert.deepEqual(statuses, [200, 200, 200, 200]);
  await until("it is decided", async () => (await reviews()) === before + 1);
  assert.equal(await post(sent.headers, sent.body), 200);
  await sleep(50);
  assert.equal(await reviews(), before + 1);
  const { body } = await gate.get(`/access/v1/requests/${held.id}`);
  assert.equal(at(body, "task", "status") ?? at(body, "status"), "pending", "one of two");
});

test("channel.slow-ack: the answer to Slack waits for the disk, and not for the decision", async () => {
  let asked = 0;
  workspace.fault = (method) => {
    if (method === "users.info") asked += 1;
    return method === "users.info" ? { status: 503, body: {} } : null;
  };
  const sent = workspace.signed(click("fay"), now());
  assert.equal(await post(sent.headers, sent.body), 200, "Slack is asked afterwards, and is away");
  await until("it is asked", () => asked > 0);
  workspace.fault = () => null;
  await until("it is decided after all", () => workspace.whispers.length === 1);
});

const NARRATED: readonly (readonly [what: string, text: string])[] = [
  ["mentions", "<!channel> <!here> <@U000000001> @everyone <#C000000001> <!subteam^S1>"],
  ["links", "<https://evil.example|https://keyturn.example/requests> https://evil.example mailto:x@evil.example"],
  ["markup", "*Approved by security* _ok_ ~no~ `code` ```block``` > quote :white_check_mark: \n*Digest* 0000"],
  ["entities", "&lt;!channel&gt; &amp; <b>bold</b>"],
  ["bidi", "safe \u202edecorppa\u202c \u2066x\u2069 \u200f"],
  ["zero-width", "ap\u200bproved \u2060\ufeff\u00ad\u180e"],
  ["control", "line\r\nline\u0007\u001b[31m\u0085\u2028\u2029"],
  ["homoglyphs", "раураl аpprоved 𝐁𝐨𝐥𝐝"],
  ["padding", `x${" ".repeat(300)}y${"\u00a0".repeat(50)}\u3000\u2800`],
  ["length", "A".repeat(5000) + "\n".repeat(500)],
];

for (const [what, text] of NARRATED) {
  test(`shown.agent-narrates: ${what} in every field that an agent controls are drawn as they are`, async () => {
    using bench = new Bench({}, { directory: linkedDirectory(workspace, ["ann"]) });
    using chat = new Chat(workspace, workspace.config({ channels: ["#payments"] }), bench);
    const before = workspace.messages.length;
    const question = grantRole(text.slice(0, 6000), {
      properties: { note: text, [text.slice(0, 40)]: text },
      context: { reason: text.slice(0, 600) },
    });
    await bench.ask({
      ...question,
      resource: { type: "table", id: text.slice(0, 200).replaceAll(/\p{C}/gu, "").trim(), properties: { of: text } },
    });
    await chat.settle();
    assert.equal(workspace.messages.length, before + 1);
    const shown = workspace.messages.at(-1);
    assert.ok(shown !== undefined);
    const { blocks } = shown as object as { readonly blocks: readonly Block[] };
    assert.equal(blockFault(blocks), null);
    assert.match(
      shown.text,
      /^Review: change who has rights on … \(high risk\)\. https:\/\/keyturn\.example\/requests\/arq_\w+$/,
    );
    const everything = textsOf(shown.blocks);
    for (const { value } of everything) assert.doesNotMatch(value, /[^\P{C}\n]|[\u2028\u2029\u00a0\u3000\u2800]/u);
    // Whatever is neither code nor preformatted is ours: nothing of the agent's is in it.
    const ours = everything
      .filter(({ quoted }) => !quoted)
      .map(({ value }) => value)
      .join("\n");
    for (const word of ["evil", "<!", "@everyone", "*Approved", "decorppa", "AAAA", "ap\\u", "раураl", "line"]) {
      assert.ok(!ours.includes(word), `${word} in ${ours}`);
    }
    const call = workspace.calls.findLast(({ method }) => method === "chat.postMessage");
    const { parse, link_names: names, unfurl_links: links, unfurl_media: media, mrkdwn } = call?.args ?? {};
    assert.deepEqual([parse, names, links, media, mrkdwn], ["none", "false", "false", "false", "false"]);
    assert.ok(!JSON.stringify(shown.blocks).includes('"type":"mrkdwn"'));
  });
}

/** Texts of blocks, and whether each stands where an agent's words may. */
function textsOf(value: Json, quoted = false): readonly { readonly value: string; readonly quoted: boolean }[] {
  if (Array.isArray(value)) return value.flatMap((one: Json) => textsOf(one, quoted));
  if (typeof value !== "object" || value === null) return [];
  const object = value as JsonObject;
  const isQuoted = quoted || object["type"] === "rich_text_preformatted" || at(object, "style", "code") === true;
  return Object.entries(object).flatMap(([name, member]) =>
    name === "text" && typeof member === "string" ? [{ value: member, quoted: isQuoted }] : textsOf(member, isQuoted),
  );
}
