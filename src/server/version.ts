import { readFileSync } from "node:fs";

let known: string | null = null;

/** The version in package.json, two folders up from the sources and from the build alike; read once. */
export function version(): string {
  return (known ??= read());
}

function read(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  const found: unknown = typeof manifest === "object" && manifest !== null ? Reflect.get(manifest, "version") : null;
  return typeof found === "string" ? found : "unknown";
}
