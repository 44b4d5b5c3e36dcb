import { hkdfSync } from "node:crypto";
import type { Client } from "../../client/index.ts";
import type { Subject } from "../../core/action/index.ts";
import { agentOf } from "../sdk/index.ts";
import { SERVER_NAME } from "./action.ts";
import type { Agent, Serving } from "./context.ts";
import type { FirstSight } from "./definitions.ts";
import { Definitions } from "./definitions.ts";
import { McpError } from "./errors.ts";
import { createStateCodec } from "./request-state.ts";
import { Spent } from "./spent.ts";
import type { StateFolder } from "./state-folder.ts";

export type GatewayOptions = {
  readonly folder: StateFolder;
  readonly firstSight: FirstSight;
  readonly log: (line: string) => void;
};

export type ServingOptions = {
  readonly server: string;
  readonly environment?: string | undefined;
  readonly secrets?: ReadonlyMap<string, readonly string[]> | undefined;
  readonly filter?: boolean | undefined;
  readonly trustsMapping?: boolean | undefined;
  readonly showLink?: boolean | undefined;
  readonly holdMs?: number | undefined;
  readonly legMs?: number | undefined;
};

/** What all servers of one gateway share; answers how each of them is served. */
export function openGateway({ folder, firstSight, log }: GatewayOptions): (options: ServingOptions) => Serving {
  const shared = {
    secretKey: new Uint8Array(hkdfSync("sha256", folder.key, Buffer.alloc(0), "keyturn mcp secrets v1", 32)),
    definitions: new Definitions(folder, firstSight),
    states: createStateCodec(folder.key),
    spent: new Spent(),
    log,
  };
  return ({ server, environment, secrets, filter, trustsMapping, showLink, holdMs, legMs }) => {
    if (!SERVER_NAME.test(server)) {
      const message = `\`${server}\` is no name for a server: lower-case letters, digits, - and _, 64 at most`;
      throw new McpError({ code: "config_invalid", message });
    }
    return {
      ...shared,
      server,
      environment,
      secrets: secrets ?? new Map(),
      filter: filter ?? false,
      trustsMapping: trustsMapping ?? false,
      showLink: showLink ?? false,
      holdMs,
      legMs,
    };
  };
}

/** One client of the gateway, and the token that it asks with. */
export function agentFor(client: Client, name: string, ledgerKey?: string): Agent {
  let known: Promise<Subject> | null = null;
  const subject = (): Promise<Subject> => {
    known ??= agentOf(client).catch((error: unknown) => {
      known = null;
      throw error;
    });
    return known;
  };
  return { client, name, ledgerKey, subject };
}

/** A name for the server behind a command line: that of the package or program. */
export function serverNameOf(argv: readonly string[]): string {
  const [command = "", ...args] = argv;
  const runs = /^(?:npx|bunx|uvx|pipx|node|deno|python3?|docker)$/.test(lastPart(command));
  const named = runs ? (args.find((arg) => !arg.startsWith("-") && arg !== "run") ?? command) : command;
  const plain = lastPart(named.replace(/(?<=.)@[^/@]*$/, ""))
    .replace(/\.(?:c|m)?[jt]s$|\.py$/, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]/g, "-")
    .replace(/^[-_]+/, "")
    .slice(0, 64);
  return SERVER_NAME.test(plain) ? plain : "mcp";
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
