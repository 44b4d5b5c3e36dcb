/** Makes `dist/`, which is what `npm pack` ships: compiled sources, the files that commands copy, and the built console. */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const at = (...parts: readonly string[]): string => join(root, ...parts);

/** The grammar of bash, which `classifiers/shell` looks for beside itself; and whose it is. */
const GRAMMAR = [
  ["tree-sitter-bash.wasm", "tree-sitter-bash.wasm"],
  ["LICENSE", "tree-sitter-bash.LICENSE"],
] as const;

/** Files beside the sources that are read at run time, as they are. */
const COPIED = ["cli/demo/house", "stores/postgres/migrations"];

rmSync(at("dist"), { recursive: true, force: true });
execFileSync(process.execPath, [at("node_modules/typescript/bin/tsc"), "-p", at("tsconfig.build.json")], {
  stdio: "inherit",
});
for (const folder of COPIED) {
  if (existsSync(at("src", folder))) cpSync(at("src", folder), at("dist", folder), { recursive: true });
}
for (const [from, to] of GRAMMAR) cpSync(at("node_modules/tree-sitter-bash", from), at("dist/classifiers/shell", to));
execFileSync(process.execPath, [at("node_modules/vite/bin/vite.js"), "build"], {
  cwd: at("console"),
  stdio: "inherit",
});
cpSync(at("console/dist"), at("dist/console"), { recursive: true });
chmodSync(at("dist/cli/main.js"), 0o755);
