import { randomBytes } from "node:crypto";
import { pathToFileURL } from "node:url";
import pg from "pg";
import type { StreamName } from "../src/core/brand.ts";
import type { Append } from "../src/ports/store.ts";
import { findPostgres, startPostgres } from "../test/support/postgres.ts";
import { moduleOf } from "./build.ts";
import type { Options } from "./options.ts";
import { many, percentile, row, type Row } from "./row.ts";

/** What was measured and how, for the page. */
export const note: string = `Appends to the PostgreSQL store, one instance, against a PostgreSQL of its own on the same
machine with its default durability (\`fsync\` and \`synchronous_commit\` on). An append is one entry with a payload of
1.8 kB; its columns with a tree hash, a version check, a head and a batch note come on top of the anchor's one row. The
anchor is one \`insert\` of the same bytes per transaction with bare \`pg\`, from the same number of callers, each with a
connection of its own up to 16, in the same run.`;

const CALLERS = [1, 16, 128];
const CONNECTIONS_MAX = 16;

/** Appends a second and p50 at 1, 16 and 128 callers, beside bare inserts. */
export async function run({ dist, quick, progress }: Options): Promise<readonly Row[]> {
  const bin = findPostgres();
  if (bin === null) throw new Error("PostgreSQL is not installed: install `postgresql`");
  const module: typeof import("../src/stores/postgres/index.ts") = await import(
    pathToFileURL(moduleOf(dist, "stores/postgres/index")).href
  );
  const postgres = await startPostgres(bin, ["max_connections=50"]);
  try {
    const url = postgres.url();
    await module.migratePostgres({ url });
    await using store = await module.openPostgres({ url, ledger: "bench" });
    const bare = new pg.Pool({ connectionString: url, max: CONNECTIONS_MAX });
    bare.on("error", () => {}); // its sessions end with the server
    await bare.query(
      "create table bare (id bigserial primary key, stream text unique, header bytea, payload bytea, salt bytea)",
    );
    const rows: Row[] = [];
    for (const callers of CALLERS) {
      progress(`${many(callers)} append`);
      const total = (quick ? 200 : 2000) * (callers === 1 ? 1 : 10);
      // By turns, so that both meet the same disk.
      const anchors: Measured[] = [];
      const appends: Measured[] = [];
      for (let turn = 0; turn < 3; turn += 1) {
        anchors.push(await measure(callers, Math.ceil(total / 15), (entry) => insert(bare, entry)));
        appends.push(await measure(callers, Math.ceil(total / 3), (entry) => store.append({ entries: [entry] })));
      }
      rows.push(
        row(`append to PostgreSQL, ${many(callers)}: rate`, "1/s", middle(appends.map(({ rate }) => rate)), {
          anchor: { name: "bare insert", value: middle(anchors.map(({ rate }) => rate)) },
        }),
        row(`append to PostgreSQL, ${many(callers)}: p50`, "ms", middle(appends.map(({ p50 }) => p50)), {
          anchor: { name: "bare insert", value: middle(anchors.map(({ p50 }) => p50)) },
        }),
      );
    }
    await bare.end();
    return rows;
  } finally {
    await postgres.stop();
  }
}

type Entry = Append["entries"][number];
type Measured = { readonly rate: number; readonly p50: number };

async function insert(pool: pg.Pool, { stream, header, payload, salt }: Entry): Promise<void> {
  const text = "insert into bare (stream, header, payload, salt) values ($1, $2, $3, $4)";
  await pool.query({ name: "bare", text, values: [stream, header, payload, salt] });
}

async function measure(callers: number, total: number, once: (entry: Entry) => Promise<unknown>): Promise<Measured> {
  const header = new Uint8Array(randomBytes(450));
  const payload = new Uint8Array(randomBytes(1800));
  const salt = new Uint8Array(randomBytes(32));
  const tag = randomBytes(8).toString("hex");
  const latencies: number[] = [];
  let left = total;
  const caller = async (): Promise<void> => {
    while (left > 0) {
      const stream = `bench/${tag}${left--}` as StreamName;
      const startedAt = performance.now();
      await once({ stream, version: 0, type: "bench.appended", header, payload, salt });
      latencies.push(performance.now() - startedAt);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: callers }, caller));
  return { rate: (latencies.length * 1000) / (performance.now() - startedAt), p50: percentile(latencies, 0.5) };
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
