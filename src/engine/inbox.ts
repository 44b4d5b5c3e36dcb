import { canonicalBytes, digest, isJsonObject } from "../core/action/index.ts";
import type { JsonObject } from "../core/action/index.ts";
import type { Instant, RequestId } from "../core/brand.ts";
import { utf8Length } from "../core/encoding.ts";
import { InputError } from "../core/errors.ts";
import { ChannelError, REFERENCE_BYTES_MAX } from "../ports/channel.ts";
import type {
  ChannelIntent,
  Click,
  Clickable,
  ClickAnswer,
  OfferLink,
  Taken,
  UsedLogin,
  Vouched,
} from "../ports/channel.ts";
import { StoreError } from "../ports/store.ts";
import type { Context } from "./context.ts";
import { CALL_TIMEOUT_MS, within } from "./deliver.ts";
import { BACKOFF_FIRST_MS } from "./health.ts";
import { submitIntent } from "./intents.ts";

export type InboxParts = {
  readonly ctx: Context;
  readonly channels: readonly Clickable[];
  /** The page of a request, for who has to decide there. */
  readonly page: (id: RequestId) => string;
  readonly offerLink: OfferLink;
  /** Told of faults of a channel's code: the inbox goes on. */
  readonly onFault?: (error: unknown) => void;
  /** Told of what became of each click: counted as a metric. */
  readonly onResult?: (channel: string, result: ClickResult) => void;
};

export type ClickResult = ClickAnswer["status"] | "seen" | "unanswered";

/** Chats show an error to who clicked after three seconds: what took longer to keep is not kept. */
export const TAKE_MS_MAX = 2500;
/** For so long it is tried to find out whose click it was, and to say what became of it. */
export const CLICK_KEPT_MS: number = 15 * 60_000;
/** Clicks that wait to be decided, of all channels. */
export const CLICKS_WAITING_MAX = 2000;
const AT_ONCE = 8;
const BACKOFF_MAX_MS = 30_000;
/** Another instance's clicks are left to it for so long. */
const OTHERS_MS = 30_000;
const SLEEP_MAX_MS = 1000;
const KIND = "click";

type Waiting = { readonly id: string; readonly click: Click };
type Tried = { failures: number; nextAt: number; said: ClickAnswer | null };

/**
 * Keeps what people click before it is acknowledged, and decides afterwards, so that nobody is told "error" of a decision
 * that stands, or the reverse. A click that is kept survives a restart, and is decided once however often it comes.
 */
export class Inbox {
  readonly #parts: InboxParts;
  readonly #tried = new Map<string, Tried>();
  /** Ids of clicks that this instance took. */
  readonly #ours = new Set<string>();
  #isResumed = false;
  /** When to look for what other instances left. */
  #lookAt = 0;
  #wake: () => void = () => {};

  constructor(parts: InboxParts) {
    this.#parts = parts;
  }

  /** Durable when it resolves with `taken`. */
  async take(click: Click): Promise<Taken> {
    const { store, clock } = this.#parts.ctx;
    const { channel, nonce } = click.intent;
    if (utf8Length(JSON.stringify(click.reply)) > REFERENCE_BYTES_MAX) throw tooLong();
    if (this.#ours.size >= CLICKS_WAITING_MAX) {
      throw new ChannelError({ code: "channel_unavailable", message: "too many clicks wait to be decided" });
    }
    const id = `${channel}:${nonce}`;
    const body = toBody(click);
    const result = await store.append({
      entries: [],
      idempotency: { key: `click:${id}`, fingerprint: digest(canonicalBytes(body)), answer: {} },
      documents: [{ kind: KIND, id, body }],
    });
    if (result.status !== "appended") {
      this.#parts.onResult?.(channel, "seen");
      return "seen";
    }
    if (clock.now() - click.at > TAKE_MS_MAX) {
      await this.#forget(id);
      this.#parts.onResult?.(channel, "late");
      return "late";
    }
    this.#ours.add(id);
    this.#wake();
    return "taken";
  }

  /** Decides until the signal aborts. A failing store ends it with the store's error; one that is away does not. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const woken = Promise.withResolvers<void>();
      this.#wake = () => woken.resolve();
      const timer = setTimeout(() => woken.resolve(), SLEEP_MAX_MS);
      const stop = (): void => woken.resolve();
      signal.addEventListener("abort", stop, { once: true });
      try {
        await this.step(signal).catch((error: unknown) => this.#toMend(error, signal));
        await woken.promise;
      } finally {
        clearTimeout(timer);
        signal.removeEventListener("abort", stop);
      }
    }
  }

  #toMend(error: unknown, signal: AbortSignal): void {
    if (signal.aborted) return;
    if (error instanceof StoreError && error.code !== "store_unavailable") throw error;
    if (!(error instanceof StoreError)) this.#parts.onFault?.(error);
  }

  /** Decides what waits and is due; answers how many clicks are done with. */
  async step(signal: AbortSignal): Promise<number> {
    const { store, clock } = this.#parts.ctx;
    if (this.#isResumed && this.#ours.size === 0 && clock.now() < this.#lookAt) return 0;
    this.#lookAt = clock.now() + OTHERS_MS;
    const before = [...this.#ours];
    const documents = await store.documents(KIND);
    this.#leave(before, new Set(documents.map(({ id }) => id)));
    const now = clock.now();
    const due = documents
      .flatMap(({ id, body }): readonly Waiting[] => {
        const click = fromBody(body);
        if (click === null) return [];
        const isOurs = !this.#isResumed || this.#ours.has(id) || click.at + OTHERS_MS < now;
        return isOurs && (this.#tried.get(id)?.nextAt ?? 0) <= now ? [{ id, click }] : [];
      })
      .toSorted((a, b) => a.click.at - b.click.at);
    this.#isResumed = true;
    for (const { id } of due) this.#ours.add(id);
    const next = due.values();
    let done = 0;
    const worker = async (): Promise<void> => {
      for (const waiting of next) {
        if (signal.aborted) return;
        if (await this.#decide(waiting, signal)) done += 1;
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, due.length) }, worker));
    return done;
  }

  /** True when nothing is left to do for this click. */
  async #decide({ id, click }: Waiting, signal: AbortSignal): Promise<boolean> {
    const { channels, onResult, onFault, ctx } = this.#parts;
    const channel = channels.find(({ name }) => name === click.intent.channel);
    const tried = this.#tried.get(id) ?? { failures: 0, nextAt: 0, said: null };
    this.#tried.set(id, tried);
    if (channel === undefined) return this.#forget(id);
    const isOld = ctx.clock.now() > click.at + CLICK_KEPT_MS;
    const ended = AbortSignal.any([signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]);
    try {
      if (tried.said === null) {
        tried.said = isOld ? { status: "late" } : await this.#said(channel, click, ended);
        onResult?.(channel.name, tried.said.status);
      }
      const { said } = tried;
      await within(ended, async () => channel.answer(click, said, ended));
      return await this.#forget(id);
    } catch (error) {
      if (error instanceof StoreError) throw error;
      if (!(error instanceof ChannelError)) onFault?.(error);
      const isFinal =
        error instanceof ChannelError && (error.code === "channel_refused" || error.code === "message_gone");
      if (isFinal || isOld) {
        onResult?.(channel.name, "unanswered");
        return this.#forget(id);
      }
      tried.failures += 1;
      const backoff = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(tried.failures - 1, 10));
      const waitMs = error instanceof ChannelError ? (error.retryAfterMs ?? backoff) : backoff;
      tried.nextAt = ctx.clock.now() + Math.min(waitMs, CLICK_KEPT_MS);
      return false;
    }
  }

  async #said(channel: Clickable, click: Click, signal: AbortSignal): Promise<ClickAnswer> {
    const { ctx, page, offerLink } = this.#parts;
    const vouched = await within(signal, async () => channel.vouch(click, signal));
    if (vouched.status === "doubted") return { status: "refused", because: vouched.because };
    try {
      const answer = await submitIntent(ctx, click.intent);
      switch (answer.status) {
        case "recorded":
          return answer;
        case "refused":
          return { status: "refused", because: answer.refusal.because };
        case "unlinked":
          return { status: "unlinked", link: await offerLink(loginOf(click, vouched)) };
        case "page":
          return { status: "page", page: page(click.intent.request as RequestId) }; // submitIntent has found it
        default:
          return answer satisfies never;
      }
    } catch (error) {
      if (error instanceof InputError) return { status: "refused", because: error.message };
      throw error;
    }
  }

  /** What was ours and stands nowhere any more, another instance has decided. */
  #leave(ours: readonly string[], standing: ReadonlySet<string>): void {
    for (const id of ours) {
      if (standing.has(id)) continue;
      this.#ours.delete(id);
      this.#tried.delete(id);
    }
  }

  async #forget(id: string): Promise<true> {
    await this.#parts.ctx.store.append({ entries: [], documents: [{ kind: KIND, id, body: null }] });
    this.#tried.delete(id);
    this.#ours.delete(id);
    return true;
  }
}

function loginOf({ intent, at }: Click, { name, email }: Extract<Vouched, { status: "vouched" }>): UsedLogin {
  const evidence = `clicked in ${intent.channel} at ${new Date(at).toISOString()}`;
  return { ...intent.account, name: name ?? intent.account.subject, email, evidence };
}

function tooLong(): InputError {
  return new InputError({ code: "question_invalid", message: "a click's reply is too long", pointer: "/reply" });
}

function toBody({ intent, at, reply }: Click): JsonObject {
  return { intent: { ...intent, account: { ...intent.account } }, at, reply };
}

/** What was written by `take`; anything else is left alone. */
function fromBody({ intent, at, reply }: JsonObject): Click | null {
  if (!isJsonObject(intent) || !isJsonObject(reply) || typeof at !== "number") return null;
  const { channel, account, request, digest: shown, card, verdict, reason, nonce } = intent;
  if (!isJsonObject(account)) return null;
  const { issuer, subject } = account;
  const texts = [channel, issuer, subject, request, shown, nonce].filter((text) => typeof text === "string");
  const [channelName, issuerName, subjectName, requestId, digestText, nonceText] = texts;
  if (texts.length !== 6 || (verdict !== "approve" && verdict !== "deny")) return null;
  const kept: ChannelIntent = {
    channel: channelName ?? "",
    account: { issuer: issuerName ?? "", subject: subjectName ?? "" },
    request: requestId ?? "",
    digest: digestText ?? "",
    card: typeof card === "string" ? card : null,
    verdict,
    reason: typeof reason === "string" ? reason : null,
    nonce: nonceText ?? "",
  };
  return { intent: kept, at: at as Instant, reply };
}
