import { randomUUID } from "node:crypto";
import type { Agent, Serving } from "./context.ts";
import { McpError } from "./errors.ts";
import type { PostOutlet } from "./http-outlet.ts";
import type { StreamOutlet } from "./http-outlet.ts";
import { HttpUpstream } from "./http-upstream.ts";
import type { Remote } from "./http-upstream.ts";
import type { Message } from "./jsonrpc.ts";
import { BACKLOG_MAX, SESSION_IDLE_MS, SESSIONS_MAX } from "./limits.ts";
import { Relay } from "./relay.ts";
import { StdioUpstream } from "./stdio-upstream.ts";
import type { Program } from "./stdio-upstream.ts";
import { ToolList } from "./tool-list.ts";
import type { Mark, Owner, Upstream } from "./upstream.ts";

/** How a server is reached: a program of our own, or an address. */
export type Target = { readonly program: Program } | { readonly remote: Remote };

/** A server behind the listener. */
export type Served = { readonly serving: Serving; readonly target: Target };

/** One `initialize` of one client, and everything under its session id (MCP up to 2025-11-25). */
export class Session {
  readonly id: string = randomUUID();
  readonly client: string;
  readonly server: string;
  readonly relay: Relay;
  readonly #posts = new Set<PostOutlet>();
  readonly #backlog: [Message, Mark | undefined][] = [];
  #stream: StreamOutlet | null = null;
  #usedAt: number = performance.now();

  constructor({ serving, target }: Served, agent: Agent, lost: () => void) {
    this.client = agent.name;
    this.server = serving.server;
    this.relay = new Relay({
      serving,
      agent,
      stdio: false,
      connect: (owner) => connectTo(target, owner),
      tell: (message, mark) => this.tell(message, mark),
      lost,
    });
  }

  /** Notes that the client is there. */
  used(): void {
    this.#usedAt = performance.now();
  }

  get idle(): boolean {
    const busy = this.relay.open > 0 || (this.#stream?.live ?? false);
    return !busy && performance.now() - this.#usedAt > SESSION_IDLE_MS;
  }

  /** A stream of the client for what belongs to no request; it gets what waited for it. */
  listen(stream: StreamOutlet): void {
    this.#stream = stream;
    for (const [message, mark] of this.#backlog.splice(0)) stream.tell(message, mark);
  }

  keep(post: PostOutlet): void {
    for (const one of this.#posts) if (!one.live) this.#posts.delete(one);
    this.#posts.add(post);
  }

  /** Tells the client on whatever stream there is: its own for that, or that of the newest request. */
  tell(message: Message, mark?: Mark): void {
    const post = [...this.#posts].findLast((one) => one.live && one.streams);
    if (this.#stream?.live === true) this.#stream.tell(message, mark);
    else if (post !== undefined) post.tell(message, mark);
    else if (this.#backlog.length < BACKLOG_MAX) this.#backlog.push([message, mark]);
  }

  async close(): Promise<void> {
    this.#stream?.end();
    await this.relay.close();
  }
}

/** Every connection of a listener. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #shared = new Map<string, { readonly upstream: Upstream | null; readonly tools: ToolList }>();
  readonly #sweep: ReturnType<typeof setInterval>;

  constructor() {
    this.#sweep = setInterval(() => this.#endIdle(), 60_000);
    this.#sweep.unref();
  }

  open(served: Served, agent: Agent): Session {
    if (this.#sessions.size >= SESSIONS_MAX) this.#endIdle();
    if (this.#sessions.size >= SESSIONS_MAX) {
      throw new McpError({ code: "sessions_limited", message: `more than ${SESSIONS_MAX} sessions are open` });
    }
    const session = new Session(served, agent, () => this.#sessions.delete(session.id));
    this.#sessions.set(session.id, session);
    return session;
  }

  /** The session of this client and server, or null: another client's session is none. */
  find(id: string, client: string, server: string): Session | null {
    const session = this.#sessions.get(id);
    return session?.client === client && session.server === server ? session : null;
  }

  async end(session: Session): Promise<void> {
    this.#sessions.delete(session.id);
    await session.close();
  }

  /** For a request that stands for itself (MCP 2026-07-28): clients share a program, and nothing of their requests. */
  alone({ serving, target }: Served, agent: Agent): Relay {
    const key = `${agent.name}\n${serving.server}`;
    let shared = this.#shared.get(key);
    if (shared === undefined) {
      const tools = new ToolList(serving.server, serving.definitions);
      const owner: Owner = {
        hear: () => tools.stale(), // It may say that its tools have changed; nobody else is meant.
        lost: () => this.#shared.delete(key),
      };
      shared = { upstream: "program" in target ? connectTo(target, owner) : null, tools };
      this.#shared.set(key, shared);
    }
    const { upstream, tools } = shared;
    return new Relay({
      serving,
      agent,
      stdio: false,
      tools,
      connect: (owner) => upstream ?? connectTo(target, owner),
      tell: () => undefined,
      lost: () => undefined,
    });
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep);
    const programs = [...this.#shared.values()].flatMap(({ upstream }) => upstream ?? []);
    const all = [...this.#sessions.values()];
    this.#sessions.clear();
    this.#shared.clear();
    await Promise.all([...all.map((session) => session.close()), ...programs.map((program) => program.close())]);
  }

  #endIdle(): void {
    for (const session of this.#sessions.values()) if (session.idle) void this.end(session);
  }
}

/** Opens the connection to a server. */
export function connectTo(target: Target, owner: Owner): Upstream {
  return "program" in target ? new StdioUpstream(target.program, owner) : new HttpUpstream(target.remote);
}
