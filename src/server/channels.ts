import { resolve } from "node:path";
import { z } from "zod";
import type { SlackChannel, SlackConfig } from "../channels/slack/index.ts";
import type { TeamsChannel, TeamsConfig } from "../channels/teams/index.ts";
import type { MailConfig } from "../channels/mail/index.ts";
import type { PushConfig } from "../channels/push/index.ts";
import type { WebhookConfig } from "../channels/webhook/index.ts";
import type { Channel, Clickable } from "../ports/channel.ts";
import type { Clock } from "../ports/clock.ts";
import type { Directory } from "../ports/directory.ts";
import type { JsonObject } from "../core/action/index.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import { pushOf, pushSettings, PushWritten, type Push, type PushText } from "./push.ts";
import { slackOf, slackSettings, SlackWritten, type SlackText } from "./slack.ts";
import { teamsOf, teamsSettings, TeamsWritten, type TeamsText } from "./teams.ts";

/** Who is told of requests, and for how long it is tried. */
export type NotifyConfig = {
  readonly giveUpAfterMs: number;
  readonly webhooks: readonly WebhookConfig[];
  readonly mail: MailConfig | null;
  readonly push?: PushConfig | null;
  readonly slack?: SlackConfig | null;
  readonly teams?: TeamsConfig | null;
};

const CHANNELS_MAX = 16;
const HOUR_MS = 3_600_000;
const Name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, "lower-case letters, digits and `-`; at most 32");
const Agents = z.array(z.string().min(1).max(512)).max(1000).default([]);

/** `notify` of keyturn.yaml. */
export const NotifyWritten: z.ZodType<NotifyText> = z.strictObject({
  give_up_after_hours: z.int().min(1).max(720).default(24),
  webhooks: z
    .array(
      z.strictObject({
        name: Name.default("webhook"),
        url: z.url({ protocol: /^https?$/, error: "write an http or https address" }),
        secret_file: z.string().min(1),
        allow_private: z.array(z.string().min(1)).max(16).default([]),
        agents: Agents,
      }),
    )
    .max(CHANNELS_MAX)
    .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, "give each webhook a name of its own")
    .refine((list) => list.every(({ name }) => !RESERVED.has(name)), "this name belongs to another channel")
    .default([]),
  mail: z
    .strictObject({
      host: z.string().min(1).max(255),
      port: z.int().min(1).max(65_535).default(587),
      security: z.enum(["tls", "starttls", "none"]).default("starttls"),
      user: z.string().min(1).max(512).optional(),
      password_file: z.string().min(1).optional(),
      from: z.string().regex(/^[^\r\n]{1,400}@[A-Za-z0-9.-]{1,255}>?$/, "write `name@example.com` or `Name <name@…>`"),
      agents: Agents,
    })
    .refine((mail) => (mail.user === undefined) === (mail.password_file === undefined), {
      error: "`user` and `password_file` belong together",
    })
    .optional(),
  push: PushWritten.optional(),
  slack: SlackWritten.optional(),
  teams: TeamsWritten.optional(),
});

/** Names of reviews' sources that no webhook may borrow. */
const RESERVED: ReadonlySet<string> = new Set(["console", "cli", "mail", "push", "slack", "teams", "keyturn"]);

type NotifyText = {
  readonly give_up_after_hours: number;
  readonly webhooks: readonly {
    readonly name: string;
    readonly url: string;
    readonly secret_file: string;
    readonly allow_private: readonly string[];
    readonly agents: readonly string[];
  }[];
  readonly mail?:
    | {
        readonly host: string;
        readonly port: number;
        readonly security: MailConfig["security"];
        readonly user?: string | undefined;
        readonly password_file?: string | undefined;
        readonly from: string;
        readonly agents: readonly string[];
      }
    | undefined;
  readonly push?: PushText | undefined;
  readonly slack?: SlackText | undefined;
  readonly teams?: TeamsText | undefined;
};

/** What was written, with paths made absolute; nothing written means that nobody is told. */
export function notifyOf(written: NotifyText | undefined, base: string): NotifyConfig | null {
  if (written === undefined) return null;
  const { mail } = written;
  return {
    giveUpAfterMs: written.give_up_after_hours * HOUR_MS,
    webhooks: written.webhooks.map(({ name, url, secret_file: file, allow_private: allowPrivate, agents }) => ({
      name,
      url,
      secretFile: resolve(base, file),
      allowPrivate,
      agents,
    })),
    mail:
      mail === undefined
        ? null
        : {
            name: "mail",
            host: mail.host,
            port: mail.port,
            security: mail.security,
            user: mail.user ?? null,
            passwordFile: mail.password_file === undefined ? null : resolve(base, mail.password_file),
            from: mail.from,
            agents: mail.agents,
          },
    push: written.push === undefined ? null : pushOf(written.push, base),
    slack: written.slack === undefined ? null : slackOf(written.slack, base),
    teams: written.teams === undefined ? null : teamsOf(written.teams, base),
  };
}

/** What the ledger records of it: where news goes, without secrets. */
export function notifySettings(notify: NotifyConfig | null): NotifySettings | null {
  if (notify === null) return null;
  return {
    give_up_after_ms: notify.giveUpAfterMs,
    webhooks: notify.webhooks.map(({ name, url, allowPrivate, agents }) => ({
      name,
      url,
      allow_private: allowPrivate,
      agents,
    })),
    mail: notify.mail === null ? null : { host: notify.mail.host, port: notify.mail.port, from: notify.mail.from },
    ...(notify.push === undefined || notify.push === null ? {} : { push: pushSettings(notify.push) }),
    ...(notify.slack === undefined || notify.slack === null ? {} : { slack: slackSettings(notify.slack) }),
    ...(notify.teams === undefined || notify.teams === null ? {} : { teams: teamsSettings(notify.teams) }),
  };
}

type NotifySettings = {
  readonly give_up_after_ms: number;
  readonly webhooks: readonly {
    readonly name: string;
    readonly url: string;
    readonly allow_private: readonly string[];
    readonly agents: readonly string[];
  }[];
  readonly mail: { readonly host: string; readonly port: number; readonly from: string } | null;
  readonly push?: JsonObject;
  readonly slack?: JsonObject;
  readonly teams?: JsonObject;
};

/** All channels of an installation, those in which people click, and those that have a route. */
export type Channels = {
  readonly all: readonly Channel[];
  readonly clickable: readonly Clickable[];
  readonly push: Push | null;
  readonly slack: SlackChannel | null;
  readonly teams: TeamsChannel | null;
};

type ChannelParts = {
  readonly clock: Clock;
  readonly directory: () => Directory;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Opens web push, which keeps subscriptions in the store. */
  readonly push: (config: PushConfig) => Promise<Push>;
};

/** The channels of an installation; throws `ConfigError` where a secret cannot be read. */
export async function channelsOf(notify: NotifyConfig | null, parts: ChannelParts): Promise<Channels> {
  if (notify === null) return { all: [], clickable: [], push: null, slack: null, teams: null };
  const webhooks = notify.webhooks.length === 0 ? [] : await webhooksOf(notify.webhooks, parts);
  const mail = notify.mail === null ? [] : [await mailOf(notify.mail, parts)];
  const push = notify.push === undefined || notify.push === null ? null : await parts.push(notify.push);
  const slack = notify.slack === undefined || notify.slack === null ? null : await slackChannelOf(notify.slack, parts);
  const teams = notify.teams === undefined || notify.teams === null ? null : await teamsChannelOf(notify.teams, parts);
  const clickable: readonly Clickable[] = [slack, teams].filter((one) => one !== null);
  const pushes = push === null ? [] : [push.channel];
  return { all: [...webhooks, ...mail, ...pushes, ...clickable], clickable, push, slack, teams };
}

async function webhooksOf(configs: readonly WebhookConfig[], { clock }: ChannelParts): Promise<readonly Channel[]> {
  const { webhookChannel } = await import("../channels/webhook/index.ts");
  return configs.map((one) => webhookChannel(one, clock));
}

/** Loaded only where somebody wants it, as Slack is: each would cost every start. */
async function mailOf(config: MailConfig, { directory }: ChannelParts): Promise<Channel> {
  const { mailChannel } = await import("../channels/mail/index.ts");
  return mailChannel(config, (person) => directory().people.get(person)?.emails[0] ?? null);
}

async function slackChannelOf(config: SlackConfig, { clock, metrics, log }: ChannelParts): Promise<SlackChannel> {
  const { slackChannel } = await import("../channels/slack/index.ts");
  return slackChannel(config, {
    clock,
    onDropped: (because) => metrics.count("clicks_dropped_total", { channel: "slack", because }),
    onFault: (message) => log("error", `slack: ${message}`),
  });
}

async function teamsChannelOf(config: TeamsConfig, { clock, metrics }: ChannelParts): Promise<TeamsChannel> {
  const { teamsChannel } = await import("../channels/teams/index.ts");
  return teamsChannel(config, {
    clock,
    onDropped: (because) => metrics.count("clicks_dropped_total", { channel: "teams", because }),
  });
}
