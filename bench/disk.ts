import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { percentile } from "./row.ts";

/** What the disk does by itself: milliseconds of each 4 KiB write with its fdatasync. */
export type Disk = readonly number[];

const BLOCK = 4096;

/** The bare loop that every durable write is compared with. */
export function disk(folder: string, quick: boolean): Disk {
  const path = join(folder, "fdatasync");
  const file = openSync(path, "w");
  const block = Buffer.alloc(BLOCK, 0x6b);
  const samples: number[] = [];
  for (let at = 0; at < (quick ? 20 : 300); at++) {
    const startedAt = performance.now();
    writeSync(file, block, 0, BLOCK, at * BLOCK);
    fdatasyncSync(file);
    samples.push(performance.now() - startedAt);
  }
  closeSync(file);
  rmSync(path);
  return samples;
}

/** The median of all rounds together: they lie between the measurements that they are compared with. */
export function flushMs(rounds: readonly Disk[]): number {
  return percentile(rounds.flat(), 0.5);
}
