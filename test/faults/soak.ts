// A server at a steady share of its strength: memory and open files must end where they were once it was warm.
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Dice } from "../crash/dice.ts";
import { account } from "./accounting.ts";
import { Fleet } from "./fleet.ts";
import { Storm } from "./storm.ts";

export type Sample = { readonly residentMb: number; readonly files: number; readonly acknowledged: number };
export type SoakOptions = {
  readonly ms: number;
  /** Of the rate that the server reaches when nobody pauses. */
  readonly share: number;
  readonly samples: number;
  readonly progress: (sample: Sample) => void;
};
export type Soaked = {
  readonly perSecond: number;
  readonly samples: readonly Sample[];
  /** What grew, in words; empty is good. */
  readonly grown: readonly string[];
  /** Promises that were broken. */
  readonly broken: readonly string[];
};

const WRITERS = 32;
const APPROVED_FOR_SECONDS = 2;
const TRIAL_MS = 4000;
/** The first third is for what a server keeps once: compiled code, caches with a limit, sessions of the agents. */
const WARM_SHARE = 1 / 3;
/** Room for a collector that has not run, and for connections that are being opened anew. */
const MEMORY_ROOM = 1.25;
const FILES_ROOM = 8;

/** Runs the load and answers what grew. */
export async function soak({ ms, share, samples: count, progress }: SoakOptions): Promise<Soaked> {
  await using fleet = await Fleet.open({
    store: { kind: "sqlite" },
    instances: 1,
    writers: WRITERS,
    approvedForSeconds: APPROVED_FOR_SECONDS,
  });
  const { process, operator } = fleet.served(0);
  const session = (await fleet.served(0).person("ann")).token ?? "";
  const tokens = await fleet.tokens(WRITERS);
  const common = { fleet, tokens, session, approvedForMs: APPROVED_FOR_SECONDS * 1000, dawdles: false };

  const trial = new Storm({ ...common, dice: new Dice(), pace: () => 0 });
  await sleep(TRIAL_MS);
  const best = (trial.acknowledged * 1000) / TRIAL_MS;
  await trial.end();

  // Each writer does its part of the share, whatever an answer takes.
  const pauseMs = (WRITERS * 1000) / (best * share);
  const storm = new Storm({ ...common, dice: new Dice(), pace: () => pauseMs });
  const samples: Sample[] = [];
  const startedAt = performance.now();
  for (let at = 0; at < count; at += 1) {
    await sleep(ms / count);
    await operator.get("/healthz");
    const sample = {
      residentMb: residentMb(process.pid),
      files: filesOf(process.pid),
      acknowledged: storm.acknowledged,
    };
    samples.push(sample);
    progress(sample);
  }
  const perSecond = (storm.acknowledged * 1000) / (performance.now() - startedAt);
  await storm.end();
  const broken = [...trial.broken, ...storm.broken, ...(await account(fleet, storm.promised))];
  return { perSecond, samples, grown: growth(samples), broken };
}

/** The least of the last third beside the most of the middle one: a saw has teeth, and may have them. */
export function growth(samples: readonly Sample[]): readonly string[] {
  const from = Math.floor(samples.length * WARM_SHARE);
  const middle = samples.slice(from, from * 2);
  const last = samples.slice(from * 2);
  const grown: string[] = [];
  const [mb, mbLast] = [most(middle, "residentMb"), least(last, "residentMb")];
  if (mbLast > mb * MEMORY_ROOM) grown.push(`memory from ${mb.toFixed(0)} to ${mbLast.toFixed(0)} MB`);
  const [files, filesLast] = [most(middle, "files"), least(last, "files")];
  if (filesLast > files + FILES_ROOM) grown.push(`open files from ${files} to ${filesLast}`);
  return grown;
}

function most(samples: readonly Sample[], of: "residentMb" | "files"): number {
  return Math.max(...samples.map((sample) => sample[of]));
}

function least(samples: readonly Sample[], of: "residentMb" | "files"): number {
  return Math.min(...samples.map((sample) => sample[of]));
}

function residentMb(pid: number): number {
  return (Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024) / 1e6;
}

function filesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
