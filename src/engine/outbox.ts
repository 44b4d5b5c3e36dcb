import { jsonText } from "../core/action/index.ts";
import type { JsonObject } from "../core/action/index.ts";
import { foldRequest } from "../core/approval/index.ts";
import type { Recorded } from "../core/approval/index.ts";
import type { Instant, RequestId } from "../core/brand.ts";
import { parseId } from "../core/ids.ts";
import type { Channel } from "../ports/channel.ts";
import { StoreError } from "../ports/store.ts";
import type { Message } from "../ports/store.ts";
import { recordChange } from "./changes.ts";
import type { Context } from "./context.ts";
import { abandon, CALL_TIMEOUT_MS, deliver, type Delivery, type DeliveryEnd } from "./deliver.ts";
import { Health } from "./health.ts";
import { loadHistory } from "./journal.ts";

export type OutboxParts = {
  readonly ctx: Context;
  readonly channels: readonly Channel[];
  /** The page of a request, for links. */
  readonly page: (id: RequestId) => string;
  /** How long one piece of news is tried before it is given up, in milliseconds. */
  readonly giveUpAfterMs?: number;
  /** Told of faults of a channel's code: the outbox goes on, and tries again. */
  readonly onFault?: (error: unknown) => void;
  /** Told of every result: counted as a metric. */
  readonly onResult?: (channel: string, result: "sent" | "refused" | "retried" | "given_up", count: number) => void;
};

/** A channel through which nothing comes at the moment, or which has lost something. */
export type Trouble = {
  readonly channel: string;
  readonly since: Instant | null;
  readonly because: string;
  /** News given up since the start. */
  readonly givenUp: number;
};

export const GIVE_UP_AFTER_MS: number = 24 * 3_600_000;
/** Messages taken at a time, and requests told of at the same time. */
const BATCH = 64;
const AT_ONCE = 8;
/** For so long no other taker sees what this one has taken. */
const LEASE_MS: number = 6 * CALL_TIMEOUT_MS;
/** The longest sleep. */
const SLEEP_MAX_MS = 1000;
/** One entry for each channel in this time: an outage of a day must not fill the ledger. */
const ENTRY_EVERY_MS = 3_600_000;

type Loss = { givenUp: number; untold: number; toldAt: Instant | null; because: string };

/**
 * Tells channels what has been committed: at least once, in the order of each request's entries, over restarts and
 * outages. Nothing waits for it and nothing follows from it: an action that nobody heard of expires.
 */
export class Outbox {
  readonly #parts: OutboxParts;
  readonly #health = new Map<string, Health>();
  readonly #losses = new Map<string, Loss>();

  constructor(parts: OutboxParts) {
    this.#parts = parts;
    for (const { name } of parts.channels) this.#health.set(name, new Health());
  }

  /** What an operator should know. */
  troubles(): readonly Trouble[] {
    return this.#parts.channels.flatMap(({ name }) => {
      const down = this.#health.get(name)?.trouble() ?? null;
      const loss = this.#losses.get(name);
      if (down === null && loss === undefined) return [];
      const because = down?.because ?? loss?.because ?? "";
      return [{ channel: name, since: down?.since ?? null, because, givenUp: loss?.givenUp ?? 0 }];
    });
  }

  /** Sends until the signal aborts. A failing store ends it with the store's error; one that is away does not. */
  async run(signal: AbortSignal): Promise<void> {
    const { ctx } = this.#parts;
    // What waits is for the channels of another instance, or for those that are set up again.
    if (ctx.isQuiet === true) return;
    while (!signal.aborted) {
      const woken = Promise.withResolvers<void>();
      // What others commit they deliver themselves; what they cannot is found within a second.
      const unsubscribe = ctx.bus.attend(() => woken.resolve());
      const timer = setTimeout(() => woken.resolve(), SLEEP_MAX_MS);
      const stop = (): void => woken.resolve();
      signal.addEventListener("abort", stop, { once: true });
      try {
        if ((await this.step(signal)) < BATCH) await woken.promise;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof StoreError && error.code !== "store_unavailable") throw error;
        if (!(error instanceof StoreError)) this.#parts.onFault?.(error);
        await woken.promise;
      } finally {
        clearTimeout(timer);
        unsubscribe();
        signal.removeEventListener("abort", stop);
      }
    }
  }

  /** Takes what is due and delivers it; answers how many messages were taken. */
  async step(signal: AbortSignal): Promise<number> {
    const { ctx } = this.#parts;
    const now = ctx.clock.now();
    const [first] = await ctx.store.messages(1);
    if (first === undefined || first.notBefore > now) return 0;
    const taken = await ctx.store.takeMessages(now, BATCH, (now + LEASE_MS) as Instant);
    const groups = [...Map.groupBy(taken, ({ body }) => jsonText(body["request"]))];
    const next = groups.values();
    const worker = async (): Promise<void> => {
      for (const [request, messages] of next) {
        if (signal.aborted) return;
        await this.#tell(parseId("request", request), messages, signal);
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, groups.length) }, worker));
    return taken.length;
  }

  async #tell(request: RequestId, messages: readonly Message[], signal: AbortSignal): Promise<void> {
    const { ctx, channels, page } = this.#parts;
    await ctx.turns.take(`outbox:${request}`, async () => {
      const history = channels.length === 0 ? null : await loadHistory(ctx, request);
      const remind = messages.some(({ topic }) => topic === "reminder");
      const late = messages.some(({ attempts }) => attempts > 1);
      const ends =
        history === null
          ? []
          : await Promise.all(
              channels.map(async (channel) => {
                const health = this.#health.get(channel.name) ?? new Health();
                return this.#one({ ctx, channel, health, page, signal, history, remind, late }, messages);
              }),
            );
      const later = ends.flatMap((end) => (end.end === "later" ? [end.at] : []));
      await settle(ctx, messages, later);
    });
  }

  async #one(delivery: Delivery, messages: readonly Message[]): Promise<DeliveryEnd> {
    const { channel, history, signal } = delivery;
    const end = await deliver(delivery);
    this.#count(channel.name, "sent", end.sent);
    if (end.refused.length > 0) {
      this.#count(channel.name, "refused", end.refused.length);
      await this.#lose(channel.name, history, end.refused.join("; "), end.refused.length);
    }
    if (end.end === "told" || signal.aborted) return end;
    this.#count(channel.name, "retried", 1);
    const because = delivery.health.trouble()?.because ?? "the channel is too slow for what it is told";
    if (!this.#isHopeless(messages)) return end;
    await abandon(delivery);
    this.#count(channel.name, "given_up", 1);
    await this.#lose(channel.name, history, because, 1);
    return { ...end, end: "told" };
  }

  #isHopeless(messages: readonly Message[]): boolean {
    const { ctx, giveUpAfterMs = GIVE_UP_AFTER_MS } = this.#parts;
    const oldest = Math.min(...messages.map(({ body }) => committedAt(body)));
    return ctx.clock.now() >= oldest + giveUpAfterMs;
  }

  /** Says aloud that news was lost: an entry for the ledger, at most one an hour for each channel. */
  async #lose(channel: string, history: readonly Recorded[], because: string, count: number): Promise<void> {
    const { ctx } = this.#parts;
    const now = ctx.clock.now();
    const loss = this.#losses.get(channel) ?? { givenUp: 0, untold: 0, toldAt: null, because };
    loss.givenUp += count;
    loss.untold += count;
    loss.because = because;
    this.#losses.set(channel, loss);
    if (loss.toldAt !== null && now < loss.toldAt + ENTRY_EVERY_MS) return;
    const lost = loss.untold;
    loss.untold = 0;
    loss.toldAt = now;
    const request = foldRequest(history)?.opened.id ?? null;
    await recordChange(ctx, "notification.failed", { request, because: because.slice(0, 1000) }, { channel, lost });
  }

  #count(channel: string, result: Parameters<NonNullable<OutboxParts["onResult"]>>[1], count: number): void {
    if (count > 0) this.#parts.onResult?.(channel, result, count);
  }
}

/** Forgets what is told. Of what is not, one message of a kind stands for all: whenever it comes, everything is told. */
async function settle(ctx: Context, messages: readonly Message[], later: readonly Instant[]): Promise<void> {
  const again = later.length === 0 ? null : (Math.min(...later) as Instant);
  const done: Message[] = [];
  for (const ofTopic of Map.groupBy(messages, ({ topic }) => topic).values()) {
    // The oldest stays: its age says when to give up.
    const [kept, ...others] = ofTopic.toSorted((a, b) => committedAt(a.body) - committedAt(b.body));
    if (kept === undefined) continue;
    if (again === null) done.push(kept);
    else await ctx.store.messageRetry(kept.id, again);
    done.push(...others);
  }
  await Promise.all(done.map(({ id }) => ctx.store.messageDone(id)));
}

function committedAt(body: JsonObject): number {
  const { at } = body;
  return typeof at === "number" ? at : 0;
}
