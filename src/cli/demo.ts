import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { createClient } from "../client/index.ts";
import { start, type Running } from "../server/compose.ts";
import { LIMITS_DEFAULT, PORT_DEFAULT, type Config } from "../server/config.ts";
import { ensureFolder } from "../server/folder.ts";
import { readArguments } from "./arguments.ts";
import { runAgent, type Step } from "./demo/agent.ts";
import { approve, type Try } from "./demo/approvers.ts";
import { checkWorld, type Check } from "./demo/checks.ts";
import { ensureShop } from "./demo/database.ts";
import { Timeline } from "./demo/timeline.ts";
import { EXIT, usage } from "./failure.ts";
import { logTo, serveUntilTold } from "./serve.ts";
import { table } from "./table.ts";
import { painter, type Terminal } from "./terminal.ts";

export const help: string = `keyturn demo: see the whole of it in two minutes, on a real database

Starts a server with a small demo house, and an agent that works on a real SQLite database: it reads (passes at once),
deletes from the audit log (denied outright), and is held when it exports 12,000 customers, makes itself admin and drops
a table. You decide in the console, as any of the demo's people. Ctrl-C ends it; started again, it goes on from there.

Examples
  keyturn demo
  keyturn demo --unattended      scripted approvers; checks every effect and the ledger; ends with 0 or 1
  keyturn demo --reset           begin anew

Options
  --data DIR      where all state is kept (default: .keyturn/demo here; --unattended: a folder that is removed)
  --port N        default ${PORT_DEFAULT}, or a free one when that is taken
  --unattended    nobody has to click
  --reset         remove the state of earlier runs first
  --json          one JSON object a line
`;

type Wanted = {
  readonly data: string;
  readonly port: number;
  readonly unattended: boolean;
  readonly json: boolean;
  readonly temporary: boolean;
};

export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const wanted = wantedFrom(args, terminal);
  try {
    ensureFolder(wanted.data);
    const running = await startDemo(wanted, terminal);
    return await (wanted.unattended ? unattended(running, wanted, terminal) : attended(running, wanted, terminal));
  } finally {
    if (wanted.temporary) rmSync(wanted.data, { recursive: true, force: true });
  }
}

function wantedFrom(args: readonly string[], terminal: Terminal): Wanted {
  const options = {
    data: { type: "string" },
    port: { type: "string" },
    unattended: { type: "boolean" },
    reset: { type: "boolean" },
    json: { type: "boolean" },
  } as const;
  const { values } = readArguments(args, options, []);
  const unattended = values.unattended === true;
  const temporary = unattended && values.data === undefined;
  const port = Number(values.port ?? (unattended ? 0 : PORT_DEFAULT));
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw usage("--port is 0 to 65535.");
  const data = temporary
    ? mkdtempSync(join(tmpdir(), "keyturn-demo-"))
    : resolve(terminal.cwd, values.data ?? ".keyturn/demo");
  if (values.reset === true) {
    // Only what a demo has made is removed, whatever folder was named.
    if (existsSync(data) && !existsSync(join(data, "shop.db")))
      throw usage(`${data} was not made by the demo, so --reset does not touch it.`);
    rmSync(data, { recursive: true, force: true });
  }
  return { data, port, unattended, json: values.json === true, temporary };
}

async function startDemo(wanted: Wanted, terminal: Terminal): Promise<Running> {
  const house = join(wanted.data, "house");
  // A copy of its own, so that one can change a policy and watch it take effect.
  if (!existsSync(house)) cpSync(fileURLToPath(new URL("./demo/house/", import.meta.url)), house, { recursive: true });
  ensureShop(join(wanted.data, "shop.db"));
  const config: Config = {
    host: "127.0.0.1",
    port: wanted.port,
    publicUrl: null,
    data: join(wanted.data, "server"),
    directory: join(house, "directory.yaml"),
    catalogue: join(house, "catalogue.yaml"),
    policies: join(house, "policies"),
    limits: LIMITS_DEFAULT,
  };
  const log = wanted.json ? logTo(terminal, true) : quietLog(terminal);
  try {
    return await start({ config, log, demo: true });
  } catch (error) {
    const taken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
    if (!taken || wanted.port !== PORT_DEFAULT) throw error;
    return start({ config: { ...config, port: 0 }, log, demo: true });
  }
}

/** In the demo's timeline only errors and reloads are news. */
function quietLog(terminal: Terminal): ReturnType<typeof logTo> {
  const log = logTo(terminal, false);
  return (level, message, details) => {
    if (level === "error" || message.includes("reloaded")) log(level, message, details);
  };
}

async function agentToken(running: Running): Promise<string> {
  const operator = createClient({ url: running.url, token: running.operatorToken });
  try {
    return (await operator.createToken({ agent: "report-bot", gate: "demo-sdk", expiresIn: "24h" })).token;
  } finally {
    operator.close();
  }
}

const shopOf = (wanted: Wanted): { shop: string; exportFile: string } => ({
  shop: join(wanted.data, "shop.db"),
  exportFile: join(wanted.data, "customers-export.csv"),
});

async function attended(running: Running, wanted: Wanted, terminal: Terminal): Promise<number> {
  const timeline = new Timeline(terminal, wanted.json);
  const paint = painter(terminal, "out");
  const operator = createClient({ url: running.url, token: running.operatorToken });
  const { url: link } = await operator.createSignInLink("ann");
  if (wanted.json)
    terminal.out(
      `${JSON.stringify({ event: "ready", url: running.url, sign_in: link, data: wanted.data, pid: process.pid })}\n`,
    );
  timeline.note(
    `${paint("bold", "Keyturn demo")}: open the console as Ann, a data owner; in it you can become anybody else.\n`,
  );
  timeline.note(`  ${paint("cyan", link)}\n`);
  timeline.note(
    `The link works once. State is in ${wanted.data}; change a policy in ${join(wanted.data, "house/policies")} and watch. Ctrl-C ends.\n`,
  );

  const over = new AbortController();
  const watching = followDecisions(running, timeline, over.signal);
  const agent = runAgent(
    { url: running.url, token: await agentToken(running), ...shopOf(wanted), tell: (step) => timeline.step(step) },
    over.signal,
  ).then(
    () =>
      over.signal.aborted ||
      timeline.note(`\nThe agent is done. The console stays open; Ctrl-C ends, \`--reset\` begins anew.`),
    (error: unknown) => {
      if (!over.signal.aborted) timeline.note(`\nThe agent stopped: ${String(error)}`);
    },
  );
  const code = await serveUntilTold(running, logTo(terminal, wanted.json));
  over.abort();
  operator.close();
  await Promise.allSettled([agent, watching]);
  timeline.note("\nEnded. Start it again to go on from here.");
  return code;
}

/** Tells of every review as it is recorded, from the same stream that the console reads. */
async function followDecisions(running: Running, timeline: Timeline, signal: AbortSignal): Promise<void> {
  const client = createClient({ url: running.url, token: running.operatorToken });
  const told = new Map<string, number>();
  try {
    for await (const change of client.requestChanges({ signal })) {
      if (change.type !== "request") continue;
      const { view } = change;
      for (const review of view.reviews.slice(told.get(view.id) ?? 0)) {
        const progress =
          view.status === "pending"
            ? ` (${view.terms.map((t) => `${t.filled} of ${t.quorum} ${t.group}`).join(", ")})`
            : "";
        timeline.decision(
          review.person.name.split(" ")[0] ?? "",
          `${review.verdict === "approve" ? "approves" : "denies"} ${view.action.name}${progress}`,
        );
      }
      told.set(view.id, view.reviews.length);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    client.close();
  }
}

async function unattended(running: Running, wanted: Wanted, terminal: Terminal): Promise<number> {
  const timeline = new Timeline(terminal, wanted.json);
  const steps: Step[] = [];
  const tries: Try[] = [];
  const approvals: Promise<void>[] = [];
  const tell = (step: Step): void => {
    steps.push(step);
    timeline.step(step);
    if (step.kind !== "held") return;
    const deciding = approve(running.url, running.operatorToken, step.step, step.request).then((made) => {
      tries.push(...made);
      for (const t of made) timeline.decision(t.person, `clicks approve on ${t.step}: ${t.got}`);
    });
    approvals.push(deciding);
  };
  const over = new AbortController();
  try {
    await runAgent({ url: running.url, token: await agentToken(running), ...shopOf(wanted), tell }, over.signal);
    await Promise.all(approvals);
    const checks = await checkWorld({
      url: running.url,
      operatorToken: running.operatorToken,
      ...shopOf(wanted),
      steps,
      tries,
    });
    return summary(checks, wanted, terminal);
  } finally {
    over.abort();
    await running.close();
  }
}

function summary(checks: readonly Check[], wanted: Wanted, terminal: Terminal): number {
  const failed = checks.filter((check) => check.got !== check.expected);
  if (wanted.json) terminal.out(`${JSON.stringify({ event: "summary", passed: failed.length === 0, checks })}\n`);
  else {
    const paint = painter(terminal, "out");
    const rows = checks.map(({ what, expected, got }) => [
      what,
      expected,
      got,
      got === expected ? { text: "ok", style: "green" as const } : { text: "FAILED", style: "red" as const },
    ]);
    terminal.out(`\n${table(["what", "expected", "found", ""], rows, paint)}`);
    terminal.out(
      failed.length === 0
        ? "\nEverything held, was decided by the right people, ran once, and is proven.\n"
        : `\n${failed.length} of ${checks.length} checks failed.\n`,
    );
  }
  return failed.length === 0 ? EXIT.ok : EXIT.failed;
}
