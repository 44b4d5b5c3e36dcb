import { randomUUID } from "node:crypto";
import { Worker } from "node:worker_threads";
import { packBatch, unpackHere, type Packed } from "../../ports/append-call.ts";
import { StoreError } from "../../ports/store.ts";
import { describe } from "./failure.ts";
import type { FromWorker, PlainCall, Reply, Settled, ToWorker, WriterStart } from "./protocol.ts";
import { Writing } from "./writing.ts";
import type { WritingEars } from "./writing.ts";

/** So many calls at a time are committed in this thread; more of them keep it from its work, and go to the worker. */
const HERE_CALLS_MAX = 4;
/** Bytes of the entries of a call, up to which it is committed in this thread. */
const HERE_BYTES_MAX = 64 * 1024;
/** After so long without anything to do the worker has nothing more to do: it is not worth the way for what comes then. */
const QUIET_MS = 50;

/** News that come within this time are told together. */
const NEWS_EVERY_MS = 3;
/** So often does the writer look at news while it has nothing to write; after that ever more seldom, for it looks in vain. */
const NEWS_IN_VAIN = 8;
const NEWS_EVERY_MAX_MS = 1000;

/** The worker's young heap. */
const YOUNG_MB = 2;

type Answer = { readonly resolve: (reply: Reply) => void; readonly reject: (error: StoreError) => void };
type Unsent = Answer & { readonly call: Packed<PlainCall> };

/** Without the name of the writer: a desk has two. */
export type DeskStart = Omit<WriterStart, "writer">;

/**
 * Has writes committed. A few at a time go to a writer in this thread, which answers sooner; many go to one in a worker, and
 * leave this thread to its work. Never to both at once: what was asked for first is committed first. The writers gather
 * batches by themselves; what goes to the worker in one turn goes in one message.
 */
export class Desk {
  readonly fault: Promise<StoreError>;
  /** The names under which the ledger knows both. */
  readonly writers: ReadonlySet<string>;
  readonly #title: string;
  readonly #ears: WritingEars;
  readonly #here: Writing;
  readonly #worker: Worker;
  readonly #closed = Promise.withResolvers<void>();
  #reportFault: (error: StoreError) => void = () => {};
  #refusal: StoreError | null = null;
  #closing = false;
  #scheduled = false;
  #news: NodeJS.Timeout | null = null;
  /** How often it was looked at news since there was last something to write. */
  #inVain = 0;
  #next = 0;
  #unsent: Unsent[] = [];
  /** Who waits for a writer, by the number of the call: what was asked for, the writer alone keeps. */
  readonly #sent = new Map<number, Answer>();
  /** How many of these are with the writer in this thread. */
  #sentHere = 0;
  /** Whose turn it is. */
  #isHere = true;
  /** When the worker last answered, by `performance.now()`. */
  #answeredAt = 0;

  constructor(start: DeskStart, ears: WritingEars) {
    const [here, there] = [randomUUID(), randomUUID()];
    this.writers = new Set([here, there]);
    this.#title = start.title;
    this.#ears = ears;
    this.fault = new Promise((resolve) => (this.#reportFault = resolve));
    this.#here = new Writing({ ...start, writer: here }, ears);
    void this.#here.fault.then((error) => this.fail(error));
    this.#worker = startWorker({ ...start, writer: there });
    this.#worker.on("message", (message: FromWorker) => this.#receive(message));
    this.#worker.on("error", (error: unknown) => void this.fail(error));
    this.#worker.on("exit", () => void this.fail(new Error("its worker ended")));
    this.#worker.unref(); // an open store that nobody calls keeps no process alive
  }

  /** Why nothing more is taken: after a fault or at the end. */
  get refusal(): StoreError | null {
    return this.#refusal;
  }

  /** The desk owns the call from now on. */
  write(call: Packed<PlainCall>): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#refusal !== null) return reject(this.#refusal);
      if (this.#isForHere(call)) return this.#writeHere({ call, resolve, reject });
      this.#unsent.push({ call, resolve, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => this.#send());
    });
  }

  /** From now on news carry what is awaited, sealed by keys of this secret. */
  shareSecret(secret: Uint8Array): void {
    this.#here.shareSecret(secret);
    if (this.#refusal === null) this.#post({ kind: "secret", secret });
  }

  /** Somebody else has committed. */
  tellNews(): void {
    if (this.#news !== null) return;
    this.#news = setTimeout(() => {
      this.#news = null;
      this.#inVain += 1;
      if (this.#isHere) this.#here.refresh();
    }, newsPauseMs(this.#inVain)).unref();
  }

  /** Refuses what comes from now on, lets what waits finish, and ends the worker. */
  async close(): Promise<void> {
    if (this.#refusal === null) {
      const message = `${this.#title} is closed; open it again`;
      this.#refusal = new StoreError({ code: "store_closed", message });
      this.#closing = true;
      this.#send();
    }
    await this.#here.close();
    await this.#closed.promise;
  }

  /** The ledger cannot be trusted any further: whoever waits or comes is refused. */
  fail(cause: unknown): StoreError {
    const unanswered = [...this.#sent.values(), ...this.#unsent];
    const known = this.#refusal;
    if (known !== null && (known.code === "store_failed" || unanswered.length === 0)) {
      this.#closed.resolve();
      return known;
    }
    const message = `${this.#title} failed: ${describe(cause)}; nothing is acknowledged any more, mend it and start again`;
    const error = cause instanceof StoreError ? cause : new StoreError({ code: "store_failed", message, cause });
    this.#refusal = error;
    this.#sent.clear();
    this.#unsent = [];
    for (const { reject } of unanswered) reject(error);
    this.#ears.log(error.message);
    this.#reportFault(error);
    this.#closed.resolve();
    void this.#here.close();
    void this.#worker.terminate();
    return error;
  }

  #send(): void {
    this.#scheduled = false;
    const calls = this.#unsent;
    if (calls.length > 0) {
      this.#unsent = [];
      this.#inVain = 0;
      const first = this.#next;
      this.#next += calls.length;
      calls.forEach(({ resolve, reject }, at) => this.#sent.set(first + at, { resolve, reject }));
      const { frames, bytes } = packBatch(calls.map(({ call }) => call));
      this.#worker.ref();
      this.#post({ kind: "calls", first, frames, bytes }, [bytes]);
    }
    if (!this.#closing) return;
    this.#closing = false;
    this.#worker.ref();
    this.#post({ kind: "close" });
  }

  /** Whether the writer in this thread takes this call. Another one than before takes over when that one has answered all. */
  #isForHere({ bytes }: Packed<PlainCall>): boolean {
    if (this.#unsent.length > 0) return false;
    if (!this.#isHere) {
      if (this.#sent.size > 0 || performance.now() - this.#answeredAt < QUIET_MS) return false;
      this.#isHere = true;
      this.#here.takeTurn(Promise.resolve());
    }
    if (this.#sentHere < HERE_CALLS_MAX && bytes.byteLength <= HERE_BYTES_MAX) return true;
    this.#isHere = false;
    this.#post({ kind: "turn", isToWait: this.#sentHere > 0 });
    return false;
  }

  #writeHere({ call, resolve, reject }: Unsent): void {
    const number = this.#next;
    this.#next += 1;
    this.#inVain = 0;
    this.#sent.set(number, { resolve, reject });
    this.#sentHere += 1;
    this.#here.take(number, [unpackHere(call)], (settled) => {
      this.#sentHere -= 1;
      if (this.#sentHere === 0 && !this.#isHere) this.#post({ kind: "go" });
      this.#settle(settled);
    });
  }

  #post(message: ToWorker, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #receive(message: FromWorker): void {
    switch (message.kind) {
      case "settled":
        for (const commits of message.commits) this.#ears.onCommit(commits);
        for (const settled of message.calls) this.#settle(settled);
        this.#answeredAt = performance.now();
        if (this.#sent.size === 0 && this.#refusal === null) this.#worker.unref();
        return;
      case "noted":
        return this.#ears.log(message.note);
      case "failed":
        void this.fail(new StoreError({ code: "store_failed", message: message.message }));
        return;
      case "closed":
        this.#worker.unref();
        return this.#closed.resolve();
      default:
        message satisfies never;
    }
  }

  #settle(settled: Settled): void {
    const waiting = this.#sent.get(settled.call);
    this.#sent.delete(settled.call);
    if ("reply" in settled) waiting?.resolve(settled.reply);
    else waiting?.reject(new StoreError(settled.refused));
  }
}

function newsPauseMs(inVain: number): number {
  return Math.min(NEWS_EVERY_MAX_MS, NEWS_EVERY_MS * 2 ** Math.max(0, inVain - NEWS_IN_VAIN));
}

// From the sources it is TypeScript, in the built package JavaScript.
function startWorker(workerData: WriterStart): Worker {
  const file = import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js";
  // Its garbage is buffers, whose bytes a small young heap lets go of before they make it clean all of the old one.
  const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MB };
  return new Worker(new URL(file, import.meta.url), { name: "keyturn-store", workerData, resourceLimits });
}
