import { StoreError } from "../../ports/store.ts";
import { describe } from "./failure.ts";
import { newsOf, writeNotice } from "./notice.ts";
import type { Call, Settled, WriterStart } from "./protocol.ts";
import { Queue } from "./queue.ts";
import { NewsSeal, type NewsWriter } from "./seal.ts";
import { Writer } from "./writer.ts";
import type { WriterOptions } from "./writer.ts";

/** What is told while something is written. */
export type WritingEars = Pick<WriterOptions, "log" | "onCommit">;

/** A writer with the queue before it, which tells those who listen of its commits. It runs in whatever thread it is made in. */
export class Writing {
  readonly #writer: Writer;
  readonly #queue: Queue;
  readonly #name: NewsWriter;
  #seal: NewsSeal | null = null;

  constructor({ place, ledger, title, writer: id, notify, patienceMs }: WriterStart, { log, onCommit }: WritingEars) {
    this.#name = { writer: id, ledger };
    const noticeOf: WriterOptions["noticeOf"] = (head, plan, batch) =>
      notify ? writeNotice(head, newsOf(plan, batch), this.#seal) : null;
    this.#writer = new Writer({ place, ledger, id, noticeOf, log, onCommit });
    this.#queue = new Queue({ place: title, writer: this.#writer, patienceMs });
  }

  /** Resolves when nothing that is read or written here can be trusted any more. */
  get fault(): Promise<StoreError> {
    return this.#queue.fault;
  }

  /** Writes calls, the first of which has this number, and tells what became of each. It owns them from now on. */
  take(first: number, calls: readonly Call[], settle: (settled: Settled) => void): void {
    for (const [at, call] of calls.entries()) {
      this.#queue.write(call).then(
        (reply) => settle({ call: first + at, reply }),
        (error: unknown) => settle({ call: first + at, refused: refusalOf(error) }),
      );
    }
  }

  /** Others have committed, and until then still do: what is taken from now on waits for it. Not while anything is under way. */
  takeTurn(from: Promise<void>): void {
    this.#writer.doubt();
    this.#queue.waitFor(from);
  }

  /** Somebody else has committed. */
  refresh(): void {
    this.#queue.refresh();
  }

  /** From now on news carry what is awaited, sealed by a key of this secret. */
  shareSecret(secret: Uint8Array): void {
    this.#seal = new NewsSeal(secret, this.#name);
  }

  /** Refuses what comes from now on, and lets what waits finish. */
  async close(): Promise<void> {
    await this.#queue.close();
    this.#writer.close();
  }
}

function refusalOf(error: unknown): Extract<Settled, { refused: object }>["refused"] {
  if (error instanceof StoreError) return { code: error.code, message: error.message };
  return { code: "store_failed", message: describe(error) };
}
