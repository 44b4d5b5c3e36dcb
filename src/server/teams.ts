import { resolve } from "node:path";
import { z } from "zod";
import { CLOUDS, conversationOf } from "../channels/teams/config.ts";
import type { Conversation, TeamsConfig } from "../channels/teams/index.ts";
import type { JsonObject } from "../core/action/index.ts";

const Guid = z
  .string()
  .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, "write the id as Entra ID shows it: 8-4-4-4-12 digits")
  .transform((text) => text.toLowerCase());
const PlaceName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, "lower-case letters, digits and `-`; at most 64");
const Names = z.array(PlaceName).max(16).default([]);
const Loopback = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?\//;
const Address = z
  .url({ protocol: /^https?$/, error: "write an https address" })
  .refine((url) => url.startsWith("https:") || Loopback.test(url), "write an https address");
const Conversations = z.record(
  PlaceName,
  z.string().refine((written) => conversationOf(written) !== null, {
    error: "write the link that Teams gives for a channel or a group chat, or its id: 19:…@thread.tacv2",
  }),
);

/** `notify.teams` of keyturn.yaml. */
export const TeamsWritten: z.ZodType<TeamsText> = z
  .strictObject({
    app: Guid,
    tenant: Guid,
    other_tenants: z.array(Guid).max(15).default([]),
    secret_file: z.string().min(1),
    places: Conversations.default({}),
    channels: Names,
    groups: z.record(z.string().min(1).max(256), z.strictObject({ channels: Names })).default({}),
    direct: z.enum(["always", "unrouted", "never"]).default("unrouted"),
    requesters: z.boolean().default(true),
    agents: z.array(z.string().min(1).max(512)).max(1000).default([]),
    cloud: z.enum(["public", "gcc-high", "dod"]).default("public"),
    endpoints: z
      .strictObject({
        metadata_url: Address.optional(),
        login_url: Address.optional(),
        service_url: Address.optional(),
      })
      .default({}),
  })
  .superRefine(({ places, channels, groups }, refusal) => {
    const named = [...channels, ...Object.values(groups).flatMap((group) => group.channels)];
    const unknown = named.find((name) => !Object.hasOwn(places, name));
    if (unknown === undefined) return;
    refusal.addIssue({
      code: "custom",
      message: `nothing is called \`${unknown}\` under \`places\``,
      path: ["places"],
    });
  });

export type TeamsText = {
  readonly app: string;
  readonly tenant: string;
  readonly other_tenants: readonly string[];
  readonly secret_file: string;
  readonly places: Readonly<Record<string, string>>;
  readonly channels: readonly string[];
  readonly groups: Readonly<Record<string, { readonly channels: readonly string[] }>>;
  readonly direct: TeamsConfig["direct"];
  readonly requesters: boolean;
  readonly agents: readonly string[];
  readonly cloud: keyof typeof CLOUDS;
  readonly endpoints: {
    readonly metadata_url?: string | undefined;
    readonly login_url?: string | undefined;
    readonly service_url?: string | undefined;
  };
};

/** What was written, with paths made absolute. */
export function teamsOf(written: TeamsText, base: string): TeamsConfig {
  const cloud = CLOUDS[written.cloud];
  const { metadata_url: metadataUrl, login_url: loginUrl, service_url: serviceUrl } = written.endpoints;
  return {
    app: written.app,
    tenant: written.tenant,
    tenants: [...new Set([written.tenant, ...written.other_tenants])],
    secretFile: resolve(base, written.secret_file),
    places: new Map(Object.entries(written.places).flatMap(([name, text]) => named(name, conversationOf(text)))),
    channels: written.channels,
    groups: new Map(Object.entries(written.groups).map(([group, { channels }]) => [group, channels])),
    direct: written.direct,
    requesters: written.requesters,
    agents: written.agents,
    cloud: {
      ...cloud,
      metadataUrl: metadataUrl ?? cloud.metadataUrl,
      loginUrl: loginUrl ?? cloud.loginUrl,
      serviceUrl: serviceUrl ?? cloud.serviceUrl,
    },
  };
}

/** Nothing where there is no conversation: what is written has been checked. */
function named(name: string, conversation: Conversation | null): readonly [string, Conversation][] {
  return conversation === null ? [] : [[name, conversation]];
}

/** What the ledger records of it, without secrets. */
export function teamsSettings(teams: TeamsConfig): JsonObject {
  return {
    app: teams.app,
    tenants: [...teams.tenants],
    places: Object.fromEntries([...teams.places].map(([name, { id }]) => [name, id])),
    channels: [...teams.channels],
    groups: Object.fromEntries([...teams.groups].map(([group, channels]) => [group, [...channels]])),
    direct: teams.direct,
    requesters: teams.requesters,
    agents: [...teams.agents],
    metadata_url: teams.cloud.metadataUrl,
    login_url: teams.cloud.loginUrl,
    service_url: teams.cloud.serviceUrl,
  };
}
