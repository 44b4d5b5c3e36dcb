import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

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

/** The folder of @sigstore/verify, which is installed with our other development dependencies. */
export const SIGSTORE: string = dirname(fileURLToPath(import.meta.resolve("@sigstore/verify/package.json")));

/** In CI a verifier that is not there is a failure: else nobody would notice that nothing was verified. */
function missing(what: string): string {
  const sentence = `a foreign verifier is missing: ${what}`;
  if ((process.env["CI"] ?? "") !== "") throw new Error(sentence);
  return sentence;
}
