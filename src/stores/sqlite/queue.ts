import type { Worker } from "node:worker_threads";
import { StoreError } from "../../ports/store.ts";
import { packBatch, type Packed } from "../../ports/append-call.ts";
import type { FromWorker, PlainWrite, ReadCall, ReadReply, ToWorker, WriteReply } from "./protocol.ts";

/** Calls of one batch: one transaction, one flush. */
export const BATCH_CALLS_MAX = 1024;
/** Bytes of the entries of one batch; a single larger call goes alone. */
export const BATCH_BYTES_MAX: number = 8 * 1024 * 1024;

type Waiting<Call, Reply> = {
  readonly call: Call;
  readonly bytes: number;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: StoreError) => void;
};
type WaitingRead = Waiting<ReadCall, ReadReply>;
type WaitingWrite = Waiting<Packed<PlainWrite>, WriteReply>;

/**
 * Group commit without lingering: whatever waits is handed to the worker as soon as it is idle, so a lone call never
 * waits for company, and under load one flush serves many. The first failure is final.
 */
export class Queue {
  readonly fault: Promise<StoreError>;
  readonly #path: string;
  readonly #worker: Worker;
  readonly #log: (note: string) => void;
  readonly #closed = Promise.withResolvers<void>();
  #reportFault: (error: StoreError) => void = () => {};
  #refusal: StoreError | null = null;
  #closing = false;
  #scheduled = false;
  #reads: WaitingRead[] = [];
  #writes: WaitingWrite[] = [];
  /** What the worker has and has not answered. */
  #sentReads: readonly WaitingRead[] = [];
  #sentWrites: readonly WaitingWrite[] = [];

  /** The worker has said that it is open. */
  constructor(path: string, worker: Worker, log: (note: string) => void) {
    this.#path = path;
    this.#worker = worker;
    this.#log = log;
    this.fault = new Promise((resolve) => (this.#reportFault = resolve));
    worker.on("message", (message: FromWorker) => this.#receive(message));
    worker.on("error", (error: Error) => this.#fail(error.message));
    worker.on("exit", () => this.#fail("its worker ended"));
    worker.unref(); // an open store that nobody calls keeps no process alive
  }

  read(call: ReadCall): Promise<ReadReply> {
    return new Promise((resolve, reject) => {
      if (this.#refusal !== null) return reject(this.#refusal);
      this.#reads.push({ call, bytes: 0, resolve, reject });
      this.#schedule();
    });
  }

  /** The queue owns the call from now on. */
  write(call: Packed<PlainWrite>): Promise<WriteReply> {
    return new Promise((resolve, reject) => {
      if (this.#refusal !== null) return reject(this.#refusal);
      this.#writes.push({ call, bytes: call.bytes.byteLength, resolve, reject });
      this.#schedule();
    });
  }

  /** Lets what waits finish, then ends the worker. After a failure there is nothing to wait for. */
  close(): Promise<void> {
    if (this.#refusal === null) {
      this.#refusal = new StoreError({ code: "store_closed", message: `store ${this.#path} is closed; open it again` });
      this.#closing = true;
      this.#schedule();
    }
    return this.#closed.promise;
  }

  get #idle(): boolean {
    return this.#sentReads.length === 0 && this.#sentWrites.length === 0;
  }

  // At the end of the turn, so that calls made together share a batch.
  #schedule(): void {
    if (this.#scheduled || !this.#idle) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#send();
    });
  }

  #send(): void {
    if (!this.#idle) return;
    const reads = takeBatch(this.#reads);
    const writes = takeBatch(this.#writes);
    if (reads.length + writes.length === 0) {
      this.#worker.unref();
      if (this.#closing) this.#sendClose();
      return;
    }
    this.#sentReads = reads;
    this.#sentWrites = writes;
    const { frames, bytes } = packBatch(writes.map((write) => write.call));
    const calls = reads.map((read) => read.call);
    this.#worker.ref();
    this.#post({ kind: "batch", reads: calls, writes: writes.length, frames, bytes }, [bytes]);
  }

  #sendClose(): void {
    this.#closing = false;
    this.#worker.ref();
    this.#post({ kind: "close" }, []);
  }

  #post(message: ToWorker, transfer: readonly ArrayBuffer[]): void {
    this.#worker.postMessage(message, transfer);
  }

  #receive(message: FromWorker): void {
    switch (message.kind) {
      case "read": {
        const sent = this.#sentReads;
        this.#sentReads = [];
        return this.#settle(sent, message.replies);
      }
      case "written": {
        const sent = this.#sentWrites;
        this.#sentWrites = [];
        return this.#settle(sent, message.replies);
      }
      case "failed":
        this.#fail(message.message);
        return;
      case "closed":
        for (const note of message.notes) this.#log(note);
        this.#worker.unref();
        return this.#closed.resolve();
      case "opened":
      case "refused":
        this.#fail(`its worker said \`${message.kind}\` twice`);
        return;
      default:
        return message satisfies never;
    }
  }

  // The worker gets its next batch before the callers of the last one run, so that it never waits for them.
  #settle<Call, Reply>(sent: readonly Waiting<Call, Reply>[], replies: readonly Reply[]): void {
    this.#send();
    sent.forEach((waiting, at) => {
      const reply = replies[at];
      if (reply === undefined) waiting.reject(this.#fail("its worker answered less than it was asked"));
      else waiting.resolve(reply);
    });
  }

  #fail(because: string): StoreError {
    const message = `store ${this.#path} failed: ${because}; nothing is acknowledged any more, mend it and start again`;
    const error = new StoreError({ code: "store_failed", message });
    const unanswered = [...this.#sentReads, ...this.#sentWrites, ...this.#reads, ...this.#writes];
    // The worker's end after a clean close, or after a failure that is already told, is no news.
    const known = this.#refusal;
    if (known !== null && (known.code === "store_failed" || unanswered.length === 0)) {
      this.#closed.resolve();
      return known;
    }
    this.#refusal = error;
    this.#sentReads = this.#sentWrites = this.#reads = this.#writes = [];
    for (const waiting of unanswered) waiting.reject(error);
    this.#log(error.message);
    this.#reportFault(error);
    this.#worker.unref();
    this.#closed.resolve();
    return error;
  }
}

/** Takes the first calls off a queue, as many as one batch holds, and at least one. */
function takeBatch<Call, Reply>(queue: Waiting<Call, Reply>[]): readonly Waiting<Call, Reply>[] {
  let bytes = 0;
  let count = 0;
  for (const { bytes: more } of queue) {
    if (count === BATCH_CALLS_MAX || (count > 0 && bytes + more > BATCH_BYTES_MAX)) break;
    bytes += more;
    count += 1;
  }
  return queue.splice(0, count);
}
