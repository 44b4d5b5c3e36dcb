// One thread of a simulation: plays seeds as long as there are any, with or without a planted bug, and tells as it goes.
import { parentPort, workerData } from "node:worker_threads";
import { plant, PLANTS } from "./plants.ts";
import { END, TAKE, TAKEN, type Order, type Told } from "./pool.ts";

/** Seeds between two words about progress; then the thread's event loop turns, which nothing else makes it do. */
const TELL_EVERY = 256;

const { from, shared, bug } = workerData as Order;
const found = PLANTS.find((one) => one.bug === bug);
if (bug !== null && found === undefined) throw new Error(`no plant is called \`${bug}\``);
if (found !== undefined) plant(found, new URL("../../", import.meta.url).href);
// Loaded only now, so that the planted lines are in what is loaded.
const { runHistory } = await import("./history.ts");

// Faults are thrown by the thousand here, and where each came from is read only when its seed is replayed.
Error.stackTraceLimit = 0;

const told = new Map<string, number>();
const counts = { seeds: 0, steps: 0, commits: 0, operations: 0, told };
const tell = (violation: Told["violation"]): void => parentPort?.postMessage({ ...counts, violation } satisfies Told);

/** Nothing from this seed on is played any more; what is below it is. */
function endAt(place: number): void {
  for (let end = Atomics.load(shared, END); place < end;) {
    const seen = Atomics.compareExchange(shared, END, end, place);
    if (seen === end) return;
    end = seen;
  }
}

/** Plays one seed; false when it broke a law. */
async function play(place: number): Promise<boolean> {
  const seed = from + place;
  const outcome = await runHistory(seed);
  counts.seeds += 1;
  counts.steps += outcome.steps;
  counts.commits += outcome.commits;
  counts.operations += outcome.operations;
  for (const [what, times] of outcome.told) told.set(what, (told.get(what) ?? 0) + times);
  if (outcome.violation !== null) {
    endAt(place);
    tell({ seed, ...outcome.violation });
    return false;
  }
  if (counts.seeds % TELL_EVERY === 0) {
    tell(null);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return true;
}

/** Plays what it takes, until there is nothing to take or a law is broken: then all seeds left are higher. */
async function work(): Promise<void> {
  for (;;) {
    const first = Atomics.add(shared, TAKEN, TAKE);
    for (let place = first; place < first + TAKE; place++) {
      if (place >= Atomics.load(shared, END)) return;
      if (!(await play(place))) return;
    }
  }
}

await work();
tell(null);
