/** `bench mcp`: what the MCP gateway adds to a call that policy allows, and what a held call costs while it waits. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { moduleOf } from "./build.ts";
import { disk, flushMs } from "./disk.ts";
import { load, rate } from "./evaluate.ts";
import type { Measured } from "./evaluate.ts";
import type { Options } from "./options.ts";
import { atMost, many, row, type Row } from "./row.ts";
import { furnish, residentMb, run as start, scratch, serve, type Child } from "./server.ts";
import { Installation } from "./setup.ts";
import { Connection, requestBytes } from "./wire.ts";

export const note = `\`tools/call\` under MCP 2026-07-28 by streamable HTTP: to a server that does nothing, to the same server through a plain
proxy that parses and writes every message, and through \`keyturn mcp\` with \`keyturn serve\` behind it, which judges each
call, has it on disk before it runs, and is told the outcome afterwards. All five are processes of their own on one machine
and take turns in the same minutes. What is added is the difference of the medians; beside
it stands what a durable evaluation of the same question costs alone. The held calls are different calls that
wait for people in the gateway at once, each on a connection of its own; their memory is what the resident size grew by.`;

/** Agents that call: the server lets the questions of one agent take turns. */
const AGENTS = 8;
const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "bench", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
};
const CALLS = 64;

/** Runs everything; the three ways to the server take turns. */
export async function run({ dist, quick, progress }: Options): Promise<readonly Row[]> {
  using folder = scratch();
  furnish(folder.path);
  declare(folder.path);
  await using server = await serve(dist, folder.path);
  const installation = new Installation(server.port, join(folder.path, "data"));
  const tokens: string[] = [];
  for (let agent = 0; agent < AGENTS; agent++) tokens.push(await installation.token(`agent-${agent}`, "mcp"));
  const file = fileURLToPath(new URL("./mcp-behind.ts", import.meta.url));
  await using behind = await start([file], null);
  await using proxy = await start([file, `http://127.0.0.1:${behind.port}/`], null);
  const config = join(folder.path, "mcp.yaml");
  writeFileSync(config, JSON.stringify(listenerFile(folder.path, behind.port, tokens)));
  const url = `http://127.0.0.1:${server.port}`;
  await using gateway = await start(
    [moduleOf(dist, "cli/main"), "mcp", "--config", config, "--json", "--url", url],
    null,
  );
  const ways = { direct: behind, proxy, gateway, server };
  const rows: Row[] = [];
  for (const callers of quick ? [1, 4] : [1, 16, 64]) {
    progress(`calls, ${many(callers)}`);
    rows.push(
      ...(await callRows(ways, callers, quick ? 500 : 5000, { tokens, flush: flushMs([disk(folder.path, quick)]) })),
    );
  }
  progress("held calls");
  rows.push(...(await heldRows(gateway, server, quick ? 50 : 1000)));
  return rows;
}

type Ways = { readonly direct: Child; readonly proxy: Child; readonly gateway: Child; readonly server: Child };

async function callRows(
  ways: Ways,
  callers: number,
  ms: number,
  { tokens, flush }: { readonly tokens: readonly string[]; readonly flush: number },
): Promise<Row[]> {
  const asked = Array.from({ length: CALLS }, (_, n) => callBytes("echo", n));
  const questions = Array.from({ length: CALLS }, (_, n) => questionBytes(tokens[n % AGENTS] ?? "", n));
  for (const way of [ways.direct, ways.proxy, ways.gateway]) await load(way, callers, asked, ms / 2, false); // warm
  const alone = await load(ways.server, callers, questions, ms, false);
  const direct = await load(ways.direct, callers, asked, ms, false);
  const proxy = await load(ways.proxy, callers, asked, ms, false);
  const gateway = await load(ways.gateway, callers, asked, ms, false);
  const name = `allowed call, ${many(callers)}`;
  const against = (anchor: string, pick: (one: Measured) => number, of: Measured): Parameters<typeof row>[3] => ({
    anchor: { name: anchor, value: pick(of) },
  });
  const p50 = (one: Measured): number => one.p50;
  const p99 = (one: Measured): number => one.p99;
  return [
    row(`${name}: p50`, "ms", gateway.p50, against("direct", p50, direct)),
    row(`${name}: p99`, "ms", gateway.p99, against("direct", p99, direct)),
    row(`${name}: rate`, "1/s", rate(gateway), against("direct", rate, direct)),
    row(`${name}: added to the direct p50`, "ms", gateway.p50 - direct.p50, {
      anchor: { name: "fdatasync", value: flush },
      goal: callers === 1 ? atMost(2) : undefined,
    }),
    row(`${name}: added, beside a durable evaluation alone`, "ms", gateway.p50 - direct.p50, {
      anchor: { name: "evaluation p50", value: alone.p50 },
    }),
    row(`${name}: added to the direct p99`, "ms", gateway.p99 - direct.p99),
    row(`${name}: processor time of the gateway each`, "µs", cpuEach(gateway), {
      anchor: { name: "plain proxy", value: cpuEach(proxy) },
    }),
    row(`plain proxy, ${many(callers)}: p50`, "ms", proxy.p50, against("direct", p50, direct)),
    row(`plain proxy, ${many(callers)}: rate`, "1/s", rate(proxy), against("direct", rate, direct)),
    row(`${name}: added to the plain proxy's p50`, "ms", gateway.p50 - proxy.p50),
  ];
}

/** Microseconds of one process for one call. */
function cpuEach({ count, serverCpuMs }: Measured): number {
  return (serverCpuMs * 1000) / count;
}

async function heldRows(gateway: Child, server: Child, calls: number): Promise<Row[]> {
  const before = [residentMb(gateway.pid), residentMb(server.pid)] as const;
  const connections: Connection[] = [];
  let answered = 0;
  for (let n = 0; n < calls; n++) {
    const connection = await Connection.open(gateway.port);
    connections.push(connection);
    connection.send(callBytes("drop", n), () => (answered += 1));
    if (n % 50 === 49) await pause(200);
  }
  await pause(calls > 100 ? 8000 : 1000);
  const after = [residentMb(gateway.pid), residentMb(server.pid)] as const;
  if (answered > 0) throw new Error(`${answered} of ${calls} calls were answered instead of held`);
  for (const connection of connections) connection.close();
  const each = (at: 0 | 1): number => ((after[at] - before[at]) * 1000) / calls;
  return [
    row(`${calls} held calls: memory of the gateway each`, "kB", each(0)),
    row(`${calls} held calls: memory of the server each`, "kB", each(1)),
  ];
}

/** What the gateway asks about such a call, straight from the server. */
function questionBytes(token: string, n: number): Buffer {
  const args = { path: `/data/reports/${n}.csv`, content: "a line of text", n };
  const body = JSON.stringify({
    subject: { type: "agent", id: `agent-${n % AGENTS}` },
    action: { name: "mcp.call.bench.echo", properties: { server: "bench", tool: "echo", arguments: args } },
    resource: { type: "mcp-tool", id: "bench/echo" },
  });
  return requestBytes("POST", "/access/v1/evaluation", token, body);
}

function bearer(n: number): string {
  return `the-bearer-of-the-benchmark-${n % AGENTS}`;
}

function callBytes(name: string, n: number): Buffer {
  const params = { name, arguments: { path: `/data/reports/${n}.csv`, content: "a line of text", n }, _meta: META };
  const body = JSON.stringify({ jsonrpc: "2.0", id: n, method: "tools/call", params });
  const headers = ["accept: application/json, text/event-stream", "mcp-protocol-version: 2026-07-28"];
  return requestBytes("POST", "/mcp/bench", bearer(n), body, [
    ...headers,
    "mcp-method: tools/call",
    `mcp-name: ${name}`,
  ]);
}

/** Tells the installation what the two tools do. */
function declare(folder: string): void {
  const catalogue = join(folder, "catalogue.yaml");
  const entries = "actions:\n  mcp.call.bench.echo: { effects: [write] }\n  mcp.call.bench.drop: { effects: [ddl] }";
  writeFileSync(catalogue, readFileSync(catalogue, "utf8").replace(/^actions:$/m, entries));
  const permit = `@id("permit-mcp") permit (principal, action == Action::"write", resource)
when { context.action == "mcp.call.bench.echo" };\n`;
  writeFileSync(join(folder, "policies", "40-mcp.cedar"), permit);
}

function listenerFile(folder: string, port: number, tokens: readonly string[]): object {
  return {
    listen: "127.0.0.1:0",
    state: join(folder, "mcp-state"),
    hosts: ["bench"],
    clients: tokens.map((token, n) => ({ name: `bench-${n}`, bearer: bearer(n), token })),
    servers: { bench: { url: `http://127.0.0.1:${port}/`, leg_seconds: 300 } },
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
