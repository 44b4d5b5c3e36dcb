import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { createClient } from "../client/index.ts";
import { copyJson } from "../core/action/index.ts";
import {
  acceptDefinitions,
  agentFor,
  openGateway,
  openStateFolder,
  readListenerConfig,
  runStdioGateway,
  serverNameOf,
  startListener,
  waitingDefinitions,
} from "../gates/mcp/index.ts";
import type { ListenerConfig, Target } from "../gates/mcp/index.ts";
import { ledgerKeyOf } from "../gates/sdk/index.ts";
import { readArguments, SERVER } from "./arguments.ts";
import { describe, EXIT, Failure, usage } from "./failure.ts";
import { inspect } from "./mcp-inspect.ts";
import { clientsOf, placesOf, servedBy, targetOf } from "./mcp-listener.ts";
import { gateToken, readSettings, serverUrl } from "./settings.ts";
import type { Terminal } from "./terminal.ts";
import { warmCarry } from "./warm.ts";

export const help = `keyturn mcp: put an MCP server behind the server's decision

Stands between an agent and an MCP server. Each call of a tool is asked about before it runs; what policy holds waits
for people, and the agent is told how to wait. Everything that is no action passes untouched. Needs the token of an
agent in KEYTURN_TOKEN (\`keyturn token create\`), which the MCP server never sees.

Examples
  keyturn mcp -- npx -y @modelcontextprotocol/server-filesystem /data
  keyturn mcp --listen 127.0.0.1:7118 --config mcp.yaml
  keyturn mcp inspect --write ./rules -- npx -y @modelcontextprotocol/server-filesystem /data
  keyturn mcp waiting
  keyturn mcp accept server-filesystem/write_file

Before -- COMMAND (standard input and output)
  --name NAME            what the server is called in actions; default: the name of its package or program
  --environment NAME     where it acts, such as production: part of what is approved
  --hold SECONDS         how long a call is held before the agent is told to come back; default: by its client
  --leg SECONDS          the same for one leg under MCP 2026-07-28; default: 40
  --filter               list only tools that policy lets be listed (action mcp.list)
  --show-link            show the review link by URL elicitation, to clients that can

Listening (streamable HTTP, one server or more at /mcp/NAME)
  --config FILE          servers, clients and their credentials
  --listen ADDRESS       instead of the file's \`listen\`, such as :7118 on this machine; port 0 takes a free one
  --json                 one JSON object a line: {"event":"ready","url":…} first

inspect -- COMMAND, or inspect SERVER --config FILE (calls no tool)
  --write DIR            write a catalogue and policies to start from, which you edit
  --approvers GROUP      who approves in them; default: security
  --json                 tools, hints, suggested effects and what policy says, as one object

Tools that changed, or are new where the first sight is refused
  waiting                list them
  accept SERVER[/TOOL]   go by their definitions of now

For all
  --state DIR            the gateway's own files; default: keyturn/mcp in XDG_STATE_HOME or ~/.local/state
  --first-sight WORD     record (the default) or refuse tools that were never seen
  --ledger-key KEY       the ledger's verifier key (or KEYTURN_LEDGER_KEY)
  --url URL              the server
  --token TOKEN          the token; better in KEYTURN_TOKEN
`;

/** A server that is away is asked for so long, in milliseconds: agents wait for a call a minute at most. */
const RETRY_FOR_MS = 5_000;
/** Outcomes of calls that passed at once are reported together, this late at most: clients have their answers already. */
const GATHER_MS = 100;

const OPTIONS = {
  ...SERVER,
  name: { type: "string" },
  environment: { type: "string" },
  hold: { type: "string" },
  leg: { type: "string" },
  filter: { type: "boolean" },
  "show-link": { type: "boolean" },
  listen: { type: "string" },
  state: { type: "string" },
  "first-sight": { type: "string" },
  "ledger-key": { type: "string" },
  write: { type: "string" },
  approvers: { type: "string" },
} as const;

type Values = ReturnType<typeof readArguments<typeof OPTIONS>>["values"];

/** Runs the gateway until its client or its program ends, or until it is told to stop. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const dashes = args.indexOf("--");
  const own = dashes < 0 ? args : args.slice(0, dashes);
  const { values, positionals } = readArguments(own, OPTIONS, ["WHAT?", "SERVER?"]);
  const [what, which] = positionals;
  if (what === "inspect") return look(dashes < 0 ? null : args.slice(dashes + 1), which, values, terminal);
  if (dashes >= 0) {
    if (what !== undefined) throw usage(`\`${what}\` is one argument too many before \`--\`.`);
    return wrap(args.slice(dashes + 1), values, terminal);
  }
  if (what === "waiting") return listWaiting(values, terminal);
  if (what === "accept") return accept(which, values, terminal);
  if (what !== undefined) throw usage(`\`${what}\` is nothing that \`keyturn mcp\` does.`);
  if (values.config !== undefined) return listen(values.config, values, terminal);
  throw usage("Write `-- COMMAND [ARGS…]` to wrap a server, or --config FILE to listen.");
}

async function wrap(argv: readonly string[], values: Values, terminal: Terminal): Promise<number> {
  const [command, ...args] = argv;
  if (command === undefined) throw usage("There is no command after `--`.");
  const client = clientFor(await urlOf(values, terminal), gateToken(values, terminal));
  const serve = openGateway({
    folder: openStateFolder(stateFolder(values.state, terminal)),
    firstSight: firstSightOf(values["first-sight"] ?? "record"),
    log: (line) => terminal.err(`keyturn mcp: ${line}\n`),
  });
  try {
    return await runStdioGateway({
      serving: serve({
        server: values.name ?? serverNameOf(argv),
        environment: values.environment,
        filter: values.filter,
        showLink: values["show-link"],
        holdMs: secondsOf(values.hold, "--hold"),
        legMs: secondsOf(values.leg, "--leg"),
      }),
      agent: agentFor(client, "stdio", ledgerKey(values, terminal)),
      program: { command, args, env: withoutOurs(terminal.env), cwd: terminal.cwd, stderr: terminal.err },
      input: process.stdin,
      output: process.stdout,
    });
  } finally {
    await client.settle();
    client.close();
  }
}

/** Looks at one server's tools: of a command, or of a listener's file. */
async function look(
  argv: readonly string[] | null,
  which: string | undefined,
  values: Values,
  terminal: Terminal,
): Promise<number> {
  const token = values.token ?? terminal.env["KEYTURN_TOKEN"] ?? "";
  const client = token === "" ? null : clientFor(await urlOf(values, terminal), token);
  const { server, environment, target } = await toLookAt(argv, which, values, terminal);
  try {
    return await inspect(
      {
        server,
        environment,
        target,
        agent: client === null ? null : agentFor(client, "inspect"),
        json: values.json ?? false,
        write: values.write === undefined ? null : resolve(terminal.cwd, values.write),
        approvers: values.approvers ?? "security",
      },
      terminal,
    );
  } finally {
    client?.close();
  }
}

async function toLookAt(
  argv: readonly string[] | null,
  which: string | undefined,
  values: Values,
  terminal: Terminal,
): Promise<{ readonly server: string; readonly environment: string | undefined; readonly target: Target }> {
  if (argv !== null) {
    const [command, ...args] = argv;
    if (command === undefined) throw usage("There is no command after `--`.");
    const program = { command, args, env: withoutOurs(terminal.env), cwd: terminal.cwd, stderr: terminal.err };
    return { server: values.name ?? serverNameOf(argv), environment: values.environment, target: { program } };
  }
  if (values.config === undefined) throw usage("Write inspect -- COMMAND, or inspect SERVER --config FILE.");
  const config = await readConfig(resolve(terminal.cwd, values.config), terminal);
  const found = config.servers.find(({ name }) => name === which);
  if (found === undefined)
    throw usage(`Name one of its servers: ${config.servers.map(({ name }) => name).join(", ")}.`);
  const environment = values.environment ?? found.environment ?? config.environment ?? undefined;
  return { server: found.name, environment, target: targetOf(found.target, terminal) };
}

async function listen(file: string, values: Values, terminal: Terminal): Promise<number> {
  const config = await readConfig(resolve(terminal.cwd, file), terminal);
  const [, named = "", port = ""] = LISTEN.exec(values.listen ?? config.listen ?? ":7118") ?? [];
  // A port alone is this machine's own, not every network's.
  const host = named === "" ? "127.0.0.1" : named;
  if (port === "") throw usage("Write --listen as ADDRESS:PORT, such as 127.0.0.1:7118.");
  const folder = openStateFolder(stateFolder(values.state ?? config.state ?? undefined, terminal));
  const log = (line: string): void => terminal.err(`keyturn mcp: ${line}\n`);
  const firstSight = firstSightOf(values["first-sight"] ?? config.firstSight);
  const serve = openGateway({ folder, firstSight, log });
  const url = await urlOf(values, terminal);
  const connect = (token: string | null, name: string): ReturnType<typeof agentFor> =>
    agentFor(clientFor(url, token ?? gateToken(values, terminal)), name, ledgerKey(values, terminal));
  const plainHost = host.replace(/^\[|\]$/g, "");
  const clients = clientsOf(config, plainHost, folder, connect, log);
  const listener = await startListener({
    host: plainHost,
    port: Number(port),
    places: placesOf(config, plainHost),
    publicUrl: config.publicUrl ?? undefined,
    authorizationServers: config.authorizationServers,
    clients,
    servers: servedBy(config, serve, terminal),
  });
  if (values.json === true) terminal.out(`${JSON.stringify({ event: "ready", url: listener.url })}\n`);
  else for (const { name } of config.servers) terminal.out(`${listener.url}/mcp/${name}\n`);
  await told();
  await listener.close();
  await Promise.all(clients.map(({ agent }) => agent.client.settle()));
  for (const { agent } of clients) agent.client.close();
  return EXIT.ok;
}

const LISTEN = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]*):(\d{1,5})$/;

async function readConfig(path: string, terminal: Terminal): Promise<ListenerConfig> {
  const { parse } = await import("yaml");
  try {
    return readListenerConfig(copyJson(parse(readFileSync(path, "utf8"))), terminal.env);
  } catch (cause) {
    throw new Failure({ code: "config_invalid", message: `${path}: ${describe(cause).message}.`, cause });
  }
}

function listWaiting(values: Values, terminal: Terminal): number {
  const waiting = waitingDefinitions(openStateFolder(stateFolder(values.state, terminal)));
  if (values.json === true) terminal.out(`${JSON.stringify({ waiting })}\n`);
  else if (waiting.length === 0) terminal.out("Every tool is what was accepted.\n");
  else
    for (const { server, tool, isNew } of waiting)
      terminal.out(`${isNew ? "new    " : "changed"}  ${shown(`${server}/${tool}`)}\n`);
  return EXIT.ok;
}

function accept(which: string | undefined, values: Values, terminal: Terminal): number {
  if (which === undefined) throw usage("Name what to accept: SERVER, or SERVER/TOOL.");
  const slash = which.indexOf("/");
  const [server, tool] = slash < 0 ? [which, null] : [which.slice(0, slash), which.slice(slash + 1)];
  const accepted = acceptDefinitions(openStateFolder(stateFolder(values.state, terminal)), server, tool);
  for (const one of accepted) terminal.out(`accepted  ${shown(one)}\n`);
  if (accepted.length === 0) terminal.err(`Nothing of ${shown(which)} waits to be accepted.\n`);
  return accepted.length === 0 ? EXIT.failed : EXIT.ok;
}

/** A server chose this text. */
function shown(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}

function stateFolder(named: string | undefined, { env, cwd }: Terminal): string {
  const { XDG_STATE_HOME: state = "", HOME: home = "" } = env;
  if (named !== undefined) return resolve(cwd, named);
  if (state === "" && home === "") throw usage("Name the gateway's folder: --state DIR.");
  return resolve(state === "" ? `${home}/.local/state` : state, "keyturn/mcp");
}

function firstSightOf(word: string): "record" | "refuse" {
  if (word === "record" || word === "refuse") return word;
  throw usage("Write --first-sight record or --first-sight refuse.");
}

function secondsOf(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,4}$/.test(text) || Number(text) < 1) throw usage(`Write ${option} in whole seconds, from 1 to 9999.`);
  return Number(text) * 1000;
}

/** What speaks for this process is never the MCP server's. */
function withoutOurs(env: Terminal["env"]): Record<string, string> {
  const kept = Object.entries(env).flatMap(([name, value]): [string, string][] =>
    value === undefined || name.startsWith("KEYTURN_") ? [] : [[name, value]],
  );
  return Object.fromEntries(kept);
}

async function urlOf(values: Values, terminal: Terminal): Promise<string> {
  const { url, token, data } = values; // `--config` names another file here
  return serverUrl({ url, token }, await readSettings({ data }, terminal), terminal);
}

function clientFor(url: string, token: string): ReturnType<typeof createClient> {
  try {
    return createClient({ url, token, retryForMs: RETRY_FOR_MS, carry: warmCarry(), gatherOutcomesMs: GATHER_MS });
  } catch (cause) {
    throw new Failure({ code: "usage", message: `\`${url}\`: ${describe(cause).message}.`, cause });
  }
}

function ledgerKey(values: Values, { env }: Terminal): string | undefined {
  const line = values["ledger-key"] ?? env["KEYTURN_LEDGER_KEY"];
  return line === undefined || line === "" ? undefined : ledgerKeyOf(line);
}

function told(): Promise<void> {
  return new Promise((done) => {
    process.once("SIGINT", () => done()).once("SIGTERM", () => done());
  });
}
