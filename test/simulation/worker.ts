// One thread of a simulation: runs every so-many-th seed of a range, with or without a planted bug, and tells as it goes.
import { parentPort, workerData } from "node:worker_threads";
import { plant, PLANTS } from "./plants.ts";
import type { Order, Told } from "./pool.ts";

/** Seeds between two words about progress; then the thread listens, too. */
const TELL_EVERY = 250;

const { from, to, step, bug } = workerData as Order;
const found = PLANTS.find((one) => one.bug === bug);
if (bug !== null && found === undefined) throw new Error(`no plant is called \`${bug}\``);
if (found !== undefined) plant(found, new URL("../../", import.meta.url).href);
// Loaded only now, so that the planted lines are in what is loaded.
const { runHistory } = await import("./history.ts");

const tell = (told: Told): void => parentPort?.postMessage(told);
const counts = { seeds: 0, steps: 0, commits: 0, operations: 0 };
for (let seed = from; seed < to; seed += step) {
  const { violation, steps, commits, operations } = await runHistory(seed);
  counts.seeds += 1;
  counts.steps += steps;
  counts.commits += commits;
  counts.operations += operations;
  if (violation !== null) {
    tell({ ...counts, violation: { seed, ...violation } });
    break;
  }
  if (counts.seeds % TELL_EVERY === 0) {
    tell({ ...counts, violation: null });
    await new Promise((resolve) => setImmediate(resolve));
  }
}
tell({ ...counts, violation: null });
