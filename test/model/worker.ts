// A thread that replays traces on an engine with one planted bug, and tells the first difference.
import { parentPort, workerData } from "node:worker_threads";
import { plant, PLANTS } from "../simulation/plants.ts";
import { readTraces } from "./trace.ts";

const { bug } = workerData as { readonly bug: string };
const found = PLANTS.find((one) => one.bug === bug);
if (found === undefined) throw new Error(`no plant is called \`${bug}\``);
plant(found, new URL("../../", import.meta.url).href);
// Loaded only now, so that the planted lines are in what is loaded.
const { replay } = await import("./replay.ts");

let difference: string | null = null;
for (const trace of readTraces().traces) {
  if (trace.mutant !== null) continue;
  difference = await replay(trace);
  if (difference !== null) break;
}
parentPort?.postMessage(difference);
