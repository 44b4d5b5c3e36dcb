import type { Task } from "../../client/index.ts";
import { isJsonObject } from "../../core/action/index.ts";
import type { Context, Open } from "./context.ts";
import { notification, request } from "./jsonrpc.ts";
import { PROGRESS_EVERY_MS } from "./ladder.ts";
import { stateText } from "./texts.ts";
import { progressTokenOf } from "./upstream.ts";

/** Ids of our own requests to a client; their answers mean nothing. */
export const LINK_ID = "keyturn-link-";
/** Our progress counts in steps so small that the upstream's own, which follows, is always more. */
const STEP = 1e-6;

/** Shows a client that its call waits for people, and keeps the call alive. It decides nothing. */
export class Hold {
  readonly #context: Context;
  readonly #open: Open;
  readonly #token: string | number | undefined;
  #task: Task | null = null;
  #steps = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(context: Context, open: Open) {
    this.#context = context;
    this.#open = open;
    this.#token = progressTokenOf(open.params);
  }

  /** The request that the call waits for, or waited for; null when it was not held. */
  get task(): Task | null {
    return this.#task;
  }

  /** Told of the request, and of every change of it. */
  show(task: Task): void {
    const first = this.#task === null;
    this.#task = task;
    const { outlet, stateless } = this.#open;
    if (first && outlet.streams && (!stateless || this.#token !== undefined)) outlet.open();
    if (first) this.#showLink(task);
    this.#progress();
    if (first && this.#token !== undefined) {
      this.#timer = setInterval(() => this.#progress(), PROGRESS_EVERY_MS);
      this.#timer.unref();
    }
  }

  /** Nothing is told any more. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #progress(): void {
    const { outlet } = this.#open;
    if (this.#token === undefined || this.#task === null || !outlet.streams) return;
    const params = {
      progressToken: this.#token,
      progress: ++this.#steps * STEP,
      message: `Waiting for approval: ${stateText(this.#task)}`,
    };
    outlet.tell(notification({ jsonrpc: "2.0", method: "notifications/progress", params }));
  }

  /** URL elicitation, as information: whatever is answered, people decide elsewhere. */
  #showLink(task: Task): void {
    const { serving, said } = this.#context;
    const { elicitation } = said.capabilities;
    const url = task.links?.review;
    const understood = isJsonObject(elicitation) && isJsonObject(elicitation["url"]);
    if (!serving.showLink || !understood || url === undefined || this.#open.stateless) return;
    const params = {
      mode: "url",
      elicitationId: task.id,
      url,
      message: `An action waits for approval as ${task.id}. Others decide about it; this link only shows it.`,
    };
    const id = `${LINK_ID}${task.id}`;
    this.#open.outlet.tell(request({ jsonrpc: "2.0", id, method: "elicitation/create", params }));
  }
}
