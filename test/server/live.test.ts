import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, test } from "node:test";
import { parseJson, type JsonObject } from "../../src/core/action/index.ts";
import { exportRows, grantRole } from "../support/actions.ts";
import { approve, hold, review, statusOf } from "../support/flow.ts";
import { at } from "../support/json.ts";
import { House, type Client } from "../support/house.ts";

let house: House;
let gate: Client;
let ann: Client;
before(async () => {
  house = await House.open();
  gate = await house.gate();
  ann = await house.person("ann");
});
after(() => house[Symbol.asyncDispose]());

test("Prefer: wait answers as soon as the status changes, not before and not for less", async () => {
  const held = await hold(gate, grantRole("live-1"));
  const started = performance.now();
  let answered = false;
  const waiting = gate
    .get(`/access/v1/requests/${held.id}`, { headers: { prefer: "respond-async, wait=30" } })
    .finally(() => (answered = true));
  await sleep(100);
  await hold(gate, grantRole("live-1")); // attaches: no change of status
  await review(ann, held);
  await sleep(100);
  assert.equal(answered, false);
  await approve(await house.person("bob"), held);
  const answer = await waiting;
  assert.equal(at(answer.body, "task", "status"), "approved");
  assert.equal(answer.headers.get("preference-applied"), "wait=30");
  assert.equal(at(answer.body, "result", "approval", "id"), held.approval);
  assert.ok(performance.now() - started < 10_000);
});

test("Prefer: wait answers at once when there is nothing to wait for, and in time when nothing happens", async () => {
  const held = await hold(gate, exportRows(101));
  const timed = async (prefer: string): Promise<number> => {
    const started = performance.now();
    assert.equal((await gate.get(`/access/v1/requests/${held.id}`, { headers: { prefer } })).status, 200);
    return performance.now() - started;
  };
  for (const prefer of ["wait=0", "return=minimal", "wait=abc", "await=30"])
    assert.ok((await timed(prefer)) < 900, prefer);
  const second = await timed("wait=1");
  assert.ok(second > 900 && second < 5000, String(second));
  await review(ann, held, "deny");
  assert.ok((await timed("wait=30")) < 900, "it is over");
});

test("many polls on one connection leave nothing behind", async () => {
  await using short = await House.open({ limits: { waitMaxMs: 5 } });
  const client = await short.gate();
  const held = await hold(client, exportRows(102));
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on("warning", onWarning);
  for (let n = 0; n < 40; n++) {
    const polled = await client.get(`/access/v1/requests/${held.id}`, { headers: { prefer: "wait=9" } });
    assert.equal(polled.headers.get("preference-applied"), "wait=0", "no more than the limit");
  }
  await sleep(10);
  process.off("warning", onWarning);
  assert.deepEqual(warnings, []);
  assert.equal(await listeners(short), 0);
});

async function listeners(of: House): Promise<number> {
  const { text } = await of.anyone.get("/metrics");
  return Number(/^keyturn_listeners (\d+)$/m.exec(text)?.[1]);
}

/** Reads server-sent events until it is left. */
async function listen(
  client: Client,
  path: string,
): Promise<{ events: { event: string; data: JsonObject }[]; leave: () => Promise<void> }> {
  const leaving = new AbortController();
  const response = await fetch(client.url + path, {
    headers: { authorization: `Bearer ${client.token}` },
    signal: leaving.signal,
  });
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const events: { event: string; data: JsonObject }[] = [];
  const reading = (async () => {
    let rest = "";
    for await (const chunk of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
      const parts = (rest + chunk).split("\n\n");
      rest = parts.pop() ?? "";
      for (const part of parts) {
        const [, event = "", data = ""] = /^event: (\w+)\ndata: (.*)$/.exec(part) ?? [];
        events.push({ event, data: parseJson(data) as JsonObject });
      }
    }
  })().catch(() => {});
  return {
    events,
    leave: async () => {
      leaving.abort();
      await reading;
    },
  };
}

async function until(done: () => boolean): Promise<void> {
  for (let n = 0; n < 200 && !done(); n++) await sleep(10);
  assert.ok(done(), "it did not happen in two seconds");
}

test("streams: an agent hears of its own requests, people of all, each as they may see them", async () => {
  const other = await house.gate("other-bot");
  const [mine, theirs, people, overseer] = await Promise.all([
    listen(gate, "/v1/tasks/stream"),
    listen(other, "/v1/tasks/stream"),
    listen(ann, "/v1/stream"),
    listen(house.operator, "/v1/stream"),
  ]);
  await until(() => [mine, theirs, people, overseer].every(({ events }) => events.length === 1));
  const held = await hold(gate, exportRows(103));
  await approve(ann, held);
  const foreign = await hold(other, exportRows(103, { agent: "other-bot" }));
  await until(() => people.events.length >= 4 && theirs.events.length >= 2 && mine.events.length >= 3);

  const seen = ({ events }: typeof mine, ...path: readonly string[]): unknown[] =>
    events.filter(({ event }) => event !== "ping").map(({ event, data }) => [event, at(data, ...path)]);
  assert.deepEqual(seen(mine, "task", "id"), [
    ["task", held.id],
    ["task", held.id],
  ]);
  assert.deepEqual(seen(mine, "task", "status"), [
    ["task", "pending"],
    ["task", "approved"],
  ]);
  assert.deepEqual(seen(theirs, "task", "id"), [["task", foreign.id]]);
  assert.deepEqual(seen(people, "id"), [
    ["request", held.id],
    ["request", held.id],
    ["request", foreign.id],
  ]);
  assert.deepEqual(seen(people, "me", "can_approve"), [
    ["request", true],
    ["request", false],
    ["request", true],
  ]);
  assert.deepEqual(seen(overseer, "me", "can_approve"), [
    ["request", false],
    ["request", false],
    ["request", false],
  ]);
  assert.equal(await listeners(house), 4);
  await Promise.all([mine, theirs, people, overseer].map(({ leave }) => leave()));
  await sleep(50);
  assert.equal(await listeners(house), 0, "who has left costs nothing");
});

test("closing the server ends streams and polls at once", async () => {
  const short = await House.open();
  const client = await short.gate();
  const held = await hold(client, exportRows(1));
  const streaming = await listen(client, "/v1/tasks/stream");
  const polling = client.get(`/access/v1/requests/${held.id}`, { headers: { prefer: "wait=55" } }).catch(() => null);
  await sleep(50);
  const started = performance.now();
  await short[Symbol.asyncDispose]();
  await Promise.all([polling, streaming.leave()]);
  assert.ok(performance.now() - started < 3000);
  await short.ended;
});

test("a request waits over a restart, and so do its waiters", async () => {
  const first = await House.open();
  const client = await first.gate();
  const held = await hold(client, exportRows(12_000));
  await first.stop();
  await using second = await House.over(first.files);
  const again = second.as(client.token);
  assert.equal(await statusOf(again, held), "pending");
  await approve(await second.person("ann"), held);
  assert.equal(await statusOf(again, held), "approved");
});
