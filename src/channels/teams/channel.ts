import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { jsonText } from "../../core/action/index.ts";
import { isEnd } from "../../core/card/index.ts";
import { ChannelError } from "../../ports/channel.ts";
import type { Click, Clickable, ClickAnswer, Notice, Reference, Take } from "../../ports/channel.ts";
import type { Clock } from "../../ports/clock.ts";
import { Pace } from "../../ports/pace.ts";
import { cardOf, summaryOf } from "./card.ts";
import type { TeamsConfig } from "./config.ts";
import { Connector } from "./connector.ts";
import type { OutgoingActivity, Written } from "./connector.ts";
import { adaptiveCard, cardFault, line, words } from "./elements.ts";
import type { AdaptiveCard } from "./elements.ts";
import { Members } from "./members.ts";
import { answerTo, linkOf, newsOf, reminderOf } from "./news.ts";
import { placeOf, placesOf } from "./places.ts";
import type { Place } from "./places.ts";
import { Receiver } from "./receiver.ts";
import { readTeamsSecret } from "./secret.ts";
import type { DropReason } from "./receiver.ts";

export type TeamsParts = {
  readonly clock: Clock;
  /** Told of what was sent and nobody here wants to hear: counted as a metric. */
  readonly onDropped?: (because: DropReason) => void;
  /** How long who clicked waits for what became of it, in milliseconds. */
  readonly waitMs?: number;
  /** Waits for the turn of a call; tests do not. */
  readonly sleep?: (ms: number) => Promise<void>;
};

/** A bot of Microsoft Teams: cards as Adaptive Cards, clicks as intents. */
export interface TeamsChannel extends Clickable {
  /** Takes what the Bot Framework sends; the address is guarded by its token alone. */
  readonly receiver: Receiver;
}

/** Microsoft Teams, as a channel. Throws `ConfigError` where the secret cannot be read. */
export function teamsChannel(config: TeamsConfig, parts: TeamsParts): TeamsChannel {
  const { clock, onDropped = () => {}, waitMs } = parts;
  const pace = new Pace(parts.sleep ?? (async (ms) => sleep(ms)), () => clock.now());
  const connector = new Connector(config, readTeamsSecret(config.secretFile), clock, pace);
  const members = new Members(connector, config, clock);
  const receiver = new Receiver({ config, clock, onDropped, ...(waitMs === undefined ? {} : { waitMs }) });
  const messages = new Messages(connector, config);
  return {
    name: "teams",
    tells: "latest",
    receiver,
    places: (notice) => placesOf(notice, config),
    present: async (place, notice, signal) => messages.present(place, notice, signal),
    update: async (place, reference, notice, signal) => messages.update(place, reference, notice, signal),
    close: async (place, reference, notice, signal) => {
      await messages.update(place, reference, notice, signal);
    },
    remind: async (place, reference, notice, signal) => messages.remind(place, reference, notice, signal),
    listen: async (take: Take, signal) => {
      receiver.open(take);
      if (!signal.aborted) await once(signal, "abort");
    },
    vouch: async (click, signal) => members.vouch(click, signal),
    answer: async (click, said, signal) => tell({ connector, receiver }, click, said, signal),
  };
}

/** Cards of one bot. */
class Messages {
  readonly #connector: Connector;
  readonly #config: TeamsConfig;

  constructor(connector: Connector, config: TeamsConfig) {
    this.#connector = connector;
    this.#config = config;
  }

  async present(place: string, notice: Notice, signal: AbortSignal): Promise<Reference> {
    const where = placeOf(place, this.#config);
    const activity = cardMessage(notice, where);
    const written =
      where.kind === "place"
        ? await this.#connector.begin(where.to, activity, signal)
        : await this.#toPerson(where.to, activity, signal);
    return { ...written, told: notice.card.progress.version };
  }

  async update(place: string, reference: Reference, notice: Notice, signal: AbortSignal): Promise<Reference> {
    const where = placeOf(place, this.#config);
    const { told, ...written } = located(reference);
    await this.#connector.replace(written, cardMessage(notice, where), signal);
    const version = notice.card.progress.version;
    const news = told < version && isTold(where, notice) ? newsOf(notice) : null;
    if (news !== null) await this.#connector.post(written.conversation, message(news, news.fallbackText), signal);
    return { ...written, told: version };
  }

  async remind(place: string, reference: Reference, notice: Notice, signal: AbortSignal): Promise<void> {
    const { kind } = placeOf(place, this.#config);
    if (kind === "requester") return;
    const card = reminderOf(notice);
    await this.#connector.post(located(reference).conversation, message(card, card.fallbackText), signal);
  }

  async #toPerson(
    { tenant, user }: { readonly tenant: string; readonly user: string },
    activity: OutgoingActivity,
    signal: AbortSignal,
  ): Promise<Written> {
    const conversation = await this.#connector.withPerson(tenant, user, signal);
    return this.#connector.post(conversation, activity, signal);
  }
}

/** A changed card makes no sound. In a channel the thread says each change; who waits for an end hears of ends. */
function isTold(where: Place, { changes }: Notice): boolean {
  if (where.kind === "place") return where.to.kind === "channel";
  return where.kind === "requester" && isEnd(changes);
}

function cardMessage(notice: Notice, { kind }: Place): OutgoingActivity {
  const viewer = kind === "requester" ? "requester" : "reviewer";
  return message(cardOf(notice, viewer), summaryOf(notice, viewer));
}

/** `summary` is what a notification shows: our words alone. */
function message(card: AdaptiveCard, summary: string): OutgoingActivity {
  const fault = cardFault(card);
  if (fault !== null) {
    throw new ChannelError({ code: "channel_refused", message: `Teams would not take this card: ${fault}` });
  }
  const content: object = card; // plain data, checked above
  return {
    type: "message",
    summary,
    attachments: [{ contentType: "application/vnd.microsoft.card.adaptive", content: content as OutgoingActivity }],
  };
}

function located(reference: Reference): Written & { readonly told: number } {
  const { conversation, activity, told } = reference;
  if (typeof conversation === "string" && typeof activity === "string") {
    return { conversation, activity, told: typeof told === "number" ? told : 0 };
  }
  throw new ChannelError({ code: "message_gone", message: "nobody knows where this card stands" });
}

/**
 * Below the card, where only who clicked sees it, as long as they wait. A link goes to their own chat with the bot, and stands
 * in the text where they have none; so does an answer that comes late, unless the card itself shows it.
 */
async function tell(
  { connector, receiver }: { readonly connector: Connector; readonly receiver: Receiver },
  { intent, reply }: Click,
  said: ClickAnswer,
  signal: AbortSignal,
): Promise<void> {
  const text = answerTo(said, intent.account.subject);
  const link = linkOf(said);
  const tenant = jsonText(reply["tenant"]);
  const write = async (): Promise<void> => {
    const actions = link === null ? [] : [{ type: "Action.OpenUrl" as const, ...link }];
    const card = adaptiveCard(text, [line(words(text))], actions);
    const conversation = await connector.withPerson(tenant, intent.account.subject, signal);
    await connector.post(conversation, message(card, text), signal);
  };
  if (link === null) {
    if (!receiver.tell(intent.nonce, text) && said.status !== "recorded") await write();
    return;
  }
  try {
    await write();
    receiver.tell(intent.nonce, `${text} The link is in your chat with this app.`);
  } catch (error) {
    if (!(error instanceof ChannelError) || !receiver.tell(intent.nonce, `${text} ${link.url}`)) throw error;
  }
}
