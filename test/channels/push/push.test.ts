import assert from "node:assert/strict";
import { createECDH } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ConfigError } from "../../../src/ports/config.ts";
import type { NotifyConfig } from "../../../src/server/channels.ts";
import { loadConfig } from "../../../src/server/config.ts";
import { openPush } from "../../../src/server/push.ts";
import { Credentials } from "../../../src/engine/index.ts";
import { Bench } from "../../support/bench.ts";
import { exportRows, grantRole } from "../../support/actions.ts";
import { codeOf, hold, review, statusOf } from "../../support/flow.ts";
import { House, type Client } from "../../support/house.ts";
import { at, textAt } from "../../support/json.ts";
import { DIRECTORY, edited } from "../../support/rules.ts";
import { noOpenssl, PushServiceDouble, vapidOf, type BrowserDouble } from "./push-double.ts";

const overTls = { skip: noOpenssl() ?? false };
const CONTACT = "mailto:ops@example.com";

function notifyBy(services: readonly string[], allowPrivate: readonly string[] = ["localhost"]): NotifyConfig {
  const push = { name: "push", contact: CONTACT, keyFile: null, services, allowPrivate, agents: [] };
  return { giveUpAfterMs: 3_600_000, webhooks: [], mail: null, push };
}

async function turnOn(client: Client, browser: BrowserDouble): Promise<void> {
  const answer = await client.post("/v1/me/push", browser.subscription);
  assert.equal(answer.status, 200, answer.text);
}

/** Something that is told after all before it was: what has not come by then, does not come. */
async function settled(house: House, canary: BrowserDouble): Promise<void> {
  await hold(await house.gate(), grantRole(`role-${canary.pushes.length}`));
  await canary.read(canary.pushes.length + 1);
  await sleep(50);
}

test(
  "an approver's browser is told that a request waits and when it is over, encrypted, and not a word of the agent",
  overTls,
  async () => {
    await using service = await PushServiceDouble.open();
    await using house = await House.open({ notify: notifyBy([service.host]), publicUrl: "https://keyturn.example" });
    const [ann, cy] = [await house.person("ann"), await house.person("cy")];
    const [hers, his] = [service.browser("ann"), service.browser("cy")];
    await turnOn(ann, hers);
    await turnOn(cy, his);
    const question = { ...exportRows(12_000), context: { reason: "APPROVED https://evil.example \u202e" } };
    const held = await hold(await house.gate(), question);
    const { body: view } = await ann.get(`/v1/requests/${held.id}`);
    const said = {
      request: held.id,
      level: textAt(view, "risk", "level"),
      page: `https://keyturn.example/requests/${held.id}`,
    };
    assert.deepEqual(await hers.read(1), { kind: "waits", status: "pending", ...said });
    const [first] = hers.pushes;
    assert.ok(first !== undefined);
    assert.deepEqual(
      [first.headers["content-encoding"], first.headers["content-type"], Number(first.headers["ttl"]) > 0],
      ["aes128gcm", "application/octet-stream", true],
    );
    const { key, claims } = vapidOf(first);
    assert.deepEqual([claims["aud"], claims["sub"]], [`https://${service.host}`, CONTACT]);
    assert.ok(Number(claims["exp"]) - Date.now() / 1000 <= 86_400, "RFC 8292 §2: at most 24 hours");
    assert.equal((await ann.get("/v1/me/push")).body["key"], key);
    await review(await house.person("bob"), held);
    assert.deepEqual(await hers.read(2), { kind: "over", status: "approved", ...said });
    assert.equal(hers.pushes[1]?.headers["topic"], first.headers["topic"], "it replaces what has not come yet");
    assert.deepEqual(his.pushes, [], "cy owns the agent, and may not approve");
  },
);

test(
  "input.ssrf: a browser's subscription makes the server call push services over https, and nothing else",
  overTls,
  async () => {
    await using service = await PushServiceDouble.open();
    await using house = await House.open({ notify: notifyBy([service.host, "*.push.corp.example"], []) });
    const ann = await house.person("ann");
    const mine = service.browser("ann").subscription;
    const other = createECDH("prime256v1").generateKeys();
    const offCurve = Buffer.from(other).fill(7, 33).toString("base64url");
    const post = async (change: object, keys: object = {}): Promise<number> =>
      (await ann.post("/v1/me/push", { ...mine, ...change, keys: { ...mine.keys, ...keys } })).status;
    for (const [endpoint, expected] of [
      [mine.endpoint, 200],
      ["https://fcm.googleapis.com/fcm/send/a", 200],
      ["https://updates.push.services.mozilla.com/wpush/v2/a", 200],
      ["https://web.push.apple.com/a", 200],
      ["https://wns2-par02p.notify.windows.com/w/?token=a", 200],
      ["https://eu.push.corp.example/a", 200],
      ["https://FCM.googleapis.com./fcm/send/a", 400],
      ["http://fcm.googleapis.com/fcm/send/a", 400],
      ["https://fcm.googleapis.com:8443/fcm/send/a", 400],
      ["https://user@fcm.googleapis.com/fcm/send/a", 400],
      ["https://fcm.googleapis.com@evil.example/a", 400],
      ["https://fcm.googleapis.com.evil.example/a", 400],
      ["https://evilpush.apple.com/a", 400],
      ["https://push.apple.com/a", 400],
      ["https://evil.example/?https://fcm.googleapis.com/", 400],
      [mine.endpoint.replace("localhost", "127.0.0.1"), 400],
      ["https://127.0.0.1/a", 400],
      ["https://[::1]/a", 400],
      ["https://169.254.169.254/latest/meta-data", 400],
      ["https://2130706433/a", 400],
      ["file:///etc/passwd", 400],
      ["javascript:alert(1)", 400],
      [`https://fcm.googleapis.com/${"a".repeat(1100)}`, 400],
      ["", 400],
    ] as const) {
      assert.equal(await post({ endpoint }), expected, endpoint);
    }
    assert.equal(await post({}, { p256dh: offCurve }), 400, "a point off the curve");
    assert.equal(await post({}, { auth: "short" }), 400);
    // Named, but of this machine and not allowed: it is refused at the connection, whatever the name says.
    assert.equal(await post({}), 200);
    const held = await hold(await house.gate(), exportRows(12_000));
    const refused = /keyturn_notifications_total\{channel="push",result="refused"\} 1/;
    for (let n = 0; n < 300 && !refused.test((await house.anyone.get("/metrics")).text); n++) await sleep(10);
    assert.match((await house.anyone.get("/metrics")).text, refused);
    assert.deepEqual([service.got.length, await statusOf(await house.gate(), held)], [0, "pending"]);
  },
);

test("input.ssrf: a push service's redirect is not followed", overTls, async () => {
  await using service = await PushServiceDouble.open();
  await using house = await House.open({ notify: notifyBy([service.host]) });
  const browser = service.browser("ann");
  await turnOn(await house.person("ann"), browser);
  service.replies.push({ status: 307, headers: { location: `https://${service.host}/elsewhere` } });
  await hold(await house.gate(), exportRows(12_000));
  await browser.read(1);
  await sleep(100);
  assert.deepEqual(
    service.got.map(({ path }) => path),
    ["/push/ann"],
  );
});

test(
  "a subscription ends with its session, with its person, and when the service does not know it",
  overTls,
  async () => {
    await using service = await PushServiceDouble.open();
    await using house = await House.open({ notify: notifyBy([service.host]) });
    const canary = service.browser("canary");
    await turnOn(await house.person("bob"), canary);
    for (const [what, end] of [
      ["sign-out", async (eve: Client) => eve.post("/v1/sign-out", {})],
      ["its end in another session", async (eve: Client) => endOf(await house.person("eve"), eve)],
      ["turned off", async (eve: Client) => eve.post("/v1/me/push/end", {})],
    ] as const) {
      const eve = await house.person("eve");
      const browser = service.browser(what.replaceAll(" ", "-"));
      await turnOn(eve, browser);
      assert.equal((await end(eve)).status, 200, what);
      await settled(house, canary);
      assert.deepEqual(browser.pushes, [], what);
    }
    for (const status of [404, 410]) {
      const eve = await house.person("eve");
      const browser = service.browser(`gone-${status}`);
      await turnOn(eve, browser);
      service.replies.push({ status }, { status });
      await settled(house, canary);
      assert.deepEqual((await eve.get("/v1/me/push")).body["subscriptions"], [], `${status}`);
      assert.deepEqual(await house.store.documents("push/bob"), [], `${status}`);
      await turnOn(await house.person("bob"), canary);
      await settled(house, canary);
      assert.equal(browser.pushes.length, 1, "neither repeated nor told of anything else");
    }
    const browser = service.browser("deactivated");
    await turnOn(await house.person("eve"), browser);
    const gone = edited(DIRECTORY, "emails: [eve@example.com]", "emails: [eve@example.com], active: false");
    assert.equal((await house.change({ directory: gone })).status, 200);
    await settled(house, canary);
    assert.deepEqual(browser.pushes, []);
    assert.deepEqual(await house.store.documents("push/eve"), []);
  },
);

async function endOf(other: Client, session: Client): ReturnType<Client["post"]> {
  const { body } = await session.get("/v1/sessions");
  const open = body["sessions"] as readonly { readonly id: string; readonly current: boolean }[];
  return other.post(`/v1/sessions/${open.find(({ current }) => current)?.id ?? ""}/end`, {});
}

test("eight browsers a person, each once; nobody turns off another's", overTls, async () => {
  await using service = await PushServiceDouble.open();
  await using house = await House.open({ notify: notifyBy([service.host]) });
  const sessions = await Promise.all(Array.from({ length: 9 }, async () => house.person("ann")));
  for (const [index, session] of sessions.slice(0, 8).entries()) await turnOn(session, service.browser(String(index)));
  const [first, last] = [sessions[0], sessions[8]];
  assert.ok(first !== undefined && last !== undefined);
  const full = await last.post("/v1/me/push", service.browser("ninth").subscription);
  assert.deepEqual([full.status, codeOf(full)], [409, "push_limit"]);
  await turnOn(last, service.browser("0"));
  const list = async (): Promise<readonly { session: string; current: boolean }[]> =>
    (await last.get("/v1/me/push")).body["subscriptions"] as readonly { session: string; current: boolean }[];
  assert.equal((await list()).length, 8, "the same browser in a new session is still one");
  const [one] = await list();
  await (await house.person("bob")).post("/v1/me/push/end", { session: one?.session ?? "" });
  assert.equal((await list()).length, 8);
  await first.post("/v1/me/push/end", { session: one?.session ?? "" });
  assert.equal((await list()).length, 7);
});

test("the key is the owner's alone, survives a restart, and several servers must be given one", overTls, async () => {
  await using service = await PushServiceDouble.open();
  const notify = notifyBy([service.host]);
  const house = await House.open({ notify });
  await using cleanup = house;
  const file = join(house.files.dir, "data", "push-key.pem");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const keyOf = async (one: House): Promise<unknown> =>
    at((await (await one.person("ann")).get("/v1/me/push")).body, "key");
  const key = await keyOf(house);
  const pem = readFileSync(file);
  await house.stop();
  {
    await using again = await House.over(house.files, { notify });
    assert.equal(await keyOf(again), key);
  }
  await using off = await House.open();
  const ann = await off.person("ann");
  assert.equal(at((await ann.get("/v1/me/push")).body, "key"), null);
  assert.equal(codeOf(await ann.post("/v1/me/push", service.browser("ann").subscription)), "push_off");
  void cleanup;
  using bench = new Bench();
  const parts = { ctx: bench.ctx, credentials: new Credentials(bench.ctx), data: house.files.dir, isShared: true };
  const config = { name: "push", contact: CONTACT, services: [], allowPrivate: [], agents: [] };
  await assert.rejects(openPush({ ...config, keyFile: null }, parts), ConfigError);
  await assert.rejects(openPush({ ...config, keyFile: join(house.files.dir, "none.pem") }, parts), ConfigError);
  const shared = join(off.files.dir, "push-key.pem");
  writeFileSync(shared, pem);
  assert.equal((await openPush({ ...config, keyFile: shared }, parts)).channel.publicKey, key);
});

test("keyturn.yaml: what is wrong under notify.push is named, and docs/notifications.md is right", async () => {
  await using house = await House.open();
  const path = join(house.files.dir, "keyturn.yaml");
  const read = (text: string): ReturnType<typeof loadConfig> => {
    writeFileSync(path, text);
    return loadConfig(path);
  };
  const [, written = ""] =
    /```yaml\n(notify:\n  push:\n[^]*?)```/.exec(readFileSync("docs/notifications.md", "utf8")) ?? [];
  assert.equal(read(written).notify?.push?.contact, CONTACT);
  for (const wrong of [
    "{}",
    "{ contact: ops@example.com }",
    "{ contact: 'http://example.com' }",
    "{ contact: 'mailto:a@b.example', services: ['https://push.example'] }",
    "{ contact: 'mailto:a@b.example', services: ['*'] }",
    "{ contact: 'mailto:a@b.example', key: x }",
  ]) {
    assert.throws(() => read(`notify:\n  push: ${wrong}\n`), ConfigError, wrong);
  }
});
