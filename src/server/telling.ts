import type { RequestId } from "../core/brand.ts";
import { Inbox, Outbox } from "../engine/index.ts";
import type { Credentials, EngineContext } from "../engine/index.ts";
import type { Log } from "./log.ts";
import { channelsOf, type Channels } from "./channels.ts";
import type { Config } from "./config.ts";
import type { Metrics } from "./metrics.ts";
import { openPush } from "./push.ts";
import { offerLink } from "./sign-in/linking.ts";
import { isShared } from "./stores.ts";

type TellingParts = {
  readonly config: Pick<Config, "notify" | "data" | "store">;
  readonly ctx: EngineContext;
  readonly credentials: Credentials;
  readonly address: { readonly url: string };
  readonly metrics: Metrics;
  readonly log: Log;
};

/** What tells people, and what hears from them. */
export type Telling = { readonly channels: Channels; readonly outbox: Outbox; readonly inbox: Inbox };

/** The channels of the settings with outbox and inbox; throws `ConfigError` where a secret cannot be read. */
export async function tellingOf({ config, ctx, credentials, address, metrics, log }: TellingParts): Promise<Telling> {
  const notify = config.notify ?? null;
  const directory = (): ReturnType<EngineContext["rules"]>["directory"] => ctx.rules().directory;
  const channels = await channelsOf(notify, {
    clock: ctx.clock,
    directory,
    metrics,
    log,
    push: async (wanted) => openPush(wanted, { ctx, credentials, data: config.data, isShared: isShared(config) }),
  });
  const page = (id: RequestId): string => `${address.url}/requests/${id}`;
  const outbox = new Outbox({
    ctx,
    channels: channels.all,
    page,
    ...(notify === null ? {} : { giveUpAfterMs: notify.giveUpAfterMs }),
    onResult: (channel, result, count) => metrics.count("notifications_total", { channel, result }, count),
    onFault: (error) => log("error", `a notification failed: ${String(error)}`),
  });
  const inbox = new Inbox({
    ctx,
    channels: channels.clickable,
    page,
    offerLink: async (login) => {
      const offered = await offerLink({ credentials, ctx, publicUrl: address.url }, login);
      return offered?.url ?? null;
    },
    onResult: (channel, result) => metrics.count("clicks_total", { channel, result }),
    onFault: (error) => log("error", `a click could not be decided: ${String(error)}`),
  });
  return { channels, outbox, inbox };
}

/** Keeps the channels open in which people click, and decides what comes, until the signal aborts. */
export async function bringClicks(
  { inbox, channels }: Pick<Telling, "inbox" | "channels">,
  signal: AbortSignal,
): Promise<void> {
  if (channels.clickable.length === 0) return;
  const listening = channels.clickable.map(async (one) => one.listen(async (click) => inbox.take(click), signal));
  await Promise.allSettled([inbox.run(signal), ...listening]); // of the store's failure `fault` tells
}
