// What an operator runs on: overload, ends, metrics, traces and logs.
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  context,
  propagation,
  trace,
  type Context,
  type ContextManager,
  type Span,
  type SpanOptions,
} from "@opentelemetry/api";
import { createClient, type EvaluationRequest } from "../../src/client/index.ts";
import type { AppendResult, Store } from "../../src/ports/store.ts";
import { APPENDS_WAITING_MAX, BODY_BYTES_HELD_MAX } from "../../src/server/pressure.ts";
import { WatchedStore } from "../../src/server/watched.ts";
import { openMemoryStore } from "../../src/stores/memory/index.ts";
import { exportRows, readRows } from "../support/actions.ts";
import { codeOf, hold } from "../support/flow.ts";
import { House } from "../support/house.ts";
import { ROOT, until } from "../support/process.ts";

/** A store whose appends a test may hold up. */
class SlowStore extends WatchedStore {
  held: Promise<void> | null = null;
  override async append(change: Parameters<Store["append"]>[0]): Promise<AppendResult> {
    await this.held;
    return super.append(change);
  }
}

test("while too many appends wait, further ones get 503 and Retry-After, and the rest is answered", async () => {
  const store = new SlowStore(openMemoryStore());
  await using house = await House.open({ store, limits: { evaluationsPerMinute: 1_000_000 } });
  const gate = await house.gate();
  const gone = Promise.withResolvers<void>();
  store.held = gone.promise;
  const waiting = Array.from({ length: APPENDS_WAITING_MAX }, () => house.store.append({ entries: [] }));
  const refused = await gate.post("/access/v1/evaluation", readRows(1));
  assert.deepEqual([refused.status, codeOf(refused), refused.headers.get("retry-after")], [503, "overloaded", "1"]);
  const metrics = await house.anyone.get("/metrics");
  assert.match(metrics.text, new RegExp(`^keyturn_appends_waiting ${APPENDS_WAITING_MAX}$`, "m"));
  assert.match(metrics.text, /^keyturn_refused_total\{because="store"\} 1$/m);
  assert.equal((await house.anyone.get("/healthz")).status, 200);
  gone.resolve();
  await Promise.all(waiting);
  assert.equal((await gate.post("/access/v1/evaluation", readRows(1))).status, 200);
});

test("more bodies than are held at a time are not read", async () => {
  await using house = await House.open();
  const gate = await house.gate();
  const { port } = new URL(house.url);
  const length = 1024 * 1024;
  const headers = {
    "content-length": length,
    "content-type": "application/json",
    authorization: `Bearer ${gate.token}`,
  };
  const slow = Array.from({ length: BODY_BYTES_HELD_MAX / length }, () => {
    const sent = request({
      host: "127.0.0.1",
      port,
      method: "POST",
      path: "/access/v1/evaluation",
      headers,
      agent: false,
    });
    sent.on("error", () => {});
    sent.write("{"); // and never the rest
    return sent;
  });
  const full = new RegExp(`^keyturn_body_bytes_held ${BODY_BYTES_HELD_MAX}$`, "m");
  await until("all are under way", async () => full.test((await house.anyone.get("/metrics")).text));
  assert.equal(codeOf(await gate.post("/access/v1/evaluation", readRows(1))), "overloaded");
  for (const sent of slow) sent.destroy();
  await until(
    "they are given free",
    async () => (await gate.post("/access/v1/evaluation", readRows(1))).status === 200,
  );
});

test("more streams and long polls than the limit are sent away; a look without waiting is answered", async () => {
  await using house = await House.open({ limits: { waitersMax: 2 } });
  const gate = await house.gate();
  const held = await hold(gate, exportRows(100));
  const path = `/access/v1/requests/${held.id}`;
  const leaving = new AbortController();
  const init = { headers: { prefer: "wait=30" }, signal: leaving.signal };
  const polls = [gate.get(path, init), gate.get(path, init)].map((poll) => poll.catch(() => null));
  await until("both wait", async () => (await gate.get(path, { headers: { prefer: "wait=1" } })).status === 503);
  assert.equal((await gate.get("/v1/tasks/stream")).status, 503);
  assert.equal((await gate.get(path)).status, 200);
  leaving.abort();
  await Promise.all(polls);
  const nobody = /^keyturn_listeners 0$/m;
  await until("both places are free", async () => nobody.test((await house.anyone.get("/metrics")).text));
});

test("a server that ends answers what has begun, ends streams with a word when to come back, and takes nothing new", async () => {
  const store = new SlowStore(openMemoryStore());
  const house = await House.open({ store });
  const gate = await house.gate();
  const stream = await fetch(`${house.url}/v1/tasks/stream`, { headers: { authorization: `Bearer ${gate.token}` } });
  const told = stream.text();
  const held = await hold(gate, exportRows(100));
  const poll = gate.get(`/access/v1/requests/${held.id}`, { headers: { prefer: "wait=30" } });
  const gone = Promise.withResolvers<void>();
  store.held = gone.promise;
  const begun = gate.post("/access/v1/evaluation", readRows(1));
  await until("it waits", async () =>
    /^keyturn_requests_under_way [23]$/m.test((await house.anyone.get("/metrics")).text),
  );
  await sleep(50);
  const stopped = house.stop();
  store.held = null;
  await sleep(20);
  gone.resolve();
  assert.equal((await begun).status, 200);
  assert.equal((await poll).status, 200);
  assert.match(await told, /retry: 500\n\n$/);
  await stopped;
  await assert.rejects(gate.get("/healthz"));
  await house[Symbol.asyncDispose]();
});

test("the dashboard shows only what the server measures", async () => {
  await using house = await House.open();
  const text = readFileSync(`${ROOT}deploy/grafana.json`, "utf8");
  const dashboard = JSON.parse(text) as { panels: { targets: { expr: string }[] }[] };
  const wanted = new Set(
    dashboard.panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => expr.match(/keyturn_\w+/g) ?? [])),
  );
  assert.equal((await house.anyone.get("/healthz")).status, 200);
  const { text: rendered } = await house.anyone.get("/metrics");
  const served = new Set(rendered.match(/^keyturn_\w+/gm));
  const documented = readFileSync(`${ROOT}docs/operations.md`, "utf8");
  const source = readdirSync(`${ROOT}src/server`, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(`${ROOT}src/server/${file}`, "utf8"))
    .join("\n");
  for (const name of wanted) {
    const isCounted = source.includes(`count("${name.replace("keyturn_", "")}"`);
    assert.ok(served.has(name) || isCounted, `the server does not measure ${name}`);
    assert.ok(documented.includes(name.replace(/_bucket$/, "")), `docs/operations.md does not name ${name}`);
  }
  for (const name of served)
    assert.ok(
      documented.includes(name.replace(/_(bucket|sum|count)$/, "")),
      `docs/operations.md does not name ${name}`,
    );
});

type Seen = { readonly name: string; readonly parent: string | undefined; readonly attributes: unknown };

test("a trace goes from the gate through the server into the store, and holds no parameter", async () => {
  await using house = await House.open();
  const gate = await house.gate();
  const spans: Seen[] = [];
  const ended = new Set<string>();
  const stack = new AsyncLocalStorage<Context>();
  let next = 1;
  const start = (name: string, options: SpanOptions | undefined, parent: Context): Span => {
    const above = trace.getSpanContext(parent);
    const own = { traceId: above?.traceId ?? "1".repeat(32), spanId: String(next++).padStart(16, "0"), traceFlags: 1 };
    spans.push({ name, parent: above?.spanId, attributes: options?.attributes });
    const span: Span = {
      spanContext: () => own,
      isRecording: () => true,
      setAttribute: () => span,
      setAttributes: () => span,
      addEvent: () => span,
      addLink: () => span,
      addLinks: () => span,
      setStatus: () => span,
      updateName: () => span,
      recordException: () => {},
      end: () => void ended.add(name),
    };
    return span;
  };
  const active = (): Context => stack.getStore() ?? ROOT_OF_ALL;
  const manager: ContextManager = {
    active,
    with: (within, work, that, ...args) => stack.run(within, () => work.apply(that, args)),
    bind: (_, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  context.setGlobalContextManager(manager);
  propagation.setGlobalPropagator({
    inject: (of, carrier, setter) => {
      const span = trace.getSpanContext(of);
      if (span !== undefined) setter.set(carrier, "traceparent", `00-${span.traceId}-${span.spanId}-01`);
      setter.set(carrier, "baggage", "customer=42");
    },
    extract: (of, carrier, getter) => {
      const [, traceId = "", spanId = ""] = String(getter.get(carrier, "traceparent") ?? "").split("-");
      assert.equal(getter.get(carrier, "baggage"), undefined, "baggage stays with the application");
      return spanId === "" ? of : trace.setSpanContext(of, { traceId, spanId, traceFlags: 1, isRemote: true });
    },
    fields: () => ["traceparent"],
  });
  trace.setGlobalTracerProvider({
    getTracer: () => ({
      startSpan: (name, options, parent) => start(name, options, parent ?? active()),
      startActiveSpan: (name: string, ...rest: readonly unknown[]) => {
        const work = rest.at(-1) as (span: Span) => ReturnType<(span: Span) => never>;
        const [options, parent] = rest as [SpanOptions, Context];
        const span = start(name, options, parent);
        return stack.run(trace.setSpan(parent, span), () => work(span));
      },
    }),
  });
  try {
    const question: EvaluationRequest = {
      subject: { type: "agent", id: "report-bot" },
      action: { name: "customers.read", properties: { limit: 7 } },
      resource: { type: "table", id: "customers" },
    };
    const client = createClient({ url: house.url, token: gate.token ?? "" });
    const mine = start("agent", {}, ROOT_OF_ALL);
    await stack.run(trace.setSpan(ROOT_OF_ALL, mine), () => client.evaluate(question));
    client.close();
    const held = await hold(gate, exportRows(100));
    const answered = gate.get(`/access/v1/requests/${held.id}`, { headers: { prefer: "wait=1" } });
    const waiting = /^keyturn_listeners 1$/m;
    await until("it waits", async () => waiting.test((await house.anyone.get("/metrics")).text));
    assert.ok(!ended.has(POLL), "its span lasts as long as it waits");
    assert.equal((await answered).status, 200);
    assert.ok(ended.has(POLL));
  } finally {
    trace.disable();
    context.disable();
    propagation.disable();
  }
  const route = spans.find(({ name }) => name === "POST /access/v1/evaluation");
  const append = spans.find(({ name }) => name === "store.append");
  assert.deepEqual(
    [route?.parent, append?.parent],
    ["1".padStart(16, "0"), "2".padStart(16, "0")],
    JSON.stringify(spans),
  );
  assert.doesNotMatch(JSON.stringify(spans), /customers|report-bot|limit/);
});

const POLL = "GET /access/v1/requests/:id";
const ROOT_OF_ALL: Context = context.active();
