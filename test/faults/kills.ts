// Servers that are killed again and again under a storm: `tools/faults.ts` does it for long, a test for a moment.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Dice } from "../crash/dice.ts";
import type { Postgres } from "../support/postgres.ts";
import { account } from "./accounting.ts";
import { Fleet, type FleetStore } from "./fleet.ts";
import { Storm } from "./storm.ts";

export type KillOptions = {
  readonly store: "sqlite" | "postgres";
  /** The database of `postgres`, which is killed as well, now and then. */
  readonly postgres?: Postgres;
  readonly rounds: number;
  readonly writers: number;
  readonly dice: Dice;
  readonly progress: (line: string) => void;
};

/** What came of it; `broken` is empty when every promise was kept. */
export type Killed = {
  readonly rounds: number;
  readonly acknowledged: number;
  readonly redeemed: number;
  readonly refusedLate: number;
  readonly broken: readonly string[];
};

/** Servers on one database; the embedded file has one. */
const INSTANCES = 2;
const APPROVED_FOR_SECONDS = 2;
/** One start in so many is killed before the server is ready. */
const EARLY_ONE_IN = 6;
/** One round in so many kills the database instead. */
const DATABASE_ONE_IN = 5;

/** Kills a server in every round, and holds the ledger against what writers were told. */
export async function kills(options: KillOptions): Promise<Killed> {
  const { store, postgres, rounds, writers, dice, progress } = options;
  assert.equal(postgres === undefined, store === "sqlite");
  const on: FleetStore = postgres === undefined ? { kind: "sqlite" } : { kind: "postgres", url: postgres.url() };
  const instances = store === "sqlite" ? 1 : INSTANCES;
  await using fleet = await Fleet.open({ store: on, instances, writers, approvedForSeconds: APPROVED_FOR_SECONDS });
  const vkey = (await fleet.served(0).operator.get("/v1/ledger/vkey")).text.trim();
  const session = (await fleet.served(0).person("ann")).token ?? "";
  const tokens = await fleet.tokens(writers);
  const storm = new Storm({ fleet, tokens, session, approvedForMs: APPROVED_FOR_SECONDS * 1000, dice });
  for (let round = 0; round < rounds; round += 1) {
    await sleep(dice.between(100, 900));
    if (postgres !== undefined && dice.between(0, DATABASE_ONE_IN) === 0) {
      await postgres.crash("SIGKILL");
      await postgres.start();
    } else {
      const at = dice.between(0, instances);
      await fleet.kill(at);
      if (dice.between(0, EARLY_ONE_IN) === 0) {
        const early = fleet.launch(at);
        await sleep(dice.between(0, 900));
        early.signal("SIGKILL");
        await early.ended;
      }
      await fleet.start(at);
    }
    progress(`${store} round ${round + 1} of ${rounds}: ${storm.acknowledged} acknowledged`);
    if (storm.broken.length > 0) break;
  }
  await storm.end();
  const broken = [...storm.broken, ...(await account(fleet, storm.promised))];
  const { url, operator } = fleet.served(0);
  const verify = ["verify", "--json", "--url", url, "--vkey", vkey];
  const { code, out, err } = await fleet.home.keyturn(verify, { KEYTURN_TOKEN: operator.token ?? "" });
  if (code !== 0) broken.push(`keyturn verify: ${out}${err}`);
  const { redeemed, refusedLate } = storm.promised;
  return { rounds, acknowledged: storm.acknowledged, redeemed: redeemed.size, refusedLate: refusedLate.size, broken };
}
