/**
 * `node tools/fuzz-classifiers.ts [--bytes N] [--seed S] [--from I]`: hostile texts for every classifier.
 *
 * Looks for crashes, hangs and memory that is not given back. Text I of seed S is always the same, so that whatever it
 * prints can be had again with `--seed S --from I --bytes 1`. Texts are only ever parsed. Exits with 1 when it found something.
 */
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { scoreRisk } from "../src/core/risk/index.ts";
import type { Classification } from "../src/core/risk/index.ts";
import { openReader } from "../src/server/classify/read.ts";
import type { Reader } from "../src/server/classify/read.ts";
import type { ReaderSettings } from "../src/server/classify/text.ts";
import { dice, hostileText } from "./fuzz-inputs.ts";

/** Milliseconds for one text, beyond which the long form calls it a hang. The pool gives up much earlier. */
const HANG_MS = 20_000;
/** Growth of the process over a run, in MiB, beyond which something is kept. The parsers' own memory grows once. */
const GROWTH_MIB_MAX = 400;

/** What the operator declared, so that some requests are read as such. */
export const FUZZ_SETTINGS: ReaderSettings = {
  resources: [],
  requests: [{ host: "host.example", methods: ["GET"], path: "/a/{id}", query: ["page"], effects: ["read"] }],
};

/** What a run found. `problems` are empty when all is well. */
export type Fuzzed = {
  readonly texts: number;
  readonly bytes: number;
  readonly problems: readonly string[];
  /** The slowest text of all, by index. */
  readonly slowest: { readonly index: number; readonly kind: string; readonly ms: number };
  /** Texts by kind that took longer than the pool's 50 ms. */
  readonly late: number;
};

/** Reads hostile texts until so many bytes were read; `at` hears of each index before it is read. */
export function fuzz(
  reader: Reader,
  { bytes, seed, from = 0 }: { readonly bytes: number; readonly seed: number; readonly from?: number },
  at: (index: number) => void = () => {},
): Fuzzed {
  const problems: string[] = [];
  let slowest = { index: from, kind: "", ms: 0 };
  let done = 0;
  let late = 0;
  let index = from;
  for (; done < bytes; index += 1) {
    const text = hostileText(dice(Math.imul(index, 0x9e3779b1) ^ seed));
    at(index);
    const start = performance.now();
    const found = reader.read(text);
    const ms = performance.now() - start;
    done += Buffer.byteLength(JSON.stringify(text.value));
    if (ms > 50) late += 1;
    if (ms > slowest.ms) slowest = { index, kind: text.kind, ms: Math.round(ms) };
    const wrong = problemOf(found) ?? (reader.broken() ? "the parser is broken" : null);
    if (wrong !== null) problems.push(`--seed ${seed} --from ${index}: ${text.kind}: ${wrong}`);
    if (problems.length >= 20 || reader.broken()) break;
  }
  return { texts: index - from, bytes: done, problems, slowest, late };
}

/** What must hold of every answer, however hostile the text. */
function problemOf(found: Classification): string | null {
  const failed = found.opaque.find(
    (reason) => /could not be read as .*: (?!InputError)/.test(reason) || /classifier.* failed/.test(reason),
  );
  // An InputError is the word for what is no JSON.
  if (failed !== undefined) return failed;
  if (found.effects.length === 0 && found.opaque.length === 0) return "neither an effect nor a reason";
  if (found.effects.some(({ effect }) => effect === "opaque") !== found.opaque.length > 0)
    return "the effect `opaque` and its reasons do not go together";
  const { score } = scoreRisk(found, "production");
  return Number.isInteger(score) && score >= 0 && score <= 100 ? null : `a score of ${score}`;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { bytes: { type: "string" }, seed: { type: "string" }, from: { type: "string" } },
  });
  const seed = Number(values.seed ?? Date.now() % 2 ** 31);
  const run = { bytes: Number(values.bytes ?? 10_000_000), seed, from: Number(values.from ?? 0) };
  if (!Object.values(run).every(Number.isSafeInteger))
    throw new RangeError("--bytes, --seed and --from are whole numbers.");
  const place = new Int32Array(new SharedArrayBuffer(4));
  const before = process.memoryUsage.rss();
  const started = performance.now();
  const worker = new Worker(new URL(import.meta.url), { workerData: { run, place } });
  let [last, since] = [-1, performance.now()];
  const watch = setInterval(() => {
    const index = Atomics.load(place, 0);
    if (index !== last) [last, since] = [index, performance.now()];
    else if (index > 0 && performance.now() - since > HANG_MS) {
      process.stderr.write(`hangs: --seed ${seed} --from ${index} --bytes 1\n`);
      process.exit(1);
    }
  }, 500);
  const found = await new Promise<Fuzzed>((resolve, reject) => {
    worker.once("message", resolve).once("error", reject);
  });
  clearInterval(watch);
  const grown = Math.round((process.memoryUsage.rss() - before) / 2 ** 20);
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  process.stdout.write(`${JSON.stringify({ seed, ...found, grownMiB: grown, seconds: Number(seconds) })}\n`);
  return found.problems.length > 0 || grown > GROWTH_MIB_MAX ? 1 : 0;
}

type Task = {
  readonly run: { readonly bytes: number; readonly seed: number; readonly from: number };
  readonly place: Int32Array;
};

if (!isMainThread && parentPort !== null) {
  const { run, place }: Task = workerData;
  const reader = await openReader(FUZZ_SETTINGS);
  parentPort.postMessage(fuzz(reader, run, (index) => void Atomics.store(place, 0, index)));
} else if (import.meta.main) process.exitCode = await main();
