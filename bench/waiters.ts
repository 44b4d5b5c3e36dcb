/** `bench waiters`: what it costs a server to hold actions until people decide. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Options } from "./options.ts";
import { atLeast, row, type Row } from "./row.ts";
import { furnish, residentMb, run as runChild, scratch, serve } from "./server.ts";
import { member, Installation } from "./setup.ts";
import { Connection, openStream, requestBytes } from "./wire.ts";

/** What was measured and how, for the page. */
export const note: string = `How much the resident memory of one server grows with actions that are held, and how many of them a gigabyte would
hold. As sockets: each waits with a long poll on a connection of its own, or follows a stream of events of its own, beside
a bare \`node:http\` that holds as many requests and does nothing with them. Multiplexed: all are requests of one agent,
which follows them over one stream, in a server of its own, so that nothing fills what sockets have left. Of that it is
read before and after in a quiet server: what opening a request takes for a moment, V8 gives back within ten seconds, and
it has nothing to do with how many wait. The server's young generation is kept to a megabyte: with Node's own setting V8
takes up to 80 MB more for it, once, however many wait. Without TLS, which would be a proxy's.`;

/** A process may have 20,000 files open on many machines, and the benchmark's own end of each connection counts as well. */
const SOCKETS = 8000;
/** Opened and closed again before, so that what is measured is not code and the heap of a server that has begun to work. */
const SOCKETS_WARM = 1000;
const TASKS = 20_000;
const TASKS_WARM = 4000;
const CALLERS = 32;
const SETTLE_MS = 3000;
/** V8 notices after eight seconds that nothing happens any more. */
const QUIET_MS = 15_000;
const GB = 1000; // in MB
/** Without a bound on the young generation, what is not collected yet would be measured as well. */
const COLLECTED = ["--max-semi-space-size=1"];

type Child = { readonly port: number; readonly pid: number };

export async function run(options: Options): Promise<readonly Row[]> {
  const { quick, progress } = options;
  progress("bare node:http");
  const bare = await barely(quick);
  progress("long polls");
  const poll = await asSockets(options, (token, id) =>
    requestBytes("GET", `/access/v1/requests/${id}`, token, undefined, ["prefer: wait=55"]),
  );
  progress("streams");
  const stream = await asSockets(options, (token) => requestBytes("GET", "/v1/tasks/stream", token));
  progress("multiplexed");
  const task = await multiplexed(options);
  const anchor = { name: "bare node:http", value: bare * 1000 };
  return [
    row("held as a socket", "kB", poll * 1000, { anchor }),
    row("held as sockets, in a GB", "", GB / poll, { goal: atLeast(40_000) }),
    row("a stream of its own", "kB", stream * 1000, { anchor }),
    row("held over one stream", "kB", task * 1000),
    row("held over one stream, in a GB", "", GB / task, { goal: atLeast(500_000) }),
  ];
}

/** What a connection with an unanswered request takes in MB, where nothing is done with it. */
async function barely(quick: boolean): Promise<number> {
  await using child = await runChild([...COLLECTED, fileURLToPath(new URL("./hold.ts", import.meta.url))], null);
  return await grown(child, quick, () => requestBytes("GET", "/", "x".repeat(70), undefined, ["prefer: wait=55"]));
}

/** What a connection takes in MB that waits for one of some held actions. */
async function asSockets({ dist, quick }: Options, bytes: (token: string, id: string) => Buffer): Promise<number> {
  using folder = scratch();
  furnish(folder.path);
  await using server = await serve(dist, folder.path, COLLECTED);
  const token = await new Installation(server.port, join(folder.path, "data")).token("agent-0", "waiters");
  const held = await open(server.port, token, 0, quick ? 20 : 500);
  return await grown(server, quick, (at) => bytes(token, held[at % held.length] ?? ""));
}

/** What a process grows by in MB for each connection on which one request is sent. */
async function grown({ port, pid }: Child, quick: boolean, bytes: (at: number) => Buffer): Promise<number> {
  const connect = async (count: number): Promise<readonly Connection[]> => {
    const sockets: Connection[] = [];
    for (let at = 0; at < count; at += 1) {
      const connection = await Connection.open(port);
      connection.send(bytes(at), () => {});
      sockets.push(connection);
    }
    await sleep(SETTLE_MS);
    return sockets;
  };
  const close = async (sockets: readonly Connection[]): Promise<void> => {
    for (const connection of sockets) connection.close();
    await sleep(SETTLE_MS);
  };
  await close(await connect(quick ? 20 : SOCKETS_WARM));
  const before = residentMb(pid);
  const count = quick ? 50 : SOCKETS;
  const sockets = await connect(count);
  const each = (residentMb(pid) - before) / count;
  await close(sockets);
  return Math.max(each, Number.MIN_VALUE);
}

/** What a held action takes in MB that its agent follows over a stream of all of them. */
async function multiplexed({ dist, quick }: Options): Promise<number> {
  using folder = scratch();
  furnish(folder.path);
  await using server = await serve(dist, folder.path, COLLECTED);
  const token = await new Installation(server.port, join(folder.path, "data")).token("agent-0", "waiters");
  const stream = openStream(server.port, requestBytes("GET", "/v1/tasks/stream", token), () => {});
  await open(server.port, token, 1_000_000, quick ? 20 : TASKS_WARM);
  await sleep(quick ? SETTLE_MS : QUIET_MS);
  const before = residentMb(server.pid);
  const count = quick ? 50 : TASKS;
  await open(server.port, token, 100_000, count);
  await sleep(quick ? SETTLE_MS : QUIET_MS);
  const each = (residentMb(server.pid) - before) / count;
  stream.close();
  return Math.max(each, Number.MIN_VALUE);
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
