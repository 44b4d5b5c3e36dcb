import { jsonAt } from "../../core/action/index.ts";
import type { Json, JsonObject } from "../../core/action/index.ts";
import { ChannelError } from "../../ports/channel.ts";
import type { Clock } from "../../ports/clock.ts";
import { isOfService } from "./activity.ts";
import { call, failureOf, unavailable } from "./call.ts";
import type { Answer } from "./call.ts";
import type { Conversation, TeamsConfig } from "./config.ts";

/** A token is renewed so long before it ends. */
const TOKEN_SPARE_MS: number = 5 * 60_000;

/** What is written into a conversation. */
export type OutgoingActivity = JsonObject;
/** Where something was written. */
export type Written = { readonly conversation: string; readonly activity: string };

/** The Bot Connector's REST interface: posts, replaces, and asks who is in a conversation. It never retries: the outbox does. */
export class Connector {
  readonly #config: TeamsConfig;
  readonly #secret: string;
  readonly #clock: Clock;
  #token: { readonly text: string; readonly until: number } | null = null;
  #asking: Promise<string> | null = null;

  constructor(config: TeamsConfig, secret: string, clock: Clock) {
    this.#config = config;
    this.#secret = secret;
    this.#clock = clock;
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
    const answer = await this.#send("POST", "v3/conversations", "opening a chat", { body, signal });
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
    const answer = await this.#send("POST", "v3/conversations", "posting to a channel", { body, signal });
    return {
      conversation: textAt(answer, "id", "posting to a channel"),
      activity: textAt(answer, "activityId", "posting to a channel"),
    };
  }

  async post(conversation: string, activity: OutgoingActivity, signal: AbortSignal): Promise<Written> {
    const path = `v3/conversations/${encodeURIComponent(conversation)}/activities`;
    const answer = await this.#send("POST", path, "posting a message", { body: activity, signal });
    return { conversation, activity: textAt(answer, "id", "posting a message") };
  }

  /** Throws `message_gone` where there is nothing to replace any more. */
  async replace(
    { conversation, activity: id }: Written,
    activity: OutgoingActivity,
    signal: AbortSignal,
  ): Promise<void> {
    const path = `v3/conversations/${encodeURIComponent(conversation)}/activities/${encodeURIComponent(id)}`;
    await this.#send("PUT", path, "changing a message", { body: { ...activity, id }, signal, gone: [404] });
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
    { body, signal, gone = [] }: { body: JsonObject; signal: AbortSignal; gone?: readonly number[] },
  ): Promise<Json | null> {
    const answer = await this.#ask(method, path, { body, signal });
    if (answer.status >= 200 && answer.status < 300) return answer.body;
    if (!gone.includes(answer.status)) throw failureOf(answer, what);
    throw new ChannelError({ code: "message_gone", message: "the message is not there any more" });
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
