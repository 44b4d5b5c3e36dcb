import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, Denied, Expired, Unavailable } from "../../src/gates/sdk/index.ts";
import type { Keyturn } from "../../src/gates/sdk/index.ts";
import { exportRows, readRows } from "../support/actions.ts";
import { hold, review, statusOf } from "../support/flow.ts";
import { Client } from "../support/house.ts";
import { textAt } from "../support/json.ts";
import { freePort, Installation, until } from "../support/process.ts";
import { POLICIES } from "../support/rules.ts";

// Everything here happens to the real binary: stopped, ended, started twice, on a full disk, with broken policies.

/** An impatient agent: it counts what it ran. */
class Agent implements Disposable {
  ran = 0;
  held = "";
  digest = "";
  readonly #keyturn: Keyturn;

  constructor(url: string, token: string) {
    const options = { requestTimeoutMs: 400, retryForMs: 800, onWarning: () => undefined };
    this.#keyturn = connect({ url, token, environment: "production", ...options });
  }

  read(limit: number): Promise<number> {
    const resource = { type: "table", id: "customers" };
    return this.#keyturn.guard(this.#run, { action: "customers.read", resource })({ limit });
  }

  export(limit: number, timeoutMs?: number): Promise<number> {
    const resource = { type: "table", id: "customers" };
    const onHeld = (task: { id: string; digest: string }): void => void ({ id: this.held, digest: this.digest } = task);
    const patience = timeoutMs === undefined ? {} : { timeoutMs };
    return this.#keyturn.guard(this.#run, { action: "customers.export", resource, onHeld, ...patience })({ limit });
  }

  readonly #run = ({ limit }: { readonly limit: number }): number => {
    this.ran += 1;
    return limit;
  };

  [Symbol.dispose](): void {
    this.#keyturn.close();
  }
}

async function within(ms: number, refused: Promise<unknown>): Promise<unknown> {
  const startedAt = performance.now();
  const error = await refused.then(
    () => assert.fail("it ran"),
    (reason: unknown) => reason,
  );
  const tookMs = performance.now() - startedAt;
  assert.ok(tookMs < ms, `${String(error)} after ${Math.round(tookMs)} ms, at most ${ms}`);
  return error;
}

test("default.server-down: a server that is stopped while an action is held lets nothing through", async () => {
  await using home = new Installation();
  await using server = await home.serve({ port: await freePort() });
  using agent = new Agent(server.url, await server.token("report-bot"));
  assert.equal(await agent.read(10), 10);
  // The guard's own limit, at most two seconds for withdrawing its request, and a slow machine.
  const held = within(3500 + 5000, agent.export(5000, 3500));
  await until("it is held", () => agent.held !== "");

  server.process.signal("SIGSTOP"); // it hangs: connections open, no answer comes
  const asked = await within(5000, agent.read(11));
  assert.ok(asked instanceof Unavailable && asked.code === "timed_out", String(asked));
  const waited = await held;
  assert.ok(waited instanceof Expired && waited.code === "wait_timed_out", String(waited));
  assert.equal(agent.ran, 1);

  server.process.signal("SIGCONT");
  assert.equal(await agent.read(12), 12);
  assert.equal((await server.stop()).code, 0);
  const gone = await within(5000, agent.read(13));
  assert.ok(gone instanceof Unavailable && gone.code === "unreachable", String(gone));
  assert.equal(agent.ran, 2);
});

test("default.server-down: an action that is held while the server is away goes on when it is back, and fails closed when it is not", async () => {
  await using home = new Installation();
  const port = await freePort();
  const first = await home.serve({ port });
  const ann = await first.person("ann");
  using agent = new Agent(first.url, await first.token("report-bot"));
  using other = new Agent(first.url, await first.token("other-bot"));
  const patient = agent.export(5000);
  const impatient = within(2000 + 5000, other.export(5001, 2000));
  await until("both are held", () => agent.held !== "" && other.held !== "");
  assert.equal((await first.stop()).code, 0);
  const waited = await impatient;
  assert.ok(waited instanceof Expired && waited.code === "wait_timed_out", String(waited));
  const second = await home.serve({ port });
  assert.equal((await review(ann, { id: agent.held, digest: agent.digest })).status, 200);
  assert.equal(await patient, 5000);
  assert.deepEqual([agent.ran, other.ran], [1, 0]);
  assert.equal((await second.stop()).code, 0);
});

test("default.store-down: a second server on the same data refuses to start and names who holds it", async () => {
  await using home = new Installation();
  const server = await home.serve();
  for (const json of [[], ["--json"]]) {
    const { code, out, err } = await home.keyturn(["serve", "--listen", "127.0.0.1:0", ...json]);
    assert.deepEqual([code, out], [1, ""], err);
    const message = json.length === 0 ? err : String(JSON.parse(err).error.message);
    assert.match(message, new RegExp(`keyturn\\.db is held by process ${server.process.pid} on .* since \\d{4}-`));
  }
  // The first one has not noticed.
  const gate = new Client(server.url, await server.token("report-bot"));
  assert.equal((await gate.post("/access/v1/evaluation", readRows(10))).body["decision"], true);
  assert.equal((await server.stop()).code, 0);
  await using next = await home.serve();
  assert.equal((await next.operator.get("/readyz")).status, 200);
});

test("default.store-down: on a full disk the server ends, acknowledges nothing more, and keeps what it acknowledged", async () => {
  await using home = new Installation();
  const port = await freePort();
  const server = await home.serve({ port, blocksMax: 2000 }); // about a megabyte for any one file
  const token = await server.token("report-bot");
  const gate = new Client(server.url, token);
  using agent = new Agent(server.url, token);
  const held = agent.export(5000);
  await until("it is held", () => agent.held !== "");
  const acknowledged: string[] = [];
  const fill = async (caller: number): Promise<void> => {
    for (let turn = 0; ; turn++) {
      const properties = { limit: turn, caller, padding: "x".repeat(20_000) };
      const bulky = { ...exportRows(turn), action: { name: "customers.export", properties } };
      const answer = await gate.post("/access/v1/evaluation", bulky).catch(() => null);
      if (answer === null || answer.status >= 500) return;
      assert.equal(answer.status, 200, answer.text);
      acknowledged.push(textAt(answer.body, "context", "evaluation_id"));
    }
  };
  await Promise.all([fill(0), fill(1), fill(2), fill(3)]);
  const { code, err } = await server.process.ended;
  assert.equal(code, 1, err);
  assert.match(err, /the store failed; nothing after this was acknowledged: .*(full|disk|I\/O)/i);
  assert.ok(acknowledged.length > 5, `${acknowledged.length} before the disk was full`);
  const refused = await within(5000, agent.read(10));
  assert.ok(refused instanceof Unavailable, String(refused));

  // Room again: everything acknowledged is there, and the action that was held goes on.
  const next = await home.serve({ port });
  const lines = (await next.operator.get("/v1/ledger/entries?limit=5000")).text;
  for (const id of acknowledged) assert.ok(lines.includes(`"evaluation/${id}"`), id);
  const ann = await next.person("ann");
  assert.equal((await review(ann, { id: agent.held, digest: agent.digest })).status, 200);
  assert.equal(await held, 5000);
  assert.equal((await home.keyturn(["verify", "--url", next.url])).code, 0);
  assert.equal((await next.stop()).code, 0);
});

const HOLD_READS = `
@id("hold-reads") @because("For today, reading is watched.")
@hold @approvers("data-owners") @expires("1h")
forbid (principal, action == Action::"read", resource);
`;

async function outcomeOfRead(gate: Client): Promise<string> {
  return textAt((await gate.post("/access/v1/evaluation", readRows(10))).body, "context", "outcome");
}

test("SIGHUP with broken policies keeps the old ones and says what is wrong where", async () => {
  await using home = new Installation();
  await using server = await home.serve();
  const gate = new Client(server.url, await server.token("report-bot"));
  const broken = HOLD_READS.replace("data-owners", "data-owner");
  home.files.write({ policies: POLICIES + broken });
  const line = (POLICIES + broken).split("\n").findIndex((text) => text.includes('"data-owner"')) + 1;
  server.process.signal("SIGHUP");
  const said = await server.process.seen(({ err }) => /"message":"[^\n]*refused[^\n]*\n/.exec(err)?.[0] ?? null);
  assert.match(
    said,
    new RegExp(`the old ones still serve:.*rules\\.cedar:${line}:\\d+: there is no group .data-owner.`),
  );
  assert.equal(await outcomeOfRead(gate), "allow");
  const found = await server.operator.get("/v1/doctor");
  assert.match(found.text, /rules\.cedar:\d+/);

  home.files.write({ policies: POLICIES + HOLD_READS });
  server.process.signal("SIGHUP");
  await until("the new policy holds", async () => (await outcomeOfRead(gate)) === "require_approval");
  assert.doesNotMatch((await server.operator.get("/v1/doctor")).text, /rules\.cedar:\d+/);
});

test("a policy that is written while the server runs decides from then on, and the ledger says so", async () => {
  await using home = new Installation();
  await using server = await home.serve();
  const gate = new Client(server.url, await server.token("report-bot"));
  using agent = new Agent(server.url, await server.token("report-bot"));
  assert.equal(await agent.read(10), 10);
  const changes = async (): Promise<number> =>
    (await server.operator.get("/v1/ledger/entries?limit=5000")).text.split('"type":"policy.changed"').length - 1;
  const before = await changes();

  writeFileSync(join(home.files.policies, "today.cedar"), HOLD_READS);
  await until("the new policy holds", async () => (await outcomeOfRead(gate)) === "require_approval", 5000);
  assert.equal(await changes(), before + 1);
  const held = await hold(gate, readRows(11));
  assert.equal(await statusOf(gate, held), "pending");

  const forbid = 'forbid (principal, action == Action::"read", resource);';
  writeFileSync(join(home.files.policies, "today.cedar"), `@id("never-read")\n@because("Not today.")\n${forbid}\n`);
  await until("it is denied", async () => (await outcomeOfRead(gate)) === "deny", 5000);
  assert.equal(await changes(), before + 2);
  const denied = await within(2000, agent.read(12));
  assert.ok(denied instanceof Denied && denied.because === "Not today.", String(denied));
  assert.equal(agent.ran, 1);
});

test("SIGTERM and SIGINT end the server within two seconds while long polls and streams are open", async () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    await using home = new Installation();
    const server = await home.serve();
    const gate = new Client(server.url, await server.token("report-bot"));
    const ann = await server.person("ann");
    const held = await hold(gate, exportRows(5000));
    const end = new AbortController();
    const open = (client: Client, path: string): Promise<Response> => {
      const headers = { authorization: `Bearer ${client.token}`, prefer: "wait=55" };
      return fetch(server.url + path, { headers, signal: end.signal });
    };
    const streams = await Promise.all([
      open(gate, "/v1/tasks/stream"),
      open(ann, "/v1/stream"),
      open(server.operator, "/v1/stream"),
    ]);
    for (const stream of streams) assert.equal(stream.status, 200);
    const reading = streams.map((stream) => stream.text().catch(() => ""));
    const polls = Array.from({ length: 5 }, () =>
      open(gate, `/access/v1/requests/${held.id}`).then(
        (r) => r.status,
        () => 0,
      ),
    );
    await sleep(200); // the polls have arrived and wait
    const startedAt = performance.now();
    server.process.signal(signal);
    const { code, signal: by, err } = await server.process.ended;
    const tookMs = performance.now() - startedAt;
    end.abort();
    assert.deepEqual([code, by], [0, null], err);
    assert.ok(tookMs < 2000, `${signal} took ${Math.round(tookMs)} ms`);
    await Promise.all([...reading, ...polls]);
    assert.equal(existsSync(join(home.data, "keyturn.db.lock")), false);
    await using next = await home.serve();
    const entries = (await next.operator.get("/v1/ledger/entries?limit=5000")).text;
    assert.equal(entries.split('"type":"server.stopped"').length - 1, 1);
    assert.ok(readFileSync(join(home.data, "operator.token"), "utf8").startsWith("kto_"));
  }
});
