import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { JsonObject } from "../../core/action/index.ts";
import type { OcsfSource } from "../../evidence/index.ts";
import type { Clock } from "../../ports/clock.ts";
import { ConfigError } from "../../ports/config.ts";
import type { Store } from "../../ports/store.ts";
import type { Log } from "../app.ts";
import type { ExportConfig } from "../config.ts";
import { assertReachable, guardedLookup } from "./address.ts";
import { eventsFrom } from "./events.ts";

/** Standard Webhooks asks for 24 to 64 bytes. */
const SECRET_BYTES_MIN = 24;
const ANSWER_TIMEOUT_MS = 15_000;
const BACKOFF_MS = { first: 1000, max: 300_000 } as const;
const CURSOR = { kind: "export", id: "webhook" } as const;

/** One delivery: the body's bytes and the three headers of Standard Webhooks. */
export type Delivery = { readonly body: string; readonly headers: Readonly<Record<string, string>> };

/**
 * Signs a body as Standard Webhooks does: HMAC-SHA256 over `id.timestamp.body`.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function signDelivery(secret: Uint8Array, id: string, seconds: number, body: string): Delivery {
  const signature = createHmac("sha256", secret).update(`${id}.${seconds}.${body}`).digest("base64");
  return {
    body,
    headers: {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": String(seconds),
      "webhook-signature": `v1,${signature}`,
    },
  };
}

/** Reads `whsec_…` from its file; a `ConfigError` says what is wrong with it. */
export function readSecret(file: string): Uint8Array {
  const refuse = (message: string, cause?: unknown): ConfigError => {
    const hint = "write `whsec_` and 32 random bytes in base64, such as from `openssl rand -base64 32`";
    const problems = [{ file, line: 0, column: 0, message, hint }];
    return new ConfigError({ code: "config_invalid", problems, ...(cause === undefined ? {} : { cause }) });
  };
  let text: string;
  try {
    text = readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw refuse("the webhook's secret cannot be read", cause);
  }
  const secret = Buffer.from(text.replace(/^whsec_/, ""), "base64");
  if (!text.startsWith("whsec_") || secret.length < SECRET_BYTES_MIN) throw refuse("this is no webhook secret");
  return secret;
}

export type WebhookParts = {
  readonly config: ExportConfig;
  readonly store: Store;
  readonly source: OcsfSource;
  readonly clock: Clock;
  readonly log: Log;
  /** How long to sleep when there is nothing new. */
  readonly pollMs?: number;
};

/**
 * Tells a SIEM every event: in order, at least once, over restarts. The cursor moves only after an answer of 2xx, so a
 * receiver that is down makes events late and never loses one.
 */
export class WebhookExport {
  readonly #parts: WebhookParts;
  readonly #secret: Uint8Array;
  #failures = 0;

  constructor(parts: WebhookParts) {
    this.#parts = parts;
    this.#secret = readSecret(parts.config.secretFile);
  }

  /** Delivers until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { log, pollMs = 1000 } = this.#parts;
    while (!signal.aborted) {
      let wait = pollMs;
      try {
        if (await this.step(signal)) wait = 0;
        this.#failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (this.#failures === 0) log("error", `the export webhook does not take events: ${String(error)}`);
        wait = Math.min(BACKOFF_MS.max, BACKOFF_MS.first * 2 ** Math.min(this.#failures, 20));
        this.#failures += 1;
      }
      if (wait > 0) await sleep(wait, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Delivers the next page; false where there is nothing new. */
  async step(signal: AbortSignal): Promise<boolean> {
    const { store, source } = this.#parts;
    const next = (await store.document(CURSOR.kind, CURSOR.id))?.body["next"];
    const from = typeof next === "number" ? next : 0;
    const page = await eventsFrom(store, source, from);
    if (page.next === from) return false;
    if (page.events.length > 0) await this.#deliver({ from, ...page }, signal);
    await store.append({ entries: [], documents: [{ ...CURSOR, body: { next: page.next } }] });
    return true;
  }

  async #deliver(
    { from, next, events }: { readonly from: number; readonly next: number; readonly events: readonly JsonObject[] },
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, config } = this.#parts;
    const now = clock.now();
    const body = JSON.stringify({
      type: "keyturn.events",
      timestamp: new Date(now).toISOString(),
      data: { from, next, events },
    });
    // One id for one range of entries: a receiver that has seen it may drop the repetition.
    const delivery = signDelivery(this.#secret, `msg_${from}_${next}`, Math.floor(now / 1000), body);
    const status = await post(config, delivery, signal);
    if (status < 200 || status > 299) throw new Error(`it answered ${status}`);
  }
}

/** Sends without following redirects, and answers the status alone. */
function post(config: ExportConfig, { body, headers }: Delivery, signal: AbortSignal): Promise<number> {
  const url = new URL(config.url);
  assertReachable(url, config.allowPrivate);
  const lookup = guardedLookup(config.allowPrivate);
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const outgoing = send(url, {
      method: "POST",
      headers: { ...headers, "content-length": Buffer.byteLength(body) },
      lookup,
      agent: false,
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
    });
    outgoing.once("error", reject);
    outgoing.once("response", (answer) => {
      answer.resume(); // what it says is not ours to read
      resolve(answer.statusCode ?? 0);
    });
    outgoing.end(body);
  });
}
