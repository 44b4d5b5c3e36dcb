// An agent on standard input and output, in raw JSON-RPC, so that a test sees every message.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import type { Json, JsonObject } from "../../../src/core/action/index.ts";
import { at } from "../../support/json.ts";
import { CLI, FILESYSTEM } from "./places.ts";
import type { Place } from "./places.ts";

export type StdioOptions = {
  readonly name?: string;
  readonly argv?: readonly string[];
  readonly options?: readonly string[];
  readonly client?: string;
  readonly capabilities?: JsonObject;
  readonly env?: Record<string, string>;
};

/** `keyturn mcp -- …` as a client starts it. */
export class StdioAgent implements AsyncDisposable {
  readonly heard: JsonObject[] = [];
  readonly process: ChildProcessWithoutNullStreams;
  readonly ended: Promise<number | null>;
  stderr = "";
  onRequest: (message: JsonObject) => JsonObject | null = () => null;
  readonly #waiting = new Map<Json, (message: JsonObject) => void>();
  #next = 1;

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.process = child;
    let rest = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#take(JSON.parse(line) as JsonObject);
    });
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (this.stderr += chunk));
    child.stdin.on("error", () => undefined);
    this.ended = new Promise((resolve) => child.once("close", resolve));
  }

  static async start(place: Place, options: StdioOptions = {}): Promise<StdioAgent> {
    const { name = "files", argv = ["node", FILESYSTEM, place.files], client = "test", capabilities = {} } = options;
    const child = spawn(
      process.execPath,
      [CLI, "mcp", "--name", name, "--state", place.state, ...(options.options ?? []), "--", ...argv],
      {
        cwd: place.files,
        env: {
          PATH: process.env["PATH"] ?? "",
          HOME: place.state,
          KEYTURN_URL: place.house.url,
          KEYTURN_TOKEN: place.token,
          ...options.env,
        },
      },
    );
    const agent = new StdioAgent(child);
    const params = { protocolVersion: "2025-11-25", capabilities, clientInfo: { name: client, version: "1" } };
    const answer = await agent.ask("initialize", params);
    assert.ok(answer["result"] !== undefined, `${JSON.stringify(answer)}\n${agent.stderr}`);
    agent.tell("notifications/initialized", {});
    return agent;
  }

  write(message: Json): void {
    this.process.stdin.write(`${typeof message === "string" ? message : JSON.stringify(message)}\n`);
  }

  tell(method: string, params: JsonObject): void {
    this.write({ jsonrpc: "2.0", method, params });
  }

  /** Sends a request; its id is `last` right after. */
  ask(method: string, params: JsonObject): Promise<JsonObject> {
    const id = this.#next++;
    const answer = new Promise<JsonObject>((resolve, reject) => {
      this.#waiting.set(id, resolve);
      void this.ended.then((code) => reject(new Error(`the gateway ended with ${code}: ${this.stderr}`)));
    });
    answer.catch(() => undefined);
    this.write({ jsonrpc: "2.0", id, method, params });
    return answer;
  }

  get last(): number {
    return this.#next - 1;
  }

  /** The result of a tool. */
  async call(name: string, args: JsonObject, meta?: JsonObject): Promise<JsonObject> {
    const params = { name, arguments: args, ...(meta === undefined ? {} : { _meta: meta }) };
    const answer = await this.ask("tools/call", params);
    const result = at(answer, "result");
    assert.ok(typeof result === "object" && result !== null, JSON.stringify(answer));
    return result as JsonObject;
  }

  #take(message: JsonObject): void {
    this.heard.push(message);
    if (message["method"] !== undefined) {
      const answer = message["id"] === undefined ? null : this.onRequest(message);
      if (answer !== null) this.write({ jsonrpc: "2.0", id: message["id"] ?? null, ...answer });
      return;
    }
    const resolve = this.#waiting.get(message["id"] ?? null);
    this.#waiting.delete(message["id"] ?? null);
    resolve?.(message);
  }

  /** Ends it as a client does, and waits for that. */
  async end(): Promise<number | null> {
    this.process.stdin.end();
    return this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill("SIGKILL");
    await this.ended;
  }
}
