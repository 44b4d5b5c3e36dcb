import { parentPort, workerData } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import { unpackBatch } from "../../ports/append-call.ts";
import { StoreError } from "../../ports/store.ts";
import { describe } from "./failure.ts";
import { NewsKeys, newsOf, randomNonces, writeNotice } from "./notice.ts";
import type { FromWorker, PlainCall, Settled, ToWorker, WorkerStart } from "./protocol.ts";
import { Queue } from "./queue.ts";
import { Writer } from "./writer.ts";
import type { WriterOptions } from "./writer.ts";

if (parentPort !== null) start(parentPort, workerData as WorkerStart);

/** Writes what it is told until it is told to close. A thread of its own, so that a busy server holds up no commit. */
function start(port: MessagePort, { place, ledger, title, writer: id, notify, patienceMs }: WorkerStart): void {
  const post = (message: FromWorker): void => port.postMessage(message);
  const log = (note: string): void => post({ kind: "noted", note });
  let commits: number[] = [];
  let calls: Settled[] = [];
  // The calls of one batch are answered in one turn, and told of in one message at its end.
  const flush = (): void => {
    post({ kind: "settled", commits, calls });
    commits = [];
    calls = [];
  };
  const settle = (settled: Settled): void => {
    if (calls.push(settled) === 1) queueMicrotask(flush);
  };
  let keys: NewsKeys | null = null;
  const nonce = randomNonces();
  const noticeOf: WriterOptions["noticeOf"] = (head, plan, batch) =>
    notify ? writeNotice(head, newsOf(plan, batch), keys, nonce) : null;
  const writer = new Writer({ place, ledger, id, noticeOf, log, onCommit: (number) => void commits.push(number) });
  const queue = new Queue({ place: title, writer, patienceMs });
  void queue.fault.then(({ message }) => post({ kind: "failed", message }));

  const take = ({ first, frames, bytes }: Extract<ToWorker, { kind: "calls" }>): void => {
    for (const [at, call] of unpackBatch<PlainCall>(frames, bytes).entries()) {
      queue.write(call).then(
        (reply) => settle({ call: first + at, reply }),
        (error: unknown) => settle({ call: first + at, refused: refusalOf(error) }),
      );
    }
  };
  const close = async (): Promise<void> => {
    await queue.close();
    writer.close();
    post({ kind: "closed" });
    port.close();
  };
  port.on("message", (message: ToWorker) => {
    if (message.kind === "calls") take(message);
    else if (message.kind === "news") queue.refresh();
    else if (message.kind === "secret") keys = new NewsKeys(message.secret);
    else void close();
  });
}

function refusalOf(error: unknown): Extract<Settled, { refused: object }>["refused"] {
  if (error instanceof StoreError) return { code: error.code, message: error.message };
  return { code: "store_failed", message: describe(error) };
}
