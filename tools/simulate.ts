/**
 * Simulated histories of core, engine and memory store: `node tools/simulate.ts --seeds N [--from S] [--threads T] [--json]`
 * prints progress and any seed that broke a law; `--seed S` replays one with its trace. docs/simulation.md explains.
 */
import { parseArgs } from "node:util";
import { runHistory } from "../test/simulation/history.ts";
import { simulate, wordsOfFailed, type Counts, type Simulated } from "../test/simulation/pool.ts";

const SEEDS_DEFAULT = 10_000;
const PROGRESS_MS = 2000;

/** A whole number from `least` on, or an error that says which option was wrong. */
function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`--${option} is a whole number from ${least} on, not \`${text}\``);
  }
  return value;
}

async function replay(seed: number, json: boolean): Promise<boolean> {
  const lines: string[] = [];
  const { violation, steps, commits, operations } = await runHistory(seed, lines);
  if (json) console.log(JSON.stringify({ seed, violation, steps, commits, operations, trace: lines }));
  else {
    console.log("step     time   what");
    for (const line of lines) console.log(line);
    console.log(violation === null ? `seed ${seed}: no law was broken` : `seed ${seed} broke a law`);
  }
  return violation === null;
}

function rate({ seeds }: Counts, since: number): string {
  return `${Math.round((seeds * 1000) / Math.max(1, performance.now() - since))} seeds/s`;
}

async function many(from: number, seeds: number, threads: number | undefined, json: boolean): Promise<boolean> {
  const since = performance.now();
  let told = since;
  const range = { from, seeds, ...(threads === undefined ? {} : { threads }) };
  const result = await simulate(range, (counts, violation) => {
    if (violation !== null && !json) console.log(wordsOfFailed(violation));
    if (json || performance.now() - told < PROGRESS_MS) return;
    told = performance.now();
    console.log(`${counts.seeds} of ${seeds} seeds, ${rate(counts, since)}`);
  });
  const milliseconds = Math.round(performance.now() - since);
  if (json) console.log(JSON.stringify({ from, ...result, told: Object.fromEntries(result.told), milliseconds }));
  else report(result, from, since);
  return result.violations.length === 0;
}

function report(result: Simulated, from: number, since: number): void {
  const { seeds, operations, commits, steps } = result;
  console.log(
    `${seeds} histories from seed ${from} on, ${rate(result, since)}: ${operations} operations, ${commits} commits, ` +
      `${steps} steps; ${result.violations.length === 0 ? "no law was broken" : "stopped at the seeds above"}`,
  );
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: String(SEEDS_DEFAULT) },
      from: { type: "string", default: "1" },
      seed: { type: "string" },
      threads: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const { seeds, from, seed, threads, json } = values;
  const fine =
    seed === undefined
      ? await many(
          wholeNumber("from", from, 0),
          wholeNumber("seeds", seeds, 1),
          threads === undefined ? undefined : wholeNumber("threads", threads, 1),
          json,
        )
      : await replay(wholeNumber("seed", seed, 0), json);
  process.exitCode = fine ? 0 : 1;
}
