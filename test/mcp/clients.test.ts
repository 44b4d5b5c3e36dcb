// Clients and servers that nobody here wrote, with the gateway between them: what has an effect has it exactly once.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Client as NewClient, StreamableHTTPClientTransport as NewHttp } from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { CLI, Place, said } from "../gates/mcp/places.ts";
import type { Json } from "../../src/core/action/index.ts";
import { Launched } from "../support/process.ts";
import { FILESYSTEM, gateway, INSPECTOR, readyUrl, REFERENCE, rulesFor } from "./stage.ts";

/** Long enough for an effect that should not be to show itself. */
const LATE_MS = 250;
const FILES = { "mcp.call.files.write_file": "write", "mcp.call.files.list_directory": "read" };

function filesystem(place: Place): { files: { command: string; args: string[] } } {
  return { files: { command: process.execPath, args: [FILESYSTEM, place.files] } };
}

/** The SDK's client, with the gateway started as a client's settings would. */
async function overStdio(place: Place, options: readonly string[] = []): Promise<Client & AsyncDisposable> {
  const argv = [CLI, "mcp", "--name", "files", "--state", place.state, ...options, "--", "node", FILESYSTEM];
  const env = { PATH: process.env["PATH"] ?? "", HOME: place.state, KEYTURN_URL: place.house.url };
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [...argv, place.files],
    env: { ...env, KEYTURN_TOKEN: place.token },
    stderr: "ignore",
  });
  const client = new Client({ name: "sdk-of-others", version: "1" });
  await client.connect(transport);
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

test("permit.late-execution: SDK 1.x on stdio: approved in time, after the client's time-out, and by a restarted agent: one effect each", async () => {
  await using place = await Place.open();
  const call = (name: string): { name: string; arguments: { path: string; content: string } } => ({
    name: "write_file",
    arguments: { path: place.path(name), content: name },
  });
  {
    await using client = await overStdio(place);
    const { tools } = await client.listTools();
    assert.ok(tools.length > 10 && tools.some(({ name }) => name === "write_file"));
    const told: string[] = [];
    const during = client.callTool(call("during"), undefined, { onprogress: ({ message = "" }) => told.push(message) });
    await place.decide("approve");
    assert.notEqual((await during).isError, true);
    assert.match(told[0] ?? "", /^Waiting for approval: request arq_/);
    await assert.rejects(client.callTool(call("late"), undefined, { timeout: 700 }), /timed out/i);
    await place.decide("approve");
    await sleep(LATE_MS);
    assert.deepEqual(place.names(), ["during"]);
    assert.notEqual((await client.callTool(call("late"))).isError, true);
    await assert.rejects(client.callTool(call("restart"), undefined, { timeout: 700 }), /timed out/i);
  }
  await place.decide("approve");
  await using client = await overStdio(place);
  assert.notEqual((await client.callTool(call("restart"))).isError, true);
  assert.deepEqual([place.names(), await place.redeemed()], [["during", "late", "restart"], 3]);
  const denied = client.callTool(call("denied"));
  await place.decide("deny");
  assert.match(said((await denied) as Json), /^DENIED: Ann Achterberg denied request/);
  const aborted = new AbortController();
  const cancelled = client.callTool(call("cancelled"), undefined, { signal: aborted.signal });
  const held = await place.held();
  aborted.abort();
  await assert.rejects(cancelled);
  await place.decide("approve", held);
  await sleep(LATE_MS);
  assert.deepEqual([place.names(), await place.redeemed()], [["during", "late", "restart"], 3]);
});

test("SDK 1.x over HTTP: a held call, and one that outlives its gateway", async () => {
  await using place = await Place.open(rulesFor(FILES));
  const connect = async (url: string): Promise<Client> => {
    const client = new Client({ name: "sdk-of-others", version: "1" });
    await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp/files`)));
    return client;
  };
  const call = { name: "write_file", arguments: { path: place.path("http"), content: "x" } };
  {
    await using through = await gateway(place.house, filesystem(place), { token: place.token });
    const client = await connect(through.url);
    await assert.rejects(client.callTool(call, undefined, { timeout: 700 }), /timed out/i);
    await client.close();
  }
  await place.decide("approve");
  assert.deepEqual(place.names(), []);
  await using through = await gateway(place.house, filesystem(place), { token: place.token });
  const client = await connect(through.url);
  assert.notEqual((await client.callTool(call)).isError, true);
  await client.close();
  assert.deepEqual([place.names(), await place.redeemed()], [["http"], 1]);
});

test("client 2.x on 2026-07-28: approved between the legs of one call, and denied", async () => {
  await using place = await Place.open(rulesFor({ "mcp.call.ref.note": "write" }));
  const file = place.path("notes");
  await using server = new Launched(process.execPath, [REFERENCE, file], { cwd: place.files });
  const ref = { url: await readyUrl(server), leg_seconds: 1 };
  await using through = await gateway(place.house, { ref }, { token: place.token });
  const client = new NewClient(
    { name: "split-packages", version: "2" },
    { versionNegotiation: { mode: { pin: "2026-07-28" } } },
  );
  await client.connect(new NewHttp(new URL(`${through.url}/mcp/ref`)));
  const { tools } = await client.listTools();
  assert.ok(tools.some(({ name }) => name === "approval_wait"));
  const call = client.callTool({ name: "note", arguments: { line: "one" } });
  const held = await place.held();
  await sleep(1_300); // into the second leg
  await place.decide("approve", held);
  assert.equal(said((await call) as Json), "noted");
  const denied = client.callTool({ name: "note", arguments: { line: "two" } });
  await place.decide("deny");
  assert.match(said((await denied) as Json), /^DENIED/);
  await client.close();
  assert.deepEqual([readFileSync(file, "utf8"), await place.redeemed()], ["one\n", 1]);
});

test("the Inspector's command line: lists, reads and calls through the gateway, on stdio and over HTTP", async () => {
  await using place = await Place.open(rulesFor(FILES));
  await using through = await gateway(place.house, filesystem(place), { token: place.token });
  mkdirSync(place.state, { recursive: true });
  const inspect = async (target: readonly string[], ...more: readonly string[]): Promise<string> => {
    await using inspector = new Launched(process.execPath, [INSPECTOR, "--cli", ...target, ...more], {
      cwd: place.state,
    });
    const { out, err, code } = await inspector.ended;
    assert.equal(code, 0, `${out}\n${err}`);
    return out;
  };
  const url = [`${through.url}/mcp/files`, "--transport", "http"];
  // As the settings of a client have it.
  const argv = [CLI, "mcp", "--name", "files", "--state", place.state, "--", "node", FILESYSTEM, place.files];
  const env = { KEYTURN_URL: place.house.url, KEYTURN_TOKEN: place.token };
  const settings = join(place.state, "settings.json");
  writeFileSync(settings, JSON.stringify({ mcpServers: { files: { command: process.execPath, args: argv, env } } }));
  const stdio = ["--config", settings, "--server", "files"];
  assert.match(await inspect(url, "--method", "tools/list"), /"approval_wait"/);
  const listing = ["--method", "tools/call", "--tool-name", "list_directory", "--tool-arg", `path=${place.files}`];
  assert.match(await inspect(url, ...listing), /"content"/);
  assert.match(await inspect(stdio, "--method", "tools/list"), /"write_file"/);
  const writing = ["--tool-arg", `path=${place.path("i")}`, "content=x"];
  const written = inspect(url, "--method", "tools/call", "--tool-name", "write_file", ...writing);
  await place.decide("approve");
  await written;
  assert.deepEqual([place.names(), await place.redeemed()], [["i"], 1]);
});
