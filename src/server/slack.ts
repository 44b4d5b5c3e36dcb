import { resolve } from "node:path";
import { z } from "zod";
import type { SlackConfig } from "../channels/slack/index.ts";
import type { JsonObject } from "../core/action/index.ts";

const ChannelName = z
  .string()
  .regex(/^(#[^\s,#@]{1,80}|[CG][A-Z0-9]{2,30})$/, "write `#name`, or the channel's id (C…)");
const Loopback = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?\//;

/** `notify.slack` of keyturn.yaml. */
export const SlackWritten: z.ZodType<SlackText> = z
  .strictObject({
    app: z.string().regex(/^A[A-Z0-9]{2,30}$/, "write the app's id: A…"),
    team: z.string().regex(/^T[A-Z0-9]{2,30}$/, "write the workspace's id: T…"),
    enterprise: z
      .string()
      .regex(/^E[A-Z0-9]{2,30}$/, "write the organisation's id: E…")
      .optional(),
    bot_token_file: z.string().min(1),
    app_token_file: z.string().min(1).optional(),
    signing_secret_file: z.string().min(1).optional(),
    channels: z.array(ChannelName).max(16).default([]),
    groups: z
      .record(
        z.string().min(1).max(256),
        z.strictObject({
          channels: z.array(ChannelName).max(16).default([]),
          on_duty: z
            .string()
            .regex(/^(S[A-Z0-9]{2,30}|@[^\s,@#]{1,80})$/, "write a user group: `@handle`, or its id (S…)")
            .optional(),
        }),
      )
      .default({}),
    direct: z.enum(["always", "unrouted", "never"]).default("unrouted"),
    requesters: z.boolean().default(true),
    find_by_email: z.boolean().default(true),
    shared_channels: z.boolean().default(false),
    agents: z.array(z.string().min(1).max(512)).max(1000).default([]),
    api_url: z
      .url({ protocol: /^https?$/, error: "write an https address" })
      .refine((url) => url.startsWith("https:") || Loopback.test(url), "write an https address")
      .default("https://slack.com/api/"),
  })
  .refine((slack) => (slack.app_token_file === undefined) !== (slack.signing_secret_file === undefined), {
    error: "write `app_token_file` for Socket Mode, or `signing_secret_file` for HTTP: one of the two",
  });

export type SlackText = {
  readonly app: string;
  readonly team: string;
  readonly enterprise?: string | undefined;
  readonly bot_token_file: string;
  readonly app_token_file?: string | undefined;
  readonly signing_secret_file?: string | undefined;
  readonly channels: readonly string[];
  readonly groups: Readonly<
    Record<string, { readonly channels: readonly string[]; readonly on_duty?: string | undefined }>
  >;
  readonly direct: SlackConfig["direct"];
  readonly requesters: boolean;
  readonly find_by_email: boolean;
  readonly shared_channels: boolean;
  readonly agents: readonly string[];
  readonly api_url: string;
};

/** What was written, with paths made absolute. */
export function slackOf(written: SlackText, base: string): SlackConfig {
  const file = (path: string | undefined): string | null => (path === undefined ? null : resolve(base, path));
  return {
    app: written.app,
    team: written.team,
    enterprise: written.enterprise ?? null,
    botTokenFile: resolve(base, written.bot_token_file),
    appTokenFile: file(written.app_token_file),
    signingSecretFile: file(written.signing_secret_file),
    channels: written.channels,
    groups: new Map(
      Object.entries(written.groups).map(([group, { channels, on_duty: onDuty }]) => [
        group,
        { channels, onDuty: onDuty ?? null },
      ]),
    ),
    direct: written.direct,
    requesters: written.requesters,
    findByEmail: written.find_by_email,
    sharedChannels: written.shared_channels,
    agents: written.agents,
    apiUrl: written.api_url,
  };
}

/** What the ledger records of it, without secrets. */
export function slackSettings(slack: SlackConfig): JsonObject {
  return {
    app: slack.app,
    team: slack.team,
    enterprise: slack.enterprise,
    by: slack.appTokenFile === null ? "http" : "socket",
    channels: [...slack.channels],
    groups: Object.fromEntries(
      [...slack.groups].map(([group, { channels, onDuty }]) => [group, { channels: [...channels], on_duty: onDuty }]),
    ),
    direct: slack.direct,
    requesters: slack.requesters,
    find_by_email: slack.findByEmail,
    shared_channels: slack.sharedChannels,
    agents: [...slack.agents],
    api_url: slack.apiUrl,
  };
}
