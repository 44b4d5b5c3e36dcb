// AuthZEN's COAZ binding: a tool's own mapping of its calls to actions, followed only where an operator trusts its server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Json } from "../../src/core/action/index.ts";
import { Place, said } from "../gates/mcp/places.ts";
import { at, textAt } from "../support/json.ts";
import { Launched } from "../support/process.ts";
import { gateway, readyUrl, REFERENCE, rulesFor } from "./stage.ts";

test("mcp.self-declared: a mapping names action and resource of a trusted server's calls, and of nobody else's", async () => {
  await using place = await Place.open(rulesFor({ "account.transfer": "export", "account.look": "read" }));
  await using server = new Launched(process.execPath, [REFERENCE], { cwd: place.files });
  const url = await readyUrl(server);
  const servers = { trusted: { url, trust_mapping: true }, other: { url, hold_seconds: 1 } };
  await using through = await gateway(place.house, servers, { token: place.token });
  const connect = async (name: string): Promise<Client & AsyncDisposable> => {
    const client = new Client({ name: "sdk-of-others", version: "1" });
    await client.connect(new StreamableHTTPClientTransport(new URL(`${through.url}/mcp/${name}`)));
    return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
  };
  await using trusted = await connect("trusted");
  const call = trusted.callTool({ name: "transfer", arguments: { from: "acc-1", amount: 7 } });
  const held = await place.held();
  const { body } = await place.house.operator.get(`/v1/requests/${held.id}`);
  assert.equal(at(body, "action", "name"), "account.transfer");
  assert.deepEqual(at(body, "resource"), { type: "account", id: "acc-1" });
  // The call itself is in the digest as it is without a mapping.
  assert.deepEqual(at(body, "action", "properties", "arguments"), { from: "acc-1", amount: 7 });
  assert.equal(at(body, "action", "properties", "tool"), "transfer");
  assert.deepEqual(at(body, "action", "properties", "mapped", "context"), { amount: 7, unit: "EUR" });
  await place.decide("approve", held);
  assert.equal(said((await call) as Json), "transferred");
  const refused: readonly [string, object, RegExp][] = [
    ["transfer", {}, /nothing at `\$params\.arguments\.from`/],
    ["transfer", { from: 1 }, /gives no text/],
    ["two_at_once", {}, /only one `evaluation`/],
  ];
  for (const [name, args, message] of refused) {
    const result = (await trusted.callTool({ name, arguments: { ...args } })) as Json;
    assert.equal(at(result, "isError"), true, name);
    assert.match(said(result), message);
  }
  await using other = await connect("other");
  const pending = (await other.callTool({ name: "read_as", arguments: {} })) as Json;
  assert.match(said(pending), /^PENDING/); // Opaque: its own word that it only reads counts for nothing.
  const [waits] = await place.pending();
  const asked = await place.house.operator.get(`/v1/requests/${textAt(waits, "id")}`);
  assert.equal(at(asked.body, "action", "name"), "mcp.call.other.read_as");
  assert.equal(await place.redeemed(), 1);
});
