import { setTimeout as sleep } from "node:timers/promises";
import { SocketModeClient } from "@slack/socket-mode";
import { apiOptions, SILENT } from "./api.ts";
import type { SlackConfig } from "./config.ts";
import type { Receiver } from "./receiver.ts";

type SocketParts = {
  readonly config: SlackConfig;
  readonly appToken: string;
  readonly receiver: Receiver;
  readonly onFault: (message: string) => void;
  /** Told why no connection stands, and null when one does. */
  readonly onState: (because: string | null) => void;
};

const RECONNECT_FIRST_MS = 500;
const RECONNECT_MAX_MS = 30_000;
/** The longest that closing a connection in good order is waited for. */
const CLOSE_MS_MAX = 2000;
/** A connection that stood so long was a good one. */
const GOOD_MS = 60_000;

/** What the client hands on of one envelope. */
type Envelope = { readonly body: unknown; readonly ack: (response?: Record<string, unknown>) => Promise<void> };

/**
 * Keeps a connection of Socket Mode until the signal aborts. Slack renews it every few hours and says so; the client's own
 * reconnection gives up on a refused call with a rejection that nobody can catch, so it is done here.
 */
export async function listenOn(parts: SocketParts, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const since = performance.now();
    try {
      await connection(parts, signal);
    } catch (error) {
      const because = error instanceof Error ? error.message : "it was closed before it stood";
      parts.onState(because);
      if (!signal.aborted) parts.onFault(`the socket to Slack: ${because}`);
      failures += 1;
    }
    if (performance.now() - since > GOOD_MS) failures = 0;
    const waitMs = Math.min(RECONNECT_MAX_MS, RECONNECT_FIRST_MS * 2 ** Math.min(failures, 10));
    if (!signal.aborted) await sleep(failures === 0 ? 0 : waitMs, undefined, { signal }).catch(() => {});
  }
}

/** One connection, until it ends. */
async function connection(
  { config, appToken, receiver, onFault, onState }: SocketParts,
  signal: AbortSignal,
): Promise<void> {
  const client = new SocketModeClient({
    appToken,
    autoReconnectEnabled: false,
    logger: SILENT,
    clientOptions: apiOptions(config.apiUrl),
  });
  const ended = Promise.withResolvers<void>();
  client.on("connected", () => onState(null));
  client.on("disconnected", () => {
    onState("the connection was lost");
    ended.resolve();
  });
  client.on("error", () => {}); // told by `disconnected`
  client.on("interactive", (envelope: Envelope) => {
    receive(receiver, envelope).catch((error: unknown) => {
      onFault(`a click was not taken: ${error instanceof Error ? error.message : String(error)}`);
    });
  });
  const stop = (): void => {
    // The client leaves a timer of half a minute behind where the closing is not waited for.
    const closed = client.disconnect().catch(() => {});
    void Promise.race([closed, sleep(CLOSE_MS_MAX, undefined, { ref: false })]).then(() => ended.resolve());
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    if (signal.aborted) return;
    await Promise.race([client.start(), ended.promise]);
    await ended.promise;
  } finally {
    signal.removeEventListener("abort", stop);
    client.removeAllListeners("interactive");
  }
}

/** Acknowledged when it is durable. What is not acknowledged Slack shows as an error, and may send again. */
async function receive(receiver: Receiver, { body, ack }: Envelope): Promise<void> {
  const { status, body: response } = await receiver.receive(body);
  if (status === 503) return;
  await ack(response === null ? {} : response);
}
