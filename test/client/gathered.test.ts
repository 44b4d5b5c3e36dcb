// Reports that nobody waits for: sent together, each answered by itself, none lost at a clean end.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createClient, KeyturnError, WireError, type Client } from "../../src/client/index.ts";
import { warmCarry } from "../../src/cli/warm.ts";
import { House } from "../support/house.ts";

/** An agent whose reports wait longer than any test, unless something sends them. */
async function patient(house: House): Promise<{ client: Client; paths: string[] }> {
  const gate = await house.gate();
  const paths: string[] = [];
  const carry = warmCarry();
  assert.ok(carry !== undefined);
  const client = createClient({
    url: house.url,
    token: gate.token ?? "",
    gatherOutcomesMs: 600_000,
    carry: (url, carried) => {
      paths.push(new URL(url).pathname);
      return carry(url, carried);
    },
  });
  return { client, paths };
}

async function allowed(client: Client, limit: number): Promise<string> {
  const { decision, context } = await client.evaluate({
    subject: { type: "agent", id: "report-bot" },
    action: { name: "customers.read", properties: { limit } },
    resource: { type: "table", id: "customers" },
  });
  assert.equal(decision, true);
  return context.evaluation_id;
}

test("gathered reports go in one request when the client settles, and each is answered by itself", async () => {
  await using house = await House.open();
  const { client, paths } = await patient(house);
  const [one, two] = [await allowed(client, 1), await allowed(client, 2)];
  const never = `eval_${"0".repeat(26)}`;
  const reports = [
    client.reportOutcome({ evaluation: one }, { status: "succeeded", details: { duration_ms: 1 } }),
    client.reportOutcome({ evaluation: never }, { status: "succeeded" }),
    client.reportOutcome({ evaluation: two }, { status: "failed" }),
  ];
  const answers = Promise.allSettled(reports);
  assert.ok(!paths.some((path) => path.includes("outcome")), "nobody waits for them yet");
  await client.settle();
  const [first, unknown, last] = await answers;
  assert.ok(first?.status === "fulfilled" && last?.status === "fulfilled" && unknown?.status === "rejected");
  assert.ok(unknown.reason instanceof WireError);
  assert.deepEqual([unknown.reason.status, unknown.reason.code], [404, "permit_unknown"]);
  assert.deepEqual(
    paths.filter((path) => path.includes("outcome")),
    ["/v1/evaluations/outcomes"],
  );
  // Once it has settled it waits no more, and the same report gets the same answer.
  const again = await client.reportOutcome({ evaluation: two }, { status: "failed" });
  assert.equal(again.index, last.value.index);
  const other = client.reportOutcome({ evaluation: two }, { status: "succeeded" });
  await assert.rejects(other, (error) => error instanceof WireError && error.code === "outcome_known");
});

test("64 gathered reports do not wait for more", async () => {
  await using house = await House.open();
  const { client, paths } = await patient(house);
  const ids: string[] = [];
  for (let n = 0; n < 64; n++) ids.push(await allowed(client, n));
  const receipts = await Promise.all(
    ids.map((evaluation) => client.reportOutcome({ evaluation }, { status: "succeeded" })),
  );
  assert.equal(new Set(receipts.map(({ index }) => index)).size, 64);
  assert.equal(paths.filter((path) => path === "/v1/evaluations/outcomes").length, 1);
});

test("a report that is malformed, and a server that knows no such request, cost the other reports nothing", async () => {
  await using house = await House.open();
  const { client } = await patient(house);
  const good = await allowed(client, 1);
  const reports = Promise.allSettled([
    client.reportOutcome({ evaluation: "eval_?" }, { status: "succeeded" }),
    client.reportOutcome({ evaluation: good }, { status: "succeeded" }),
  ]);
  await client.settle();
  assert.deepEqual(
    (await reports).map(({ status }) => status),
    ["rejected", "fulfilled"],
  );

  const older = createClient({
    url: house.url,
    token: (await house.gate()).token ?? "",
    gatherOutcomesMs: 600_000,
    carry: async (url, carried) =>
      url.endsWith("/v1/evaluations/outcomes")
        ? { status: 404, headers: new Headers(), bytes: new Uint8Array() }
        : ((await warmCarry()?.(url, carried)) ?? assert.fail("no carry")),
  });
  const ids = [await allowed(older, 3), await allowed(older, 4)];
  const told = Promise.all(ids.map((evaluation) => older.reportOutcome({ evaluation }, { status: "succeeded" })));
  await older.settle();
  assert.equal((await told).length, 2);
});

test("kept connections follow no redirect, take no larger answer, and stop with their signal", async () => {
  const server = createServer(({ url }, response) => {
    if (url === "/away/ledger/vkey") response.writeHead(302, { location: "/ok/ledger/vkey" }).end();
    else if (url === "/large/ledger/vkey") response.end(Buffer.alloc(2_000_000, "x"));
    else if (url === "/broken/ledger/vkey")
      response.writeHead(200, { "content-length": 9 }).write("x", () => response.destroy());
    else if (url !== "/never/ledger/vkey") response.end("key\n");
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const ask = (path: string, signal?: AbortSignal): Promise<string> =>
    createClient({ url: `http://127.0.0.1:${port}/${path}`, carry: warmCarry(), retryForMs: 0 }).ledgerKey({ signal });
  assert.equal(await ask("ok"), "key");
  const table = [
    ["away", "http_302"],
    ["large", "answer_too_large"],
    ["broken", "unreachable"],
  ] as const;
  for (const [path, code] of table) {
    await assert.rejects(ask(path), (error) => error instanceof KeyturnError && error.code === code, path);
  }
  const stop = new AbortController();
  const never = ask("never", stop.signal);
  stop.abort(new Error("enough"));
  await assert.rejects(never, /enough/);
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});
