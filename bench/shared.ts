/** `bench shared`: two servers on one PostgreSQL. */
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import pg from "pg";
import { findPostgres, startPostgres, type Postgres } from "../test/support/postgres.ts";
import { moduleOf } from "./build.ts";
import { BETWEEN, bestRows, type Pace } from "./best.ts";
import { askedBytes, load, rate } from "./evaluate.ts";
import type { Options } from "./options.ts";
import { bareReleases, releaseRows, type ReleaseOptions } from "./release.ts";
import { many, median, row, type Row } from "./row.ts";
import { furnish, residentMb, scratch, serve, type Child } from "./server.ts";
import { Installation } from "./setup.ts";

const CALLERS = [1, 32, 128];
const RELEASES = 300;
/** They come first and are not counted, as with evaluations: servers that have run for a while, not ones that have just begun. */
const RELEASES_WARM = 300;
/** Each of these waits for up to a second. */
const RELEASES_LOST = 15;

/** What was measured and how, for the page. */
export const note: string = `\`keyturn serve\` from the built package, each in a process of its own, on one PostgreSQL of the same machine with its
default durability. Evaluations are those of \`evaluate\`: once with one server, which is the rate of an instance, once with a
second beside it that answers nothing and follows what the first writes; for the best rates ${BETWEEN.join(", ")} callers are
measured too. The anchor is one \`insert\` at a time by bare \`pg\` over one connection. Database, servers and load generator
share the machine. Release: a person decides at one server, the agent is held at the other; with its NOTIFY, after
${RELEASES_WARM} of each kind that are not counted, and with every NOTIFY lost, where the other server looks once a second. Its
anchor is the same way without Keyturn, just before: a bare node:http that inserts one row and tells of it in one statement,
and another one that answers who waits when it hears.`;

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
      await using alone = await Servers.open(dist, postgres, { ledger: "alone", servers: 1 });
      progress("evaluations, one server");
      rows.push(...(await instanceRows(alone, postgres, quick)));
      rows.push(row("memory after load", "MB", residentMb(alone.first.pid)));
    }
    {
      await using pair = await Servers.open(dist, postgres, { ledger: "pair", servers: 2 });
      progress("evaluations, a second server beside it");
      rows.push(...(await besideRows(pair, quick)));
      progress("release");
      const bare = await bareReleases(postgres.url(), quick ? 5 : RELEASES);
      rows.push(
        ...(await pair.releases(quick ? 5 : RELEASES, {
          name: "release across servers",
          goalMs: 2,
          warm: quick ? 0 : RELEASES_WARM,
          anchor: { name: "bare release", value: median(bare) },
        })),
      );
    }
    await using pair = await Servers.open(dist, postgres, { ledger: "poll", servers: 2, wake: "poll" });
    progress("release with every NOTIFY lost");
    rows.push(...(await pair.releases(quick ? 2 : RELEASES_LOST, { name: "release, NOTIFY lost", goalMs: 1200 })));
    return rows;
  } finally {
    await postgres.stop();
  }
}

type Setup = { readonly ledger: string; readonly servers: number; readonly wake?: "notify" | "poll" };

class Servers implements AsyncDisposable {
  readonly first: Child;
  readonly #last: Child;
  readonly #children: readonly Child[];
  readonly #folder: Disposable;
  readonly #keys: string;

  private constructor(children: readonly Child[], folder: Disposable, keys: string) {
    const [first, last] = [children[0], children.at(-1)];
    if (first === undefined || last === undefined) throw new Error("there is no server");
    this.first = first;
    this.#last = last;
    this.#children = children;
    this.#folder = folder;
    this.#keys = keys;
  }

  /** Servers with the same keys and rules on a ledger of their own. */
  static async open(dist: string, postgres: Postgres, { ledger, servers, wake = "notify" }: Setup): Promise<Servers> {
    const folder = scratch();
    const keys = join(folder.path, "keys");
    mkdirSync(keys);
    const files = ["permit.pem", "ledger.pem", "operator.token"].map((file) => join(keys, file));
    const children: Child[] = [];
    for (let at = 0; at < servers; at += 1) {
      const home = join(folder.path, `${at}`);
      mkdirSync(home);
      furnish(home);
      appendFileSync(
        join(home, "keyturn.yaml"),
        [
          "public_url: http://keyturn.example.com",
          `keys: { permit: ${files[0]}, ledger: ${files[1]}, operator: ${files[2]} }`,
          `store: { postgres: { url: "${postgres.url()}", ledger: ${ledger}, wake: ${wake} } }`,
          "",
        ].join("\n"),
      );
      children.push(await serve(dist, home));
    }
    return new Servers(children, folder, keys);
  }

  get installation(): Installation {
    return new Installation(this.first.port, this.#keys);
  }

  /** The person decides at the last server, the agent waits at the first. */
  releases(times: number, options: ReleaseOptions): Promise<Row[]> {
    const reviewer = new Installation(this.#last.port, this.#keys);
    return releaseRows(this.installation, times, { ...options, reviewer });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children.toReversed()) await child[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}

async function instanceRows(servers: Servers, postgres: Postgres, quick: boolean): Promise<Row[]> {
  const asked = await askedBytes(servers.installation);
  const ms = quick ? 300 : 5000;
  await load(servers.first, quick ? 16 : 64, asked, ms, false);
  const inserts: number[] = [];
  const paces: Pace[] = [];
  const rows: Row[] = [];
  for (const callers of quick ? [1, 8] : CALLERS) {
    inserts.push(await insertMs(postgres, quick ? 50 : 500));
    const kept = await load(servers.first, callers, asked, ms, false);
    const insert = median(inserts);
    const name = `evaluate on PostgreSQL, ${many(callers)}`;
    rows.push(
      row(`${name}: rate`, "1/s", rate(kept), { anchor: { name: "bare insert", value: 1000 / insert } }),
      row(`${name}: p50`, "ms", kept.p50, { anchor: { name: "bare insert", value: insert } }),
      row(`${name}: p99`, "ms", kept.p99),
    );
    paces.push({ rate: rate(kept), p99: kept.p99 });
  }
  for (const callers of quick ? [] : BETWEEN) {
    const kept = await load(servers.first, callers, asked, ms / 2, false);
    paces.push({ rate: rate(kept), p99: kept.p99 });
  }
  rows.push(...bestRows("evaluate on PostgreSQL", paces, { name: "bare insert", value: 1000 / median(inserts) }));
  return rows;
}

async function besideRows(servers: Servers, quick: boolean): Promise<Row[]> {
  const asked = await askedBytes(servers.installation);
  const ms = quick ? 300 : 5000;
  const callers = quick ? 8 : 128;
  await load(servers.first, callers, asked, ms / 2, false);
  const kept = await load(servers.first, callers, asked, ms, false);
  const name = `evaluate on PostgreSQL, a second server beside it, ${many(callers)}`;
  return [row(`${name}: rate`, "1/s", rate(kept)), row(`${name}: p99`, "ms", kept.p99)];
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
