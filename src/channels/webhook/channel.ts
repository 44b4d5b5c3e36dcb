import type { JsonObject } from "../../core/action/index.ts";
import { headlineText, statusText } from "../../core/card/index.ts";
import { formatInstant } from "../../core/ledger/index.ts";
import { ChannelError } from "../../ports/channel.ts";
import type { Channel, Notice, Reference } from "../../ports/channel.ts";
import type { Clock } from "../../ports/clock.ts";
import { AddressError } from "./address.ts";
import { postDelivery, readWebhookSecret, signDelivery } from "./delivery.ts";
import type { Endpoint } from "./delivery.ts";

export type WebhookConfig = Endpoint & {
  readonly name: string;
  readonly secretFile: string;
  /** Only requests of these agents; empty means all. */
  readonly agents: readonly string[];
};

/** The one place of a webhook, whatever its address is. */
const PLACE = "webhook";
/** Answers after which trying again is no use: the receiver will never take this. */
const REFUSED: ReadonlySet<number> = new Set([400, 410, 413, 415, 422]);

/**
 * Tells a URL every change of a request, signed as Standard Webhooks says, in order. It tells and never asks: the answer is
 * a status, and decides nothing.
 */
export function webhookChannel(config: WebhookConfig, clock: Clock): Channel {
  const secret = readWebhookSecret(config.secretFile);
  const post = async (type: string, notice: Notice, signal: AbortSignal): Promise<Reference> => {
    const seconds = Math.floor(clock.now() / 1000);
    const body = JSON.stringify(messageOf(type, notice));
    await send(config, signDelivery(secret, `msg_${notice.id}`, seconds, body), signal);
    return {};
  };
  return {
    name: config.name,
    tells: "every",
    places: ({ audience }) => (config.agents.length === 0 || config.agents.includes(audience.agent) ? [PLACE] : []),
    present: async (_place, notice, signal) => post("request.changed", notice, signal),
    update: async (_place, _reference, notice, signal) => post("request.changed", notice, signal),
    close: async (_place, _reference, notice, signal) => void (await post("request.changed", notice, signal)),
    remind: async (_place, _reference, notice, signal) => void (await post("request.reminder", notice, signal)),
  };
}

/** The body: what is known, what the agent claims, and where to look. */
function messageOf(type: string, { card, cardDigest, changes, page }: Notice): JsonObject {
  const { body, progress } = card;
  const { headline } = body;
  const data: object = {
    request: body.request,
    digest: body.digest,
    card_digest: cardDigest,
    version: progress.version,
    changes,
    status: progress.status,
    headline: headlineText(headline),
    said: statusText(progress),
    page,
    card: { body, progress },
  };
  return { type, timestamp: formatInstant(progress.at), data: data as JsonObject };
}

async function send(
  config: WebhookConfig,
  delivery: Parameters<typeof postDelivery>[1],
  signal: AbortSignal,
): Promise<void> {
  const { status, retryAfterMs } = await postDelivery(config, delivery, signal).catch((cause: unknown) => {
    const message = cause instanceof Error ? cause.message : "the receiver cannot be reached";
    // An address that may not be reached is no outage: it stays so until the operator changes the settings.
    const code = cause instanceof AddressError ? "channel_refused" : "channel_unavailable";
    throw new ChannelError({ code, message, cause });
  });
  if (status >= 200 && status <= 299) return;
  const message = `it answered ${status}`;
  if (REFUSED.has(status)) throw new ChannelError({ code: "channel_refused", message });
  const code = status === 429 ? "channel_rate_limited" : "channel_unavailable";
  throw new ChannelError({ code, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
}
