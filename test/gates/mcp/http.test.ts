import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { at, textAt } from "../../support/json.ts";
import { BEARER, HttpAgent, listen, OTHER_BEARER, stateOf } from "./http-agent.ts";
import { Place, said } from "./places.ts";

test("mcp.rebinding: a listener answers to its own names, to its own clients, and to one reading of a request", async () => {
  await using place = await Place.open();
  await using listener = await listen(place);
  const list = { jsonrpc: "2.0", id: 1, method: "tools/list", params: {} };
  const agent = new HttpAgent(listener, "files");
  const table: readonly [string, Record<string, string>, number][] = [
    ["no bearer", { authorization: "" }, 401],
    ["another bearer", { authorization: "Bearer nobody" }, 401],
    ["a page from elsewhere", { origin: "https://evil.example" }, 403],
    ["a page of this machine", { origin: "http://localhost:5173" }, 200],
    ["headers that say another method", { "mcp-method": "tools/call" }, 400],
    ["a session of nobody", { "mcp-session-id": "no-such" }, 404],
    ["no JSON", { "content-type": "text/plain" }, 415],
  ];
  for (const [what, headers, status] of table) {
    const answer = await agent.post(list, headers);
    assert.equal(answer.status, status, `${what}: ${JSON.stringify(answer.last)}`);
  }
  assert.equal((await agent.post("[]")).status, 400);
  assert.equal((await agent.post(`"${"x".repeat(1_100_000)}"`)).status, 413);
  const challenge = (await agent.post(list, { authorization: "" })).headers.get("www-authenticate") ?? "";
  const metadata = await fetch(/resource_metadata="(.+)"/.exec(challenge)?.[1] ?? assert.fail(challenge));
  assert.deepEqual(await metadata.json(), {
    resource: `${listener.url}/mcp/files`,
    authorization_servers: ["https://idp.example.com"],
    bearer_methods_supported: ["header"],
    resource_name: "files",
  });
  const session = await new HttpAgent(listener, "files").initialize();
  const stolen = { "mcp-session-id": session.headers["mcp-session-id"] ?? "", authorization: `Bearer ${OTHER_BEARER}` };
  assert.equal((await session.post(list, stolen)).status, 404);
});

test("2025-11-25: a held call is a stream with progress, and runs once; a session that is over leaves its approval to the next", async () => {
  await using place = await Place.open();
  await using listener = await listen(place);
  const agent = await new HttpAgent(listener, "files").initialize();
  const write = { path: place.path("a.txt"), content: "x" };
  const call = agent.call("write_file", write, { _meta: { progressToken: "p" } });
  await place.decide("approve");
  const { type, messages, last } = await call;
  assert.match(type, /^text\/event-stream/);
  assert.equal(messages[0]?.["method"], "notifications/progress");
  assert.notEqual(at(last, "result", "isError"), true, JSON.stringify(last));
  assert.equal(await place.redeemed(), 1);
  const stop = new AbortController();
  const lost = agent.ask(
    "tools/call",
    { name: "write_file", arguments: { ...write, path: place.path("b.txt") } },
    {},
    stop.signal,
  );
  const held = await place.held();
  stop.abort();
  await assert.rejects(lost);
  await sleep(100);
  await place.decide("approve", held);
  await sleep(200);
  assert.deepEqual(place.names(), ["a.txt"]);
  const next = await new HttpAgent(listener, "files").initialize();
  const again = await next.call("write_file", { ...write, path: place.path("b.txt") });
  assert.notEqual(at(again.last, "result", "isError"), true, JSON.stringify(again.last));
  assert.deepEqual([place.names(), await place.redeemed()], [["a.txt", "b.txt"], 2]);
});

test("mcp.state-forged: legs until it is approved, across a restart of the gateway; forged and replayed states let nothing through", async () => {
  await using place = await Place.open();
  const write = { path: place.path("leg.txt"), content: "x" };
  let state: string;
  {
    await using listener = await listen(place, { legMs: 200 });
    const agent = new HttpAgent(listener, "files");
    const first = stateOf(await agent.leg("write_file", write));
    state = stateOf(await agent.leg("write_file", write, first));
    assert.equal((await place.pending()).length, 1);
    const other = { ...write, content: "y" };
    const forged = [
      ["of another call", agent.leg("write_file", other, state)],
      ["of another client", new HttpAgent(listener, "files", OTHER_BEARER).leg("write_file", write, state)],
      ["of another tool", agent.leg("edit_file", write, state)],
      ["changed", agent.leg("write_file", write, `${state.slice(0, 40)}x${state.slice(41)}`)],
      ["another spelling", agent.leg("write_file", write, `${state}=`)],
      ["made up", agent.leg("write_file", write, "kt1.e30.AAAA")],
    ] as const;
    for (const [what, leg] of forged) {
      assert.equal(at((await leg).last, "error", "code"), -32602, what);
    }
    assert.equal((await place.pending()).length, 1);
  }
  await place.decide("approve");
  await using listener = await listen(place, { legMs: 200 });
  const agent = new HttpAgent(listener, "files", BEARER);
  const done = await agent.leg("write_file", write, state);
  assert.notEqual(at(done.last, "result", "isError"), true, JSON.stringify(done.last));
  assert.deepEqual([place.names(), await place.redeemed()], [["leg.txt"], 1]);
  const replayed = await agent.leg("write_file", write, state);
  assert.match(textAt(replayed.last, "error", "message"), /used already/);
  assert.equal(await place.redeemed(), 1);
});

test("permit.late-execution: a leg that was left does not run; denial ends the legs; nine legs end in words", async () => {
  await using place = await Place.open();
  await using listener = await listen(place, { legMs: 150 });
  const agent = new HttpAgent(listener, "files");
  const write = { path: place.path("leg.txt"), content: "x" };
  const stop = new AbortController();
  const left = agent.leg("write_file", write, stateOf(await agent.leg("write_file", write)), stop.signal);
  stop.abort();
  await assert.rejects(left);
  let state = stateOf(await agent.leg("write_file", write));
  for (let leg = 2; leg < 9; leg++) state = stateOf(await agent.leg("write_file", write, state));
  const ninth = await agent.leg("write_file", write, state);
  assert.equal(at(ninth.last, "result", "resultType"), "complete");
  assert.match(said(at(ninth.last, "result")), /^PENDING/);
  await place.decide("deny");
  const denied = await agent.leg("write_file", write, state);
  assert.equal(at(denied.last, "result", "isError"), true);
  assert.match(said(at(denied.last, "result")), /^DENIED: Ann Achterberg denied/);
  assert.deepEqual([place.names(), await place.redeemed()], [[], 0]);
});
