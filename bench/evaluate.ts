/** `bench evaluate`: the goals of the main job. */
import { fork } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { appendRows } from "./appends.ts";
import { disk, flushMs, type Disk } from "./disk.ts";
import type { FromLoad, LoadResult, LoadSpec } from "./load.ts";
import type { Options } from "./options.ts";
import { AGENTS, FRESH_DIGITS, questions } from "./questions.ts";
import { releaseRows } from "./release.ts";
import { BETWEEN, bestRows, type Pace } from "./best.ts";
import { atMost, many, median, row, type Row } from "./row.ts";
import { cpuMs, echo, furnish, residentMb, scratch, serve, type Child } from "./server.ts";
import { Installation } from "./setup.ts";
import { requestBytes } from "./wire.ts";

export const note = `\`keyturn serve\` from the built package, in its own process on loopback, on the embedded store; every answer is on disk
before it is sent. 512 different questions of nine kinds go round from eight agents (six in ten pass at once), so that
after the first round the cache of verdicts knows them. In the rows called \`new\` each question names another resource, and
none comes twice; one in ten is about what a policy looks at the resource's id for, so that Cedar is asked anew. Both
servers are warm. For the best rates ${BETWEEN.join(", ")} callers are measured too. The load generator is a process of its own and writes bytes that were made before. Beside them, on the
same machine and in the same minutes: a bare loop of 4 KiB write and fdatasync, and a bare Fastify that checks the same
bodies with zod. Release is the time from sending a person's last approval until the held agent has its answer in hand.`;

const QUESTIONS = 512;
const CALLERS = [1, 32, 128];
const CALLERS_QUICK = [1, 8];
const IDLE_MS = 3000;

/** Runs everything, the slowest machine-dependent parts interleaved. */
export async function run({ dist, quick, progress }: Options): Promise<readonly Row[]> {
  using folder = scratch();
  furnish(folder.path);
  const rows: Row[] = [];
  progress("start-up");
  rows.push(...(await startRows(dist, folder.path, quick ? 1 : 7)));
  const ms = quick ? 300 : 5000;
  await using server = await serve(dist, folder.path);
  await pause(quick ? 300 : IDLE_MS);
  rows.push(row("memory idle", "MB", residentMb(server.pid), { goal: atMost(120) }));
  const installation = new Installation(server.port, join(folder.path, "data"));
  const asked = await askedBytes(installation);

  progress("evaluations");
  const again = (): Disk => disk(folder.path, quick);
  const discs = [again()];
  const callers = quick ? CALLERS_QUICK : CALLERS;
  rows.push(...(await evaluateRows({ server, asked, callers, between: quick ? [] : BETWEEN, ms, discs, again })));
  progress("release");
  rows.push(...(await releaseRows(installation, quick ? 5 : 300)));
  rows.push(row("memory after load", "MB", residentMb(server.pid)));
  progress("appends");
  rows.push(...(await appendRows(dist, folder.path, quick ? 200 : 3000, discs)));
  return rows;
}

async function startRows(dist: string, folder: string, times: number): Promise<Row[]> {
  const ready: number[] = [];
  const readyz: number[] = [];
  const cpu: number[] = [];
  for (let time = 0; time < times; time++) {
    await using server = await serve(dist, folder);
    ready.push(server.readyMs);
    readyz.push(server.readyzMs);
    cpu.push(cpuMs(server.pid));
  }
  return [
    row("start to ready line", "ms", median(ready), { goal: atMost(500) }),
    row("start to /readyz", "ms", median(readyz), { goal: atMost(500) }),
    row("start, processor time", "ms", median(cpu)),
  ];
}

/** The requests of all questions, whole, with the tokens of their agents. */
export async function askedBytes(installation: Installation): Promise<readonly Buffer[]> {
  const tokens = new Map<string, string>();
  for (let agent = 0; agent < AGENTS; agent++)
    tokens.set(`agent-${agent}`, await installation.token(`agent-${agent}`, "bench"));
  return questions(QUESTIONS).map(({ agent, body }) =>
    requestBytes("POST", "/access/v1/evaluation", tokens.get(agent) ?? "", body),
  );
}

export type Measured = LoadResult & { readonly serverCpuMs: number };

async function evaluateRows(options: {
  readonly server: Child;
  readonly asked: readonly Buffer[];
  readonly callers: readonly number[];
  /** Measured for the best rates alone. */
  readonly between: readonly number[];
  readonly ms: number;
  readonly discs: Disk[];
  readonly again: () => Disk;
}): Promise<Row[]> {
  const { server, asked, ms, discs, again } = options;
  await using bare = await echo();
  const rows: Row[] = [];
  const paces: Pace[] = [];
  let anchorBest = 0;
  // A server runs for weeks: what V8 compiles in the first thousand answers belongs to the start.
  for (const each of [bare, server])
    await load(each, Math.max(...options.callers, ...options.between), asked, ms, false);
  for (const callers of options.callers) {
    const anchor = await load(bare, callers, asked, ms / 2, false);
    const kept = await load(server, callers, asked, ms, false);
    const fresh = await load(server, callers, asked, ms, true);
    discs.push(again());
    const flush = flushMs(discs);
    const goals = callers === 1;
    const name = `evaluate, ${many(callers)}`;
    const bareP50 = { name: "bare HTTP", value: anchor.p50 };
    rows.push(
      row(`${name}: rate`, "1/s", rate(kept), { anchor: { name: "bare HTTP", value: rate(anchor) } }),
      row(`${name}: p50`, "ms", kept.p50, {
        anchor: goals ? { name: "fdatasync", value: flush } : bareP50,
        goal: goals ? atMost(1) : undefined,
      }),
      row(`${name}: p99`, "ms", kept.p99, {
        anchor: { name: "bare HTTP", value: anchor.p99 },
        goal: goals ? atMost(10) : undefined,
      }),
      row(`${name}: processor time each`, "µs", each(kept), { anchor: { name: "bare HTTP", value: each(anchor) } }),
      row(`${name}, new: rate`, "1/s", rate(fresh), { anchor: { name: "bare HTTP", value: rate(anchor) } }),
      row(`${name}, new: p50`, "ms", fresh.p50, { anchor: bareP50 }),
      row(`${name}, new: p99`, "ms", fresh.p99, { anchor: { name: "bare HTTP", value: anchor.p99 } }),
      row(`${name}, new: processor time each`, "µs", each(fresh)),
      row(`${name}: share of the load generator`, "%", (100 * kept.cpuMs) / (kept.cpuMs + kept.serverCpuMs)),
    );
    paces.push({ rate: rate(kept), p99: kept.p99 });
    anchorBest = Math.max(anchorBest, rate(anchor));
  }
  for (const callers of options.between) {
    const kept = await load(server, callers, asked, ms / 2, false);
    paces.push({ rate: rate(kept), p99: kept.p99 });
  }
  rows.push(...bestRows("evaluate", paces, { name: "bare HTTP", value: anchorBest }));
  return rows;
}

export function rate({ count, ms }: Measured): number {
  return (count * 1000) / ms;
}

function each({ count, serverCpuMs }: Measured): number {
  return (serverCpuMs * 1000) / count;
}

/** One run of the load generator against a process, and the processor time that process took meanwhile. */
export async function load(
  to: Child,
  callers: number,
  asked: readonly Buffer[],
  ms: number,
  fresh: boolean,
): Promise<Measured> {
  const generator = fork(fileURLToPath(new URL("./load.ts", import.meta.url)));
  const requests = asked.map((bytes) => bytes.toString("base64"));
  const spec: LoadSpec = { port: to.port, callers, warmMs: ms / 3, ms, requests, fresh: fresh ? FRESH_DIGITS : null };
  let before = 0;
  return new Promise((resolve, reject) => {
    generator.once("error", reject).once("exit", (code) => reject(new Error(`the load generator ended with ${code}`)));
    generator.on("message", (message: FromLoad) => {
      if (message.kind === "measuring") before = cpuMs(to.pid);
      else if (message.failures > 0 || message.count === 0)
        reject(new Error(`${message.failures} of ${message.count} evaluations were not answered with 200`));
      else resolve({ ...message, serverCpuMs: cpuMs(to.pid) - before });
    });
    generator.send(spec);
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
