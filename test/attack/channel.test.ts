// Whoever only fetches decides nothing: mail scanners, previews, prefetching browsers. Through the real server.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { exportRows } from "../support/actions.ts";
import { approve, hold, permitFor, statusOf, type Held } from "../support/flow.ts";
import { House, type Client } from "../support/house.ts";
import { at } from "../support/json.ts";

let house: House;
let gate: Client;
let held: Held;
let approved: Held;
let permit = "";
before(async () => {
  house = await House.open({ demo: true });
  gate = await house.gate();
  held = await hold(gate, exportRows(12_000));
  approved = await hold(gate, exportRows(13_000));
  await approve(await house.person("ann"), approved);
  permit = await permitFor(gate, exportRows(13_000), approved);
});
after(() => house[Symbol.asyncDispose]());

/** Fetches as scanners do, and leaves streams at once. */
async function fetchOnly(
  client: Client,
  method: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<number> {
  const leaving = new AbortController();
  const response = await fetch(house.url + path, {
    method,
    redirect: "manual",
    signal: leaving.signal,
    headers: { ...(client.token === null ? {} : { authorization: `Bearer ${client.token}` }), ...headers },
  });
  leaving.abort();
  await response.body?.cancel().catch(() => {});
  return response.status;
}

test("channel.get-decides: no GET or HEAD of any route changes anything, whoever sends it", async () => {
  const paths = Object.entries(at((await house.anyone.get("/openapi.json")).body, "paths") as Record<string, object>);
  const everybody = [house.anyone, gate, await house.person("ann"), house.operator, house.as(await house.code("bob"))];
  const before = await snapshot();
  let answered = 0;
  const ids = [held.id, held.evaluation, held.id.replace("arq_", "prm_")];
  const query = `?verdict=approve&digest=${held.digest}&nonce=12345678&status=all`;
  for (const [path] of paths) {
    const urls = path.includes("{id}") ? ids.map((id) => path.replace("{id}", id) + query) : [path + query];
    const calls = everybody.flatMap((client) =>
      urls.flatMap((url) => ["GET", "HEAD"].map((method) => fetchOnly(client, method, url))),
    );
    for (const status of await Promise.all(calls)) {
      if (status === 200) answered += 1;
      assert.ok(status < 500, `${path}: ${status}`);
    }
  }
  assert.ok(answered > 80, "the crawl saw something");
  assert.deepEqual(await snapshot(), before);
});

test("channel.get-decides: following a link, with everything that it could carry, opens a page and nothing else", async () => {
  const code = await house.code("ann");
  const before = await snapshot();
  const ann = await house.person("ann");
  const size = await house.size();
  const links = [
    `/requests/${held.id}`,
    `/requests/${held.id}?action=approve`,
    `/requests/${held.id}/approve`,
    `/v1/requests/${held.id}/reviews?verdict=approve&digest=${held.digest}&nonce=12345678`,
    `/sign-in?code=${code}`,
    `/v1/sign-in?code=${code}`,
    `/access/v1/requests/${held.id}/cancel`,
    `/v1/permits/redeem?permit=${permit}&digest=${approved.digest}&attempt=12345678`,
  ];
  for (const link of links) {
    for (const headers of [
      {},
      { cookie: `keyturn_session=${ann.token}` },
      { "x-http-method-override": "POST" },
      { purpose: "prefetch" },
    ]) {
      const status = await fetchOnly(house.anyone, "GET", link, headers);
      assert.ok([200, 401, 403, 404].includes(status), `${link}: ${status}`);
    }
  }
  assert.equal(await house.size(), size);
  assert.equal((await snapshot()).status, before.status);
  const signedIn = await house.anyone.post("/v1/sign-in", { code, client: "cli" });
  assert.equal(signedIn.status, 200, "no fetch has used the link up");
});

async function snapshot(): Promise<{ size: number; status: string; used: string }> {
  return { size: await house.size(), status: await statusOf(gate, held), used: await statusOf(gate, approved) };
}
