import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ConfigError } from "../../src/ports/config.ts";
import type { NotifyConfig } from "../../src/server/channels.ts";
import { loadConfig } from "../../src/server/config.ts";
import { Receiver, SECRET_TEXT } from "../channels/receiver.ts";
import { exportRows } from "../support/actions.ts";
import { apply, codeOf, hold, review, statusOf } from "../support/flow.ts";
import { House } from "../support/house.ts";
import { at, textAt } from "../support/json.ts";

const folder = mkdtempSync(join(tmpdir(), "keyturn-notify-"));
after(() => rmSync(folder, { recursive: true }));
const secretFile = join(folder, "secret");
writeFileSync(secretFile, SECRET_TEXT);

function notifyTo(url: string): NotifyConfig {
  const hook = { name: "hook", url, secretFile, allowPrivate: ["127.0.0.1"], agents: [] };
  return { giveUpAfterMs: 3_600_000, webhooks: [hook], mail: null };
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let n = 0; n < 400; n++) {
    if (await holds()) return;
    await sleep(10);
  }
  assert.fail(`never: ${what}`);
}

test("a webhook of keyturn.yaml hears of every change, over a restart of the server", async () => {
  await using receiver = await Receiver.open();
  const house = await House.open({ notify: notifyTo(receiver.url) });
  await using cleanup = house;
  const gate = await house.gate();
  const held = await hold(gate, exportRows(12_000));
  await until("the request is told", () => receiver.got.length === 1);
  receiver.replies.push(...Array.from({ length: 50 }, () => ({ status: 503 })));
  await review(await house.person("ann"), held);
  await until("the review is tried", () => receiver.got.length >= 2);
  await house.stop();
  receiver.replies.length = 0;
  await using again = await House.over(house.files, { notify: notifyTo(receiver.url) });
  const ids = (): Set<unknown> => new Set(receiver.got.map(({ headers }) => headers["webhook-id"]));
  await until("everything is told", () => ids().size === 3);
  assert.deepEqual(
    [...ids()],
    [1, 2, 3].map((version) => `msg_${held.id}.${version}`),
  );
  const sent = /keyturn_notifications_total\{channel="hook",result="sent"\} \d/;
  await until("it is counted", async () => sent.test((await again.anyone.get("/metrics")).text));
  void cleanup;
});

test("default.channel-down: with every channel away, what is held stays held, and the doctor says so", async () => {
  const gone = await Receiver.open();
  const { url } = gone;
  await gone[Symbol.asyncDispose]();
  await using house = await House.open({ notify: notifyTo(url) });
  const gate = await house.gate();
  const held = await hold(gate, exportRows(12_000));
  const codes = async (): Promise<string> => (await house.operator.get("/v1/doctor")).text;
  await until("the doctor finds it", async () => (await codes()).includes("channel_down"));
  assert.equal(await statusOf(gate, held), "pending");
  const applied = await apply(gate, exportRows(12_000), held);
  assert.equal(applied.body["decision"], false);
  assert.equal(at(applied.body, "context", "permit"), undefined);
});

test("a view names its card; a review that names another one is refused, and the entry keeps which it was", async () => {
  await using house = await House.open();
  const gate = await house.gate();
  const held = await hold(gate, exportRows(12_000));
  const ann = await house.person("ann");
  const view = await ann.get(`/v1/requests/${held.id}`);
  const card = textAt(view.body, "card_digest");
  assert.equal(textAt(view.body, "headline"), "Export customers to a file: table/customers in production");
  assert.equal(codeOf(await review(ann, held, "approve", { card: held.digest })), "digest_changed");
  const approved = await review(ann, held, "approve", { card, nonce: randomUUID() });
  assert.equal(approved.status, 200, approved.text);
  assert.equal(at(approved.body, "request", "card_digest"), card, "the same card, reviewed or not");
  const entry = (await house.entries()).find(({ type }) => type === "review.recorded");
  assert.equal(at(entry?.payload, "review", "card"), card);
});

test("keyturn.yaml: what is wrong under notify is named, and what is right is read", () => {
  const path = join(folder, "keyturn.yaml");
  const read = (text: string): ReturnType<typeof loadConfig> => {
    writeFileSync(path, `notify:\n${text}`);
    return loadConfig(path);
  };
  const config = read(
    "  webhooks:\n    - { url: https://example.com/hook, secret_file: ./secret }\n  mail: { host: mail.example.com, from: keyturn@example.com }\n",
  );
  assert.equal(config.notify?.webhooks[0]?.secretFile, secretFile);
  assert.deepEqual(
    [config.notify?.mail?.port, config.notify?.mail?.security, config.notify?.giveUpAfterMs],
    [587, "starttls", 86_400_000],
  );
  const [, written = ""] = /```yaml\nnotify:\n([^]*?)```/.exec(readFileSync("docs/notifications.md", "utf8")) ?? [];
  const documented = read(written).notify;
  assert.deepEqual([documented?.webhooks.length, documented?.mail?.user], [1, "keyturn"], "docs/notifications.md");
  for (const wrong of [
    "  webhooks: [{ url: ftp://example.com, secret_file: x }]\n",
    "  webhooks: [{ url: https://a.example, secret_file: x }, { url: https://b.example, secret_file: x }]\n",
    "  webhooks: [{ name: slack, url: https://a.example, secret_file: x }]\n",
    "  mail: { host: m.example, from: nobody }\n",
    "  mail: { host: m.example, from: a@b.example, user: u }\n",
    "  pager: {}\n",
  ]) {
    assert.throws(() => read(wrong), ConfigError, wrong);
  }
});
