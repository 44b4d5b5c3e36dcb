import { parentPort, workerData } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import { unpackBatch } from "../../ports/append-call.ts";
import { releaseWhenQuiet } from "../../v8/memory.ts";
import type { FromWorker, PlainCall, Settled, ToWorker, WriterStart } from "./protocol.ts";
import { Writing } from "./writing.ts";

if (parentPort !== null) start(parentPort, workerData as WriterStart);

/** Writes what it is told until it is told to close. A thread of its own, so that a busy server holds up no commit. */
function start(port: MessagePort, data: WriterStart): void {
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
  const writing = new Writing(data, { log, onCommit: (number) => void commits.push(number) });
  void writing.fault.then(({ message }) => post({ kind: "failed", message }));
  let turn = Promise.withResolvers<void>();
  const close = async (): Promise<void> => {
    await writing.close();
    post({ kind: "closed" });
    port.close();
  };
  releaseWhenQuiet();
  port.on("message", (message: ToWorker) => {
    switch (message.kind) {
      case "calls":
        return writing.take(message.first, unpackBatch<PlainCall>(message.frames, message.bytes), settle);
      case "turn":
        turn = Promise.withResolvers();
        if (!message.isToWait) turn.resolve();
        return writing.takeTurn(turn.promise);
      case "go":
        return turn.resolve();
      case "secret":
        return writing.shareSecret(message.secret);
      case "close":
        return void close();
      default:
        return message satisfies never;
    }
  });
}
