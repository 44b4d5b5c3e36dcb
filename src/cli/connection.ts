import { createClient, Unavailable, WireError } from "../client/index.ts";
import type { Client } from "../client/index.ts";
import { Failure } from "./failure.ts";
import { operatorToken, personSession, readSettings, serverUrl, signedInUrl } from "./settings.ts";
import type { ServerValues } from "./settings.ts";
import type { Terminal } from "./terminal.ts";

/** Whose credential is sent. `reader` is the person who is signed in, or else the operator. */
export type Role = "person" | "operator" | "nobody";

/** A server and one credential for it. */
export type Connection = {
  readonly url: string;
  readonly role: Role;
  /** Calls the server; its refusals and silences become failures that say what to do. */
  ask<T>(call: (client: Client) => Promise<T>): Promise<T>;
  readonly client: Client;
};

/** How long a person waits for an answer before being told that there is none. */
const ANSWER_TIMEOUT_MS = 15_000;

/** Finds the server and the credential. Nothing is sent yet. */
export async function connect(values: ServerValues, terminal: Terminal, wanted: Role | "reader"): Promise<Connection> {
  const settings = await readSettings(values, terminal);
  const url = serverUrl(values, settings, terminal);
  if (wanted === "nobody") return connection(url, "nobody", null);
  // A token that was named counts for more than a sign-in of last week.
  const at = signedInUrl(values, settings, terminal);
  const session = values.token === undefined || wanted === "person" ? personSession(at, terminal) : null;
  if (wanted !== "operator" && session !== null) return connection(at, "person", session);
  if (wanted === "person") throw nobodySignedIn(url);
  const token = operatorToken(values, settings, terminal);
  if (token !== null) return connection(url, "operator", token);
  throw new Failure({
    code: "no_credential",
    message:
      `There is no operator token: ${settings.operator} is not there or empty. Run this in the folder of keyturn.yaml, ` +
      `name the data directory with --data, or set KEYTURN_TOKEN` +
      `${settings.isShared ? " (`keyturn store operator-token` makes one)" : ""}` +
      `${wanted === "reader" ? "; or sign in with `keyturn sign-in LINK`" : ""}.`,
  });
}

/** A connection with a credential that the caller has found already. */
export function connection(url: string, role: Role, token: string | null): Connection {
  const client = clientFor(url, token);
  return { url, role, client, ask: (call) => asked(call(client), url, role) };
}

function clientFor(url: string, token: string | null): Client {
  const options = { url, requestTimeoutMs: ANSWER_TIMEOUT_MS, retryForMs: 0 };
  try {
    return createClient(token === null ? options : { ...options, token });
  } catch (cause) {
    const sentence = cause instanceof Error ? cause.message : String(cause);
    throw new Failure({ code: "usage", message: `\`${url}\`: ${sentence}.`, cause });
  }
}

async function asked<T>(answer: Promise<T>, url: string, role: Role): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw explained(error, url, role);
  }
}

/** Turns what the client throws into a sentence for the person at the terminal; other errors pass unchanged. */
function explained(error: unknown, url: string, role: Role): unknown {
  if (error instanceof Unavailable && error.code === "unreachable") {
    const message = `No Keyturn server answers at ${url}. Start one with \`keyturn serve\`, or name another with --url.`;
    return new Failure({ code: "unavailable", message, cause: error });
  }
  if (error instanceof Unavailable) {
    return new Failure({
      code: "unavailable",
      message: `The server at ${url} gives no sensible answer: ${error.message}.`,
      cause: error,
    });
  }
  if (!(error instanceof WireError)) return error;
  if (error.status === 401) return unauthorized(url, role, error);
  const again = error.retryAfterMs === null ? "" : ` Try again in ${Math.ceil(error.retryAfterMs / 1000)} s.`;
  return new Failure({ code: "refused", message: `${sentence(error.detail)}${again}`, cause: error });
}

function unauthorized(url: string, role: Role, cause: WireError): Failure {
  const todo = {
    person:
      "Your sign-in has ended. Ask an operator for a new link (`keyturn people sign-in YOU`) and run `keyturn sign-in LINK`.",
    operator: `The server at ${url} does not know this operator token; is it the one in that server's data directory?`,
    nobody: "The link was used or has expired. Ask an operator for a new one: `keyturn people sign-in YOU`.",
  }[role];
  return new Failure({ code: "unauthorized", message: todo, cause });
}

function nobodySignedIn(url: string): Failure {
  const message = `Nobody is signed in to ${url}. Ask an operator for a link (\`keyturn people sign-in YOU\`) and run \`keyturn sign-in LINK\`.`;
  return new Failure({ code: "no_credential", message });
}

function sentence(detail: string): string {
  // A file keeps its name: `keyturn.yaml names no …`.
  const isName = /^[^ ]*[./_]\w/.test(detail);
  const text = isName ? detail : detail.charAt(0).toUpperCase() + detail.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
