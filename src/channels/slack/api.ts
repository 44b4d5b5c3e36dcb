import {
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebAPIRequestError,
  WebClient,
} from "@slack/web-api";
import { ChannelError } from "../../ports/channel.ts";
import type { Pace, Rate } from "../../ports/pace.ts";

/** Milliseconds for one call of the Web API. */
export const API_TIMEOUT_MS = 4000;

/** What Slack documents for each method, for one app in one workspace; posting is counted for each conversation besides. */
const RATES: Readonly<Record<string, Rate>> = {
  "chat.postMessage": { burst: 20, perSecond: 5 },
  "chat.postEphemeral": { burst: 10, perSecond: 1.6 },
  "chat.update": { burst: 10, perSecond: 0.8 },
  "views.open": { burst: 20, perSecond: 1.6 },
  "users.info": { burst: 20, perSecond: 1.6 },
  "users.lookupByEmail": { burst: 10, perSecond: 0.8 },
  "conversations.info": { burst: 10, perSecond: 0.8 },
};
const RATE_OTHER: Rate = { burst: 5, perSecond: 0.3 };
/** One a second and short bursts, Slack says: a little less, because clocks differ. */
const RATE_CONVERSATION: Rate = { burst: 2, perSecond: 0.95 };

/** Errors that say: this message or thread is not there any more. */
const GONE = ["message_not_found", "cant_update_message", "thread_not_found", "edit_window_closed"];
/** Errors that stay, however often it is tried: of the place or of the message, not of the app. */
const REFUSED = [
  "channel_not_found",
  "not_in_channel",
  "is_archived",
  "user_not_found",
  "user_not_in_channel",
  "user_disabled",
  "cannot_dm_bot",
  "cannot_reply_to_message",
  "restricted_action",
  "restricted_action_read_only_channel",
  "messages_tab_disabled",
  "no_text",
  "msg_too_long",
  "msg_blocks_too_long",
  "invalid_blocks",
  "invalid_blocks_format",
  "invalid_arguments",
  "expired_trigger_id",
  "exchanged_trigger_id",
  "trigger_expired",
];

/** What an answer may hold. */
export type ApiAnswer = Readonly<Record<string, unknown>>;

/** Slack's Web API with a time limit, at a pace, and with the outbox's own errors. It never retries: the outbox does. */
export class SlackApi {
  readonly #client: WebClient;
  readonly #pace: Pace;

  constructor(token: string, url: string, pace: Pace) {
    this.#client = new WebClient(token, apiOptions(url));
    this.#pace = pace;
  }

  async call(method: string, args: Readonly<Record<string, unknown>> = {}): Promise<ApiAnswer> {
    await this.#pace.turn(method, RATES[method] ?? RATE_OTHER);
    const { channel } = args;
    if (method === "chat.postMessage" && typeof channel === "string") {
      await this.#pace.turn(`${method}:${channel}`, RATE_CONVERSATION);
    }
    try {
      return { ...(await this.#client.apiCall(method, args)) };
    } catch (error) {
      throw channelError(error, method);
    }
  }
}

/** Options of Slack's client: bounded, once, to this address alone, and silent, because its log holds what was sent. */
export function apiOptions(url: string): NonNullable<ConstructorParameters<typeof WebClient>[1]> {
  return {
    slackApiUrl: url,
    timeout: API_TIMEOUT_MS,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    allowAbsoluteUrls: false,
    logger: SILENT,
  };
}

type Logger = NonNullable<NonNullable<ConstructorParameters<typeof WebClient>[1]>["logger"]>;

export const SILENT: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  setLevel: () => {},
  getLevel: () => "error" as ReturnType<Logger["getLevel"]>,
  setName: () => {},
};

/** Slack's own word for what went wrong, or null. */
export function slackCode(error: unknown): string | null {
  const cause = error instanceof ChannelError ? error.cause : error;
  return cause instanceof WebAPIPlatformError ? cause.data.error : null;
}

function channelError(error: unknown, method: string): ChannelError {
  if (error instanceof WebAPIRateLimitedError) {
    const message = `Slack asks to wait before ${method}`;
    return new ChannelError({
      code: "channel_rate_limited",
      message,
      retryAfterMs: Math.max(1, error.retryAfter) * 1000,
      cause: error,
    });
  }
  if (error instanceof WebAPIPlatformError) {
    const { error: code } = error.data;
    const message = `Slack answered \`${code.slice(0, 100)}\` to ${method}`;
    if (GONE.includes(code)) return new ChannelError({ code: "message_gone", message, cause: error });
    if (REFUSED.includes(code)) return new ChannelError({ code: "channel_refused", message, cause: error });
    // A revoked token or a missing scope is the operator's to mend, and may be mended.
    return new ChannelError({ code: "channel_unavailable", message, cause: error });
  }
  const how =
    error instanceof WebAPIHTTPError
      ? `answered ${error.statusCode} to ${method}`
      : error instanceof WebAPIRequestError
        ? `cannot be reached for ${method}`
        : `failed at ${method}`;
  return new ChannelError({ code: "channel_unavailable", message: `Slack ${how}`, cause: error });
}
