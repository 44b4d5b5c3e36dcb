/** One verification in a process of its own, so that its memory is its own: forked by `ledger.ts` with a spec. */
import { pathToFileURL } from "node:url";
import type { Folder } from "../src/verify/index.ts";
import { moduleOf } from "./build.ts";
import { madeFolder } from "./history.ts";

/** What is to be verified: a published folder, with or without its payloads, or made-up headers that are never on disk. */
export type VerifySpec = {
  readonly dist: string;
  readonly checkpoint: string;
  readonly vkey: string;
  /** A folder, with its payloads or without, or so many headers that are made up. */
  readonly from: { readonly folder: string; readonly payloads: boolean } | { readonly made: number };
};

/** How it went: processor and wall-clock seconds of the verification alone, and the most memory it ever had. */
export type VerifyResult = {
  readonly passed: boolean;
  readonly entries: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly rssMb: number;
};

process.once("message", (spec: VerifySpec) => {
  void verify(spec).then((result) => process.send?.(result, () => process.disconnect()));
});

async function verify({ dist, checkpoint, vkey, from }: VerifySpec): Promise<VerifyResult> {
  const module: typeof import("../src/verify/index.ts") = await load(dist, "verify/index");
  const folder = "made" in from ? madeFolder(from.made) : await filesOf(dist, from.folder, from.payloads);
  const entries = module.readFolder(folder, Number(checkpoint.split("\n")[1]));
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  const { passed, counts } = await module.verifyLedger({ checkpoint, vkey, entries });
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const rssMb = process.resourceUsage().maxRSS / 1024;
  return { passed, entries: counts.entries, seconds, cpuSeconds: (user + system) / 1e6, rssMb };
}

/** As `keyturn verify --dir` reads it. */
async function filesOf(dist: string, folder: string, payloads: boolean): Promise<Folder> {
  const module: typeof import("../src/cli/verify/files.ts") = await load(dist, "cli/verify/files");
  const all = module.filesOf(folder);
  return async (path) => (!payloads && path.startsWith("payloads/") ? null : all(path));
}

async function load<T>(dist: string, name: string): Promise<T> {
  return (await import(pathToFileURL(moduleOf(dist, name)).href)) as T;
}
