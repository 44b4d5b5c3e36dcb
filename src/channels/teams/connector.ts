import { jsonAt } from "../../core/action/index.ts";
import type { Json, JsonObject } from "../../core/action/index.ts";
import { ChannelError } from "../../ports/channel.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Pace, Rate } from "../../ports/pace.ts";
import { isOfService } from "./activity.ts";
import { call, failureOf, unavailable } from "./call.ts";
import type { Answer } from "./call.ts";
import type { Conversation, TeamsConfig } from "./config.ts";

/** A token is renewed so long before it ends. */
const TOKEN_SPARE_MS: number = 5 * 60_000;

/**
 * Microsoft documents 50 calls a second for an app in a tenant, and for one conversation 7 in a second, 8 in two, 60 in
 * thirty and 1800 in an hour. Each pair stays a little below, because clocks differ; what is asked of members is no message.
 * https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit
 */
const RATE_APP: Rate = { burst: 20, perSecond: 25 };
const RATES_CONVERSATION: readonly (readonly [span: string, rate: Rate])[] = [
  ["short", { burst: 5, perSecond: 1.5 }],
  ["long", { burst: 300, perSecond: 0.4 }],
];

/** What is written into a conversation. */
export type OutgoingActivity = JsonObject;
/** Where something was written. */
export type Written = { readonly conversation: string; readonly activity: string };

type Sending = {
  readonly body: JsonObject;
  readonly signal: AbortSignal;
  /** The conversation that is written to; null where one is only opened. */
  readonly to: string | null;
  /** Statuses that say that the message is not there any more. */
  readonly gone?: readonly number[];
};

/** The Bot Connector's REST interface: posts, replaces, and asks who is in a conversation. It never retries: the outbox does. */
export class Connector {
  readonly #config: TeamsConfig;
  readonly #secret: string;
  readonly #clock: Clock;
  readonly #pace: Pace;
  #token: { readonly text: string; readonly until: number } | null = null;
  #asking: Promise<string> | null = null;

  constructor(config: TeamsConfig, secret: string, clock: Clock, pace: Pace) {
    this.#config = config;
    this.#secret = secret;
    this.#clock = clock;
    this.#pace = pace;
  }

  /** The conversation of the bot with one person, who must have the app; the same one each time. */
  async withPerson(tenant: string, user: string, signal: AbortSignal): Promise<string> {
    // Teams takes Entra's object id for a member here, in personal conversations alone.
    const body = {
      bot: this.#bot(),
      isGroup: false,
      members: [{ id: user }],
      tenantId: tenant,
      channelData: { tenant: { id: tenant } },
    };
    const answer = await this.#send("POST", "v3/conversations", "opening a chat", { body, signal, to: null });
    return textAt(answer, "id", "opening a chat");
  }

  /** A new message in a channel, which begins a thread, or in a group chat. */
  async begin({ kind, id }: Conversation, activity: OutgoingActivity, signal: AbortSignal): Promise<Written> {
    if (kind === "chat") return this.post(id, activity, signal);
    const tenant = { id: this.#config.tenant };
    const body = {
      bot: this.#bot(),
      isGroup: true,
      tenantId: tenant.id,
      channelData: { channel: { id }, tenant },
      activity,
    };
    const answer = await this.#send("POST", "v3/conversations", "posting to a channel", { body, signal, to: id });
    return {
      conversation: textAt(answer, "id", "posting to a channel"),
      activity: textAt(answer, "activityId", "posting to a channel"),
    };
  }

  async post(conversation: string, activity: OutgoingActivity, signal: AbortSignal): Promise<Written> {
    const path = `v3/conversations/${encodeURIComponent(conversation)}/activities`;
    const answer = await this.#send("POST", path, "posting a message", { body: activity, signal, to: conversation });
    return { conversation, activity: textAt(answer, "id", "posting a message") };
  }

  /** Throws `message_gone` where there is nothing to replace any more. */
  async replace(
    { conversation, activity: id }: Written,
    activity: OutgoingActivity,
    signal: AbortSignal,
  ): Promise<void> {
    const path = `v3/conversations/${encodeURIComponent(conversation)}/activities/${encodeURIComponent(id)}`;
    await this.#send("PUT", path, "changing a message", {
      body: { ...activity, id },
      signal,
      to: conversation,
      gone: [404],
    });
  }

  /** Somebody as Teams knows them in a conversation; null where they are not in it. */
  async member(serviceUrl: string, conversation: string, user: string, signal: AbortSignal): Promise<Json | null> {
    // Members are those of the channel, not of a thread in it.
    const [whole = ""] = conversation.split(";");
    const path = `v3/conversations/${encodeURIComponent(whole)}/members/${encodeURIComponent(user)}`;
    const answer = await this.#ask("GET", path, { base: serviceUrl, signal });
    if (answer.status === 404) return null;
    if (answer.status >= 300) throw failureOf(answer, "asking who somebody is");
    return answer.body;
  }

  /** Proves that the secret works. */
  async signIn(): Promise<void> {
    this.#token = null;
    await this.#bearer();
  }

  #bot(): JsonObject {
    return { id: `28:${this.#config.app}` };
  }

  async #send(
    method: "POST" | "PUT",
    path: string,
    what: string,
    { body, signal, to, gone = [] }: Sending,
  ): Promise<Json | null> {
    await this.#turn(to);
    const answer = await this.#ask(method, path, { body, signal });
    if (answer.status >= 200 && answer.status < 300) return answer.body;
    if (!gone.includes(answer.status)) throw failureOf(answer, what);
    throw new ChannelError({ code: "message_gone", message: "the message is not there any more" });
  }

  /** Waits until the app, and the conversation where it is known, may be written to. */
  async #turn(conversation: string | null): Promise<void> {
    await this.#pace.turn("app", RATE_APP);
    if (conversation === null) return;
    for (const [span, rate] of RATES_CONVERSATION) await this.#pace.turn(`${span} ${conversation}`, rate);
  }

  async #ask(
    method: "GET" | "POST" | "PUT",
    path: string,
    { base, body, signal }: { readonly base?: string; readonly body?: JsonObject; readonly signal: AbortSignal },
  ): Promise<Answer> {
    const { cloud } = this.#config;
    const service = base ?? cloud.serviceUrl;
    if (!isOfService(service, cloud.serviceUrl)) throw unavailable("this service is not Microsoft's connector");
    const bearer = await this.#bearer();
    const url = new URL(path, service.endsWith("/") ? service : `${service}/`).href;
    const headers = {
      authorization: `Bearer ${bearer}`,
      accept: "application/json",
      "content-type": "application/json",
    };
    const answer = await call(
      { method, url, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) },
      signal,
    );
    // Revoked before its time: the next try gets another one.
    if (answer.status === 401) this.#token = null;
    return answer;
  }

  async #bearer(): Promise<string> {
    if (this.#token !== null && this.#clock.now() < this.#token.until) return this.#token.text;
    this.#asking ??= this.#newToken().finally(() => (this.#asking = null));
    return this.#asking;
  }

  /** The client credentials grant: RFC 6749 §4.4. */
  async #newToken(): Promise<string> {
    const { cloud, tenant, app } = this.#config;
    const at = this.#clock.now();
    const answer = await call({
      method: "POST",
      url: new URL(`${tenant}/oauth2/v2.0/token`, cloud.loginUrl).href,
      headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
      body: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: app,
        client_secret: this.#secret,
        scope: cloud.scope,
      }).toString(),
    });
    if (answer.status === 429) throw failureOf(answer, "signing in");
    const text = jsonAt(answer.body ?? undefined, "access_token");
    const seconds = jsonAt(answer.body ?? undefined, "expires_in");
    if (answer.status !== 200 || typeof text !== "string" || typeof seconds !== "number") {
      const { message } = failureOf(answer, "signing in");
      throw unavailable(`${message}: check \`app\`, \`tenant\` and the client secret, which may have expired`);
    }
    this.#token = { text, until: at + Math.max(0, seconds * 1000 - TOKEN_SPARE_MS) };
    return text;
  }
}

function textAt(body: Json | null, member: string, what: string): string {
  const text = jsonAt(body ?? undefined, member);
  if (typeof text === "string" && text.length > 0 && text.length <= 500) return text;
  throw unavailable(`Microsoft's answer to ${what} is not understood`);
}
