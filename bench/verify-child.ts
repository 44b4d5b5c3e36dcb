/** One verification in a process of its own, so that its memory is its own: forked by `ledger.ts` with a spec. */
import { pathToFileURL } from "node:url";
import { moduleOf } from "./build.ts";
import { checkpointOf, headers } from "./history.ts";

/** What is to be verified: a published folder, with or without its payloads, or made-up headers that are never on disk. */
export type VerifySpec = {
  readonly dist: string;
  readonly from:
    | { readonly folder: string; readonly payloads: boolean; readonly checkpoint: string; readonly vkey: string }
    | { readonly made: number };
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

async function verify({ dist, from }: VerifySpec): Promise<VerifyResult> {
  const module: typeof import("../src/verify/index.ts") = await import(
    pathToFileURL(moduleOf(dist, "verify/index")).href
  );
  const evidence =
    "made" in from ? { ...checkpointOf(from.made), entries: headers(from.made) } : await folderOf(dist, module, from);
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  const { passed, counts } = await module.verifyLedger(evidence);
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const rssMb = process.resourceUsage().maxRSS / 1024;
  return { passed, entries: counts.entries, seconds, cpuSeconds: (user + system) / 1e6, rssMb };
}

type Module = typeof import("../src/verify/index.ts");
type FolderSpec = Extract<VerifySpec["from"], { readonly folder: string }>;

/** As `keyturn verify --dir` reads it. */
async function folderOf(
  dist: string,
  module: Module,
  spec: FolderSpec,
): Promise<Parameters<Module["verifyLedger"]>[0]> {
  const { folder, payloads, checkpoint, vkey } = spec;
  const files: typeof import("../src/cli/verify/files.ts") = await import(
    pathToFileURL(moduleOf(dist, "cli/verify/files")).href
  );
  const all = files.filesOf(folder);
  const read: typeof all = async (path) => (!payloads && path.startsWith("payloads/") ? null : all(path));
  return { checkpoint, vkey, entries: module.readFolder(read, Number(checkpoint.split("\n")[1])) };
}
