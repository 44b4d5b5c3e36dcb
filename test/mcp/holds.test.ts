// A hundred calls of one real client at once, approved, denied and withdrawn in another order than they came.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Json } from "../../src/core/action/index.ts";
import { textAt } from "../support/json.ts";
import { until } from "../support/process.ts";
import { Place } from "../gates/mcp/places.ts";
import { FILESYSTEM, gateway, rulesFor } from "./stage.ts";

const CALLS = 100;

/** A permutation that is the same in every run: no chance, and far from the order of the calls. */
function shuffled<T>(items: readonly T[]): readonly T[] {
  return items.map((_, index) => items[(index * 37 + 11) % items.length] as T);
}

test("permit.swapped: a hundred calls held at once: each approval lets its own through and no other, each denial none", async () => {
  await using place = await Place.open(rulesFor({ "mcp.call.files.write_file": "write" }));
  const files = { command: process.execPath, args: [FILESYSTEM, place.files], hold_seconds: 60 };
  await using through = await gateway(place.house, { files }, { token: place.token });
  const client = new Client({ name: "sdk-of-others", version: "1" });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${through.url}/mcp/files`)));
  const names = Array.from({ length: CALLS }, (_, index) => `file-${String(index).padStart(3, "0")}`);
  const done = new Map<string, boolean>();
  const calls = names.map(async (name) => {
    const { isError = false } = await client.callTool({
      name: "write_file",
      arguments: { path: place.path(name), content: name },
    });
    done.set(name, isError !== true);
  });
  const all = async (): Promise<readonly Json[]> => {
    const { body } = await place.house.operator.get(`/v1/requests?status=pending&limit=${CALLS}`);
    return body["requests"] as readonly Json[];
  };
  await until("all are held", async () => (await all()).length === CALLS);
  assert.deepEqual(place.names(), []);
  const held = await Promise.all(
    (await all()).map(async (request) => {
      const id = textAt(request, "id");
      const { body } = await place.house.operator.get(`/v1/requests/${id}`);
      const path = textAt(body, "action", "properties", "arguments", "path");
      return { id, digest: textAt(request, "digest"), name: path.slice(path.lastIndexOf("/") + 1) };
    }),
  );
  const approved: string[] = [];
  for (const [index, one] of shuffled(held).entries()) {
    const verdict = index % 5 === 4 ? "deny" : "approve";
    if (verdict === "approve") approved.push(one.name);
    await place.decide(verdict, one);
    // What exists was approved, at every moment.
    if (index % 10 === 0)
      assert.ok(
        place.names().every((name) => approved.includes(name)),
        String(place.names()),
      );
  }
  await Promise.all(calls);
  await sleep(100);
  assert.deepEqual(place.names(), approved.toSorted());
  for (const name of names) assert.equal(done.get(name), approved.includes(name), name);
  for (const name of approved) assert.equal(readFileSync(place.path(name), "utf8"), name);
  assert.equal(await place.redeemed(), approved.length);
  await client.close();
});
