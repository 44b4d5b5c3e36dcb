// Clicks from Teams that must not count, through a real server; keys, tokens and connector are a double on loopback. Each row
// of the first table is one that Microsoft's own libraries were seen to take, or one that every receiver should refuse.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Json, JsonObject } from "../../src/core/action/index.ts";
import { linkedDirectory } from "../channels/teams/chat.ts";
import { allText } from "../channels/chat.ts";
import { APP, buttons, CHANNEL, TENANT, Tenant, type Standing } from "../channels/teams/tenant.ts";
import { dropTable } from "../support/actions.ts";
import { hold, type Held } from "../support/flow.ts";
import { House, type Client } from "../support/house.ts";
import { at, textAt } from "../support/json.ts";

const URL_PATH = "/v1/channels/teams";
const OTHER = "99999999-bbbb-4ccc-8ddd-eeeeeeeeeeee";
const MINUTES = 60_000;
let tenant: Tenant;
let house: House;
let gate: Client;
let held: Held;
let message: Standing;

before(async () => {
  tenant = await Tenant.open();
  house = await House.open({
    directory: linkedDirectory(tenant, ["ann", "bob", "cy"]),
    notify: { giveUpAfterMs: 60_000, webhooks: [], mail: null, teams: tenant.config({ channels: ["payments"] }) },
  });
  gate = await house.gate();
  held = await hold(gate, dropTable("orders"));
  await until("the card stands", () => tenant.messages.length === 1);
  [message] = tenant.messages as [Standing];
});
after(async () => {
  await house[Symbol.asyncDispose]();
  await tenant[Symbol.asyncDispose]();
});
beforeEach(() => tenant.altered.clear());

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let n = 0; n < 500; n += 1) {
    if (await holds()) return;
    await sleep(10);
  }
  assert.fail(`never: ${what}`);
}

type Change = (activity: JsonObject) => JsonObject;
type Sent = { readonly token: string | null; readonly activity: JsonObject | string };

function click(name: string, change?: Change, id?: string): JsonObject {
  const data = (buttons(message.card).get("Approve")?.["data"] ?? {}) as JsonObject;
  const { conversation } = message;
  const more = { ...(change === undefined ? {} : { change }), ...(id === undefined ? {} : { id }) };
  return tenant.activity({ name, data, conversation, atMs: Date.now(), ...more });
}

async function post({ token, activity }: Sent): Promise<{ status: number; body: Json | undefined }> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (token !== null) headers["authorization"] = `Bearer ${token}`;
  const body = typeof activity === "string" ? activity : JSON.stringify(activity);
  const answer = await house.anyone.send("POST", URL_PATH, body, { headers });
  return { status: answer.status, body: answer.body };
}

async function reviews(): Promise<number> {
  return (await house.entries()).filter(({ type }) => type.startsWith("review.")).length;
}

async function dropped(because: string): Promise<number> {
  const { text } = await house.anyone.get("/metrics");
  const line = text.split("\n").find((one) => one.includes("clicks_dropped_total{") && one.includes(`"${because}"`));
  return line?.includes('channel="teams"') === true ? Number(line.split(" ").at(-1)) : 0;
}

const token = async (...args: Parameters<Tenant["token"]> | []): Promise<string> =>
  args.length === 0 ? tenant.token(Date.now()) : tenant.token(...args);
const good = async (change?: Change): Promise<Sent> => ({ token: await token(), activity: click("ann", change) });
const signed = async (claims: JsonObject, kid?: string, header?: JsonObject): Promise<Sent> => ({
  token: await token(Date.now(), claims, kid, header),
  activity: click("ann"),
});
const without =
  (name: string): Change =>
  (one) =>
    Object.fromEntries(Object.entries(one).filter(([member]) => member !== name));
const seconds = (): number => Math.floor(Date.now() / 1000);
const encoded = (value: JsonObject): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A token of our own making: unsigned, or signed with the public key as if it were a secret. */
function homemade(header: JsonObject, secret: string | null): string {
  const claims = { iss: "https://api.botframework.com", aud: APP, exp: seconds() + 600, serviceurl: tenant.serviceUrl };
  const signing = `${encoded(header)}.${encoded(claims)}`;
  const signature = secret === null ? "" : createHmac("sha256", secret).update(signing).digest("base64url");
  return `${signing}.${signature}`;
}

type Row = readonly [what: string, send: () => Promise<Sent>, status: 401 | 403, because: string];
const REFUSED: readonly Row[] = [
  ["channel.forged: no token", async () => ({ ...(await good()), token: null }), 401, "token_missing"],
  ["channel.forged: no JWT", async () => ({ ...(await good()), token: "abc" }), 401, "token_missing"],
  [
    "channel.forged: alg none",
    async () => ({ ...(await good()), token: homemade({ alg: "none", kid: "teams" }, null) }),
    401,
    "token_malformed",
  ],
  [
    "channel.forged: HS256 with the public key",
    async () => ({
      ...(await good()),
      token: homemade({ alg: "HS256", kid: "teams" }, textAt(tenant.jwk("teams"), "n")),
    }),
    401,
    "token_malformed",
  ],
  [
    "channel.forged: RS256 in the header, HMAC in the signature",
    async () => ({
      ...(await good()),
      token: homemade({ alg: "RS256", kid: "teams" }, textAt(tenant.jwk("teams"), "n")),
    }),
    401,
    "signature_wrong",
  ],
  ["channel.forged: a key that Microsoft does not publish", () => signed({}, "stranger"), 401, "key_unknown"],
  ["channel.forged: that key under a known id", () => signed({}, "stranger", { kid: "teams" }), 401, "signature_wrong"],
  [
    "channel.forged: a key beside the token",
    () => signed({}, "stranger", { kid: "teams", jwk: tenant.jwk("stranger") }),
    401,
    "signature_wrong",
  ],
  [
    "channel.forged: the emulator's issuer",
    () => signed({ iss: `https://sts.windows.net/${TENANT}/` }),
    401,
    "issuer_wrong",
  ],
  ["channel.forged: for another bot", () => signed({ aud: OTHER }), 401, "audience_wrong"],
  ["channel.forged: for two bots", () => signed({ aud: [APP, OTHER] }), 401, "audience_wrong"],
  ["channel.forged: without an end", () => signed({ exp: null }), 401, "token_malformed"],
  ["channel.forged: without a serviceurl", () => signed({ serviceurl: null }), 401, "service_url_wrong"],
  [
    "channel.forged: another service in the token",
    () => signed({ serviceurl: "https://smba.evil.example/" }),
    401,
    "service_url_wrong",
  ],
  [
    "channel.forged: another service in the body",
    () => good((one) => ({ ...one, serviceUrl: "https://smba.evil.example/" })),
    401,
    "service_url_wrong",
  ],
  [
    "channel.forged: another service in both, which our token would go to",
    async () => ({
      token: await token(Date.now(), { serviceurl: "https://smba.evil.example/" }),
      activity: click("ann", (one) => ({ ...one, serviceUrl: "https://smba.evil.example/" })),
    }),
    403,
    "foreign_service",
  ],
  ["channel.forged: no serviceUrl in the body", () => good(without("serviceUrl")), 403, "not_understood"],
  ["channel.forged: a key of the web chat's", () => signed({}, "webchat"), 401, "not_endorsed"],
  [
    "channel.forged: another channel in the body",
    () => good((one) => ({ ...one, channelId: "webchat" })),
    403,
    "foreign_channel",
  ],
  [
    "channel.forged: to another bot",
    () => good((one) => ({ ...one, recipient: { id: `28:${OTHER}` } })),
    403,
    "foreign_app",
  ],
  ["channel.forged: no JSON", async () => ({ token: await token(), activity: "{" }), 403, "not_understood"],
  [
    "channel.forged: a member twice",
    async () => ({ token: await token(), activity: JSON.stringify(click("ann")).replace("{", '{"type":"message",') }),
    403,
    "not_understood",
  ],
  ["channel.forged: no id", () => good(without("id")), 403, "not_understood"],
  [
    "channel.forged: a button that is not ours",
    () => good((one) => ({ ...one, value: { action: { verb: "x" } } })),
    403,
    "not_ours",
  ],
  [
    "channel.forged: an unknown verb",
    () =>
      good((one) => ({
        ...one,
        value: { action: { ...(at(one, "value", "action") as JsonObject), verb: "keyturn.all" } },
      })),
    403,
    "not_ours",
  ],
  [
    "channel.forged: a token that ended two minutes ago",
    async () => ({ token: await token(Date.now(), { exp: seconds() - 120 }), activity: click("ann") }),
    401,
    "token_expired",
  ],
  [
    "channel.replayed: an activity of six minutes ago",
    () => good((one) => ({ ...one, timestamp: new Date(Date.now() - 6 * MINUTES).toISOString() })),
    403,
    "timestamp_past",
  ],
  ["channel.replayed: an activity without a time", () => good(without("timestamp")), 403, "not_understood"],
  [
    "channel.future-time: an activity six minutes ahead",
    () => good((one) => ({ ...one, timestamp: new Date(Date.now() + 6 * MINUTES).toISOString() })),
    403,
    "timestamp_future",
  ],
  ["channel.future-time: a token of in two minutes", () => signed({ nbf: seconds() + 120 }), 401, "token_future"],
  ["channel.future-time: a token made in two minutes", () => signed({ iat: seconds() + 120 }), 401, "token_future"],
  ["channel.future-time: a token of a year", () => signed({ exp: seconds() + 365 * 86_400 }), 401, "token_future"],
  [
    "channel.foreign-tenant: another tenant",
    () =>
      good((one) => ({
        ...one,
        conversation: { id: CHANNEL, tenantId: OTHER },
        channelData: { tenant: { id: OTHER } },
      })),
    403,
    "foreign_tenant",
  ],
  [
    "channel.foreign-tenant: two tenants",
    () => good((one) => ({ ...one, channelData: { tenant: { id: OTHER } } })),
    403,
    "foreign_tenant",
  ],
  [
    "channel.foreign-tenant: no tenant",
    () => good((one) => ({ ...one, conversation: { id: CHANNEL }, channelData: {} })),
    403,
    "foreign_tenant",
  ],
  [
    "channel.guest: nobody of Entra ID",
    () => good((one) => ({ ...one, from: { id: "29:ann", name: "Ann" } })),
    403,
    "no_account",
  ],
  [
    "channel.guest: a bot",
    () => good((one) => ({ ...one, from: { id: `28:${OTHER}`, aadObjectId: tenant.id("ann") } })),
    403,
    "machine",
  ],
  [
    "channel.guest: a skill",
    () => good((one) => ({ ...one, from: { id: "29:ann", aadObjectId: tenant.id("ann"), role: "skill" } })),
    403,
    "machine",
  ],
];

/** Sends every row of one threat: nothing of it counts, and the operator can see why. */
async function refused(threat: string): Promise<void> {
  const rows = REFUSED.filter(([what]) => what.startsWith(threat));
  assert.ok(rows.length > 0);
  const before = await reviews();
  for (const [what, send, status, because] of rows) {
    const counted = await dropped(because);
    assert.equal((await post(await send())).status, status, what);
    assert.equal(await dropped(because), counted + 1, `${what}: ${because}`);
    assert.equal(await reviews(), before, what);
  }
}

test("channel.forged: what the Bot Framework did not sign for this bot, this service and Teams", () =>
  refused("channel.forged"));
test("channel.replayed: what is older than five minutes, or has no time", () => refused("channel.replayed"));
test("channel.future-time: activities and tokens of later", () => refused("channel.future-time"));
test("channel.foreign-tenant: other tenants, two, and none", () => refused("channel.foreign-tenant"));
test("channel.guest: who is nobody of Entra ID, and machines", () => refused("channel.guest"));

test("channel.forged: a token within the minute of skew is taken, so the table refuses for its reasons", async () => {
  const install = click("ann", (one) => ({ ...one, type: "installationUpdate", name: "add" }));
  for (const claims of [
    {},
    { exp: seconds() - 50 },
    { nbf: seconds() + 50 },
    { serviceurl: tenant.serviceUrl.slice(0, -1) },
  ]) {
    assert.equal((await post({ token: await token(Date.now(), claims), activity: install })).status, 200);
  }
});

test("channel.forged: unknown keys are asked for once a minute, whoever names them", async () => {
  const before = tenant.keyFetches;
  for (let n = 0; n < 5; n += 1) await post(await signed({}, "stranger", { kid: `k${n}` }));
  assert.ok(tenant.keyFetches <= before + 1);
});

const DOUBTED: readonly (readonly [what: string, member: JsonObject, said: RegExp])[] = [
  ["channel.guest: a guest by name", { userPrincipalName: "x_evil.example#EXT#@example.com" }, /Guests decide nothing/],
  ["channel.guest: a guest by role", { userRole: "guest" }, /Guests decide nothing/],
  [
    "channel.guest: one of whom nothing is said",
    { userRole: null, userPrincipalName: null },
    /does not say whether this account is a full member/,
  ],
  ["channel.guest: an anonymous one", { userRole: "anonymous" }, /Guests decide nothing/],
  ["channel.guest: another account under this id", { aadObjectId: OTHER }, /does not know this account/],
  ["channel.foreign-tenant: of another organisation", { tenantId: OTHER }, /other organisations/],
];

/** Clicks as one of whom the connector says what a row says; the person is told why, and nobody else. */
async function doubted(threat: string): Promise<void> {
  const before = await reviews();
  for (const [what, member, said] of DOUBTED.filter(([name]) => name.startsWith(threat))) {
    tenant.altered.set(tenant.id("bob"), member);
    const { status, body } = await post({ token: await token(), activity: click("bob") });
    assert.equal(status, 200, what);
    assert.match(textAt(body, "value"), said);
    assert.equal(await reviews(), before, what);
  }
}

test("channel.guest: guests and unclear accounts are told that they decide nothing", () => doubted("channel.guest"));
test("channel.foreign-tenant: members of other organisations in a shared channel decide nothing", () =>
  doubted("channel.foreign-tenant"));

test("channel.link-hijack: an account that is nobody's decides nothing, and the link goes to that account alone", async () => {
  const before = await reviews();
  const { body } = await post({ token: await token(), activity: click("mallory") });
  assert.match(textAt(body, "value"), /not linked to you yet.*in your chat with this app/);
  assert.equal(await reviews(), before);
  const direct = tenant.messages.filter(({ card }) => allText(card).includes("#link="));
  assert.deepEqual(
    direct.map(({ conversation }) => conversation),
    [`a:${tenant.id("mallory")}`],
  );
  const offered = (await house.entries()).findLast(({ type }) => type === "link.offered");
  assert.match(JSON.stringify(offered?.payload), new RegExp(`${tenant.issuer}.*${tenant.id("mallory")}`));
  tenant.without.add(tenant.id("mallory"));
  const again = await post({ token: await token(), activity: click("mallory") });
  assert.match(textAt(again.body, "value"), /not linked to you yet.*\/accounts#link=/, "where only they see it");
});

test("approver.agent: no token of ours, an agent's or a person's, stands in for the Bot Framework's", async () => {
  const before = await reviews();
  for (const client of [gate, house.operator, await house.person("ann")]) {
    assert.equal((await client.post(URL_PATH, click("ann"))).status, 401);
  }
  assert.equal(await reviews(), before);
});

test("self.on-behalf-of: whoever stands behind the action is told so, where nobody else sees it", async () => {
  const { body } = await post({ token: await token(), activity: click("cy") });
  assert.match(textAt(body, "value"), /You stand behind this action and cannot approve it/);
});

test("channel.replayed: the same activity, and others under its id, are one review", async () => {
  const before = await reviews();
  const one = click("ann", undefined, "f:replayed");
  const other = click("bob", undefined, "f:replayed");
  const bearer = await token();
  const first = await post({ token: bearer, activity: one });
  assert.match(textAt(first.body, "value"), /^Recorded\./);
  const later = await token(Date.now() + 1000);
  for (const activity of [one, one, other, { ...one, locale: "de-DE" }]) {
    for (const sent of [bearer, later]) {
      const { status, body } = await post({ token: sent, activity });
      assert.deepEqual([status, at(body, "value")], [200, "This click is known already."]);
    }
  }
  assert.equal(await reviews(), before + 1);
  assert.equal(at((await gate.get(`/access/v1/requests/${held.id}`)).body, "task", "status"), "pending", "one of two");
});

test("channel.slow-ack: the answer waits for the disk, and not for Microsoft", async () => {
  tenant.fault = ({ path }) => (path.includes("/members/") ? { status: 503 } : null);
  const { status, body } = await post({ token: await token(), activity: click("fay") });
  assert.deepEqual([status, at(body, "value")], [200, "Received. The card changes as soon as it is decided."]);
  tenant.fault = () => null;
  const linked = (): boolean => tenant.messages.some(({ conversation }) => conversation === `a:${tenant.id("fay")}`);
  await until("it is decided after all, and said", linked);
});
