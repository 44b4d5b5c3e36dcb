// Clients that call with a task (MCP 2025-11-25): the SDK's own, against servers that others wrote.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { CallToolResultSchema } from "@modelcontextprotocol/sdk/types.js";
import type { Json } from "../../src/core/action/index.ts";
import { Place, said } from "../gates/mcp/places.ts";
import { EVERYTHING, FILESYSTEM, gateway, rulesFor } from "./stage.ts";

const TOOL = "simulate-research-query";
const EFFECTS = { "mcp.call.files.write_file": "write", [`mcp.call.every.${TOOL}`]: "write" };

type Seen = { readonly statuses: string[]; readonly id: string; readonly result: Json | null; readonly error: string };

/** Follows a call to its end, as an application would; `onTask` hears of its task. */
async function follow(
  client: Client,
  call: { readonly name: string; readonly arguments: Record<string, unknown> },
  onTask: (id: string) => Promise<unknown>,
): Promise<Seen> {
  const seen = { statuses: [] as string[], id: "", result: null as Json | null, error: "" };
  const stream = client.experimental.tasks.callToolStream(call, CallToolResultSchema, { task: { ttl: 60_000 } });
  for await (const message of stream) {
    if (message.type === "taskCreated") {
      seen.id = message.task.taskId;
      await onTask(message.task.taskId);
    } else if (message.type === "taskStatus") seen.statuses.push(message.task.status);
    else if (message.type === "result") seen.result = message.result as Json;
    else seen.error = message.error.message;
  }
  return seen;
}

async function connect(url: string): Promise<Client & AsyncDisposable> {
  const client = new Client({ name: "sdk-of-others", version: "1" });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

test("a held call is a task until it is decided: approved it runs once, denied or cancelled it does not", async () => {
  await using place = await Place.open(rulesFor(EFFECTS));
  const files = { command: process.execPath, args: [FILESYSTEM, place.files], hold_seconds: 1 };
  await using through = await gateway(place.house, { files }, { token: place.token });
  await using client = await connect(`${through.url}/mcp/files`);
  const call = (name: string): { name: string; arguments: { path: string; content: string } } => ({
    name: "write_file",
    arguments: { path: place.path(name), content: name },
  });
  const approved = await follow(client, call("a"), async (id) => {
    assert.match(id, /^keyturn-/);
    await sleep(1_300); // longer than calls are held here
    await place.decide("approve");
  });
  assert.match(said(approved.result ?? {}), /Successfully wrote/, JSON.stringify(approved));
  assert.equal(approved.statuses.at(-1), "completed");
  const denied = await follow(client, call("b"), () => place.decide("deny"));
  assert.match(`${denied.error}${said(denied.result ?? {})}`, /DENIED|failed/);
  const cancelled = await follow(client, call("c"), async (id) => {
    const held = await place.held();
    await client.experimental.tasks.cancelTask(id);
    await place.decide("approve", held);
  });
  assert.equal(cancelled.result, null);
  await sleep(250);
  assert.deepEqual([place.names(), await place.redeemed()], [["a"], 1]);
  // The approval that the cancelled task left behind is that of the next same call.
  const next = (await client.callTool(call("c"))) as Json;
  assert.match(said(next), /Successfully wrote/);
  assert.deepEqual([place.names(), await place.redeemed()], [["a", "c"], 2]);
});

test("a tool that is a task itself: held as one of ours, then the server's own, under one id", async () => {
  await using place = await Place.open(rulesFor(EFFECTS));
  const every = { command: process.execPath, args: [EVERYTHING] };
  await using through = await gateway(place.house, { every }, { token: place.token });
  await using client = await connect(`${through.url}/mcp/every`);
  await client.listTools();
  const seen = await follow(client, { name: TOOL, arguments: { topic: "permits" } }, () => place.decide("approve"));
  assert.match(seen.id, /^keyturn-/);
  assert.equal(seen.statuses.at(-1), "completed", JSON.stringify(seen));
  assert.match(said(seen.result ?? {}), /permits/);
  assert.equal(await place.redeemed(), 1);
});
