import { parseJson } from "../core/action/index.ts";
import { backoffDelay, mayPass, pause, reasonOf } from "./backoff.ts";
import { Unavailable, WireError } from "./errors.ts";
import { readEvents } from "./sse.ts";
import type { Transport } from "./transport.ts";
import type { TaskAnswer } from "./wire.ts";
import { readTaskAnswer } from "./wire.ts";

/** How long after its end a task may still be told of, in milliseconds: clocks differ, answers travel. */
export const TASK_GRACE_MS = 5_000;
/** A stream without a byte for so long is dead: the server sends a ping every 15 seconds. */
export const STREAM_SILENCE_MS = 40_000;
/** How long one long poll asks the server to hold its answer, in seconds. */
export const POLL_WAIT_S = 25;
/** After a stream that could not be had we poll for so long before we ask for one again. */
export const STREAM_RETRY_MS: number = 5 * 60 * 1000;
/** After a reconnect so many tasks are asked for at a time. */
const REFRESHES_AT_ONCE = 8;
/** The longest that a timer can wait in JavaScript. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export type WaitOptions = {
  readonly signal?: AbortSignal | undefined;
  readonly graceMs?: number | undefined;
  /** Told of every change that does not end the wait, such as one of two approvals. */
  readonly onChange?: ((answer: TaskAnswer) => void) | undefined;
};

/** Waits for approval requests. All waits of a client share one stream, open from the first wait to the last. */
export type TaskWatcher = {
  /**
   * Resolves when the task is no longer pending, however often the server restarts meanwhile. At `expires_at` and the
   * grace it resolves as expired, whatever the server may say later. Rejects with the signal's reason when aborted,
   * and with a `WireError` when the server does not know the task or refuses the token.
   */
  wait(answer: TaskAnswer, options?: WaitOptions): Promise<TaskAnswer>;
  /** How many waits there are for this task. */
  waiting(id: string): number;
  /** Ends the stream; every wait rejects with `client_closed`. */
  close(): void;
};

type Wait = {
  last: TaskAnswer;
  readonly options: WaitOptions;
  readonly settle: (outcome: TaskAnswer | Error) => void;
};

type FetchTask = (id: string, waitSeconds: number, signal: AbortSignal) => Promise<TaskAnswer>;

/** From the first wait to the last. `stream` is the connection that tells of changes, while there is one. */
type Run = { readonly stop: AbortController; stream: AbortController | null; pollUntil: number };

/** What one client watches. `run` is null while nobody waits. */
type Watch = {
  readonly transport: Transport;
  readonly fetchTask: FetchTask;
  readonly waits: Map<string, Set<Wait>>;
  run: Run | null;
};

/** A watcher over one transport; `fetchTask` is the client's own GET, without retries of its own. */
export function createTaskWatcher(transport: Transport, fetchTask: FetchTask): TaskWatcher {
  const watch: Watch = { transport, fetchTask, waits: new Map(), run: null };
  return {
    wait: (answer, options = {}) => wait(watch, answer, options),
    waiting: (id) => watch.waits.get(id)?.size ?? 0,
    close: () => {
      for (const id of watch.waits.keys()) failTask(watch, id, closed());
    },
  };
}

function wait(watch: Watch, answer: TaskAnswer, options: WaitOptions): Promise<TaskAnswer> {
  const { signal } = options;
  if (signal?.aborted === true) return Promise.reject(reasonOf(signal));
  if (answer.task.status !== "pending") return Promise.resolve(answer);
  const { id, expires_at: expiresAt } = answer.task;
  return new Promise((resolve, reject) => {
    const entry: Wait = {
      last: answer,
      options,
      settle: (outcome) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        leave(watch, id, entry);
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      },
    };
    const onAbort = (): void => {
      if (signal !== undefined) entry.settle(reasonOf(signal));
    };
    const leftMs = Date.parse(expiresAt) + (options.graceMs ?? TASK_GRACE_MS) - watch.transport.now();
    const timer = setTimeout(
      () => entry.settle({ task: { ...entry.last.task, status: "expired" } }),
      Math.min(Math.max(leftMs, 0), TIMER_MS_MAX),
    );
    signal?.addEventListener("abort", onAbort, { once: true });
    join(watch, id, entry);
  });
}

function join(watch: Watch, id: string, entry: Wait): void {
  const others = watch.waits.get(id);
  if (others === undefined) watch.waits.set(id, new Set([entry]));
  else others.add(entry);
  const { run } = watch;
  if (run === null) {
    watch.run = { stop: new AbortController(), stream: null, pollUntil: 0 };
    void keepWatching(watch, watch.run);
  } else if (run.stream !== null) {
    // The stream tells of changes from now on; what happened since the answer we hold must be asked for.
    const { stream } = run;
    void refresh(watch, id, stream.signal).catch(() => stream.abort());
  } else if (others === undefined && performance.now() < run.pollUntil) {
    void poll(watch, run, id);
  }
}

function leave(watch: Watch, id: string, entry: Wait): void {
  const entries = watch.waits.get(id);
  entries?.delete(entry);
  if (entries?.size === 0) watch.waits.delete(id);
  if (watch.waits.size > 0 || watch.run === null) return;
  watch.run.stop.abort();
  watch.run = null;
}

/** One task's news for all who wait for it. News of tasks that nobody waits for are dropped. */
function deliver(watch: Watch, answer: TaskAnswer): void {
  for (const entry of watch.waits.get(answer.task.id) ?? []) {
    if (answer.task.status !== "pending") entry.settle(answer);
    else if (JSON.stringify(answer) !== JSON.stringify(entry.last)) tell(entry, answer);
    entry.last = answer;
  }
}

function tell(entry: Wait, answer: TaskAnswer): void {
  try {
    entry.options.onChange?.(answer);
  } catch (error) {
    entry.settle(error instanceof Error ? error : new Error("onChange failed", { cause: error }));
  }
}

function failTask(watch: Watch, id: string, error: Error): void {
  for (const entry of watch.waits.get(id) ?? []) entry.settle(error);
}

/** Streams while it can, polls while it cannot, until nobody waits any more. Never rejects. */
async function keepWatching(watch: Watch, run: Run): Promise<void> {
  const { signal } = run.stop;
  for (let attempt = 0; !signal.aborted; attempt++) {
    let lived = false;
    try {
      await follow(watch, run, () => {
        lived = true;
      });
    } catch (error) {
      if (signal.aborted) return;
      if (!mayPass(error)) await pollAll(watch, run);
      else if (!lived) await refreshAll(watch, signal).catch(() => undefined);
    }
    if (lived) attempt = 0;
    await rest(attempt, signal);
  }
}

/** One connection: first the stream, then every waited task once, so that no change falls between the two. */
async function follow(watch: Watch, run: Run, onAlive: () => void): Promise<void> {
  const stream = new AbortController();
  const end = (): void => stream.abort();
  const { signal } = run.stop;
  signal.addEventListener("abort", end, { once: true });
  let silence: ReturnType<typeof setTimeout> | undefined;
  const heard = (): void => {
    clearTimeout(silence);
    silence = setTimeout(end, STREAM_SILENCE_MS);
  };
  try {
    const call = { method: "GET", path: "/v1/tasks/stream", idempotent: false, signal } as const;
    const body = await watch.transport.open(call, "text/event-stream", stream);
    run.stream = stream;
    heard();
    void refreshAll(watch, stream.signal).catch(end);
    for await (const { event, data } of readEvents(body, heard)) {
      onAlive();
      if (event === "task") deliver(watch, readTaskAnswer(parseJson(data), ""));
    }
  } finally {
    run.stream = null;
    clearTimeout(silence);
    signal.removeEventListener("abort", end);
    end();
  }
}

/** Asks for every waited task, a few at a time; rejects at the first fault. */
async function refreshAll(watch: Watch, signal: AbortSignal): Promise<void> {
  const ids = [...watch.waits.keys()];
  const next = async (): Promise<void> => {
    for (let id = ids.pop(); id !== undefined && !signal.aborted; id = ids.pop()) await refresh(watch, id, signal);
  };
  await Promise.all(Array.from({ length: REFRESHES_AT_ONCE }, next));
}

/** Asks once for a task's state. A refusal ends its waits; a fault rejects, and the next connection asks again. */
async function refresh(watch: Watch, id: string, signal: AbortSignal): Promise<void> {
  try {
    deliver(watch, await watch.fetchTask(id, 0, signal));
  } catch (error) {
    if (signal.aborted) return;
    if (!isRefusal(error)) throw error;
    failTask(watch, id, error);
  }
}

/** No stream is to be had here: every task is polled until it is time to try for a stream again. */
async function pollAll(watch: Watch, run: Run): Promise<void> {
  const { signal } = run.stop;
  run.pollUntil = performance.now() + STREAM_RETRY_MS;
  for (const id of watch.waits.keys()) void poll(watch, run, id);
  await pause(STREAM_RETRY_MS, signal).catch(() => undefined);
}

async function poll(watch: Watch, run: Run, id: string): Promise<void> {
  const { signal } = run.stop;
  for (let attempt = 0; !signal.aborted && watch.waits.has(id) && performance.now() < run.pollUntil; attempt++) {
    const startedAt = performance.now();
    try {
      deliver(watch, await watch.fetchTask(id, POLL_WAIT_S, signal));
      // A server that does not hold its answers back is asked less and less often.
      if (performance.now() - startedAt > 1_000) attempt = 0;
    } catch (error) {
      if (signal.aborted) return;
      if (isRefusal(error)) failTask(watch, id, error);
    }
    if (watch.waits.has(id)) await rest(attempt, signal);
  }
}

async function rest(attempt: number, signal: AbortSignal): Promise<void> {
  await pause(backoffDelay(attempt, Math.random()), signal).catch(() => undefined);
}

/** The server answered and will answer the same again: the task is unknown, or the token is revoked. */
function isRefusal(error: unknown): error is WireError {
  return error instanceof WireError && !mayPass(error);
}

function closed(): Unavailable {
  return new Unavailable({
    code: "client_closed",
    message: "the client was closed while it waited; nothing was executed",
  });
}
