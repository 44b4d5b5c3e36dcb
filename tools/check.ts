/** Everything that can be checked without running the product: types, lint, format, house rules, dead code. One line each. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));

const CHECKS: readonly (readonly [what: string, command: string, ...args: string[]])[] = [
  ["core is pure", "tsc", "-p", "src/core"],
  ["types", "tsc", "-p", "."],
  ["types of the package", "tsc", "-p", "tsconfig.build.json", "--noEmit"],
  ["types of the console", "tsc", "-p", "console"],
  ["lint", "oxlint", "--type-aware", "--deny-warnings", "src", "test", "bench", "tools", "examples", "console/src"],
  ["format", "oxfmt", "--check", "src", "test", "bench", "tools", "examples", "console/src"],
  ["house rules", "node", "tools/tidy.ts"],
  ["threats", "node", "tools/threats.ts"],
  ["nothing unused", "knip"],
];

let failed = 0;
for (const [what, command, ...args] of CHECKS) {
  const started = performance.now();
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, FORCE_COLOR: "0" },
  });
  const ok = status === 0;
  if (!ok) failed += 1;
  process.stdout.write(
    `${ok ? "ok    " : "FAILED"}  ${what} (${((performance.now() - started) / 1000).toFixed(1)} s)\n`,
  );
  if (!ok) process.stdout.write(`${stdout}${stderr}${error?.message ?? ""}\n`);
}
process.exitCode = failed === 0 ? 0 : 1;
