import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../support/process.ts";

/** Why a foreign verifier cannot be had here; null when it is there. In CI nothing may be missing. */
export type Missing = string | null;

export type Ran = { readonly code: number | null; readonly out: string; readonly err: string };

/** Runs a program to its end with this input. */
export function ran(
  program: string,
  args: readonly string[],
  input: string | Uint8Array = "",
  env: NodeJS.ProcessEnv = {},
): Ran {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    input,
    encoding: "utf8",
    timeout: 100_000,
    env: { ...process.env, ...env },
  });
  return {
    code: error === undefined ? status : null,
    out: stdout ?? "",
    err: `${stderr ?? ""}${error?.message ?? ""}`,
  };
}

/** Sees to it that files are there which Debian packages bring; installs them where this process may. */
export function debian(files: readonly string[], packages: readonly string[]): Missing {
  const there = (): boolean => files.every((file) => existsSync(file));
  if (there()) return null;
  const wanted = packages.join(" ");
  if (process.getuid?.() !== 0) return missing(`apt-get install ${wanted} (this process is not root, so it cannot)`);
  const apt = (...args: string[]): Ran =>
    ran("apt-get", ["-y", "-q", ...args], "", { DEBIAN_FRONTEND: "noninteractive" });
  const install = ["install", "--no-install-recommends", ...packages];
  if (apt(...install).code !== 0) {
    apt("update");
    const { code, err } = apt(...install);
    if (code !== 0) return missing(`apt-get install ${wanted} (it failed: ${err.trim().split("\n").at(-1) ?? ""})`);
  }
  return there() ? null : missing(`${files.join(", ")}, which ${wanted} did not bring`);
}

/** A package of npm: the one that is installed with the others, or a copy in a folder of its own. */
export function npm(
  name: string,
  version: string,
): { readonly folder: string; readonly missing: Missing } & Disposable {
  const own = join(ROOT, "node_modules", name);
  if (existsSync(own)) return { folder: own, missing: null, [Symbol.dispose]: () => {} };
  const dir = mkdtempSync(join(tmpdir(), "keyturn-peer-"));
  const remove = (): void => rmSync(dir, { recursive: true, force: true });
  try {
    const args = ["install", "--prefix", dir, "--no-audit", "--no-fund", "--ignore-scripts", `${name}@${version}`];
    execFileSync("npm", args, { stdio: "ignore", timeout: 90_000, cwd: dir });
    return { folder: join(dir, "node_modules", name), missing: null, [Symbol.dispose]: remove };
  } catch (error) {
    remove();
    const why = missing(`npm install ${name}@${version} (${error instanceof Error ? error.message : ""})`);
    return { folder: "", missing: why, [Symbol.dispose]: () => {} };
  }
}

/** In CI a verifier that is not there is a failure: else nobody would notice that nothing was verified. */
function missing(what: string): string {
  const sentence = `a foreign verifier is missing: ${what}`;
  if ((process.env["CI"] ?? "") !== "") throw new Error(sentence);
  return sentence;
}
