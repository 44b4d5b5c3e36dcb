import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { StreamName } from "../src/core/brand.ts";
import type { Append } from "../src/ports/store.ts";
import { moduleOf } from "./build.ts";
import { flushMs, type Disk } from "./disk.ts";
import { many, percentile, row, type Row } from "./row.ts";

const CALLERS = [1, 16, 128];

/** The embedded store alone, in this process: appends a second, and what one alone costs over a bare fdatasync. */
export async function appendRows(dist: string, folder: string, count: number, discs: readonly Disk[]): Promise<Row[]> {
  const module: typeof import("../src/stores/sqlite/index.ts") = await import(
    pathToFileURL(moduleOf(dist, "stores/sqlite/index")).href
  );
  await using store = await module.openSqliteStore({ path: join(folder, "appends.db") });
  const flush = { name: "fdatasync", value: flushMs(discs) };
  const rows: Row[] = [];
  for (const callers of CALLERS) {
    const total = callers === 1 ? count : count * 5;
    await measure(store, callers, total / 5);
    const { ms, latencies } = await measure(store, callers, total);
    rows.push(
      row(`append, ${many(callers)}: rate`, "1/s", (latencies.length * 1000) / ms, {
        anchor: { name: "fdatasync", value: 1000 / flush.value },
      }),
      row(`append, ${many(callers)}: p50`, "ms", percentile(latencies, 0.5), {
        anchor: flush,
      }),
    );
  }
  return rows;
}

async function measure(
  store: { append(change: Append): Promise<unknown> },
  callers: number,
  total: number,
): Promise<{ ms: number; latencies: readonly number[] }> {
  const header = new Uint8Array(randomBytes(450));
  const payload = new Uint8Array(randomBytes(1800));
  const salt = new Uint8Array(randomBytes(32));
  const latencies: number[] = [];
  let left = total;
  const run = randomBytes(8).toString("hex");
  const caller = async (): Promise<void> => {
    while (left > 0) {
      const stream = `bench/${run}${left--}` as StreamName;
      const startedAt = performance.now();
      await store.append({ entries: [{ stream, version: 0, type: "bench.appended", header, payload, salt }] });
      latencies.push(performance.now() - startedAt);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: callers }, caller));
  return { ms: performance.now() - startedAt, latencies };
}
