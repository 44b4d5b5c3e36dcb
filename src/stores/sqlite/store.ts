import { once } from "node:events";
import { resolve } from "node:path";
import { Worker } from "node:worker_threads";
import type { Instant, StreamName } from "../../core/brand.ts";
import { assertAppend, assertCount, assertInteger } from "../../ports/append.ts";
import { StoreError } from "../../ports/store.ts";
import type {
  Append,
  AppendResult,
  Head,
  Message,
  RequestFilter,
  RequestRow,
  Store,
  StoredDocument,
  StoredEntry,
  Subtree,
  Timer,
} from "../../ports/store.ts";
import { packAppend, packPlain } from "../../ports/append-call.ts";
import type { FromWorker, ReadCall, ReadKind, ReadReply, ReadValues, WorkerStart } from "./protocol.ts";
import { Queue } from "./queue.ts";

/** The worker's young heap. Nearly all that it makes is garbage at once; with more room it keeps as much that nobody uses. */
const YOUNG_MB = 8;

export type SqliteStoreOptions = {
  /** The store's file; it and its folder are created where they are missing, readable by their owner only. */
  readonly path: string;
  /** Told in one sentence of what an operator may want to know: a migration, a failure, an unclean end. */
  readonly onLog?: (note: string) => void;
};

/**
 * Opens the embedded store: one SQLite file, owned by one worker of one process.
 * Throws `store_locked` with the name of the holder, `store_unsupported` or `store_failed`.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const log = options.onLog ?? (() => {});
  if (process.versions["sqlite"] === undefined) {
    throw new StoreError({
      code: "store_unsupported",
      message: `this Node (${process.version}) brings no SQLite; use Node 24 or later`,
    });
  }
  const path = resolve(options.path);
  const worker = startWorker({ path });
  const first = await firstWord(worker, path);
  if (first.kind === "opened") {
    for (const note of first.notes) log(note);
    return new SqliteStore(new Queue(path, worker, log));
  }
  await worker.terminate();
  if (first.kind === "refused") throw new StoreError(first);
  throw new StoreError({
    code: "store_failed",
    message: `store ${path}: its worker said \`${first.kind}\` before it opened`,
  });
}

// From the sources it is TypeScript, in the built package JavaScript.
function startWorker(workerData: WorkerStart): Worker {
  const file = import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js";
  const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MB };
  return new Worker(new URL(file, import.meta.url), { name: "keyturn-store", workerData, resourceLimits });
}

async function firstWord(worker: Worker, path: string): Promise<FromWorker> {
  try {
    const words: FromWorker[] = await once(worker, "message");
    const [first] = words;
    if (first !== undefined) return first;
    throw new TypeError("a message without content");
  } catch (cause) {
    throw new StoreError({ code: "store_failed", message: `store ${path}: its worker did not start`, cause });
  }
}

class SqliteStore implements Store {
  readonly #queue: Queue;
  readonly fault: Promise<StoreError>;

  constructor(queue: Queue) {
    this.#queue = queue;
    this.fault = queue.fault;
  }

  async append(change: Append): Promise<AppendResult> {
    assertAppend(change);
    const reply = await this.#queue.write(packAppend(change));
    if (reply === null || !("status" in reply)) throw new TypeError("the worker answered no result to an append");
    return reply;
  }

  async stream(name: StreamName, fromVersion: number = 0): Promise<readonly StoredEntry[]> {
    assertCount("fromVersion", fromVersion);
    return this.#read({ kind: "stream", name, fromVersion });
  }

  async range(fromIndex: number, limit: number): Promise<readonly StoredEntry[]> {
    assertCount("fromIndex", fromIndex);
    assertCount("limit", limit);
    return this.#read({ kind: "range", fromIndex, limit });
  }

  async headers(fromIndex: number, limit: number): Promise<readonly Uint8Array[]> {
    assertCount("fromIndex", fromIndex);
    assertCount("limit", limit);
    return this.#read({ kind: "headers", fromIndex, limit });
  }

  async head(): Promise<Head> {
    return this.#read({ kind: "head" });
  }

  async subtrees(wanted: readonly Subtree[]): Promise<readonly Uint8Array[]> {
    return this.#read({ kind: "subtrees", wanted: wanted.map(({ level, index }) => ({ level, index })) });
  }

  async slot(key: string): Promise<StreamName | null> {
    return this.#read({ kind: "slot", key });
  }

  async requests(filter: RequestFilter): Promise<readonly RequestRow[]> {
    assertCount("limit", filter.limit);
    return this.#read({ kind: "requests", filter });
  }

  async dueTimers(now: Instant, limit: number): Promise<readonly Timer[]> {
    assertCount("limit", limit);
    return this.#read({ kind: "dueTimers", now, limit });
  }

  async nextTimer(): Promise<Instant | null> {
    return this.#read({ kind: "nextTimer" });
  }

  async takeMessages(now: Instant, limit: number, until: Instant): Promise<readonly Message[]> {
    assertInteger("now", now);
    assertCount("limit", limit);
    assertInteger("until", until);
    const reply = await this.#queue.write(packPlain({ kind: "takeMessages", now, limit, until }));
    if (reply === null || "status" in reply) throw new TypeError("the worker answered no messages to their taker");
    return reply;
  }

  async messages(limit: number): Promise<readonly Message[]> {
    assertCount("limit", limit);
    return this.#read({ kind: "messages", limit });
  }

  async messageDone(id: string): Promise<void> {
    await this.#queue.write(packPlain({ kind: "messageDone", id }));
  }

  async forget(): Promise<void> {
    await this.#queue.write(packPlain({ kind: "forget" }));
  }

  async messageRetry(id: string, notBefore: Instant): Promise<void> {
    assertInteger("notBefore", notBefore);
    await this.#queue.write(packPlain({ kind: "messageRetry", id, notBefore }));
  }

  async document(kind: string, id: string): Promise<StoredDocument | null> {
    return this.#read({ kind: "document", of: kind, id });
  }

  async documents(kind: string): Promise<readonly StoredDocument[]> {
    return this.#read({ kind: "documents", of: kind });
  }

  /** The file is locked: nobody else appends. */
  onAdvance(): () => void {
    return () => {};
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue.close();
  }

  async #read<K extends ReadKind>(call: Extract<ReadCall, { kind: K }>): Promise<ReadValues[K]> {
    const reply = await this.#queue.read(call);
    if (reply.kind === "out_of_range") throw new RangeError(reply.message);
    if (!answers(reply, call.kind)) throw new TypeError(`the worker answered \`${reply.kind}\` to \`${call.kind}\``);
    return reply.value;
  }
}

function answers<K extends ReadKind>(
  reply: ReadReply,
  kind: K,
): reply is ReadReply & { readonly kind: K; readonly value: ReadValues[K] } {
  return reply.kind === kind;
}
