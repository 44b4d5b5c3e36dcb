/**
 * The long forms of `test/faults`: `node tools/faults.ts kill [--store sqlite|postgres] [--rounds 200] [--writers 64]` kills
 * real servers under load, `node tools/faults.ts failover [--times 20] [--writers 64]` a PostgreSQL with a standby. Prints
 * one line of JSON for each at the end; the exit code is 1 where a promise was broken. KEYTURN_SEED repeats a run.
 */
import { parseArgs } from "node:util";
import { Dice } from "../test/crash/dice.ts";
import { failovers } from "../test/faults/failovers.ts";
import { kills } from "../test/faults/kills.ts";
import { findPostgres, startPostgres } from "../test/support/postgres.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    store: { type: "string" },
    rounds: { type: "string", default: "200" },
    times: { type: "string", default: "20" },
    writers: { type: "string", default: "64" },
  },
});

function wholeNumber(option: "rounds" | "times" | "writers"): number {
  const value = Number(values[option]);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new RangeError(`--${option} is a whole number from 1 on, not \`${values[option]}\``);
}

function binaries(): string {
  const bin = findPostgres();
  if (bin === null) throw new Error("PostgreSQL is not installed: install `postgresql`");
  return bin;
}

async function kill(store: "sqlite" | "postgres"): Promise<boolean> {
  const dice = new Dice();
  const postgres = store === "postgres" ? await startPostgres(binaries(), []) : undefined;
  try {
    const options = { store, rounds: wholeNumber("rounds"), writers: wholeNumber("writers"), dice, progress };
    const result = await kills(postgres === undefined ? options : { ...options, postgres });
    console.log(JSON.stringify({ fault: "kill", store, seed: dice.seed, ...result }));
    return result.broken.length === 0;
  } finally {
    await postgres?.stop();
  }
}

async function failover(): Promise<boolean> {
  const result = await failovers(binaries(), wholeNumber("times"), wholeNumber("writers"), progress);
  console.log(JSON.stringify({ fault: "failover", ...result }));
  return true;
}

function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

const [fault] = positionals;
const { store } = values;
if (fault === "kill" && (store === undefined || store === "sqlite" || store === "postgres")) {
  const kept: boolean[] = [];
  const stores: readonly ("sqlite" | "postgres")[] = store === undefined ? ["sqlite", "postgres"] : [store];
  for (const each of stores) kept.push(await kill(each));
  if (kept.includes(false)) process.exitCode = 1;
} else if (fault === "failover") {
  await failover();
} else {
  console.error(
    "node tools/faults.ts kill [--store sqlite|postgres] [--rounds N] [--writers N]\nnode tools/faults.ts failover [--times N] [--writers N]",
  );
  process.exitCode = 2;
}
