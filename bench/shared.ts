/** `bench shared`: two servers on one PostgreSQL. */
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import pg from "pg";
import { findPostgres, startPostgres, type Postgres } from "../test/support/postgres.ts";
import { moduleOf } from "./build.ts";
import { askedBytes, load, rate } from "./evaluate.ts";
import type { Options } from "./options.ts";
import { releaseRows } from "./release.ts";
import { atLeast, atMost, many, median, row, type Row } from "./row.ts";
import { furnish, residentMb, scratch, serve, type Child } from "./server.ts";
import { Installation } from "./setup.ts";

/** What was measured and how, for the page. */
export const note: string = `Two \`keyturn serve\` from the built package, each in its own process, on one PostgreSQL of the same machine with its
default durability. Evaluations are those of \`evaluate\`, and go to one of the two; the anchor is one \`insert\` at a time by
bare \`pg\` over one connection. Release: a person decides at one server, the agent is held at the other; with its NOTIFY, and
with every NOTIFY lost, where the other server looks once a second.`;

const CALLERS = [1, 32, 128];
const RELEASES = 150;
/** Each of these waits for up to a second. */
const RELEASES_LOST = 15;

export async function run({ dist, quick, progress }: Options): Promise<readonly Row[]> {
  const bin = findPostgres();
  if (bin === null) throw new Error("PostgreSQL is not installed: install `postgresql`");
  const module: typeof import("../src/stores/postgres/index.ts") = await import(
    pathToFileURL(moduleOf(dist, "stores/postgres/index")).href
  );
  const postgres = await startPostgres(bin, ["max_connections=50"]);
  try {
    await module.migratePostgres({ url: postgres.url() });
    const rows: Row[] = [];
    {
      await using pair = await Pair.open(dist, postgres, "notify");
      progress("evaluations");
      rows.push(...(await evaluateRows(pair, postgres, quick)));
      progress("release");
      rows.push(...(await pair.releases(quick ? 5 : RELEASES, "release across servers", 2)));
      rows.push(row("memory after load", "MB", residentMb(pair.first.pid)));
    }
    await using pair = await Pair.open(dist, postgres, "poll");
    progress("release with every NOTIFY lost");
    rows.push(...(await pair.releases(quick ? 2 : RELEASES_LOST, "release, NOTIFY lost", 1200)));
    return rows;
  } finally {
    await postgres.stop();
  }
}

class Pair implements AsyncDisposable {
  readonly first: Child;
  readonly #second: Child;
  readonly #folder: Disposable;
  readonly #keys: string;

  private constructor(first: Child, second: Child, folder: Disposable, keys: string) {
    this.first = first;
    this.#second = second;
    this.#folder = folder;
    this.#keys = keys;
  }

  /** Two servers with the same keys and rules on a ledger of their own. */
  static async open(dist: string, postgres: Postgres, wake: "notify" | "poll"): Promise<Pair> {
    const folder = scratch();
    const keys = join(folder.path, "keys");
    mkdirSync(keys);
    const children: Child[] = [];
    for (const name of ["one", "two"]) {
      const home = join(folder.path, name);
      mkdirSync(home);
      furnish(home);
      const files = ["permit.pem", "ledger.pem", "operator.token"].map((file) => join(keys, file));
      appendFileSync(
        join(home, "keyturn.yaml"),
        [
          "public_url: http://keyturn.example.com",
          `keys: { permit: ${files[0]}, ledger: ${files[1]}, operator: ${files[2]} }`,
          `store: { postgres: { url: "${postgres.url()}", ledger: bench-${wake}, wake: ${wake} } }`,
          "",
        ].join("\n"),
      );
      children.push(await serve(dist, home));
    }
    const [first, second] = children;
    if (first === undefined || second === undefined) throw new Error("a pair is two");
    return new Pair(first, second, folder, keys);
  }

  get installation(): Installation {
    return new Installation(this.first.port, this.#keys);
  }

  releases(times: number, name: string, goalMs: number): Promise<Row[]> {
    const reviewer = new Installation(this.#second.port, this.#keys);
    return releaseRows(this.installation, times, { reviewer, name, goalMs });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#second[Symbol.asyncDispose]();
    await this.first[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}

async function evaluateRows(pair: Pair, postgres: Postgres, quick: boolean): Promise<Row[]> {
  const asked = await askedBytes(pair.installation);
  const ms = quick ? 300 : 5000;
  await load(pair.first, 16, asked, ms, false);
  const inserts: number[] = [];
  const rows: Row[] = [];
  let best = 0;
  for (const callers of quick ? [1, 8] : CALLERS) {
    inserts.push(await insertMs(postgres, quick ? 50 : 500));
    const kept = await load(pair.first, callers, asked, ms, false);
    const insert = median(inserts);
    const name = `evaluate on PostgreSQL, ${many(callers)}`;
    rows.push(
      row(`${name}: rate`, "1/s", rate(kept), { anchor: { name: "bare insert", value: 1000 / insert } }),
      row(`${name}: p50`, "ms", kept.p50, { anchor: { name: "bare insert", value: insert } }),
      row(`${name}: p99`, "ms", kept.p99, { goal: callers === 128 ? undefined : atMost(20) }),
    );
    best = Math.max(best, rate(kept));
  }
  rows.push(row("evaluate on PostgreSQL, best rate", "1/s", best, { goal: atLeast(5000) }));
  return rows;
}

/** The median of one bare insert after another, in milliseconds. */
async function insertMs(postgres: Postgres, times: number): Promise<number> {
  const client = new pg.Client({ connectionString: postgres.url() });
  await client.connect();
  await client.query("create table if not exists bare (id bigserial primary key, body bytea)");
  const body = Buffer.alloc(2048, 7);
  const samples: number[] = [];
  for (let time = 0; time < times; time += 1) {
    const startedAt = performance.now();
    await client.query({ name: "bare", text: "insert into bare (body) values ($1)", values: [body] });
    samples.push(performance.now() - startedAt);
  }
  await client.end();
  return median(samples);
}
