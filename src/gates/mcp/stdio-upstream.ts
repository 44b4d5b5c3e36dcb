import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { isJsonObject } from "../../core/action/index.ts";
import type { Json, JsonObject } from "../../core/action/index.ts";
import { McpError } from "./errors.ts";
import { idKey, isId, notification, paramsOf, readUpstreamMessage, request, response } from "./jsonrpc.ts";
import type { Id, Message, Request } from "./jsonrpc.ts";
import { UPSTREAM_MESSAGE_BYTES_MAX } from "./limits.ts";
import { Lines } from "./lines.ts";
import type { Answer, Owner, Sending, Upstream } from "./upstream.ts";
import { progressTokenOf } from "./upstream.ts";

export type Program = {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string | undefined;
  /** Where its standard error goes. */
  readonly stderr: (text: string) => void;
};

/** How long an upstream may still answer what was cancelled, and end after its input did, in milliseconds. */
const CANCEL_GRACE_MS = 5_000;
const END_GRACE_MS = 2_000;
/** Progress tokens of tasks that outlive the request which gave them. */
const TOKENS_MAX = 4_096;

const SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId";

type Waiting = {
  readonly id: Id;
  readonly sending: Sending;
  readonly token: number | null;
  readonly settle: (answer: Answer | Error) => void;
};

type Token = { readonly token: string | number; readonly sending: Sending };

/**
 * A program that speaks MCP over its standard input and output. Ids and progress tokens are ours on that side, so that
 * several clients can share one program.
 */
export class StdioUpstream implements Upstream {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #owner: Owner;
  readonly #waiting = new Map<string, Waiting>();
  readonly #tokens = new Map<number, Token>();
  readonly #ended: Promise<void>;
  #next = 1;
  #over: string | null = null;

  constructor(program: Program, owner: Owner) {
    this.#owner = owner;
    const { command, args, env, cwd } = program;
    this.#child = spawn(command, [...args], { env, ...(cwd === undefined ? {} : { cwd }), stdio: "pipe" });
    const lines = new Lines(UPSTREAM_MESSAGE_BYTES_MAX, (line) => this.#read(line.toString("utf8")));
    this.#child.stdout.on("data", (chunk: Buffer) => {
      try {
        lines.push(chunk);
      } catch (error) {
        this.#lose(`it sent what no client should read (${nameOf(error)})`);
      }
    });
    this.#child.stderr.on("data", (chunk: Buffer) => program.stderr(chunk.toString("utf8")));
    // A program that ended reads nothing more; what that means is told by its end.
    this.#child.stdin.on("error", () => undefined);
    this.#ended = new Promise((resolve) => {
      this.#child.once("error", (error) => {
        this.#lose(`\`${command}\` cannot be started (${nameOf(error)})`);
        resolve();
      });
      this.#child.once("close", (code, signal) => {
        this.#lose(`\`${command}\` ended (${signal ?? code ?? "unknown"})`);
        resolve();
      });
    });
  }

  request(body: Request, sending: Sending): Promise<Answer> {
    if (this.#over !== null) return Promise.reject(lost(this.#over));
    const own = this.#next++;
    const token = progressTokenOf(paramsOf(body));
    return new Promise((resolve, reject) => {
      const key = idKey(own);
      const { signal } = sending;
      let grace: ReturnType<typeof setTimeout> | undefined;
      const settle = (answer: Answer | Error): void => {
        clearTimeout(grace);
        signal.removeEventListener("abort", onAbort);
        this.#waiting.delete(key);
        if (token !== undefined && !opensTask(answer)) this.#tokens.delete(own);
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
      };
      const onAbort = (): void => {
        const params = { requestId: own, reason: "the client gave the request up" };
        this.#write(notification({ jsonrpc: "2.0", method: "notifications/cancelled", params }).text);
        grace = setTimeout(() => settle(lost("the request was cancelled")), CANCEL_GRACE_MS);
        grace.unref();
      };
      if (signal.aborted) {
        reject(lost("the request was cancelled before it was sent"));
        return;
      }
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.set(key, { id: body.id, sending, token: token === undefined ? null : own, settle });
      if (token !== undefined) this.#keepToken(own, { token, sending });
      this.#write(request(withToken({ ...body, id: own }, token === undefined ? undefined : own)).text);
    });
  }

  send(message: Message): Promise<void> {
    if (this.#over !== null) return Promise.reject(lost(this.#over));
    this.#write(message.text);
    return Promise.resolve();
  }

  /** Ends its input, then asks, then makes it end. */
  async close(): Promise<void> {
    const over = this.#ended;
    this.#child.stdin.end();
    const ask = setTimeout(() => this.#child.kill("SIGTERM"), END_GRACE_MS);
    const make = setTimeout(() => this.#child.kill("SIGKILL"), 2 * END_GRACE_MS);
    await over;
    clearTimeout(ask);
    clearTimeout(make);
  }

  #write(text: string): void {
    this.#child.stdin.write(`${text}\n`);
  }

  #keepToken(own: number, token: Token): void {
    for (const oldest of this.#tokens.keys()) {
      if (this.#tokens.size < TOKENS_MAX) break;
      this.#tokens.delete(oldest);
    }
    this.#tokens.set(own, token);
  }

  #read(line: string): void {
    let message: Message;
    try {
      message = readUpstreamMessage(line);
    } catch {
      return; // MCP stdio: a server writes nothing else there; what it writes all the same is nobody's message.
    }
    if (message.kind === "response") this.#answer(message);
    else if (message.kind === "notification") this.#notified(message);
    else this.#owner.hear(message);
  }

  #answer(message: Message & { kind: "response" }): void {
    const { id } = message.body;
    const waiting = id === null ? undefined : this.#waiting.get(idKey(id));
    waiting?.settle({ message: response({ ...message.body, id: waiting.id }) });
  }

  #notified(message: Message & { kind: "notification" }): void {
    const params = paramsOf(message.body);
    if (message.body.method !== "notifications/progress") {
      this.#subscribed(message);
      return;
    }
    const own = params["progressToken"];
    const known = typeof own === "number" ? this.#tokens.get(own) : undefined;
    if (known === undefined) return; // Of a request that nobody waits for.
    const told: JsonObject = { ...params, progressToken: known.token };
    known.sending.listener.hear(notification({ ...message.body, params: told }));
  }

  /** MCP 2026-07-28: what a subscription tells names the request that opened it, which on that side has our id. */
  #subscribed(message: Message & { kind: "notification" }): void {
    const params = paramsOf(message.body);
    const meta = params["_meta"];
    const own = isJsonObject(meta) ? meta[SUBSCRIPTION] : undefined;
    const waiting = isJsonObject(meta) && isId(own) ? this.#waiting.get(idKey(own)) : undefined;
    if (waiting === undefined || !isJsonObject(meta)) {
      this.#owner.hear(message);
      return;
    }
    const told: JsonObject = { ...params, _meta: { ...meta, [SUBSCRIPTION]: waiting.id } };
    waiting.sending.listener.hear(notification({ ...message.body, params: told }));
  }

  #lose(why: string): void {
    if (this.#over !== null) return;
    this.#over = why;
    for (const { settle } of this.#waiting.values()) settle(lost(why));
    this.#child.kill("SIGTERM");
    this.#owner.lost(why);
  }
}

function withToken(body: Request, token: number | undefined): Request {
  if (token === undefined) return body;
  const params = paramsOf(body);
  const meta = params["_meta"];
  return { ...body, params: { ...params, _meta: { ...(isJsonObject(meta) ? meta : {}), progressToken: token } } };
}

/** MCP 2025-11-25, tasks: the answer is only the receipt, and progress goes on under the same token. */
function opensTask(answer: Answer | Error): boolean {
  if (answer instanceof Error) return false;
  const value: Json | undefined = answer.message.body["result"];
  return isJsonObject(value) && isJsonObject(value["task"]) && isId(value["task"]["taskId"]);
}

function lost(why: string): McpError {
  return new McpError({ code: "upstream_failed", message: `the MCP server behind this gateway is gone: ${why}` });
}

function nameOf(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return error instanceof Error ? error.message : "unknown";
}
