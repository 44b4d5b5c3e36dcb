import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { Failure } from "./failure.ts";
import { sessionFor, sessions } from "./session-file.ts";
import type { Terminal } from "./terminal.ts";

const DEFAULT_URL = "http://127.0.0.1:7117";
export const CONFIG_NAME = "keyturn.yaml";
/** Where `keyturn demo` keeps its server's state, so that the other commands find it from the same folder. */
const DEMO_DATA = ".keyturn/demo/server";

/** The options that say where the server is and who is asking. */
export type ServerValues = {
  readonly url?: string | undefined;
  readonly token?: string | undefined;
  readonly config?: string | undefined;
  readonly data?: string | undefined;
};

/** What the command line needs of keyturn.yaml; the server reads the whole of it, strictly. */
export type Settings = {
  readonly listen: string | null;
  /** The address that people use, where it is another one. */
  readonly publicUrl: string | null;
  readonly data: string;
  /** The file of the operator's token. */
  readonly operator: string;
  /** Whether servers share a database, so that none of them may have written that file. */
  readonly isShared: boolean;
};

/** The path of keyturn.yaml: `--config`, KEYTURN_CONFIG, or the one in this folder; null when there is none. */
export function configPath(values: Pick<ServerValues, "config">, terminal: Terminal): string | null {
  const named = values.config ?? present(terminal.env["KEYTURN_CONFIG"]);
  const path = resolve(terminal.cwd, named ?? CONFIG_NAME);
  if (existsSync(path)) return path;
  if (named === null || named === undefined) return null;
  throw new Failure({ code: "config_invalid", message: `${path} is not there; \`keyturn init\` writes a new one.` });
}

/** Reads the few settings; relative paths start at the folder of keyturn.yaml. */
export async function readSettings(values: ServerValues, terminal: Terminal): Promise<Settings> {
  const path = configPath(values, terminal);
  const given = path === null ? {} : await readYaml(path);
  const data = dataFolder(values, path, textOf(given["data"]), terminal);
  return {
    listen: textOf(given["listen"]),
    publicUrl: textOf(given["public_url"]),
    data,
    operator: operatorFile(values, path, given["keys"], data),
    isShared: given["store"] !== undefined,
  };
}

/** As the server finds it; a data directory that was named and holds a token may be that of another server, and goes first. */
function operatorFile(values: ServerValues, path: string | null, keys: unknown, data: string): string {
  const inData = join(data, "operator.token");
  const named = typeof keys === "object" && keys !== null && "operator" in keys ? textOf(keys.operator) : null;
  if (path === null || named === null || (values.data !== undefined && existsSync(inData))) return inData;
  return resolve(dirname(path), named);
}

function dataFolder(values: ServerValues, path: string | null, written: string | null, terminal: Terminal): string {
  if (values.data !== undefined) return resolve(terminal.cwd, values.data);
  if (path !== null) return resolve(dirname(path), written ?? "data");
  const demo = resolve(terminal.cwd, DEMO_DATA);
  return existsSync(demo) ? demo : resolve(terminal.cwd, "data");
}

async function readYaml(path: string): Promise<Readonly<Record<string, unknown>>> {
  const { parse } = await import("yaml");
  let given: unknown;
  try {
    given = parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new Failure({ code: "config_invalid", message: `${path} cannot be read: ${firstLine(cause)}`, cause });
  }
  if (typeof given === "object" && given !== null && !Array.isArray(given)) return { ...given };
  throw new Failure({
    code: "config_invalid",
    message: `${path} must hold \`name: value\` lines; \`keyturn init\` writes an example.`,
  });
}

/** The server's address: `--url`, KEYTURN_URL, keyturn.yaml, the last sign-in, the default. No slash at its end. */
export function serverUrl(values: ServerValues, settings: Pick<Settings, "listen">, terminal: Terminal): string {
  const url =
    values.url ??
    present(terminal.env["KEYTURN_URL"]) ??
    (settings.listen === null ? null : `http://${reachable(settings.listen)}`) ??
    sessions(terminal).current ??
    DEFAULT_URL;
  return url.replace(/\/+$/, "");
}

/** The address of the same server at which this user is signed in: people's links carry its `public_url`, so look there too. */
export function signedInUrl(
  values: ServerValues,
  settings: Pick<Settings, "listen" | "publicUrl">,
  terminal: Terminal,
): string {
  const url = serverUrl(values, settings, terminal);
  const isNamed = values.url !== undefined || present(terminal.env["KEYTURN_URL"]) !== null;
  if (isNamed || settings.publicUrl === null || sessionFor(url, terminal) !== null) return url;
  const shown = settings.publicUrl.replace(/\/+$/, "");
  return sessionFor(shown, terminal) === null ? url : shown;
}

/** An address that listens everywhere is reached here by loopback. */
function reachable(listen: string): string {
  return listen.replace(/^0\.0\.0\.0:/, "127.0.0.1:").replace(/^\[::\]:/, "[::1]:");
}

/** A gate's token, for commands that act as an agent: `--token` or KEYTURN_TOKEN. */
export function gateToken(values: ServerValues, terminal: Terminal): string {
  const token = values.token ?? present(terminal.env["KEYTURN_TOKEN"]);
  if (token?.startsWith("kt_") === true) return token;
  throw new Failure({
    code: "no_credential",
    message:
      token === null || token === undefined
        ? "Set KEYTURN_TOKEN to the token of this agent; an operator makes one with `keyturn token create`."
        : "KEYTURN_TOKEN is not the token of an agent: those begin with `kt_`. `keyturn token create` makes one.",
  });
}

/** The operator's token: `--token`, KEYTURN_TOKEN when it is one, or that of the file. Null when there is none. */
export function operatorToken(
  values: ServerValues,
  settings: Pick<Settings, "operator">,
  terminal: Terminal,
): string | null {
  const named = values.token ?? present(terminal.env["KEYTURN_TOKEN"]);
  if (named?.startsWith("kto_") === true) return named;
  if (values.token !== undefined) {
    throw new Failure({ code: "no_credential", message: "This needs an operator token: those begin with `kto_`." });
  }
  return readToken(settings.operator);
}

function readToken(path: string): string | null {
  if (!existsSync(path)) return null;
  try {
    return present(readFileSync(path, "utf8").trim());
  } catch (cause) {
    const message = `${path} cannot be read (${firstLine(cause)}); run this as the user who runs the server.`;
    throw new Failure({ code: "no_credential", message, cause });
  }
}

/** The session of the person who signed in to this server, or null. */
export function personSession(url: string, terminal: Terminal): string | null {
  return sessionFor(url, terminal)?.session ?? null;
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function present(text: string | undefined): string | null {
  return text === undefined || text === "" ? null : text;
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
}
