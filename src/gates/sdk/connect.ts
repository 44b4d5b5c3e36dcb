import { randomBytes } from "node:crypto";
import type { Client, ClientOptions } from "../../client/index.ts";
import { createClient } from "../../client/index.ts";
import { SECRET_KEY_BYTES_MIN } from "../../core/action/index.ts";
import type { Subject } from "../../core/action/index.ts";
import type { GuardContext, GuardOptions, Guarded } from "./guard.ts";
import { createGuard } from "./guard.ts";
import { ledgerKeyOf } from "./receipt.ts";
import { refusalOf } from "./refusals.ts";

export type ConnectOptions = ClientOptions & {
  /** Where this agent's actions run, such as `production`; a guard may name another. */
  readonly environment?: string;
  /** The ledger's verifier key (`keyturn ledger vkey`); without it, the one that the server tells at the first use. */
  readonly ledgerKey?: string;
  /** Given each receipt (`.tlog-proof`) of a redemption, checked, before the action runs: keep it as evidence. */
  readonly onReceipt?: (receipt: string) => void;
  /** Told what went wrong beside an action; by default a process warning. */
  readonly onWarning?: (warning: Error) => void;
};

/** One agent's connection to one server. */
export type Keyturn = {
  /** The wire itself, for what guards do not cover. */
  readonly client: Client;
  /**
   * Puts a function behind the server's decision. The function runs with a frozen copy of its parameters, taken when it
   * is called: what was shown is what runs. Parameters are plain data.
   */
  guard<A extends readonly unknown[], R>(fn: (...args: A) => R, options: GuardOptions<A, R>): Guarded<A, R>;
  /** Ends every wait; the calls reject and never run. */
  close(): void;
};

/** Connects an agent: nothing is sent before the first guarded call. */
export function connect(options: ConnectOptions): Keyturn {
  const client = createClient(options);
  const context: GuardContext = {
    client,
    environment: options.environment,
    ledgerKey: options.ledgerKey === undefined ? undefined : ledgerKeyOf(options.ledgerKey),
    onReceipt: options.onReceipt,
    subject: subjectOf(client),
    // The same secret at the same place is the same action as long as this connection lives, and tells nothing elsewhere.
    secretKey: randomBytes(SECRET_KEY_BYTES_MIN),
    onWarning: options.onWarning ?? ((warning) => process.emitWarning(warning.message, { type: "KeyturnWarning" })),
  };
  return { client, guard: (fn, guardOptions) => createGuard(context, fn, guardOptions), close: () => client.close() };
}

/** Who the token speaks for. */
export async function agentOf(client: Client, signal?: AbortSignal): Promise<Subject> {
  try {
    return (await client.whoami({ signal })).agent;
  } catch (error) {
    throw refusalOf(error, null);
  }
}

/** The same, asked once; a failure is not remembered. */
function subjectOf(client: Client): () => Promise<Subject> {
  let known: Promise<Subject> | null = null;
  return () => {
    known ??= agentOf(client).catch((error: unknown) => {
      known = null;
      throw error;
    });
    return known;
  };
}
