import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../../src/server/config.ts";
import { migratePostgres } from "../../src/stores/postgres/index.ts";
import { House, type HouseOptions } from "./house.ts";
import { findPostgres, openSession, startPostgres, type Postgres } from "./postgres.ts";
import { until } from "./process.ts";
import { startRoundRobin, type RoundRobin } from "./round-robin.ts";
import { RuleFiles } from "./rules.ts";

const bin = findPostgres();
/** Why tests with PostgreSQL are left out here; false where they run. CI has it. */
export const skip: string | false =
  bin === null && process.env["CI"] === undefined ? "PostgreSQL is not installed: install `postgresql`" : false;

/** A PostgreSQL with the schema, and a role for servers. */
export async function startDatabase(settings: readonly string[] = ["fsync=off"]): Promise<Postgres> {
  assert.ok(bin !== null, "CI needs PostgreSQL: install `postgresql`");
  const postgres = await startPostgres(bin, settings);
  const session = await openSession(postgres.port);
  await session.ask("create role app login");
  session.close();
  await migratePostgres({ url: postgres.url(), role: "app" });
  return postgres;
}

export type InstancesOptions = HouseOptions & {
  readonly url: string;
  readonly count?: number;
  readonly ledger?: undefined;
  readonly ledgerName?: string;
  readonly wake?: "notify" | "poll";
};

/** Several servers in this process on one ledger, each with a data directory of its own, behind a load balancer. */
export class Instances implements AsyncDisposable {
  readonly houses: House[];
  readonly files: RuleFiles;
  readonly proxy: RoundRobin;
  /** All of them, as somebody sees them who comes through the load balancer. */
  readonly house: House;
  readonly #open: (at: number) => Promise<House>;

  private constructor(
    houses: House[],
    files: RuleFiles,
    proxy: RoundRobin,
    house: House,
    open: (at: number) => Promise<House>,
  ) {
    this.houses = houses;
    this.files = files;
    this.proxy = proxy;
    this.house = house;
    this.#open = open;
  }

  static async open({ url, count = 3, ledgerName, wake = "notify", ...options }: InstancesOptions): Promise<Instances> {
    const files = new RuleFiles(options);
    const proxy = await startRoundRobin();
    const ledger = ledgerName ?? randomUUID();
    const key = (name: string): string => join(files.dir, "keys", name);
    mkdirSync(join(files.dir, "keys"));
    const open = (at: number): Promise<House> => {
      const settings: Partial<Config> = {
        data: join(files.dir, `data-${at}`),
        store: { url, ledger, wake },
        keys: { permit: key("permit.pem"), ledger: key("ledger.pem"), operator: key("operator.token") },
        ...options.settings,
      };
      return House.over(files, { ...options, publicUrl: options.publicUrl ?? proxy.url, settings });
    };
    const houses: House[] = [];
    try {
      houses.push(await open(0));
      houses.push(...(await Promise.all(Array.from({ length: count - 1 }, (_, at) => open(at + 1)))));
    } catch (error) {
      await proxy[Symbol.asyncDispose]();
      for (const house of houses) await house[Symbol.asyncDispose]();
      throw error;
    }
    proxy.targets = houses.map((house) => house.url);
    const house = (houses[0] as House).behind(proxy.url, () => agree(houses));
    return new Instances(houses, files, proxy, house, open);
  }

  one(at: number): House {
    const house = this.houses[at];
    assert.ok(house !== undefined);
    return house;
  }

  /** Ends one cleanly and starts it anew, as a rolling upgrade does. */
  async restart(at: number): Promise<void> {
    await this.one(at).stop();
    const house = await this.#open(at);
    this.houses[at] = house;
    this.proxy.targets = this.houses.map(({ url }) => url);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy[Symbol.asyncDispose]();
    await Promise.all(this.houses.map((house) => house[Symbol.asyncDispose]()));
  }
}

/** Resolves when all go by the same rules. */
async function agree(houses: readonly House[]): Promise<void> {
  await until(
    "all instances go by the same rules",
    () => new Set(houses.map(({ rulesDigest }) => rulesDigest)).size === 1,
  );
}
