import { resolve } from "node:path";
import { loadConfig, type Config } from "../server/config.ts";
import { start, type Running } from "../server/compose.ts";
import type { Log } from "../server/log.ts";
import { readArguments } from "./arguments.ts";
import { EXIT, Failure } from "./failure.ts";
import { CONFIG_NAME, configPath } from "./settings.ts";
import { painter, type Terminal } from "./terminal.ts";

export const help: string = `keyturn serve: run the server

Reads keyturn.yaml (\`keyturn init\` writes one), keeps everything in the data directory, and serves gates, people and
the console until Ctrl-C or SIGTERM. SIGHUP, or a change of the files, reads directory, catalogue and policies anew;
while anything is wrong with the new ones, the old ones serve. When the store fails, the server ends with code 1 and has
acknowledged nothing that is not on disk.

Examples
  keyturn serve
  keyturn serve --config /etc/keyturn/keyturn.yaml
  keyturn serve --data /var/lib/keyturn --listen 127.0.0.1:0 --json

Options
  --config FILE     default: ${CONFIG_NAME} in this folder
  --data DIR        instead of the file's \`data\`
  --listen ADDRESS  instead of the file's \`listen\`; port 0 takes a free one
  --json            one JSON object a line: {"event":"ready","url":…} first
`;

/** Serves until it is told to stop: 0 after a clean end, 1 when the store failed. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = {
    config: { type: "string" },
    data: { type: "string" },
    listen: { type: "string" },
    json: { type: "boolean" },
  } as const;
  const { values } = readArguments(args, options, []);
  const path = configPath(values, terminal);
  if (path === null) {
    const message = `There is no ${CONFIG_NAME} in ${terminal.cwd}; \`keyturn init\` writes one, or name another with --config.`;
    throw new Failure({ code: "config_invalid", message });
  }
  const config = loadConfig(path, {
    data: values.data === undefined ? undefined : resolve(terminal.cwd, values.data),
    listen: values.listen,
  });
  const log = logTo(terminal, values.json === true);
  const running = await start({ config, log }).catch((error: unknown) => {
    throw explained(error, config);
  });
  announce(running, config, terminal, values.json === true);
  return serveUntilTold(running, log);
}

/** What the system says of an address, as a sentence that says what to do. */
function explained(error: unknown, { host, port }: Config): unknown {
  const because: Readonly<Record<string, string>> = {
    EADDRINUSE: "another program listens there; stop it, or choose another address with --listen",
    EADDRNOTAVAIL: "this machine has no such address; choose another with --listen",
    EACCES: "this user may not; choose a port above 1023 with --listen",
  };
  const { code, syscall } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  const known = syscall === "listen" ? because[code ?? ""] : undefined;
  if (known === undefined) return error;
  const message = `The server cannot listen on ${host}:${port}: ${known}.`;
  return new Failure({ code: "address_unusable", message, cause: error });
}

/** Ctrl-C and SIGTERM end the server cleanly, SIGHUP reloads; a store that failed ends it with 1. */
export async function serveUntilTold(running: Running, log: Log): Promise<number> {
  const stop = (): void => void running.close();
  const reload = (): void => {
    running.house.rules.reload().then(
      () => log("info", "the rules were reloaded"),
      (error: unknown) => log("error", `the new rules were refused, the old ones still serve:\n${String(error)}`),
    );
  };
  process.once("SIGINT", stop).once("SIGTERM", stop).on("SIGHUP", reload);
  try {
    await running.ended;
    return EXIT.ok;
  } catch (error) {
    log(
      "error",
      `the store failed; nothing after this was acknowledged: ${error instanceof Error ? error.message : String(error)}`,
    );
    // Open streams and polls would keep the process, and with it a server that can only refuse.
    await running.close().catch(() => {});
    return EXIT.failed;
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop).off("SIGHUP", reload);
  }
}

export function logTo(terminal: Terminal, json: boolean): Log {
  const paint = painter(terminal, "err");
  return (level, message, details) => {
    const at = new Date().toISOString();
    if (json) terminal.err(`${JSON.stringify({ at, level, message, ...details })}\n`);
    else
      terminal.err(
        `${paint("dim", at)} ${level === "error" ? paint("red", message) : message}${details === undefined ? "" : ` ${JSON.stringify(details)}`}\n`,
      );
  };
}

function announce({ url }: Running, config: Config, terminal: Terminal, json: boolean): void {
  if (json) {
    terminal.out(`${JSON.stringify({ event: "ready", url, data: config.data, pid: process.pid })}\n`);
    return;
  }
  const paint = painter(terminal, "out");
  terminal.out(
    `${paint("bold", "Keyturn")} serves on ${paint("cyan", config.publicUrl ?? url)}; state is in ${config.data}\n`,
  );
  terminal.out(`Sign somebody in with: keyturn people sign-in PERSON\n`);
}
