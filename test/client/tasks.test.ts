import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { readLines } from "../../src/client/body.ts";
import { createClient } from "../../src/client/index.ts";
import type { Client, TaskAnswer } from "../../src/client/index.ts";
import { readEvents } from "../../src/client/sse.ts";
import type { JsonObject } from "../../src/core/action/index.ts";
import { Double, ok, problem } from "../gates/double.ts";

const connected = (double: Double): Client =>
  createClient({ url: double.url, token: "kt_test", retryForMs: 2_000, requestTimeoutMs: 1_000 });

async function ask(client: Client, name: string): Promise<TaskAnswer> {
  const question = { subject: { type: "agent", id: "report-bot" }, action: { name }, resource: { type: "t", id: "i" } };
  const { context } = await client.evaluate(question);
  return client.request({ ...question, denial: { evaluation_id: context.evaluation_id } }, { idempotencyKey: name });
}

async function until(reached: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + 5_000;
  while (!reached()) {
    assert.ok(performance.now() < giveUpAt, `never: ${String(reached)}`);
    await sleep(5);
  }
}

test("all waits share one stream, which opens with the first and closes after the last", async () => {
  await using double = await new Double().start();
  const client = connected(double);
  assert.equal(double.count(/stream/), 0);
  const held = await Promise.all(Array.from({ length: 30 }, (_, index) => ask(client, `x.${index}`)));
  const waits = held.map((answer) => client.tasks.wait(answer));
  await until(() => double.streams === 1);
  const late = await ask(client, "x.late");
  waits.push(client.tasks.wait(late));
  await sleep(50);
  assert.equal(double.count(/stream/), 1);
  for (const { task } of [...held, late]) double.decide(task.id, "approved");
  const ended = await Promise.all(waits);
  assert.ok(ended.every(({ task, result }) => task.status === "approved" && result !== undefined));
  await until(() => double.streams === 0);
});

test("what was decided before the stream was open is asked for", async () => {
  await using double = await new Double().start();
  const client = connected(double);
  const first = await ask(client, "x.first");
  double.decide(first.task.id, "denied", { by: "ann" });
  assert.equal((await client.tasks.wait(first)).denial?.by, "ann");
  const open = client.tasks.wait(await ask(client, "x.open"));
  await until(() => double.streams === 1);
  const second = await ask(client, "x.second");
  double.decide(second.task.id, "approved"); // the stream tells it, but nobody waits for it yet
  await sleep(20);
  assert.equal((await client.tasks.wait(second)).task.status, "approved");
  client.close();
  await assert.rejects(open, { code: "client_closed" });
});

test("decisions made while the server was away are found after every reconnect", async () => {
  await using double = await new Double().start();
  const client = connected(double);
  const held = await Promise.all(Array.from({ length: 12 }, (_, index) => ask(client, `x.${index}`)));
  const waits = held.map((answer) => client.tasks.wait(answer));
  for (const round of [0, 1, 2]) {
    await until(() => double.streams === 1);
    await double.stop();
    for (const { task } of held.slice(round * 4, round * 4 + 4)) double.decide(task.id, "approved");
    await sleep(100);
    await double.start();
  }
  assert.equal((await Promise.all(waits)).filter(({ task }) => task.status === "approved").length, 12);
});

test("where no stream is to be had, waits poll", async () => {
  const table = [
    problem(404, "not_found", "no such thing"),
    problem(403, "forbidden", "no streams here"),
    { status: 200, body: "<html>a proxy</html>" },
  ];
  for (const reply of table) {
    await using double = await new Double().start();
    for (let again = 0; again < 50; again++) double.instead.push({ path: /stream/, reply });
    const client = connected(double);
    const first = await ask(client, "x.first");
    const waits = [client.tasks.wait(first)];
    await until(() => double.seen.some(({ headers }) => headers["prefer"] === "wait=25"));
    const second = await ask(client, "x.second");
    waits.push(client.tasks.wait(second));
    for (const { task } of [first, second]) double.decide(task.id, "approved");
    assert.deepEqual(
      (await Promise.all(waits)).map(({ task }) => task.status),
      ["approved", "approved"],
    );
    const polls = double.count(/requests\/arq/);
    await sleep(300);
    assert.equal(double.count(/requests\/arq/), polls, "nobody polls for what nobody waits for");
  }
});

test("a task that the server does not know, and a token it does not take any more, end the wait", async () => {
  for (const refusal of [problem(404, "unknown_task", "no such task"), problem(401, "unauthorized", "revoked")]) {
    await using double = await new Double().start();
    const client = connected(double);
    const answer = await ask(client, "x.y");
    double.instead.push({ path: /requests\/arq/, reply: refusal });
    await assert.rejects(client.tasks.wait(answer), { name: "WireError", status: refusal.status });
  }
});

test("a status that this version does not know is final and no approval, whatever comes with it", async () => {
  await using double = await new Double().start();
  const client = connected(double);
  const answer = await ask(client, "x.y");
  double.instead.push({
    path: /requests\/arq/,
    reply: (exchange) => {
      double.decide(answer.task.id, "approved");
      const body = double.reply(exchange).body as { task: JsonObject; result: JsonObject };
      return ok({ ...body, task: { ...body.task, status: "approved_twice" } });
    },
  });
  double.instead.push({ path: /stream/, reply: problem(404, "not_found", "no streams here") });
  const ended = await client.tasks.wait(answer);
  assert.equal(ended.task.status, "failed");
});

test("a wait ends as expired at the task's end and the grace, even if an approval comes later", async () => {
  await using double = await new Double().start();
  double.lifeMs = 150;
  const client = connected(double);
  const answer = await ask(client, "x.y");
  const waiting = client.tasks.wait(answer, { graceMs: 50 });
  const ended = await waiting;
  double.decide(answer.task.id, "approved");
  assert.equal(ended.task.status, "expired");
  assert.equal(ended.result, undefined);
});

test("changes that do not end a wait are told once each", async () => {
  await using double = await new Double().start();
  const client = connected(double);
  const answer = await ask(client, "x.y");
  const filled: number[] = [];
  const waiting = client.tasks.wait(answer, {
    onChange: ({ task }) => filled.push(task.progress?.terms[0]?.filled ?? -1),
  });
  await until(() => double.streams === 1);
  double.decide(answer.task.id, "pending");
  await until(() => filled.length === 1);
  double.decide(answer.task.id, "pending");
  await until(() => filled.length === 2);
  double.decide(answer.task.id, "approved");
  await waiting;
  assert.deepEqual(filled, [1, 2]);
});

test("an abort ends its own wait and no other", async () => {
  await using double = await new Double().start();
  const client = connected(double);
  const answer = await ask(client, "x.y");
  const stop = new AbortController();
  const reason = new Error("enough");
  const [given, kept] = [client.tasks.wait(answer, { signal: stop.signal }), client.tasks.wait(answer)];
  assert.equal(client.tasks.waiting(answer.task.id), 2);
  stop.abort(reason);
  await assert.rejects(given, (error) => error === reason);
  assert.equal(client.tasks.waiting(answer.task.id), 1);
  await until(() => double.streams === 1);
  double.decide(answer.task.id, "approved");
  assert.equal((await kept).task.status, "approved");
});

function body(...chunks: readonly string[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunks.map((chunk) => new TextEncoder().encode(chunk)));
}

test("events are read however the stream is cut into pieces and lines are ended", async () => {
  const text =
    ': hello\r\nevent: task\rdata: {"a":\ndata: 1}\n\nevent:ping\ndata:\n\ndata: no name\n\nevent: empty\n\nid: 7\n\ndata: unfinished';
  const expected = [
    ["task", '{"a":\n1}'],
    ["ping", ""],
    ["message", "no name"],
  ];
  for (let cut = 0; cut <= text.length; cut++) {
    const events: string[][] = [];
    for await (const { event, data } of readEvents(body(text.slice(0, cut), text.slice(cut)), () => undefined)) {
      events.push([event, data]);
    }
    assert.deepEqual(events, expected, `cut at ${cut}`);
  }
});

test("a line that never ends is refused", async () => {
  const endless = ReadableStream.from(Array.from({ length: 64 }, () => new Uint8Array(64).fill(0x61)));
  const read = async (): Promise<void> => {
    for await (const line of readLines(endless, 1_000)) assert.fail(line);
  };
  await assert.rejects(read(), { code: "answer_too_large" });
});
