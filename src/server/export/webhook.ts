import { setTimeout as sleep } from "node:timers/promises";
import { postDelivery, readWebhookSecret, signDelivery } from "../../channels/webhook/index.ts";
import type { JsonObject } from "../../core/action/index.ts";
import { ALONE, type Fence, type Leadership } from "../../engine/index.ts";
import type { OcsfSource } from "../../evidence/index.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Store } from "../../ports/store.ts";
import type { Log } from "../log.ts";
import type { ExportConfig } from "../config.ts";
import { eventsFrom } from "./events.ts";

const ANSWER_TIMEOUT_MS = 15_000;
const BACKOFF_MS = { first: 1000, max: 300_000 } as const;
const CURSOR = { kind: "export", id: "webhook" } as const;

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
    this.#secret = readWebhookSecret(parts.config.secretFile);
  }

  /** Delivers until the signal aborts, while this instance leads. */
  async run(signal: AbortSignal, leadership: Leadership = ALONE): Promise<void> {
    const { log, pollMs = 1000 } = this.#parts;
    while (!signal.aborted) {
      let wait = pollMs;
      try {
        const fence = leadership.fence();
        if (fence !== null && (await this.step(signal, fence))) wait = 0;
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
  async step(signal: AbortSignal, fence: Fence = []): Promise<boolean> {
    const { store, source } = this.#parts;
    const from = await this.#cursor(fence);
    const page = await eventsFrom(store, source, from);
    if (page.next === from) return false;
    if (page.events.length > 0) await this.#deliver({ from, ...page }, signal);
    return this.#goOn(page.next, fence);
  }

  /** Where to go on. A first time is remembered at once, so that nothing is skipped while a receiver cannot be reached. */
  async #cursor(fence: Fence): Promise<number> {
    const { store, config } = this.#parts;
    const next = (await store.document(CURSOR.kind, CURSOR.id))?.body["next"];
    if (typeof next === "number") return next;
    if (config.since !== "now") return 0;
    const { size } = await store.head();
    await this.#goOn(size, fence);
    return size;
  }

  /** False where somebody else leads by now, and goes on from where it is. */
  async #goOn(next: number, fence: Fence): Promise<boolean> {
    const documents = [{ ...CURSOR, body: { next } }];
    return (await this.#parts.store.append({ entries: [], slots: fence, documents })).status === "appended";
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
    const patience = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
    const { status } = await postDelivery(config, delivery, patience);
    if (status < 200 || status > 299) throw new Error(`it answered ${status}`);
  }
}
