import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { secretFile } from "../gates/mcp/index.ts";
import type {
  Agent,
  ListenerClient,
  ListenerConfig,
  Places,
  Served,
  Serving,
  ServingOptions,
  StateFolder,
  Target,
} from "../gates/mcp/index.ts";
import { Failure } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/;
/** A variable of ours that a program behind the listener gets: enough to start, and nothing secret. */
const PROGRAM_ENV = ["PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR"];
const BEARER_FILE = "client.bearer";

/** Names and pages that the listener answers to. */
export function placesOf({ hosts, origins, publicUrl }: ListenerConfig, host: string): Places {
  const publicHost = publicUrl === null ? [] : [URL.parse(publicUrl)?.hostname ?? ""];
  const named = [...hosts, ...publicHost, host.includes(":") ? `[${host}]` : host];
  const pages = publicUrl === null ? [] : [URL.parse(publicUrl)?.origin ?? ""];
  return {
    hosts: new Set(named.filter((one) => one !== "").map((one) => one.toLowerCase())),
    origins: new Set([...origins, ...pages].filter((one) => one !== "")),
    loopback: LOOPBACK.test(host),
  };
}

/** Who may call: the clients of the file, everybody on this machine where it says so, or one whose bearer is made here. */
export function clientsOf(
  { clients, anonymous }: ListenerConfig,
  host: string,
  folder: StateFolder,
  connect: (token: string | null, name: string) => Agent,
  log: (line: string) => void,
): readonly ListenerClient[] {
  if (anonymous && !LOOPBACK.test(host)) {
    const message = "`anonymous` is for this machine alone; listen on 127.0.0.1, or name clients with their bearers.";
    throw new Failure({ code: "config_invalid", message });
  }
  const named = clients.map(({ name, bearer, token }) => ({ bearer, agent: connect(token, name) }));
  if (anonymous) return [...named, { bearer: null, agent: connect(null, "anonymous") }];
  if (named.length > 0) return named;
  const bearer = secretFile(folder, BEARER_FILE, () => `ktm_${randomBytes(24).toString("base64url")}\n`).trim();
  log(`clients show the bearer in ${join(folder.path, BEARER_FILE)}`);
  return [{ bearer, agent: connect(null, "client") }];
}

/** The servers of the file, each with what reaches it. */
export function servedBy(
  { servers, environment: everywhere }: ListenerConfig,
  serve: (options: ServingOptions) => Serving,
  terminal: Terminal,
): ReadonlyMap<string, Served> {
  const all = servers.map(({ name, target, environment, holdMs, legMs, ...rest }): [string, Served] => {
    const serving = serve({
      server: name,
      environment: environment ?? everywhere ?? undefined,
      holdMs: holdMs ?? undefined,
      legMs: legMs ?? undefined,
      ...rest,
    });
    return [name, { serving, target: targetOf(target, terminal) }];
  });
  return new Map(all);
}

/** What reaches a server of the file: an address with its credentials, or a program with little of our environment. */
export function targetOf(target: ListenerConfig["servers"][number]["target"], terminal: Terminal): Target {
  if ("url" in target) return { remote: target };
  const { command, args, env, cwd } = target;
  const base = Object.fromEntries(
    PROGRAM_ENV.flatMap((name): [string, string][] => {
      const value = terminal.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  return { program: { command, args, env: { ...base, ...env }, cwd: cwd ?? terminal.cwd, stderr: terminal.err } };
}
