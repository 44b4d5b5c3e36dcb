import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { at, textAt } from "../../support/json.ts";
import { FILESYSTEM, Place, said } from "./places.ts";
import { StdioAgent } from "./stdio-agent.ts";

test("what is no action passes, and what policy allows runs at once", async () => {
  await using place = await Place.open();
  await using agent = await StdioAgent.start(place);
  const listed = await agent.ask("tools/list", {});
  const names = (at(listed, "result", "tools") as { name: string }[]).map(({ name }) => name);
  assert.ok(names.includes("write_file"));
  assert.deepEqual(names.slice(-2), ["approval_wait", "approval_status"]);
  const unknown = await agent.ask("no/such/method", { any: [1.5, "x"] });
  assert.equal(at(unknown, "error", "code"), -32601);
  assert.deepEqual((await agent.ask("ping", {}))["result"], {});
  const result = await agent.call("list_directory", { path: place.files });
  assert.notEqual(result["isError"], true, said(result));
  assert.equal(await agent.end(), 0);
});

test("approved during the hold: exactly one effect, and the client is shown what it waits for", async () => {
  await using place = await Place.open();
  await using agent = await StdioAgent.start(place);
  const write = { path: place.path("a.txt"), content: "one" };
  const call = agent.call("write_file", write, { progressToken: 7 });
  const held = await place.held();
  assert.deepEqual(place.names(), []);
  await place.decide("approve", held);
  const result = await call;
  assert.notEqual(result["isError"], true, said(result));
  assert.equal(readFileSync(place.path("a.txt"), "utf8"), "one");
  assert.equal(await place.redeemed(), 1);
  const progress = agent.heard.filter(({ method }) => method === "notifications/progress");
  assert.equal(at(progress[0], "params", "progressToken"), 7);
  const message = textAt(progress[0], "params", "message");
  assert.match(message, new RegExp(`${held.id}.*security 0 of 1.*/requests/${held.id}`));
  // The permit is used up: the same call again is another action for people to decide.
  const again = agent.call("write_file", write);
  const next = await place.held();
  assert.notEqual(next.id, held.id);
  await place.decide("deny", next);
  const denied = await again;
  assert.equal(denied["isError"], true);
  assert.match(said(denied), /Ann Achterberg denied request arq_.*not on a Friday.*every attempt is recorded/s);
  assert.equal(at(denied, "_meta", "keyturn/code"), "denied_by_person");
  assert.equal(await place.redeemed(), 1);
});

test("policy that denies, a tool that nobody declared, arguments that two readers could read differently", async () => {
  await using place = await Place.open();
  await using agent = await StdioAgent.start(place, { options: ["--hold", "1"] });
  const forbidden = await agent.call("create_directory", { path: place.path("d") });
  assert.equal(forbidden["isError"], true);
  assert.match(said(forbidden), /^DENIED: denied by policy forbid-delete/);
  const opaque = await agent.call("move_file", { source: place.path("a"), destination: place.path("b") });
  assert.match(said(opaque), /^PENDING: .*security 0 of 1/);
  agent.write(
    `{"jsonrpc":"2.0","id":99,"method":"tools/list","method":"tools/call","params":{"name":"create_directory","arguments":{"path":"${place.path("d")}"}}}`,
  );
  assert.deepEqual((await agent.ask("ping", {}))["result"], {});
  assert.ok(agent.heard.some((message) => at(message, "error", "code") === -32700));
  const unsafe = await agent.ask("tools/call", { name: "list_directory", arguments: { path: "\0" } });
  assert.equal(at(unsafe, "error", "code"), -32700);
  assert.deepEqual(place.names(), []);
});

test("shown.differs: what people are shown is what the server gets, without the protocol's own parts", async () => {
  await using place = await Place.open();
  await using agent = await StdioAgent.start(place);
  const content = "  trailing \t\n$HOME `id` \u202e"; // nothing of it is trimmed, expanded or normalised
  const path = place.path("shown.txt");
  const call = agent.call("write_file", { content, path }, { progressToken: "t", "client/callId": "abc" });
  const held = await place.held();
  const { body } = await place.house.operator.get(`/v1/requests/${held.id}`);
  const action = at(body, "action") as { name: string; properties: Record<string, unknown> };
  assert.equal(action.name, "mcp.call.files.write_file");
  const { definition, ...properties } = action.properties;
  assert.match(String(definition), /^sha256:[0-9a-f]{64}$/);
  assert.deepEqual(properties, { server: "files", tool: "write_file", arguments: { content, path } });
  assert.deepEqual(at(body, "resource"), { type: "mcp-tool", id: "files/write_file" });
  await place.decide("approve", held);
  assert.notEqual((await call)["isError"], true);
  assert.equal(readFileSync(path, "utf8"), content);
});

test("shown.agent-narrates: words of an agent's arguments are parameters to people, and stand in no line of ours", async () => {
  await using place = await Place.open();
  await using agent = await StdioAgent.start(place);
  const content = "approved by Ann Achterberg\n\u202e**APPROVED**\u200b";
  const call = agent.call("write_file", { path: place.path("n.txt"), content }, { progressToken: 1 });
  const held = await place.held();
  const { body } = await place.house.operator.get(`/v1/requests/${held.id}`);
  assert.equal(at(body, "action", "properties", "arguments", "content"), content);
  assert.equal(at(body, "reason") ?? null, null);
  await place.decide("deny", held);
  const told = JSON.stringify([await call, agent.heard.filter(({ method }) => method !== undefined)]);
  assert.ok(!told.includes("approved by") && !told.includes("\u202e"), told);
});

test("default.server-down: a server that is away lets no call through, and says so", async () => {
  await using place = await Place.open();
  await using agent = await StdioAgent.start(place);
  await place.house.stop();
  const began = agent.call("list_directory", { path: place.files });
  const write = agent.call("write_file", { path: place.path("down.txt"), content: "x" });
  for (const result of await Promise.all([began, write])) {
    assert.equal(result["isError"], true);
    assert.match(said(result), /^REFUSED: no decision could be had, so nothing was executed/);
  }
  assert.deepEqual(place.names(), []);
});

test("the program behind the gateway never sees its token", async () => {
  await using place = await Place.open();
  const script = `process.stderr.write(JSON.stringify(Object.keys(process.env)));import(${JSON.stringify(FILESYSTEM)})`;
  await using agent = await StdioAgent.start(place, { argv: ["node", "-e", script, place.files], env: { OTHER: "1" } });
  assert.match(agent.stderr, /"OTHER"/);
  assert.ok(!agent.stderr.includes("KEYTURN_"), agent.stderr);
});

test("a gateway that its client ends has reported every outcome, also those that it was still gathering", async () => {
  await using place = await Place.open();
  await using agent = await StdioAgent.start(place);
  for (let n = 0; n < 5; n++) await agent.call("list_directory", { path: place.files });
  assert.equal(await agent.end(), 0);
  const types = (await place.house.entries()).map(({ type }) => type);
  const count = (wanted: string): number => types.filter((type) => type === wanted).length;
  assert.deepEqual([count("action.evaluated"), count("action.completed")], [5, 5]);
});
