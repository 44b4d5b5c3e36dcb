import { randomUUID } from "node:crypto";
import { isJsonObject } from "../../core/action/index.ts";
import type { JsonObject } from "../../core/action/index.ts";
import type { Task } from "../../client/index.ts";
import type { Context, Open } from "./context.ts";
import { CODES, failure, response, result } from "./jsonrpc.ts";
import { TASK_HOLD_MS, TASKS_MAX } from "./limits.ts";
import type { Outlet } from "./outlet.ts";
import { passOn } from "./pass.ts";
import { stateText } from "./texts.ts";
import type { Answer } from "./upstream.ts";

/** Ids of tasks that stand for held calls; all others are the upstream's. */
const PREFIX = "keyturn-";
const RELATED = "io.modelcontextprotocol/related-task";
/** How often a client is asked to look, in milliseconds. */
const POLL_MS = 2_000;

type Held = {
  readonly id: string;
  readonly createdAt: string;
  readonly ttl: number;
  readonly stop: AbortController;
  readonly over: Promise<void>;
  end: () => void;
  says: string;
  answer: Answer | null;
  cancelled: boolean;
};

/**
 * Calls that wait for people as tasks (MCP 2025-11-25), for clients that asked for one: the call is answered with a task at
 * once, and runs when it is approved as long as its session lives, its time is not over and nobody has cancelled it.
 */
export class OwnTasks {
  readonly #held = new Map<string, Held>();

  /** The same request with a way back that becomes a task as soon as it is held; null when it asks for none. */
  offered(open: Open, upstreamTakes: boolean): Open | null {
    const { task, ...params } = open.params;
    if (open.stateless || !isJsonObject(task) || this.#held.size >= TASKS_MAX) return null;
    const { ttl } = task;
    const lives = typeof ttl === "number" && ttl > 0 ? Math.min(ttl, TASK_HOLD_MS) : TASK_HOLD_MS;
    const { outlet } = open;
    let held: Held | null = null;
    const own: Outlet = {
      ...outlet,
      streams: false, // What a task says is asked for.
      answer: (answer) => (held === null ? outlet.answer(answer) : settle(held, answer)),
      drop: () => (held === null ? outlet.drop() : settle(held, null)),
    };
    const onHeld = (request: Task): void => {
      if (held === null) {
        held = this.#keep(open, lives);
        held.says = stateText(request);
        outlet.answer({ message: result(open.id, { task: shown(held) }), status: 200 });
      }
      held.says = stateText(request);
    };
    // A server that knows no tasks would refuse the call for asking for one.
    const heldBody = upstreamTakes ? open.body : { ...open.body, params };
    return { ...open, outlet: own, onHeld, heldBody };
  }

  /** Answers what is asked about a task of ours; false when it is the upstream's. */
  async answered(context: Context, open: Open): Promise<boolean> {
    const { taskId } = open.params;
    const { method } = open.body;
    if (typeof taskId !== "string" || !taskId.startsWith(PREFIX)) return false;
    const held = this.#held.get(taskId);
    if (held === undefined) {
      open.outlet.answer({ message: failure(open.id, CODES.invalidParams, "there is no such task"), status: 200 });
      return true;
    }
    const theirs = upstreamTask(held);
    if (theirs !== null) await forward(context, open, held, theirs);
    else if (method === "tasks/result") await this.#result(open, held);
    else {
      if (method === "tasks/cancel") {
        held.stop.abort();
        await held.over;
      }
      open.outlet.answer({ message: result(open.id, shown(held)), status: 200 });
    }
    return true;
  }

  /** Ends all of them: what is held never runs. */
  stop(): void {
    for (const { stop } of this.#held.values()) stop.abort();
  }

  #keep({ stop }: Open, ttl: number): Held {
    const { promise, resolve } = Promise.withResolvers<void>();
    const held: Held = {
      id: `${PREFIX}${randomUUID()}`,
      createdAt: new Date().toISOString(),
      ttl,
      stop,
      over: promise,
      end: resolve,
      says: "",
      answer: null,
      cancelled: false,
    };
    this.#held.set(held.id, held);
    const timer = setTimeout(() => {
      stop.abort();
      this.#held.delete(held.id);
    }, ttl);
    timer.unref();
    return held;
  }

  async #result(open: Open, held: Held): Promise<void> {
    const { signal } = open.stop;
    const left = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    await Promise.race([held.over, left]);
    if (signal.aborted) return open.outlet.drop();
    const { answer, id } = held;
    if (answer === null) {
      open.outlet.answer({ message: failure(open.id, CODES.invalidParams, "the task was cancelled"), status: 200 });
      return;
    }
    const { result: value, ...rest } = answer.message.body;
    const meta = isJsonObject(value) && isJsonObject(value["_meta"]) ? value["_meta"] : {};
    const told = isJsonObject(value) ? { result: { ...value, _meta: { ...meta, [RELATED]: { taskId: id } } } } : {};
    open.outlet.answer({ message: response({ ...rest, ...told, id: open.id }), status: 200 });
  }
}

function settle(held: Held, answer: Answer | null): void {
  held.answer = answer;
  held.cancelled = answer === null;
  held.end();
}

/** The task that the upstream made of the call when it ran. */
function upstreamTask({ answer }: Held): string | null {
  const value = answer?.message.body["result"];
  const task = isJsonObject(value) && isJsonObject(value["task"]) ? value["task"] : {};
  const { taskId } = task;
  return typeof taskId === "string" ? taskId : null;
}

/** From here on the upstream knows: the same question with its own id, and its answer with ours. */
async function forward(context: Context, open: Open, { id }: Held, theirs: string): Promise<void> {
  open.running = true;
  const answer = await passOn(context, open, { ...open.body, params: { ...open.params, taskId: theirs } });
  const { body } = answer.message;
  const value = body["result"];
  if (!isJsonObject(value)) return open.outlet.answer(answer);
  const meta = isJsonObject(value["_meta"]) ? value["_meta"] : {};
  const named = value["taskId"] === theirs ? { taskId: id } : {};
  const related = meta[RELATED] === undefined ? {} : { _meta: { ...meta, [RELATED]: { taskId: id } } };
  open.outlet.answer({ ...answer, message: response({ ...body, result: { ...value, ...named, ...related } }) });
}

function shown({ id, createdAt, ttl, says, answer, cancelled }: Held): JsonObject {
  const value = answer?.message.body["result"];
  const failed = answer !== null && (!isJsonObject(value) || value["isError"] === true);
  const status = cancelled ? "cancelled" : answer === null ? "working" : failed ? "failed" : "completed";
  const lastUpdatedAt = new Date().toISOString();
  return { taskId: id, status, statusMessage: says, createdAt, lastUpdatedAt, ttl, pollInterval: POLL_MS };
}
