// First, also where no server is composed: readers bring WebAssembly.
import "../../v8/wrappers.ts";
import { Worker } from "node:worker_threads";
import type { Catalogue } from "../../classifiers/declared/index.ts";
import type { Classification } from "../../core/risk/index.ts";
import { Remembered } from "./remembered.ts";
import { opaque } from "./text.ts";
import type { ReaderSettings, Text, Texts } from "./text.ts";
import type { FromReader } from "./worker.ts";

/** What reading may cost. A text over its limits is opaque without being sent anywhere. */
export type PoolLimits = {
  readonly workers: number;
  /** For one text, of this process's processor time from the moment a worker has it; at most `STARVED` times that long. */
  readonly textMs: number;
  /** For loading the parsers. */
  readonly startMs: number;
  /** After which a worker that nobody needs is let go, with the memory of its parsers. */
  readonly idleMs: number;
  /** Texts that wait; beyond, a text is opaque at once. */
  readonly waitingMax: number;
};

export const POOL_LIMITS: PoolLimits = {
  workers: 1,
  textMs: 50,
  startMs: 30_000,
  idleMs: 300_000,
  waitingMax: 1_000,
};

/** Characters of a text as JSON: SQL may be the longest. */
const SQL_CHARS_MAX = 1_048_576;
const SHELL_CHARS_MAX = 65_536;

/** A worker that the machine did not let run has not had its time yet; but nobody waits for ever. */
const STARVED = 10;

/** Of one worker; beyond, it ends and its text is opaque. */
const HEAP_MB_MAX = 512;

/** A text in the queue, and whoever waits for it. */
type Job = { readonly text: Text; readonly key: string; readonly answer: (found: Classification) => void };

/**
 * Reads texts in workers that are started with the first text and never keep the process alive. A text that takes too long
 * costs its worker and is opaque; so is everything when no worker starts. What was read is remembered for a while.
 */
export function openPool(
  catalogue: Pick<Catalogue, "resources" | "unlabelled" | "requests" | "functions">,
  limits: PoolLimits = POOL_LIMITS,
): Texts {
  const { resources, unlabelled = [], requests, functions = [] } = catalogue;
  const settings: ReaderSettings = { resources, unlabelled, requests, functions };
  const remembered = new Remembered();
  const waiting: Job[] = [];
  const hands = Array.from({ length: limits.workers }, () => new Hand(settings, limits, waiting, remembered));
  return {
    read: (text) => {
      const key = JSON.stringify(text);
      const tooLong = sizeProblem(text, key.length);
      if (tooLong !== null) return opaque(tooLong);
      const known = remembered.get(key);
      if (known !== undefined) return known;
      if (waiting.length >= limits.waitingMax) return opaque("Too many texts wait to be read.");
      return new Promise((answer) => {
        waiting.push({ text, key, answer });
        (hands.find((hand) => hand.free) ?? hands[0])?.next();
      });
    },
  };
}

function sizeProblem({ kind, value }: Text, chars: number): string | null {
  const max = kind === "shell" || kind === "argv" ? SHELL_CHARS_MAX : SQL_CHARS_MAX;
  const size = typeof value === "string" ? value.length : chars;
  return size > max ? `It is longer than ${max} characters.` : null;
}

/** One worker, or the place for one. */
class Hand {
  readonly #settings: ReaderSettings;
  readonly #limits: PoolLimits;
  readonly #waiting: Job[];
  readonly #remembered: Remembered;
  #worker: Worker | null = null;
  #ready = false;
  #job: Job | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(settings: ReaderSettings, limits: PoolLimits, waiting: Job[], remembered: Remembered) {
    this.#settings = settings;
    this.#limits = limits;
    this.#waiting = waiting;
    this.#remembered = remembered;
  }

  get free(): boolean {
    return this.#job === null;
  }

  /** Takes the next text, unless one is in hand. */
  next(): void {
    if (this.#job !== null) return;
    const job = this.#waiting.shift();
    if (job === undefined) {
      this.#rest();
      return;
    }
    this.#job = job;
    if (this.#worker === null) this.#start();
    else this.#give(this.#worker, job);
  }

  #start(): void {
    // From the sources it is TypeScript, in the built package JavaScript.
    const file = import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js";
    const worker = new Worker(new URL(file, import.meta.url), {
      name: "keyturn-reader",
      workerData: this.#settings,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
    });
    this.#worker = worker;
    this.#ready = false;
    worker.on("message", (word: FromReader) => this.#hear(worker, word));
    worker.on("error", () => this.#lose(worker, "The reader of texts failed."));
    worker.on("exit", () => this.#lose(worker, "The reader of texts ended."));
    this.#until(this.#limits.startMs, () => this.#lose(worker, "The reader of texts did not start."));
  }

  #give(worker: Worker, job: Job): void {
    worker.ref();
    this.#allow(worker, performance.now(), process.cpuUsage());
    // eslint-disable-next-line unicorn/require-post-message-target-origin -- a worker has no origin
    worker.postMessage(job.text);
  }

  #hear(worker: Worker, word: FromReader): void {
    if (worker !== this.#worker) return;
    this.#stopClock();
    if (word === "ready") {
      this.#ready = true;
      if (this.#job !== null) this.#give(worker, this.#job);
      return;
    }
    if (word.broken) this.#drop(worker);
    else if (this.#job !== null) this.#remembered.set(this.#job.key, word.found);
    this.#finish(word.found);
  }

  /** The worker is gone or beyond use; its text is not known. */
  #lose(worker: Worker, reason: string): void {
    if (worker !== this.#worker) return;
    this.#drop(worker);
    this.#finish(opaque(reason));
  }

  #drop(worker: Worker): void {
    this.#stopClock();
    this.#worker = null;
    this.#ready = false;
    worker.unref();
    worker.terminate().catch(() => undefined);
  }

  #finish(found: Classification): void {
    const job = this.#job;
    this.#job = null;
    job?.answer(found);
    this.next();
  }

  /** Nothing to do: the process may end, and after a while the worker does. */
  #rest(): void {
    const worker = this.#worker;
    if (worker === null || !this.#ready) return;
    worker.unref();
    this.#stopClock();
    this.#timer = setTimeout(() => this.#drop(worker), this.#limits.idleMs).unref();
  }

  /** Waits until the text has had its time: on a busy machine that is later than the clock says. */
  #allow(worker: Worker, since: number, before: NodeJS.CpuUsage): void {
    const { textMs } = this.#limits;
    const left = (): number => {
      const { user, system } = process.cpuUsage(before);
      return Math.min(textMs - (user + system) / 1_000, STARVED * textMs - (performance.now() - since));
    };
    this.#until(Math.max(1, Math.ceil(left())), () => {
      if (left() > 0) this.#allow(worker, since, before);
      else this.#lose(worker, `It takes longer than ${textMs} ms to read.`);
    });
  }

  #until(ms: number, late: () => void): void {
    this.#stopClock();
    const timer = setTimeout(() => {
      // If this process was late, the answer lies here already: it is heard first.
      setImmediate(() => {
        if (this.#timer === timer) late();
      });
    }, ms);
    this.#timer = timer;
  }

  #stopClock(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
