import { createHash } from "node:crypto";
import webPush from "web-push";
import type { RequestStatus } from "../../core/approval/index.ts";
import type { PersonId } from "../../core/brand.ts";
import { ChannelError } from "../../ports/channel.ts";
import type { Channel, Notice, Reference } from "../../ports/channel.ts";
import { AddressError, postDelivery } from "../webhook/index.ts";
import type { Answer } from "../webhook/index.ts";
import { isServed } from "./endpoint.ts";
import type { PushKey } from "./key.ts";

export type PushConfig = {
  readonly name: string;
  /** Where a push service reaches the operator: `mailto:…` or an https address (RFC 8292 §2.1). */
  readonly contact: string;
  /** The VAPID key; null for `push-key.pem` of the data directory. */
  readonly keyFile: string | null;
  /** Push services besides those of the browsers: `host`, `host:port` or `*.domain`. */
  readonly services: readonly string[];
  /** Hosts that may be loopback or private addresses. */
  readonly allowPrivate: readonly string[];
  /** Only requests of these agents; empty means all. */
  readonly agents: readonly string[];
};

/** One browser of one person, as long as the session lasts in which it was turned on. */
export type Subscription = {
  readonly session: string;
  readonly person: PersonId;
  readonly endpoint: string;
  readonly p256dh: string;
  readonly auth: string;
};

/** What the channel needs of whoever keeps the subscriptions. */
export type PushParts = {
  readonly key: PushKey;
  /** Those of a person whose sessions are open, newest first. */
  of(person: PersonId): Promise<readonly Subscription[]>;
  /** That of a session, while it is open and its person active; else null. */
  at(session: string): Promise<Subscription | null>;
  /** Forgets one that the service does not know any more. */
  drop(subscription: Subscription): Promise<void>;
};

/** All that a push says. Not a word of it is an agent's. */
export type PushMessage = {
  readonly kind: "waits" | "reminder" | "over";
  readonly request: string;
  readonly level: string;
  readonly status: RequestStatus;
  readonly page: string;
};

/** A channel, with the public key that browsers subscribe to. */
export type PushChannel = Channel & { readonly publicKey: string };

/** Push services keep nothing longer than four weeks. */
const TTL_MAX_SECONDS = 28 * 86_400;
/** How long the word that a request is over is worth keeping for a browser that is closed. */
const OVER_TTL_SECONDS = 86_400;
const ENCODING = "aes128gcm";
/** The push service does not know the subscription any more (RFC 8030 §7.3, and what services do). */
const GONE: ReadonlySet<number> = new Set([404, 410]);
/** It will never take this: not ours, not so, not there. Redirects are not followed. */
const REFUSED: ReadonlySet<number> = new Set([301, 302, 303, 307, 308, 400, 401, 403, 405, 413]);

/**
 * Tells approvers' browsers that a request waits, and takes it back when it is over: encrypted for the browser (RFC 8291),
 * so that the push service learns that there is something, and nothing of it. A click there opens the page and decides nothing.
 */
export function pushChannel(config: PushConfig, parts: PushParts): PushChannel {
  const { key } = parts;
  const send = async (session: string, message: PushMessage, ttl: number, signal: AbortSignal): Promise<boolean> => {
    const found = await parts.at(session);
    // A session that has ended is told nothing, and neither is a service that was taken out of the settings.
    if (found === null || !isServed(found.endpoint, config.services)) return false;
    const answer = await post(config, key, found, message, ttl, signal);
    if (GONE.has(answer.status)) {
      await parts.drop(found);
      return false;
    }
    assertTaken(answer);
    return true;
  };
  const over = async (session: string, known: Reference, notice: Notice, signal: AbortSignal): Promise<Reference> => {
    const { status } = notice.card.progress;
    if (known["status"] === status || known["gone"] === true) return known;
    const isThere = await send(session, messageOf("over", notice), OVER_TTL_SECONDS, signal);
    return isThere ? { status } : { status, gone: true };
  };
  return {
    name: config.name,
    publicKey: key.publicKey,
    tells: "latest",
    places: async ({ audience }) => {
      if (config.agents.length > 0 && !config.agents.includes(audience.agent)) return [];
      const all = await Promise.all(audience.approvers.map(async ({ id }) => parts.of(id)));
      // Everybody's newest browser before anybody's second: a request has room for so many places and no more.
      const most = Math.max(0, ...all.map(({ length }) => length));
      const turns = Array.from({ length: most }, (_, turn) => all.flatMap((own) => own[turn] ?? []));
      return turns.flat().map(({ session }) => session);
    },
    present: async (session, notice, signal) => {
      const isThere = await send(session, messageOf("waits", notice), ttlOf(notice), signal);
      return { status: notice.card.progress.status, ...(isThere ? {} : { gone: true }) };
    },
    update: over,
    close: async (session, reference, notice, signal) => void (await over(session, reference, notice, signal)),
    remind: async (session, reference, notice, signal) => {
      if (reference["gone"] === true) return;
      await send(session, messageOf("reminder", notice), ttlOf(notice), signal);
    },
  };
}

function messageOf(kind: PushMessage["kind"], { card, page }: Notice): PushMessage {
  const { body, progress } = card;
  return { kind, request: body.request, level: body.risk.level, status: progress.status, page };
}

/** A push that comes after the time to review is of no use. */
function ttlOf({ card }: Notice): number {
  return Math.min(TTL_MAX_SECONDS, Math.ceil((card.progress.leftMs ?? 0) / 1000));
}

/**
 * The library encrypts and signs; the call is our own, because the library's has neither a time limit as a whole, nor a
 * limit of the answer, nor a word on which address it connects to.
 */
async function post(
  { contact, allowPrivate }: PushConfig,
  { publicKey, privateKey }: PushKey,
  { endpoint, p256dh, auth }: Subscription,
  message: PushMessage,
  ttl: number,
  signal: AbortSignal,
): Promise<Answer> {
  const { cipherText } = webPush.encrypt(p256dh, auth, JSON.stringify(message), ENCODING);
  const { origin } = new URL(endpoint);
  const { Authorization } = webPush.getVapidHeaders(origin, contact, publicKey, privateKey, ENCODING);
  const headers = {
    authorization: Authorization,
    "content-type": "application/octet-stream",
    "content-encoding": ENCODING,
    ttl: String(ttl),
    urgency: message.kind === "over" ? "low" : message.level === "low" ? "normal" : "high",
    // RFC 8030 §5.4: what has not reached the browser yet is replaced by the newer one of the same request.
    topic: createHash("sha256").update(message.request).digest("base64url").slice(0, 32),
  };
  const delivery = { body: cipherText, headers };
  return postDelivery({ url: endpoint, allowPrivate }, delivery, signal).catch((cause: unknown) => {
    const text = cause instanceof Error ? cause.message : "the push service cannot be reached";
    const code = cause instanceof AddressError ? "channel_refused" : "channel_unavailable";
    throw new ChannelError({ code, message: text, cause });
  });
}

function assertTaken({ status, retryAfterMs }: Answer): void {
  if (status >= 200 && status <= 299) return;
  const message = `the push service answered ${status}`;
  if (REFUSED.has(status)) throw new ChannelError({ code: "channel_refused", message });
  const code = status === 429 ? "channel_rate_limited" : "channel_unavailable";
  throw new ChannelError({ code, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
}
