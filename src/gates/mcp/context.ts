import type { Client, Task } from "../../client/index.ts";
import type { JsonObject, Subject } from "../../core/action/index.ts";
import type { Actor } from "./action.ts";
import type { Definitions } from "./definitions.ts";
import type { Id, Request } from "./jsonrpc.ts";
import type { ClientInfo } from "./ladder.ts";
import type { Outlet } from "./outlet.ts";
import type { StateCodec } from "./request-state.ts";
import type { Spent } from "./spent.ts";
import type { ToolList } from "./tool-list.ts";
import type { Headers, Upstream } from "./upstream.ts";

/** Who asks at the Keyturn server for one client of the gateway. */
export type Agent = {
  readonly client: Client;
  /** Who the token speaks for; asked once. */
  readonly subject: (signal: AbortSignal) => Promise<Subject>;
  /** The client of the gateway, as its credential says; states are bound to it. */
  readonly name: string;
  readonly ledgerKey: string | undefined;
};

/** One MCP server as this gateway serves it. */
export type Serving = {
  readonly server: string;
  readonly environment: string | undefined;
  readonly secrets: ReadonlyMap<string, readonly string[]>;
  readonly secretKey: Uint8Array;
  /** List only tools that policy lets be listed. */
  readonly filter: boolean;
  /** Whether the server's own mappings of calls to actions are followed (AuthZEN COAZ). */
  readonly trustsMapping: boolean;
  /** Show the review link by URL elicitation, to clients that declare it. */
  readonly showLink: boolean;
  readonly holdMs: number | undefined;
  readonly legMs: number | undefined;
  readonly definitions: Definitions;
  readonly states: StateCodec;
  readonly spent: Spent;
  /** Tells whoever runs the gateway. */
  readonly log: (line: string) => void;
};

/** One client's connection to one server, as the parts of the relay see it. */
export type Context = {
  readonly serving: Serving;
  readonly agent: Agent;
  readonly upstream: Upstream;
  readonly tools: ToolList;
  readonly stdio: boolean;
  /** What the client said in `initialize`. */
  readonly said: { info: ClientInfo | null; capabilities: JsonObject };
};

/** A request of the client that has no answer yet. */
export type Open = {
  readonly id: Id;
  readonly body: Request;
  readonly params: JsonObject;
  readonly outlet: Outlet;
  readonly headers: Headers;
  /** Revision 2026-07-28 and later. */
  readonly stateless: boolean;
  readonly stop: AbortController;
  /** Of a call that waits as a task: told of its request. */
  readonly onHeld?: (task: Task) => void;
  /** The same: what the upstream gets of it once it was held. */
  readonly heldBody?: Request;
  /** Whether it has reached the upstream. */
  running: boolean;
};

/** Who acts in a question of this connection. */
export async function actorOf({ agent, serving }: Context, signal: AbortSignal): Promise<Actor> {
  const { server, environment, secrets, secretKey } = serving;
  return { subject: await agent.subject(signal), server, environment, secrets, secretKey };
}

/** Whom and what a state of this connection is bound to. */
export function boundTo(
  { agent, serving }: Context,
  { subject }: Actor,
  digest: string,
): { readonly principal: string; readonly server: string; readonly digest: string } {
  return { principal: `${agent.name}\n${subject.type}/${subject.id}`, server: serving.server, digest };
}
