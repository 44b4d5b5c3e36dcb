import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../../../src/core/action/index.ts";
import { readListenerConfig, serverNameOf } from "../../../src/gates/mcp/index.ts";

test("a server is called after its package or program", () => {
  const table: readonly [string, string][] = [
    ["npx -y @modelcontextprotocol/server-filesystem /data", "server-filesystem"],
    ["npx -y @scope/Server.Name@1.2.3", "server-name"],
    ["node ./dist/index.js", "index"],
    ["/usr/local/bin/github-mcp-server stdio", "github-mcp-server"],
    ["uvx mcp-server-git", "mcp-server-git"],
    ["../..", "mcp"],
  ];
  for (const [line, name] of table) assert.equal(serverNameOf(line.split(" ")), name, line);
});

test("a listener's file is refused with the member and what to write instead", () => {
  const servers = { files: { command: "node" } };
  const table: readonly [Json, RegExp][] = [
    [{}, /`servers`/],
    [{ servers, lisen: "x" }, /`lisen` is not known/],
    [{ servers: { "a.b": { command: "x" } } }, /`servers\/a\.b`/],
    [{ servers: { a: { command: "x", url: "https://x" } } }, /`command` or `url`/],
    [{ servers: { a: { url: "https://u:p@x" } } }, /credentials go into `headers`/],
    [{ servers: { a: { url: "https://x", headers: { authorization: "Bearer ${NOT_SET}" } } } }, /NOT_SET is not set/],
    [{ servers: { a: { command: "x", secrets: { t: ["password"] } } } }, /RFC 6901/],
    [{ servers: { a: { command: "x", hold_seconds: 0 } } }, /seconds from 1/],
    [{ servers: { a: { command: "x", trust_mapping: "yes" } } }, /true or false/],
    [{ servers, clients: [{ name: "a", bearer: "short" }] }, /16 characters/],
    [{ servers, definitions: "trust" }, /record or refuse/],
  ];
  for (const [json, message] of table) assert.throws(() => readListenerConfig(json, {}), message, JSON.stringify(json));
  const read = readListenerConfig({ servers: { a: { url: "https://x/", headers: { "X-Key": "${K}" } } } }, { K: "v" });
  assert.deepEqual(read.servers[0]?.target, { url: new URL("https://x/"), headers: { "x-key": "v" } });
  assert.deepEqual([read.firstSight, read.anonymous, read.clients], ["record", false, []]);
});
