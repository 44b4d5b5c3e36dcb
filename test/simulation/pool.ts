// Seeds over several threads.
// Types are stripped from the sources by WebAssembly, in each of the threads.
import "../../src/v8/wrappers.ts";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Violation } from "./checker.ts";

/** What one thread has to do: to take seeds from what all threads share until none is left; with the bug of that name. */
export type Order = { readonly from: number; readonly shared: Int32Array; readonly bug: string | null };
/** Places of the shared numbers: seeds given out so far, and seeds to play at all; both are counted from `from`. */
export const TAKEN = 0;
export const END = 1;
/** Seeds that a thread takes at a time: few, so that no thread is left with much when the others have ended. */
export const TAKE = 16;
/** Both numbers stay far from the end of 32 bits, also when every thread takes once more in vain. */
const SEEDS_MAX = 2 ** 30;

export type Counts = {
  readonly seeds: number;
  readonly steps: number;
  readonly commits: number;
  readonly operations: number;
  /** How often each operation ended how, such as `redeem ok`. */
  readonly told: ReadonlyMap<string, number>;
};
export type Failed = Violation & { readonly seed: number };
/** A thread's counts so far, and the seed that broke a law, if one did; the thread ends then. */
export type Told = Counts & { readonly violation: Failed | null };

/** `violations` begins with the lowest seed that broke a law. */
export type Simulated = Counts & { readonly violations: readonly Failed[] };

export type Range = {
  readonly from: number;
  readonly seeds: number;
  readonly bug?: string;
  readonly threads?: number;
  /** Ends all threads where they are. */
  readonly signal?: AbortSignal;
};

/** Runs `seeds` histories from `from` on. Once a seed broke a law only lower ones are played, so that the lowest is found. */
export async function simulate(
  range: Range,
  progress: (counts: Counts, violation: Failed | null) => void = () => {},
): Promise<Simulated> {
  const { from, seeds, bug = null, signal } = range;
  if (seeds > SEEDS_MAX) throw new RangeError(`at most ${SEEDS_MAX} seeds are played at once, not ${seeds}`);
  const threads = Math.min(range.threads ?? availableParallelism(), seeds);
  const shared = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  shared[END] = seeds;
  const parts: Told[] = [];
  const all = Array.from({ length: threads }, (_, place) =>
    oneThread({ from, shared, bug }, signal, (told) => {
      parts[place] = told;
      progress(sum(parts), told.violation);
    }),
  );
  const violations = (await Promise.all(all)).filter((violation) => violation !== null);
  return { ...sum(parts), violations: violations.toSorted((a, b) => a.seed - b.seed) };
}

/** What broke which law, and how to see it again. */
export function wordsOfFailed({ seed, threat, law, where }: Failed): string {
  return `seed ${seed} broke \`${threat}\`: ${law} (${where})\n  replay it: node tools/simulate.ts --seed ${seed}`;
}

function oneThread(order: Order, signal: AbortSignal | undefined, tell: (told: Told) => void): Promise<Failed | null> {
  return new Promise((resolve, reject) => {
    // A history's garbage dies young: with more room for it, less of it is copied.
    const resourceLimits = { maxYoungGenerationSizeMb: 64 };
    const worker = new Worker(new URL("worker.ts", import.meta.url), { workerData: order, resourceLimits });
    const end = (): void => void worker.terminate();
    signal?.addEventListener("abort", end, { once: true });
    let violation: Failed | null = null;
    worker.on("message", (told: Told) => {
      violation ??= told.violation;
      tell(told);
    });
    worker.once("error", reject);
    worker.once("exit", () => {
      signal?.removeEventListener("abort", end);
      resolve(violation);
    });
  });
}

function sum(parts: readonly Told[]): Counts {
  const total = { seeds: 0, steps: 0, commits: 0, operations: 0 };
  const told = new Map<string, number>();
  for (const part of parts) {
    if (part === undefined) continue;
    total.seeds += part.seeds;
    total.steps += part.steps;
    total.commits += part.commits;
    total.operations += part.operations;
    for (const [what, times] of part.told) told.set(what, (told.get(what) ?? 0) + times);
  }
  return { ...total, told };
}
