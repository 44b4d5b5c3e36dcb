import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));

/** The built package, made anew where the sources are newer: stripped types on the fly are not what users run. */
export function build(progress: (doing: string) => void): string {
  const dist = join(root, "dist");
  const entry = join(dist, "cli/main.js");
  if (!existsSync(entry) || newest(join(root, "src")) > newest(dist)) {
    progress("building dist");
    execFileSync(process.execPath, [join(root, "tools/build.ts")], { stdio: ["ignore", "ignore", "inherit"] });
  }
  return dist;
}

/** A module of the build, or of the sources where those are measured: types are then stripped on the fly. */
export function moduleOf(dist: string, name: string): string {
  const built = join(dist, `${name}.js`);
  return existsSync(built) ? built : join(dist, `${name}.ts`);
}

function newest(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Math.max(...files.map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs));
}
