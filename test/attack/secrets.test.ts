// No credential is ever written down, told back or logged. Through the real server.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { exportRows } from "../support/actions.ts";
import { approve, hold, permitFor, redeem } from "../support/flow.ts";
import { House, type Client } from "../support/house.ts";
import { textAt } from "../support/json.ts";

/** The secret half of a credential; the id in front of it may be told. */
function secretOf(token: string): string {
  return token.slice(-43);
}

test("secrets.logged: tokens, sessions, codes and permits are in no entry, problem, page, metric or log", async () => {
  await using house = await House.open({ demo: true });
  const gate = await house.gate();
  const code = await house.code("ann");
  const signedIn = await house.anyone.post("/v1/sign-in", { code, client: "cli" });
  const ann = house.as(textAt(signedIn.body, "session"));
  const browser = await house.anyone.post("/v1/sign-in", { code: await house.code("bob") });
  const cookie = /keyturn_session=([^;]+)/.exec(browser.headers.get("set-cookie") ?? "")?.[1] ?? "";
  const held = await hold(gate, exportRows(12_000));
  await approve(ann, held);
  const permit = await permitFor(gate, exportRows(12_000), held);
  const tokens = [gate.token, ann.token, house.operator.token, code, cookie].map((token) => secretOf(token ?? ""));
  for (const secret of tokens) assert.match(secret, /^[A-Za-z0-9_-]{43}$/);
  const signature = permit.split(".")[2] ?? "";
  const secrets = [...tokens, signature];

  const told: string[] = [];
  const everybody: readonly Client[] = [gate, ann, house.operator, house.anyone];
  for (const client of everybody) {
    for (const path of [
      "/v1/whoami",
      "/v1/me",
      "/v1/requests",
      `/v1/requests/${held.id}`,
      `/access/v1/requests/${held.id}`,
      "/v1/tokens",
      "/v1/doctor",
      "/metrics",
      "/openapi.json",
      "/readyz",
    ]) {
      told.push((await client.get(path)).text);
    }
    const bad = [
      client.send("POST", "/access/v1/evaluation", `{"token":"${client.token}`),
      client.send("POST", "/v1/sign-in", JSON.stringify({ code, client: client.token })),
      client.post("/v1/permits/redeem", { permit: `${permit}x`, digest: held.digest, attempt: "12345678" }),
      client.get(`/v1/requests/${client.token}`),
      client.get(`/${client.token}?code=${code}`),
    ];
    for (const answer of await Promise.all(bad)) {
      assert.ok(answer.status >= 400);
      told.push(answer.text, JSON.stringify([...answer.headers]));
    }
  }
  assert.equal((await redeem(gate, permit, held.digest)).status, 200);
  for (const stored of await house.store.range(0, 10_000)) {
    told.push(Buffer.from(stored.header).toString("latin1"), Buffer.from(stored.payload ?? []).toString("latin1"));
  }
  told.push((await house.operator.get("/v1/ledger/entries")).text, house.log.join("\n"));
  for (const secret of secrets) {
    for (const text of told) assert.ok(!text.includes(secret), `${secret} in ${text.slice(0, 200)}`);
  }
});

test("secrets.logged: an internal failure tells its cause to the log alone, and what was sent to nobody", async () => {
  await using house = await House.open();
  const gate = await house.gate();
  const sent = "s3cr3t-parameter";
  await house.stop();
  await using again = await House.over(house.files);
  await again.store[Symbol.asyncDispose](); // the store goes away under the server
  const { status, text } = await again
    .as(gate.token)
    .post("/access/v1/evaluation", exportRows(1, { context: { reason: sent } }));
  assert.equal(status, 503);
  for (const where of [text, ...again.log])
    assert.ok(!where.includes(sent) && !where.includes(secretOf(gate.token ?? "")), where);
  assert.ok(!/\bat .*\.ts:\d+/.test(text), "no stack in an answer");
});

test("secrets.logged: what lies on disk opens nothing, and only its owner reads it", async () => {
  await using house = await House.open();
  const gate = await house.gate();
  const code = await house.code("ann");
  await house.stop();
  const data = join(house.files.dir, "data");
  for (const name of readdirSync(data)) {
    const bytes = readFileSync(join(data, name)).toString("latin1");
    for (const secret of [gate.token ?? "", code].map(secretOf)) assert.ok(!bytes.includes(secret), name);
    if (name !== "operator.token") assert.ok(!bytes.includes(secretOf(house.operator.token ?? "")), name);
  }
  for (const name of ["operator.token", "permit-key.pem", "ledger-key.pem"]) {
    assert.equal(statSync(join(data, name)).mode & 0o077, 0, name);
  }
  assert.equal(statSync(data).mode & 0o077, 0, "nor looks into the folder");
});
