import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { JsonObject } from "../../core/action/index.ts";
import { isEnd } from "../../core/card/index.ts";
import { ChannelError } from "../../ports/channel.ts";
import type { Click, Clickable, ClickAnswer, Notice, Reference, Take } from "../../ports/channel.ts";
import type { Clock } from "../../ports/clock.ts";
import { Pace } from "../../ports/pace.ts";
import { answerTo } from "./answer.ts";
import { SlackApi, slackCode } from "./api.ts";
import { blockFault } from "./blocks.ts";
import type { SlackMessage } from "./blocks.ts";
import type { SlackConfig } from "./config.ts";
import { Members } from "./members.ts";
import { messageOf, reminderOf, threadOf } from "./message.ts";
import { openChannel, placeOf, placesOf } from "./places.ts";
import type { PlaceKind } from "./places.ts";
import { Receiver } from "./receiver.ts";
import { readSlackSecret } from "./secret.ts";
import type { DropReason } from "./receiver.ts";
import { listenOn } from "./socket.ts";

export type SlackParts = {
  readonly clock: Clock;
  /** Told of what Slack sent and nobody here wants to hear: counted as a metric. */
  readonly onDropped?: (because: DropReason) => void;
  /** Told of faults of the connection: it is mended. */
  readonly onFault?: (message: string) => void;
  /** Waits for the turn of a call; tests do not. */
  readonly sleep?: (ms: number) => Promise<void>;
};

/** A workspace of Slack: cards as messages, clicks as intents. */
export interface SlackChannel extends Clickable {
  /** Takes what Slack sends by HTTP; the address is guarded by the signature alone. */
  readonly receiver: Receiver;
}

/** Slack, as a channel. Throws `ConfigError` where a secret cannot be read. */
export function slackChannel(config: SlackConfig, parts: SlackParts): SlackChannel {
  const pace = new Pace(parts.sleep ?? (async (ms) => sleep(ms)), () => parts.clock.now());
  const api = new SlackApi(readSlackSecret(config.botTokenFile), config.apiUrl, pace);
  const appToken = config.appTokenFile === null ? null : readSlackSecret(config.appTokenFile);
  const members = new Members(api, config, parts.clock);
  const onFault = parts.onFault ?? (() => {});
  const receiver = new Receiver({
    config,
    api,
    clock: parts.clock,
    secret: config.signingSecretFile === null ? null : readSlackSecret(config.signingSecretFile),
    onDropped: parts.onDropped ?? (() => {}),
    onFault,
  });
  let trouble: string | null = null;
  const messages = new Messages(api, members, config);
  return {
    name: "slack",
    tells: "latest",
    receiver,
    places: async (notice) => placesOf(notice, config, members),
    present: async (place, notice) => messages.present(place, notice),
    update: async (place, reference, notice) => messages.update(place, reference, notice),
    close: async (place, reference, notice) => void (await messages.update(place, reference, notice)),
    remind: async (place, reference, notice) => messages.remind(place, reference, notice),
    listen: async (take: Take, signal) => {
      receiver.open(take);
      const onState = (because: string | null): void => void (trouble = because);
      if (appToken !== null) return listenOn({ config, appToken, receiver, onFault, onState }, signal);
      if (!signal.aborted) await once(signal, "abort");
    },
    trouble: () => trouble,
    vouch: async ({ intent }) => members.vouch(intent.account.subject),
    answer: async (click, said) => tell(api, click, said),
  };
}

/** Messages of one workspace. */
class Messages {
  readonly #api: SlackApi;
  readonly #members: Members;
  readonly #config: SlackConfig;

  constructor(api: SlackApi, members: Members, config: SlackConfig) {
    this.#api = api;
    this.#members = members;
    this.#config = config;
  }

  async present(place: string, notice: Notice): Promise<Reference> {
    const { kind, to } = placeOf(place);
    const channel = kind === "channel" ? await openChannel(this.#members, to, this.#config) : to;
    const answer = await this.#post(channel, checked(messageOf(notice, viewerOf(kind))), {});
    const { channel: where, ts } = answer;
    if (typeof where !== "string" || typeof ts !== "string") throw notUnderstood("chat.postMessage");
    return { channel: where, ts, told: notice.card.progress.version };
  }

  async update(place: string, reference: Reference, notice: Notice): Promise<Reference> {
    const { kind } = placeOf(place);
    const { channel, ts, told } = located(reference);
    const { text, blocks } = checked(messageOf(notice, viewerOf(kind)));
    await this.#api.call("chat.update", { channel, ts, text, blocks, parse: "none", link_names: false });
    const version = notice.card.progress.version;
    const line = told < version && isTold(kind, notice) ? threadOf(notice) : null;
    if (line !== null) await this.#post(channel, checked(line), { thread_ts: ts });
    return { channel, ts, told: version };
  }

  async remind(place: string, reference: Reference, notice: Notice): Promise<void> {
    const { kind } = placeOf(place);
    if (kind === "requester") return;
    const { channel, ts } = located(reference);
    await this.#post(channel, checked(reminderOf(notice)), { thread_ts: ts, reply_broadcast: true });
  }

  async #post(channel: string, { text, blocks }: SlackMessage, more: JsonObject): ReturnType<SlackApi["call"]> {
    return this.#api.call("chat.postMessage", {
      channel,
      text,
      blocks,
      // Nothing is made of what stands there: no links, no mentions, no previews that would fetch an address.
      mrkdwn: false,
      parse: "none",
      link_names: false,
      unfurl_links: false,
      unfurl_media: false,
      ...more,
    });
  }
}

/** An edited message makes no sound. In a channel the thread says each change; who waits for an end hears of ends. */
function isTold(kind: PlaceKind, { changes }: Notice): boolean {
  return kind === "channel" || (kind === "requester" && isEnd(changes));
}

function viewerOf(kind: PlaceKind): "reviewer" | "requester" {
  return kind === "requester" ? "requester" : "reviewer";
}

function checked(message: SlackMessage): SlackMessage {
  const fault = blockFault(message.blocks);
  if (fault === null) return message;
  throw new ChannelError({ code: "channel_refused", message: `Slack would not take this message: ${fault}` });
}

function located(reference: Reference): { readonly channel: string; readonly ts: string; readonly told: number } {
  const { channel, ts, told } = reference;
  if (typeof channel === "string" && typeof ts === "string") {
    return { channel, ts, told: typeof told === "number" ? told : 0 };
  }
  throw new ChannelError({ code: "message_gone", message: "nobody knows where this message stands" });
}

function notUnderstood(method: string): ChannelError {
  return new ChannelError({ code: "channel_unavailable", message: `Slack's answer to ${method} is not understood` });
}

/** Where only who clicked sees it; a direct message where Slack has no such place. */
async function tell(api: SlackApi, { intent, reply }: Click, said: ClickAnswer): Promise<void> {
  const message = answerTo(said, intent.account.subject);
  if (message === null) return;
  const { text, blocks } = checked(message);
  const user = intent.account.subject;
  const { channel } = reply;
  if (typeof channel === "string") {
    try {
      await api.call("chat.postEphemeral", { channel, user, text, blocks, parse: "none", link_names: false });
      return;
    } catch (error) {
      if (!["user_not_in_channel", "not_in_channel", "channel_not_found"].includes(slackCode(error) ?? "")) throw error;
    }
  }
  await api.call("chat.postMessage", {
    channel: user,
    text,
    blocks,
    parse: "none",
    link_names: false,
    unfurl_links: false,
  });
}
