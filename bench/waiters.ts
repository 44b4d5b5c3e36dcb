/** `bench waiters`: what it costs a server to hold actions until people decide. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Options } from "./main.ts";
import { atLeast, row, type Row } from "./row.ts";
import { furnish, residentMb, scratch, serve } from "./server.ts";
import { member, Installation } from "./setup.ts";
import { Connection, openStream, requestBytes } from "./wire.ts";

/** What was measured and how, for the page. */
export const note: string = `How much the resident memory of one server grows with actions that are held, and how many of them a gigabyte would
hold. As sockets: each waits with a long poll on a connection of its own. Multiplexed: all are requests of one agent, which
follows them over one stream of events. Without TLS, which would be a proxy's.`;

/** A process may have 20,000 files open on many machines, and the benchmark's own end of each connection counts as well. */
const SOCKETS = 8000;
const TASKS = 12_000;
/** Opened before, so that what is measured is not the heap of a busy server. */
const WARM = 4000;
const CALLERS = 32;
const SETTLE_MS = 3000;
const GB = 1000; // in MB

export async function run({ dist, quick, progress }: Options): Promise<readonly Row[]> {
  using folder = scratch();
  furnish(folder.path);
  // Its collector runs when the heap has room left, too: without a bound it would measure what was not yet collected.
  await using server = await serve(dist, folder.path, ["--max-semi-space-size=1"]);
  const installation = new Installation(server.port, join(folder.path, "data"));
  const token = await installation.token("agent-0", "waiters");
  const warm = await open(server.port, token, 0, quick ? 20 : 500);

  progress("sockets");
  await sleep(SETTLE_MS);
  const before = residentMb(server.pid);
  const sockets: Connection[] = [];
  const count = quick ? 50 : SOCKETS;
  for (let at = 0; at < count; at += 1) {
    const connection = await Connection.open(server.port);
    const path = `/access/v1/requests/${warm[at % warm.length]}`;
    connection.send(requestBytes("GET", path, token, undefined, ["prefer: wait=55"]), () => {});
    sockets.push(connection);
  }
  await sleep(SETTLE_MS);
  const eachSocket = (residentMb(server.pid) - before) / count;
  for (const connection of sockets) connection.close();
  await sleep(SETTLE_MS);

  progress("multiplexed");
  const stream = openStream(server.port, requestBytes("GET", "/v1/tasks/stream", token), () => {});
  await open(server.port, token, 1_000_000, quick ? 20 : WARM);
  await sleep(SETTLE_MS);
  const start = residentMb(server.pid);
  const tasks = quick ? 50 : TASKS;
  await open(server.port, token, 100_000, tasks);
  await sleep(SETTLE_MS);
  const eachTask = Math.max((residentMb(server.pid) - start) / tasks, 0.0001);
  stream.close();
  return [
    row("held as a socket", "kB", eachSocket * 1000),
    row("held as sockets, in a GB", "", GB / eachSocket, { goal: atLeast(40_000) }),
    row("held over one stream", "kB", eachTask * 1000),
    row("held over one stream, in a GB", "", GB / eachTask, { goal: atLeast(500_000) }),
  ];
}

/** Opens so many requests of one agent, each for another action. */
async function open(port: number, token: string, from: number, count: number): Promise<readonly string[]> {
  const ids: string[] = [];
  let next = from;
  const caller = async (): Promise<void> => {
    const connection = await Connection.open(port);
    while (next < from + count) {
      const serial = next++;
      const question = {
        subject: { type: "agent", id: "agent-0" },
        action: { name: "customers.export", properties: { limit: 12_000, format: "csv", serial } },
        resource: { type: "table", id: "customers_eu" },
        context: { environment: "production" },
      };
      const denied = await connection.ask(
        requestBytes("POST", "/access/v1/evaluation", token, JSON.stringify(question)),
      );
      const evaluation = member(denied.body, "context", "evaluation_id");
      const wanted = JSON.stringify({ ...question, denial: { evaluation_id: evaluation } });
      const key = `idempotency-key: waiters-${serial}`;
      const asked = await connection.ask(requestBytes("POST", "/access/v1/requests", token, wanted, [key]));
      ids.push(member(asked.body, "task", "id"));
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return ids;
}
