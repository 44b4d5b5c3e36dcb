import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { webhookChannel, type WebhookConfig } from "../../src/channels/webhook/index.ts";
import { Outbox } from "../../src/engine/index.ts";
import { ConfigError } from "../../src/ports/config.ts";
import { exportRows, grantRole } from "../support/actions.ts";
import { Bench } from "../support/bench.ts";
import { MINUTE } from "../support/clock.ts";
import { expectedSignature, Receiver, SECRET_TEXT, type Received } from "./receiver.ts";

const folder = mkdtempSync(join(tmpdir(), "keyturn-webhook-"));
after(() => rmSync(folder, { recursive: true }));
const secretFile = join(folder, "secret");
writeFileSync(secretFile, `${SECRET_TEXT}\n`);

const never = new AbortController().signal;

function configOf(url: string, more: Partial<WebhookConfig> = {}): WebhookConfig {
  return { name: "hook", url, allowPrivate: ["127.0.0.1"], secretFile, agents: [], ...more };
}

function outboxOf(bench: Bench, config: WebhookConfig): Outbox {
  const page = (id: string): string => `https://keyturn.example/requests/${id}`;
  return new Outbox({ ctx: bench.ctx, channels: [webhookChannel(config, bench.clock)], page });
}

async function drain(outbox: Outbox): Promise<void> {
  while ((await outbox.step(never)) > 0);
}

type Told = {
  readonly type: string;
  readonly data: {
    readonly request: string;
    readonly version: number;
    readonly status: string;
    readonly changes: string[];
  };
};
const told = ({ body }: Received): Told => JSON.parse(body) as Told;

test("every change of a request is posted once, signed, in order, with what a requester needs", async () => {
  using bench = new Bench();
  await using receiver = await Receiver.open();
  const outbox = outboxOf(bench, configOf(receiver.url));
  const state = await bench.ask(grantRole("admin"));
  await bench.review("ann", state);
  await bench.review("bob", state);
  await drain(outbox);
  assert.deepEqual(
    receiver.got.map((one) => [told(one).data.version, told(one).data.status, told(one).data.changes.join()]),
    [
      [1, "pending", "request.opened"],
      [2, "pending", "review.recorded"],
      [3, "pending", "review.recorded"],
      [4, "approved", "request.approved"],
    ],
  );
  for (const one of receiver.got) {
    assert.equal(one.headers["webhook-signature"], expectedSignature(one));
    assert.equal(one.headers["webhook-id"], `msg_${state.opened.id}.${told(one).data.version}`);
    assert.equal(Number(one.headers["webhook-timestamp"]), Math.floor(bench.clock.now() / 1000));
    assert.equal(one.headers["content-type"], "application/json");
  }
  const { data } = JSON.parse(receiver.got[0]?.body ?? "") as { data: Record<string, unknown> };
  assert.equal(data["digest"], state.opened.digest);
  assert.equal(data["page"], `https://keyturn.example/requests/${state.opened.id}`);
  assert.match(String(data["card_digest"]), /^sha256:/);
});

test("what the receiver answers decides when it is asked again, and nothing else", async () => {
  const rows: readonly (readonly [
    status: number,
    headers: Record<string, string>,
    again: "at once" | "later" | "never",
  ])[] = [
    [200, {}, "never"],
    [500, {}, "later"],
    [404, {}, "later"],
    [302, { location: "http://127.0.0.1:1/" }, "later"],
    [429, { "retry-after": "90" }, "later"],
    [400, {}, "never"],
  ];
  for (const [status, headers, again] of rows) {
    using bench = new Bench();
    await using receiver = await Receiver.open();
    receiver.replies.push({ status, headers });
    const outbox = outboxOf(bench, configOf(receiver.url));
    await bench.ask(exportRows(3));
    await drain(outbox);
    assert.equal(receiver.got.length, 1, String(status));
    bench.clock.pass(status === 429 ? 89_000 : 100);
    await drain(outbox);
    assert.equal(receiver.got.length, 1, `${status}: not yet`);
    bench.clock.pass(MINUTE);
    await drain(outbox);
    assert.equal(receiver.got.length, again === "later" ? 2 : 1, String(status));
    if (again === "later") assert.equal(receiver.got[0]?.headers["webhook-id"], receiver.got[1]?.headers["webhook-id"]);
    assert.equal((await bench.types()).includes("notification.failed"), status === 400);
  }
});

test("input.ssrf: no news goes to an address of this machine or network that nobody named", async () => {
  using bench = new Bench();
  await using receiver = await Receiver.open();
  for (const host of ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"]) {
    const outbox = outboxOf(bench, configOf(receiver.url.replace("127.0.0.1", host), { allowPrivate: [] }));
    await bench.ask(exportRows(100 + host.length));
    await drain(outbox);
    assert.equal(receiver.got.length, 0, host);
    const [trouble] = outbox.troubles();
    assert.match(trouble?.because ?? "", /is an address of this machine or its network/);
    assert.equal(trouble?.givenUp, 1, `${host}: no outage that is waited for`);
    bench.clock.pass(MINUTE);
  }
});

test("a webhook may be for some agents only", async () => {
  using bench = new Bench();
  await using receiver = await Receiver.open();
  const outbox = outboxOf(bench, configOf(receiver.url, { agents: ["other-bot"] }));
  await bench.ask(exportRows(3));
  await bench.ask(exportRows(4, { agent: "other-bot" }), bench.caller("other-bot"));
  await drain(outbox);
  assert.equal(receiver.got.length, 1);
});

test("a secret that is missing or too short is heard of at the start", () => {
  using bench = new Bench();
  const short = join(folder, "short");
  writeFileSync(short, "whsec_QUJD");
  for (const file of [short, join(folder, "none")]) {
    assert.throws(
      () => webhookChannel(configOf("https://example.com/", { secretFile: file }), bench.clock),
      ConfigError,
    );
  }
});
