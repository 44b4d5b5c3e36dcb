// Failovers under load, and what must be left of everything that was acknowledged.
import { randomUUID } from "node:crypto";
import assert from "node:assert/strict";
import { migratePostgres, openPostgres } from "../../src/stores/postgres/index.ts";
import { appendFor, assertLedger } from "../contract/store/acks.ts";
import { until } from "../support/process.ts";
import { Pair } from "./failover.ts";

/** What came of it. */
export type Failovers = {
  readonly failovers: number;
  readonly acknowledged: number;
  /** Milliseconds without a server, for each. */
  readonly awayMs: readonly number[];
};

const BETWEEN = 100;

/** Appends from `callers` while the primary is killed `times`: nothing acknowledged is lost, nothing happens twice. */
export async function failovers(
  bin: string,
  times: number,
  callers: number,
  progress: (line: string) => void,
): Promise<Failovers> {
  await using pair = await Pair.open(bin);
  await migratePostgres({ url: pair.url });
  await using store = await openPostgres({ url: pair.url, ledger: randomUUID(), patienceMs: 60_000 });
  const { acks, finish } = appendFor(store, callers);
  const awayMs: number[] = [];
  for (let time = 0; time < times; time += 1) {
    await pair.follow();
    const before = acks.size;
    await until(`${BETWEEN} more are acknowledged`, () => acks.size >= before + BETWEEN, 60_000);
    awayMs.push(await pair.fail());
    const after = acks.size;
    await until("the next server acknowledges", () => acks.size > after, 60_000);
    progress(`failover ${time + 1} of ${times}: ${acks.size} acknowledged, ${Math.round(awayMs.at(-1) ?? 0)} ms away`);
  }
  assert.deepEqual(await finish(), []);
  await assertLedger(store, acks, acks.size);
  return { failovers: times, acknowledged: acks.size, awayMs };
}
