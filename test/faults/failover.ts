// A primary with a synchronous standby, which is killed again and again: the standby takes its place, and the next one follows it.
import { setTimeout as sleep } from "node:timers/promises";
import { openSession, startPostgres, type Postgres } from "../support/postgres.ts";
import { until } from "../support/process.ts";
import { startProxy, type Proxy } from "../support/proxy.ts";

/** Commits wait for the standby, as an operator sets it who may not lose anything. */
const SETTINGS = ["synchronous_commit=on", "max_connections=50"];
const STANDBY_LIMIT_MS = 30_000;

/** Two servers behind one address, as a virtual address or a proxy of an operator makes it. */
export class Pair implements AsyncDisposable {
  readonly proxy: Proxy;
  primary: Postgres;
  readonly #bin: string;
  #standby: Postgres | null = null;

  private constructor(bin: string, primary: Postgres, proxy: Proxy) {
    this.#bin = bin;
    this.primary = primary;
    this.proxy = proxy;
  }

  /** Starts the primary alone; `follow` gives it a standby. */
  static async open(bin: string): Promise<Pair> {
    const primary = await startPostgres(bin, SETTINGS);
    return new Pair(bin, primary, await startProxy(primary.port));
  }

  /** The address that stays the same. */
  get url(): string {
    return this.primary.url("kt", this.proxy.port);
  }

  /** Copies the primary, and lets its commits wait for the copy from now on. */
  async follow(): Promise<void> {
    this.#standby = await startPostgres(this.#bin, SETTINGS, this.primary.port);
    await this.#reload("set synchronous_standby_names = '*'");
    await until(
      "the standby confirms commits",
      async () => (await this.#ask("select count(*) from pg_stat_replication where sync_state = 'sync'")) === "1",
      STANDBY_LIMIT_MS,
    );
  }

  /** Kills the primary in the middle of what it does, and promotes the standby; answers how long nobody could write. */
  async fail(): Promise<number> {
    const [dead, next] = [this.primary, this.#standby];
    if (next === null) throw new Error("there is no standby to fail over to");
    const startedAt = performance.now();
    await dead.crash("SIGKILL");
    this.proxy.open = false; // nobody may reach both
    this.proxy.reset();
    await dead.stop();
    this.primary = next;
    this.#standby = null;
    await this.#ask("select pg_promote(true, 30)");
    // The copy has the settings of the original; until it has a standby of its own it must not wait for one.
    await this.#reload("reset synchronous_standby_names");
    this.proxy.to = next.port;
    this.proxy.open = true;
    return performance.now() - startedAt;
  }

  async #reload(setting: string): Promise<void> {
    await this.#ask(`alter system ${setting}`);
    await this.#ask("select pg_reload_conf()");
    await sleep(50);
  }

  async #ask(sql: string): Promise<string | undefined> {
    const session = await openSession(this.primary.port);
    try {
      const { code, rows } = await session.ask(sql);
      if (code !== null) throw new Error(`${sql}: ${code}`);
      return rows()[0]?.[0];
    } finally {
      session.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy[Symbol.asyncDispose]();
    await this.#standby?.stop();
    await this.primary.stop();
  }
}
