import { StoreError } from "../../ports/store.ts";
import { describe, unavailable } from "./failure.ts";
import type { Call, Reply } from "./protocol.ts";
import type { Outcome } from "./writer.ts";

/** Calls of one batch: one transaction, one flush. */
export const BATCH_CALLS_MAX = 1024;
/** Bytes of the entries of one batch; a single larger call goes alone. */
export const BATCH_BYTES_MAX: number = 8 * 1024 * 1024;
/** Calls that wait; one more is refused at once. */
export const QUEUE_CALLS_MAX = 16_384;
/** Bytes of entries that wait before another call is refused. */
export const QUEUE_BYTES_MAX: number = 64 * 1024 * 1024;

type Waiting = {
  readonly call: Call;
  readonly bytes: number;
  readonly deadline: number;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: StoreError) => void;
};

/** What the queue needs of a writer. */
export interface Committer {
  commit(calls: readonly Call[], deadline: number): Promise<readonly Outcome[]>;
  /** Looks at what others have committed; not while it commits. */
  catchUp(): Promise<void>;
}

/**
 * Group commit without lingering: whatever waits is one batch as soon as the writer is idle, so a lone call never waits
 * for company, and under load one flush serves many.
 */
export class Queue {
  readonly fault: Promise<StoreError>;
  readonly #place: string;
  readonly #writer: Committer;
  readonly #patienceMs: number;
  #reportFault: (error: StoreError) => void = () => {};
  #refusal: StoreError | null = null;
  #waiting: Waiting[] = [];
  #bytes = 0;
  /** Whether somebody else has committed since the writer looked. */
  #isStale = false;
  /** Before which nothing is committed. */
  #turn: Promise<void> | null = null;
  #running: Promise<void> | null = null;

  constructor(options: { place: string; writer: Committer; patienceMs: number }) {
    this.#place = options.place;
    this.#writer = options.writer;
    this.#patienceMs = options.patienceMs;
    this.fault = new Promise((resolve) => (this.#reportFault = resolve));
  }

  /** The queue owns the call from now on. */
  write(call: Call): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#refusal !== null) return reject(this.#refusal);
      if (this.#waiting.length >= QUEUE_CALLS_MAX || this.#bytes >= QUEUE_BYTES_MAX) {
        return reject(unavailable(`${this.#place}: too many appends wait already; nothing was written, try again`));
      }
      const bytes = bytesOf(call);
      this.#bytes += bytes;
      this.#waiting.push({ call, bytes, deadline: performance.now() + this.#patienceMs, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Somebody else has committed: the writer looks as soon as it is idle, so that the next call need not wait for that. */
  refresh(): void {
    if (this.#refusal !== null) return;
    this.#isStale = true;
    this.#running ??= this.#run();
  }

  /** What is written from now on waits until then. Not while an earlier wait is open: it would be forgotten. */
  waitFor(until: Promise<void>): void {
    this.#turn = until;
  }

  /** Refuses what comes from now on, and lets what waits finish. */
  async close(): Promise<void> {
    this.#refusal ??= new StoreError({ code: "store_closed", message: `${this.#place} is closed; open it again` });
    await this.#running;
  }

  async #run(): Promise<void> {
    // At the end of the turn, so that calls that came together share a batch.
    await Promise.resolve();
    while (this.#waiting.length > 0 || this.#isStale) {
      if (this.#turn !== null) await this.#turn;
      this.#turn = null;
      if (this.#waiting.length > 0) {
        await this.#commit(this.#take());
      } else {
        this.#isStale = false;
        await this.#writer.catchUp();
      }
    }
    this.#running = null;
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    const calls = batch.map(({ call }) => call);
    try {
      const outcomes = await this.#writer.commit(calls, batch[0]?.deadline ?? 0);
      batch.forEach(({ resolve, reject }, at) => {
        const outcome = outcomes[at];
        if (outcome instanceof StoreError) reject(outcome);
        else if (outcome === undefined) reject(this.#fail(new Error("the writer answered less than it was asked")));
        else resolve(outcome);
      });
    } catch (error) {
      const refusal = error instanceof StoreError ? error : this.#fail(error);
      for (const { reject } of batch) reject(refusal);
    }
  }

  /** The ledger cannot be trusted any further: whoever waits or comes is refused. */
  #fail(cause: unknown): StoreError {
    const message = `${this.#place} failed: ${describe(cause)}; nothing is acknowledged any more, mend it and start again`;
    const error = new StoreError({ code: "store_failed", message, cause });
    if (this.#refusal?.code === "store_failed") return this.#refusal;
    this.#refusal = error;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(error);
    this.#reportFault(error);
    return error;
  }

  #take(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { bytes: more } of this.#waiting) {
      if (count === BATCH_CALLS_MAX || (count > 0 && bytes + more > BATCH_BYTES_MAX)) break;
      bytes += more;
      count += 1;
    }
    this.#bytes -= bytes;
    return this.#waiting.splice(0, count);
  }
}

/** About how many bytes it carries, by which batches are cut. */
function bytesOf(call: Call): number {
  if (call.kind !== "append") return 0;
  const texts = [
    call.idempotency?.answer,
    ...call.requests.map(({ view }) => view),
    ...call.outbox.map(({ body }) => body),
    ...call.documents.map(({ body }) => body),
  ];
  const parts = call.entries.flatMap(({ header, payload, salt }) => [header, payload, salt]);
  return (
    texts.reduce((sum, text) => sum + (text?.length ?? 0), 0) +
    parts.reduce((sum, { byteLength }) => sum + byteLength, 0)
  );
}
