import { foldRequest, statusAt } from "../core/approval/index.ts";
import type { Recorded, RequestState } from "../core/approval/index.ts";
import type { Instant, RequestId } from "../core/brand.ts";
import { utf8Length } from "../core/encoding.ts";
import { ChannelError, PLACE_BYTES_MAX, PLACES_MAX, REFERENCE_BYTES_MAX } from "../ports/channel.ts";
import type { Channel, Notice, Reference } from "../ports/channel.ts";
import type { Context } from "./context.ts";
import { readDelivered, writeDelivered, type Delivered } from "./delivered.ts";
import type { Health } from "./health.ts";
import { isOver, noticeOf } from "./notify.ts";

/** Milliseconds that a channel has for one call. */
export const CALL_TIMEOUT_MS = 10_000;

/** What happened to one request on one channel: all told, or to be tried again. */
export type DeliveryEnd =
  | { readonly end: "told"; readonly sent: number; readonly refused: readonly string[] }
  | { readonly end: "later"; readonly at: Instant; readonly sent: number; readonly refused: readonly string[] };

export type Delivery = {
  readonly ctx: Context;
  readonly channel: Channel;
  readonly health: Health;
  readonly page: (id: RequestId) => string;
  readonly signal: AbortSignal;
  /** The request's whole stream. */
  readonly history: readonly Recorded[];
  /** A reminder is due as well. */
  readonly remind: boolean;
  /** It was tried before. */
  readonly late: boolean;
};

/** A call that failed for now. It ends this try; what was delivered before it is remembered. */
class Later extends Error {
  readonly at: Instant;

  constructor(at: Instant, cause: unknown) {
    super("to be tried again", { cause });
    this.at = at;
  }
}

/** Brings one channel up to date with one request. What has been taken by the service is remembered place by place. */
export async function deliver(delivery: Delivery): Promise<DeliveryEnd> {
  const { ctx, channel, health, history } = delivery;
  const last = foldRequest(history);
  if (last === null) return { end: "told", sent: 0, refused: [] };
  const work = new Work(delivery, await readDelivered(ctx.store, last.opened.id, channel.name), last.opened.id);
  const paused = health.pausedUntil(ctx.clock.now());
  if (paused !== null && work.behind(last)) return work.ended(paused);
  try {
    for (const version of channel.tells === "every" ? work.steps(last) : [last.version]) await work.tell(version);
    if (delivery.remind) await work.remind(last);
    return work.ended(null);
  } catch (error) {
    if (error instanceof Later) return work.ended(error.at);
    throw error;
  }
}

/** Marks everything as told, because nobody tries any more. */
export async function abandon({ ctx, channel, history }: Delivery): Promise<void> {
  const state = foldRequest(history);
  if (state === null) return;
  const before = await readDelivered(ctx.store, state.opened.id, channel.name);
  await writeDelivered(ctx.store, state.opened.id, channel.name, { ...before, version: state.version });
}

class Work {
  readonly #delivery: Delivery;
  readonly #request: RequestId;
  #record: Delivered;
  #sent = 0;
  readonly #refused: string[] = [];

  constructor(delivery: Delivery, record: Delivered, request: RequestId) {
    this.#delivery = delivery;
    this.#record = record;
    this.#request = request;
  }

  behind(state: RequestState): boolean {
    return this.#record.version < state.version || this.#delivery.remind;
  }

  /** Versions that were not told, oldest first. */
  steps(last: RequestState): readonly number[] {
    const { version } = this.#record;
    return Array.from({ length: Math.max(0, last.version - version) }, (_, index) => version + 1 + index);
  }

  ended(at: Instant | null): DeliveryEnd {
    const counts = { sent: this.#sent, refused: this.#refused };
    return at === null ? { end: "told", ...counts } : { end: "later", at, ...counts };
  }

  /** Tells every place how the request stands at a version. */
  async tell(version: number): Promise<void> {
    const { ctx, channel, history, page } = this.#delivery;
    if (this.#record.version >= version || this.#record.over) return;
    const state = foldRequest(history.slice(0, version));
    if (state === null) return;
    const told = history.slice(this.#record.version, version);
    const at = channel.tells === "every" ? (told.at(-1)?.at ?? ctx.clock.now()) : ctx.clock.now();
    const notice = noticeOf(ctx, state, told, at, page(this.#request));
    if (notice.changes.length > 0) {
      for (const place of await this.#places(notice)) await this.#tellPlace(place, notice, state);
    }
    if (await this.#isMissed(state)) this.#refused.push("it was over before anybody could be told");
    const over = isOver(state);
    await this.#remember({ version, over, ...(over ? { places: new Map() } : {}) });
  }

  /** Says once that time is short, where the card stands and people are still waited for. */
  async remind(state: RequestState): Promise<void> {
    const { ctx, channel, page } = this.#delivery;
    const now = ctx.clock.now();
    if (this.#record.reminded || statusAt(state, now) !== "pending") return;
    const notice = noticeOf(ctx, state, [], now, page(this.#request));
    const named = { ...notice, id: `${notice.id}.reminder` };
    for (const [place, { reference }] of this.#record.places) {
      if (reference === null) continue;
      await this.#attempt(place, async (signal) => channel.remind(place, reference, named, signal));
    }
    await this.#remember({ reminded: true });
  }

  /** After failures it is over now, stands nowhere, and somebody would have been told at its opening. */
  async #isMissed(state: RequestState): Promise<boolean> {
    const { ctx, channel, history, late, page } = this.#delivery;
    const { version, places } = this.#record;
    if (!late || channel.tells === "every" || version > 0 || places.size > 0) return false;
    const opened = foldRequest(history.slice(0, 1));
    if (opened === null || statusAt(state, ctx.clock.now()) === "pending") return false;
    const first = noticeOf(ctx, opened, history.slice(0, 1), opened.opened.openedAt, page(this.#request));
    return (await this.#called(async () => channel.places(first), false)).length > 0;
  }

  async #places(notice: Notice): Promise<readonly string[]> {
    const { channel } = this.#delivery;
    const routed = await this.#called(async () => channel.places(notice), false);
    const all = [...new Set([...this.#record.places.keys(), ...routed])];
    return all.filter((place) => utf8Length(place) <= PLACE_BYTES_MAX).slice(0, PLACES_MAX);
  }

  async #tellPlace(place: string, notice: Notice, state: RequestState): Promise<void> {
    const { channel } = this.#delivery;
    const known = this.#record.places.get(place);
    if (known !== undefined && (known.reference === null || known.version >= state.version)) return;
    const reference = known?.reference ?? null;
    if (reference === null) {
      // What is over before it was shown anywhere needs no card.
      if (channel.tells === "latest" && notice.card.progress.status !== "pending") return;
      return this.#present(place, notice, state.version);
    }
    const outcome = await this.#attempt(place, async (signal): Promise<Reference> => {
      if (!isOver(state)) return channel.update(place, reference, notice, signal);
      await channel.close(place, reference, notice, signal);
      return reference;
    });
    if (outcome === "gone" && notice.card.progress.status === "pending") {
      return this.#present(place, notice, state.version);
    }
    await this.#place(place, state.version, outcome);
  }

  async #present(place: string, notice: Notice, version: number): Promise<void> {
    const { channel } = this.#delivery;
    const outcome = await this.#attempt(place, async (signal) => channel.present(place, notice, signal));
    await this.#place(place, version, outcome);
  }

  async #place(place: string, version: number, outcome: Reference | null | "gone"): Promise<void> {
    // Where each change is a message of its own, one that was refused says nothing of the next.
    const none = this.#delivery.channel.tells === "every" ? {} : null;
    const reference = outcome === "gone" || outcome === null ? none : outcome;
    await this.#remember({ places: new Map([...this.#record.places, [place, { version, reference }]]) });
  }

  async #remember(change: Partial<Delivered>): Promise<void> {
    const { ctx, channel } = this.#delivery;
    this.#record = { ...this.#record, ...change };
    await writeDelivered(ctx.store, this.#request, channel.name, this.#record);
  }

  /** One call; null where the place refused for good. */
  async #attempt<T extends Reference | void>(
    place: string,
    call: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | null | "gone"> {
    try {
      const answer = await this.#called(call);
      if (answer !== undefined && utf8Length(JSON.stringify(answer)) > REFERENCE_BYTES_MAX) {
        throw new ChannelError({ code: "channel_refused", message: "the channel answered too long a reference" });
      }
      this.#sent += 1;
      return answer;
    } catch (error) {
      if (error instanceof ChannelError && error.code === "message_gone") return "gone";
      if (!(error instanceof ChannelError) || error.code !== "channel_refused") throw error;
      this.#refused.push(`\`${place}\`: ${error.message}`);
      return null;
    }
  }

  /** Calls the channel in its time, and turns a failure for now into `Later`. Routing proves nothing of the service. */
  async #called<T>(call: (signal: AbortSignal) => Promise<T>, proves: boolean = true): Promise<T> {
    const { ctx, health, signal } = this.#delivery;
    try {
      const answer = await within(AbortSignal.any([signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]), call);
      if (proves) health.succeeded();
      return answer;
    } catch (error) {
      const isFinal =
        error instanceof ChannelError && (error.code === "message_gone" || error.code === "channel_refused");
      if (isFinal) throw error;
      throw new Later(health.failed(error, ctx.clock.now()), error);
    }
  }
}

/** A call that does not end with its signal is left behind: what it still does, it does at least once. */
export async function within<T>(signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const end = (): void => {
    reject(new ChannelError({ code: "channel_unavailable", message: "it did not answer in time" }));
  };
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  try {
    return await Promise.race([call(signal), ended]);
  } finally {
    signal.removeEventListener("abort", end);
  }
}
