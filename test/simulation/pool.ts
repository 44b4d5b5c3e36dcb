// Seeds over several threads.
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Violation } from "./checker.ts";

/** What one thread has to do: seeds from `from`, each `step` further, below `to`; with the bug of that name. */
export type Order = { readonly from: number; readonly to: number; readonly step: number; readonly bug: string | null };
export type Counts = {
  readonly seeds: number;
  readonly steps: number;
  readonly commits: number;
  readonly operations: number;
};
export type Failed = Violation & { readonly seed: number };
/** A thread's counts so far, and the seed that broke a law, if one did; the thread ends then. */
export type Told = Counts & { readonly violation: Failed | null };

export type Simulated = Counts & { readonly violations: readonly Failed[] };

/** Runs `seeds` histories from `from` on; a thread stops at the first seed that breaks a law. */
export async function simulate(
  range: { readonly from: number; readonly seeds: number; readonly bug?: string; readonly threads?: number },
  progress: (counts: Counts, violation: Failed | null) => void = () => {},
): Promise<Simulated> {
  const threads = Math.min(range.threads ?? availableParallelism(), range.seeds);
  const parts: Told[] = [];
  const all = Array.from({ length: threads }, (_, place) => {
    const order: Order = {
      from: range.from + place,
      to: range.from + range.seeds,
      step: threads,
      bug: range.bug ?? null,
    };
    return oneThread(order, (told) => {
      parts[place] = told;
      progress(sum(parts), told.violation);
    });
  });
  const violations = (await Promise.all(all)).filter((violation) => violation !== null);
  return { ...sum(parts), violations: violations.toSorted((a, b) => a.seed - b.seed) };
}

function oneThread(order: Order, tell: (told: Told) => void): Promise<Failed | null> {
  return new Promise((resolve, reject) => {
    // A history's garbage dies young: with more room for it, less of it is copied.
    const resourceLimits = { maxYoungGenerationSizeMb: 64 };
    const worker = new Worker(new URL("worker.ts", import.meta.url), { workerData: order, resourceLimits });
    let violation: Failed | null = null;
    worker.on("message", (told: Told) => {
      violation ??= told.violation;
      tell(told);
    });
    worker.once("error", reject);
    worker.once("exit", () => resolve(violation));
  });
}

function sum(parts: readonly Told[]): Counts {
  const total = { seeds: 0, steps: 0, commits: 0, operations: 0 };
  for (const part of parts) {
    if (part === undefined) continue;
    total.seeds += part.seeds;
    total.steps += part.steps;
    total.commits += part.commits;
    total.operations += part.operations;
  }
  return total;
}
