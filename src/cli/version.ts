import { readFileSync } from "node:fs";
import { GENERAL, readArguments } from "./arguments.ts";
import { EXIT } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

export const help = `keyturn version: print the version

Options
  --json   {"keyturn", "node", "platform"}
`;

/** Prints the versions of Keyturn and of the Node under it. */
export function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = readArguments(args, GENERAL, []);
  const versions = { keyturn: version(), node: process.versions.node, platform: `${process.platform}-${process.arch}` };
  terminal.out(
    values.json === true
      ? `${JSON.stringify(versions)}\n`
      : `keyturn ${versions.keyturn} (Node ${versions.node}, ${versions.platform})\n`,
  );
  return Promise.resolve(EXIT.ok);
}

/** The version in package.json, two folders up from the sources and from the build alike. */
export function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  const found: unknown = typeof manifest === "object" && manifest !== null ? Reflect.get(manifest, "version") : null;
  return typeof found === "string" ? found : "unknown";
}
