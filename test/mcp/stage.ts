// The real binary as a gateway, over rules for the servers that stand behind it.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { JsonObject } from "../../src/core/action/index.ts";
import { House } from "../support/house.ts";
import type { HouseOptions } from "../support/house.ts";
import { Launched, MAIN } from "../support/process.ts";
import { CATALOGUE, POLICIES } from "../support/rules.ts";

const at = (url: URL): string => fileURLToPath(url);

/** Servers and clients that others wrote, as they are installed. */
export const FILESYSTEM: string = at(
  new URL("../../node_modules/@modelcontextprotocol/server-filesystem/dist/index.js", import.meta.url),
);
export const EVERYTHING: string = at(
  new URL("../../node_modules/@modelcontextprotocol/server-everything/dist/index.js", import.meta.url),
);
export const CONFORMANCE: string = at(
  new URL("../../node_modules/@modelcontextprotocol/conformance/dist/index.js", import.meta.url),
);
export const INSPECTOR: string = at(
  new URL("../../node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js", import.meta.url),
);
/** Our own server for what those do not do. */
export const REFERENCE: string = at(new URL("reference-server.ts", import.meta.url));

/** Entries of a catalogue: what each action does. */
export type Effects = Readonly<Record<string, string>>;

/** The usual rules and these: `read` passes, `write` waits for one of security, `delete` is denied. */
export function rulesFor(effects: Effects): HouseOptions {
  const lines = Object.entries(effects).map(([action, effect]) => `  ${action}: { effects: [${effect}] }`);
  return {
    catalogue: CATALOGUE.replace("resources:", `${lines.join("\n")}\nresources:`),
    policies: `${POLICIES}
@id("permit-mcp-read")
permit (principal, action == Action::"read", resource)
when { context.action like "mcp.*" };

@id("hold-write") @because("Somebody looks at what is written.")
@hold @approvers("security") @expires("1h")
forbid (principal, action == Action::"write", resource);

@id("forbid-delete") @because("Nothing is removed here.")
forbid (principal, action == Action::"delete", resource);
`,
  };
}

/** A listener of the real binary; `servers` as they stand in its file. */
export async function gateway(
  house: House,
  servers: JsonObject,
  { limits = [] as readonly string[], token = "" } = {},
): Promise<{ readonly url: string } & AsyncDisposable> {
  const dir = mkdtempSync(join(tmpdir(), "keyturn-gateway-"));
  const file = join(dir, "mcp.yaml"); // JSON is YAML
  writeFileSync(file, JSON.stringify({ listen: "127.0.0.1:0", anonymous: true, state: join(dir, "state"), servers }));
  const own = token === "" ? ((await house.gate("report-bot", "mcp")).token ?? "") : token;
  const launched = new Launched(process.execPath, [MAIN, "mcp", "--config", file, "--json", ...limits], {
    cwd: dir,
    env: { KEYTURN_URL: house.url, KEYTURN_TOKEN: own },
  });
  const dispose = async (): Promise<void> => {
    await launched[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    return { url: await readyUrl(launched), [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** The address that a process tells on its first line. */
export function readyUrl(launched: Launched): Promise<string> {
  return launched.seen(({ out }) => {
    const line = out.includes("\n") ? (JSON.parse(out.slice(0, out.indexOf("\n"))) as { url: string }) : null;
    return line === null ? null : line.url;
  });
}
