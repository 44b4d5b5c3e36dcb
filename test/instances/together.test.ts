// What one instance does, the others know at once: waits, streams, directories, credentials, rules.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { exportRows, readRows } from "../support/actions.ts";
import { approve, apply, codeOf, hold, permitFor, redeem, review } from "../support/flow.ts";
import { House, type Client } from "../support/house.ts";
import { Instances, skip, startDatabase } from "../support/instances.ts";
import { at, textAt } from "../support/json.ts";
import type { Postgres } from "../support/postgres.ts";
import { until } from "../support/process.ts";
import { DIRECTORY, edited, POLICIES, RuleFiles } from "../support/rules.ts";

void describe("several instances on one ledger", { skip }, () => {
  let postgres: Postgres;
  before(async () => {
    postgres = await startDatabase();
  });
  after(() => postgres.stop());

  const open = (options: Partial<Parameters<typeof Instances.open>[0]> = {}): Promise<Instances> =>
    Instances.open({ url: postgres.url("app"), ...options });

  const types = async (house: House): Promise<readonly string[]> => (await house.entries()).map(({ type }) => type);

  for (const wake of ["notify", "poll"] as const) {
    void test(`whoever waits at one instance hears of a review at another, by ${wake}`, async () => {
      await using pair = await open({ count: 2, wake });
      const [here, there] = [pair.one(0), pair.one(1)];
      const gate = await here.gate();
      const ann = there.as((await here.person("ann")).token);
      const held = await hold(gate, exportRows(100));
      const path = `/access/v1/requests/${held.id}`;
      const waiting = gate.get(path, { headers: { prefer: "wait=30" } });
      await sleep(50);
      const reviewedAt = performance.now();
      await approve(ann, held);
      const heard = await waiting;
      assert.equal(at(heard.body, "task", "status"), "approved", heard.text);
      assert.ok(performance.now() - reviewedAt < 5000, "long before the wait would have ended by itself");
    });
  }

  void test("streams tell every change once, wherever it was made", async () => {
    await using pair = await open({ count: 2 });
    const gates = [await pair.one(0).gate()];
    gates.push(pair.one(1).as(gates[0]?.token ?? null));
    const heard: string[][] = [[], []];
    const leaving = new AbortController();
    const listening = gates.map((gate, n) => listen(gate, heard[n] ?? [], leaving.signal));
    await until("both listen", () => heard.every((one) => one.includes("ping")));
    const held = await hold(gates[0] as Client, exportRows(100));
    await approve(await pair.one(1).person("ann"), held);
    await until("both have heard of the end", () =>
      heard.every((one) => one.some((line) => line.includes("approved"))),
    );
    await sleep(50);
    for (const one of heard)
      assert.deepEqual(
        one.filter((line) => line !== "ping"),
        [`${held.id} pending`, `${held.id} approved`],
      );
    leaving.abort();
    await Promise.all(listening);
  });

  void test("of redemptions at three instances at once, one is let through", async () => {
    await using trio = await open();
    const gate = await trio.house.gate();
    for (let round = 0; round < 10; round += 1) {
      const held = await hold(gate, exportRows(1000 + round));
      await approve(await trio.house.person("ann"), held);
      const permit = await permitFor(gate, exportRows(1000 + round), held);
      const tries = trio.houses.map((house) => redeem(house.as(gate.token), permit, held.digest));
      const answers = (await Promise.all(tries)).map(({ status }) => status);
      assert.deepEqual(
        answers.toSorted((a, b) => a - b),
        [200, 409, 409],
      );
    }
  });

  void test("who is put out at one instance approves and releases nothing at another", async () => {
    await using pair = await open({ count: 2, wake: "poll" });
    const [here, there] = [pair.one(0), pair.one(1)];
    const gate = there.as((await here.gate()).token);
    const [ann, dee] = [await here.person("ann"), await here.person("dee")];
    const held = await hold(gate, exportRows(100));
    await approve(ann, held);
    const permit = await permitFor(gate, exportRows(100), held);
    const other = await hold(gate, exportRows(101));
    const gone = edited(DIRECTORY, "    name: Ann Achterberg", "    active: false\n    name: Ann Achterberg");
    await here.change({ directory: edited(gone, "name: Dee Dvorak,", "name: Dee Dvorak, active: false,") });
    // At once, and with nothing but the poll of a second to tell.
    assert.equal(codeOf(await redeem(gate, permit, held.digest)), "approval_voided");
    assert.equal((await review(there.as(dee.token), other)).status, 401);
  });

  void test("a credential that is revoked at one instance is worth nothing at another", async () => {
    await using pair = await open({ count: 2 });
    const [here, there] = [pair.one(0), pair.one(1)];
    const made = await here.operator.post("/v1/tokens", { agent: "report-bot", gate: "sdk" });
    const gate = there.as(textAt(made.body, "token"));
    assert.equal((await gate.post("/access/v1/evaluation", readRows(1))).status, 200);
    assert.equal((await here.operator.post(`/v1/tokens/${textAt(made.body, "id")}/revoke`, {})).status, 200);
    await until(
      "it is refused",
      async () => (await gate.post("/access/v1/evaluation", readRows(1))).status === 401,
      1200,
    );
  });

  void test("64 tokens asked for at once at three instances are all made", async () => {
    await using trio = await open();
    const ask = (n: number): Promise<number> =>
      trio
        .one(n % 3)
        .operator.post("/v1/tokens", { agent: "report-bot", gate: "sdk" })
        .then(({ status }) => status);
    const statuses = await Promise.all(Array.from({ length: 64 }, (_, n) => ask(n)));
    assert.deepEqual([...new Set(statuses)], [200]);
  });

  void test("a change of the files that all serve is recorded once", async () => {
    await using trio = await open();
    const count = async (): Promise<readonly number[]> => {
      const all = await types(trio.one(0));
      return ["policy.changed", "catalogue.changed", "directory.changed", "config.changed", "key.created"].map(
        (type) => all.filter((one) => one === type).length,
      );
    };
    assert.deepEqual(await count(), [1, 1, 1, 1, 2], "three starts");
    const before = trio.one(0).rulesDigest;
    writeFileSync(
      join(trio.files.policies, "more.cedar"),
      `@id("never")\nforbid (principal, action == Action::"deploy", resource);\n`,
    );
    await until("all serve it", () => trio.houses.every(({ rulesDigest }) => rulesDigest !== before));
    await Promise.all(trio.houses.map((house) => house.operator.post("/v1/reload", {})));
    assert.deepEqual(await count(), [2, 1, 1, 1, 2]);
    await trio.house.change({ policies: `${POLICIES}\n` });
    await trio.house.change({ policies: POLICIES });
    assert.equal((await count())[0], 4, "there and back again are changes");
  });

  void test("each start names its instance, and the end of it the same one", async () => {
    await using pair = await open({ count: 2 });
    await pair.restart(1);
    const life = (await pair.one(0).entries()).filter(({ type }) => type.startsWith("server."));
    const of = (type: string): readonly unknown[] =>
      life.filter((e) => e.type === type).map(({ publics }) => publics["instance"]);
    assert.equal(new Set(of("server.started")).size, 3);
    assert.ok(of("server.started").includes(of("server.stopped")[0]));
  });

  void test("an instance with another key than the ledger's does not start", async () => {
    const files = new RuleFiles();
    const ledger = randomUUID();
    const at = (data: string): Parameters<typeof House.over>[1] => ({
      settings: { data: join(files.dir, data), store: { url: postgres.url("app"), ledger, wake: "notify" } },
    });
    await using first = await House.over(files, at("first"));
    await assert.rejects(House.over(files, at("second")), { code: "key_missing" });
    const other = new RuleFiles();
    await (await House.over(other)).stop(); // it has keys of its own
    const settings = {
      data: join(other.dir, "data"),
      store: { url: postgres.url("app"), ledger, wake: "notify" as const },
    };
    await assert.rejects(House.over(files, { settings }), { code: "permit_key_differs" });
    await first.stop();
    other.remove();
    files.remove();
  });

  void test("two ledgers in one database know nothing of each other", async () => {
    const same = { url: postgres.url("app"), count: 1 };
    await using left = await Instances.open({ ...same, ledgerName: `left-${randomUUID()}` });
    await using right = await Instances.open({ ...same, ledgerName: `right-${randomUUID()}` });
    const gate = await left.house.gate();
    const held = await hold(gate, exportRows(100));
    await approve(await left.house.person("ann"), held);
    const size = await right.house.size();
    const stranger = right.house.as(gate.token);
    assert.equal((await stranger.post("/access/v1/evaluation", exportRows(100))).status, 401);
    assert.equal((await right.house.operator.get(`/v1/requests/${held.id}`)).status, 404);
    assert.equal((await right.house.as((await left.house.person("ann")).token).get("/v1/me")).status, 401);
    const answer = await apply(await right.house.gate(), exportRows(100), held);
    assert.equal(answer.body["decision"] ?? false, false, answer.text);
    const known = await types(right.house);
    assert.ok(!known.slice(size).some((type) => type.startsWith("request.")));
  });
});

/** Hears a stream of tasks: `ping`, or id and status. */
async function listen(gate: Client, heard: string[], signal: AbortSignal): Promise<void> {
  const response = await fetch(`${gate.url}/v1/tasks/stream`, {
    headers: { authorization: `Bearer ${gate.token}` },
    signal,
  });
  let rest = "";
  try {
    for await (const chunk of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
      const parts = (rest + chunk).split("\n\n");
      rest = parts.pop() ?? "";
      for (const part of parts) {
        const data = JSON.parse(/data: (.*)/.exec(part)?.[1] ?? "{}") as { task?: { id: string; status: string } };
        heard.push(data.task === undefined ? "ping" : `${data.task.id} ${data.task.status}`);
      }
    }
  } catch {
    // left
  }
}
