import { isJsonList, isJsonObject, jsonMembers } from "../../core/action/index.ts";
import type { Json, JsonObject } from "../../core/action/index.ts";
import { SERVER_NAME } from "./action.ts";
import type { FirstSight } from "./definitions.ts";
import { McpError } from "./errors.ts";
import { CLIENTS_MAX, UPSTREAMS_MAX } from "./limits.ts";

/** The listener's file, checked. Credentials are in it already, read from the environment. */
export type ListenerConfig = {
  readonly listen: string | null;
  readonly environment: string | null;
  readonly state: string | null;
  readonly firstSight: FirstSight;
  readonly publicUrl: string | null;
  readonly hosts: readonly string[];
  readonly origins: readonly string[];
  readonly authorizationServers: readonly string[];
  readonly anonymous: boolean;
  readonly clients: readonly ClientConfig[];
  readonly servers: readonly ServerConfig[];
};

/** `bearer` is what the client shows to the gateway, `token` what the gateway shows to Keyturn for it. */
export type ClientConfig = { readonly name: string; readonly bearer: string; readonly token: string | null };

export type ServerConfig = {
  readonly name: string;
  readonly target:
    | {
        readonly command: string;
        readonly args: readonly string[];
        readonly env: Record<string, string>;
        readonly cwd: string | null;
      }
    | { readonly url: URL; readonly headers: Record<string, string> };
  readonly environment: string | null;
  readonly secrets: ReadonlyMap<string, readonly string[]>;
  readonly filter: boolean;
  readonly trustsMapping: boolean;
  readonly showLink: boolean;
  readonly holdMs: number | null;
  readonly legMs: number | null;
};

const TOP_MEMBERS =
  "listen environment state definitions public_url hosts origins authorization_servers anonymous clients servers".split(
    " ",
  );
const SERVER_MEMBERS =
  "command args env cwd url headers environment secrets filter trust_mapping show_link hold_seconds leg_seconds".split(
    " ",
  );

type Env = Readonly<Record<string, string | undefined>>;
type Reading = { readonly env: Env; readonly at: string };

/** Reads the listener's file, which was parsed already; throws `config_invalid` that names the member and what to write. */
export function readListenerConfig(json: Json, env: Env): ListenerConfig {
  const top = object(json, { env, at: "" }, TOP_MEMBERS);
  const reading = (at: string): Reading => ({ env, at });
  const { clients = [], servers } = top;
  if (!isJsonList(clients) || clients.length > CLIENTS_MAX)
    throw wrong("clients", `write a list of at most ${CLIENTS_MAX}`);
  const named = jsonMembers(servers);
  if (named.length === 0 || named.length > UPSTREAMS_MAX) {
    throw wrong("servers", `write one to ${UPSTREAMS_MAX} servers, each under its name`);
  }
  const { definitions = "record" } = top;
  if (definitions !== "record" && definitions !== "refuse") throw wrong("definitions", "write record or refuse");
  return {
    listen: optionalText(top["listen"], reading("listen")),
    environment: optionalText(top["environment"], reading("environment")),
    state: optionalText(top["state"], reading("state")),
    firstSight: definitions,
    publicUrl: optionalText(top["public_url"], reading("public_url"))?.replace(/\/+$/, "") ?? null,
    hosts: texts(top["hosts"], reading("hosts")),
    origins: texts(top["origins"], reading("origins")),
    authorizationServers: texts(top["authorization_servers"], reading("authorization_servers")),
    anonymous: flag(top["anonymous"], "anonymous"),
    clients: clients.map((client, index) => clientOf(client, reading(`clients/${index}`))),
    servers: named.map(([name, server]) => serverOf(name, server, reading(`servers/${name}`))),
  };
}

function clientOf(json: Json, reading: Reading): ClientConfig {
  const client = object(json, reading, ["name", "bearer", "token"]);
  const at = (member: string): Reading => ({ ...reading, at: `${reading.at}/${member}` });
  const bearer = text(client["bearer"], at("bearer"));
  if (!/^[!-~]{16,4096}$/.test(bearer))
    throw wrong(at("bearer").at, "a bearer has 16 characters or more, without spaces");
  return { name: text(client["name"], at("name")), bearer, token: optionalText(client["token"], at("token")) };
}

function serverOf(name: string, json: Json, reading: Reading): ServerConfig {
  if (!SERVER_NAME.test(name)) throw wrong(reading.at, "a server's name has lower-case letters, digits, - and _ only");
  const server = object(json, reading, SERVER_MEMBERS);
  const at = (member: string): Reading => ({ ...reading, at: `${reading.at}/${member}` });
  return {
    name,
    target: targetOf(server, reading),
    environment: optionalText(server["environment"], at("environment")),
    secrets: new Map(
      jsonMembers(server["secrets"]).map(([tool, list]) => [tool, pointers(list, at(`secrets/${tool}`))]),
    ),
    filter: flag(server["filter"], at("filter").at),
    trustsMapping: flag(server["trust_mapping"], at("trust_mapping").at),
    showLink: flag(server["show_link"], at("show_link").at),
    holdMs: seconds(server["hold_seconds"], at("hold_seconds").at, 3_600),
    legMs: seconds(server["leg_seconds"], at("leg_seconds").at, 300),
  };
}

function targetOf(server: JsonObject, reading: Reading): ServerConfig["target"] {
  const at = (member: string): Reading => ({ ...reading, at: `${reading.at}/${member}` });
  const { command, url } = server;
  if ((command === undefined) === (url === undefined)) throw wrong(reading.at, "write `command` or `url`, one of them");
  if (url === undefined) {
    return {
      command: text(command, at("command")),
      args: texts(server["args"], at("args")),
      env: members(server["env"], at("env")),
      cwd: optionalText(server["cwd"], at("cwd")),
    };
  }
  const parsed = URL.parse(text(url, at("url")));
  if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.username !== "" || parsed.password !== "") {
    throw wrong(at("url").at, "write an address that begins with https:// or http://; credentials go into `headers`");
  }
  const headers = Object.entries(members(server["headers"], at("headers")));
  return { url: parsed, headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])) };
}

function object(json: Json, { at }: Reading, known: readonly string[]): JsonObject {
  if (!isJsonObject(json)) throw wrong(at, "write `name: value` lines");
  const unknown = Object.keys(json).find((name) => !known.includes(name));
  if (unknown !== undefined) throw wrong(at, `\`${unknown}\` is not known here; known are ${known.join(", ")}`);
  return json;
}

/** A text, in which `${NAME}` stands for a variable of the environment. */
function text(json: Json | undefined, { env, at }: Reading): string {
  if (typeof json !== "string" || json === "") throw wrong(at, "write a text");
  return json.replaceAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, name: string) => {
    const value = env[name];
    if (value === undefined || value === "") throw wrong(at, `the variable ${name} is not set`);
    return value;
  });
}

function optionalText(json: Json | undefined, reading: Reading): string | null {
  return json === undefined ? null : text(json, reading);
}

function texts(json: Json | undefined, reading: Reading): readonly string[] {
  if (json === undefined) return [];
  if (!isJsonList(json)) throw wrong(reading.at, "write a list of texts");
  return json.map((one, index) => text(one, { ...reading, at: `${reading.at}/${index}` }));
}

function members(json: Json | undefined, reading: Reading): Record<string, string> {
  if (json !== undefined && !isJsonObject(json)) throw wrong(reading.at, "write `NAME: value` lines");
  const all = jsonMembers(json).map(([name, value]) => [
    name,
    text(value, { ...reading, at: `${reading.at}/${name}` }),
  ]);
  return Object.fromEntries(all) as Record<string, string>;
}

function pointers(json: Json, reading: Reading): readonly string[] {
  const list = texts(json, reading);
  const odd = list.find((pointer) => !/^\/(?:[^~]|~[01])*$/.test(pointer));
  if (odd !== undefined) throw wrong(reading.at, "write RFC 6901 pointers into the arguments, such as /password");
  return list;
}

function flag(json: Json | undefined, at: string): boolean {
  if (json === undefined || typeof json === "boolean") return json ?? false;
  throw wrong(at, "write true or false");
}

function seconds(json: Json | undefined, at: string, max: number): number | null {
  if (json === undefined) return null;
  if (typeof json !== "number" || !(json >= 1) || json > max) throw wrong(at, `write seconds from 1 to ${max}`);
  return Math.round(json * 1000);
}

function wrong(at: string, what: string): McpError {
  const where = at === "" ? "the file" : `\`${at}\``;
  return new McpError({ code: "config_invalid", message: `${where}: ${what}` });
}
