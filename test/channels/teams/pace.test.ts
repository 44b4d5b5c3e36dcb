import assert from "node:assert/strict";
import { test } from "node:test";
import { dropTable } from "../../support/actions.ts";
import { Bench } from "../../support/bench.ts";
import { SECOND } from "../../support/clock.ts";
import { Chat, linkedDirectory } from "./chat.ts";
import { CHAT, Tenant } from "./tenant.ts";

test("many requests in one group chat: no span has more messages than Teams takes, and all arrive", async () => {
  const REQUESTS = 90;
  await using tenant = await Tenant.open();
  const directory = linkedDirectory(tenant, []);
  using bench = new Bench({ pendingPerAgent: 10_000, evaluationsPerMinute: 100_000 }, { directory });
  using chat = new Chat(tenant, tenant.config({ channels: ["oncall"], direct: "never" }), bench);
  const posted: number[] = [];
  tenant.fault = ({ method, path }) => {
    if (method === "POST" && path.includes(CHAT)) posted.push(bench.clock.now());
    return null;
  };
  for (let n = 0; n < REQUESTS; n += 1) await bench.ask(dropTable(`table_${n}`));
  for (let n = 0; n < 200 && tenant.messages.length < REQUESTS; n += 1) {
    await chat.settle();
    bench.clock.pass(SECOND);
  }
  assert.equal(tenant.messages.length, REQUESTS);
  assert.equal(posted.length, REQUESTS, "none twice");
  // Seven in a second, eight in two, sixty in thirty: Microsoft's documentation. Eight may be under way when a span begins.
  for (const [span, most] of [
    [SECOND, 7],
    [2 * SECOND, 8],
    [30 * SECOND, 60],
  ] as const) {
    const found = Math.max(...posted.map((from) => posted.filter((at) => at >= from && at < from + span).length));
    assert.ok(found <= most + 8, `${found} in ${span} ms`);
  }
});

test("keys that cannot be read: nothing is decided, and what nobody signed makes no storm of calls", async () => {
  await using tenant = await Tenant.open();
  using chat = new Chat(tenant, tenant.config());
  tenant.fault = ({ path }) => (path.includes("openid") ? { status: 503 } : null);
  const activity = tenant.activity({ name: "ann", data: {}, atMs: chat.bench.clock.now() });
  for (let n = 0; n < 5; n += 1) assert.equal((await chat.send(activity)).status, 503);
  assert.equal(tenant.count("GET", "openid"), 1);
  assert.deepEqual(new Set(chat.dropped), new Set(["keys_unavailable"]));
  tenant.fault = () => null;
  chat.bench.clock.pass(6 * SECOND);
  assert.equal((await chat.send(activity)).status, 403, "the token is read again, and the button is not ours");
});
