import { z } from "zod";
import { accountToTell } from "../../core/approval/index.ts";
import type { Person } from "../../core/approval/index.ts";
import { ChannelError } from "../../ports/channel.ts";
import type { Vouched } from "../../ports/channel.ts";
import type { Clock } from "../../ports/clock.ts";
import { slackCode } from "./api.ts";
import type { SlackApi } from "./api.ts";
import { issuerOf } from "./config.ts";
import type { SlackConfig } from "./config.ts";

/** How long an answer about a person serves: a click follows a click, and nobody is let in for long after leaving. */
const PERSON_MS = 60_000;
/** How long names of channels, addresses and user groups serve. */
const NAME_MS: number = 10 * 60_000;
const ENTRIES_MAX = 20_000;
const PAGES_MAX = 50;
const NAME_CHARS_MAX = 200;

const User = z.looseObject({
  id: z.string(),
  team_id: z.string().nullish(),
  name: z.string().nullish(),
  real_name: z.string().nullish(),
  profile: z.looseObject({ email: z.string().max(320).nullish() }).nullish(),
  deleted: z.boolean().nullish(),
  is_bot: z.boolean().nullish(),
  is_app_user: z.boolean().nullish(),
  is_workflow_bot: z.boolean().nullish(),
  is_connector_bot: z.boolean().nullish(),
  is_restricted: z.boolean().nullish(),
  is_ultra_restricted: z.boolean().nullish(),
  is_stranger: z.boolean().nullish(),
  is_email_confirmed: z.boolean().nullish(),
  is_invited_user: z.boolean().nullish(),
  enterprise_user: z.looseObject({ enterprise_id: z.string().nullish() }).nullish(),
});
const ChannelPage = z.looseObject({
  channels: z.array(z.looseObject({ id: z.string(), name: z.string().nullish() })),
  response_metadata: z.looseObject({ next_cursor: z.string().nullish() }).nullish(),
});
const Channel = z.looseObject({
  is_ext_shared: z.boolean().nullish(),
  is_pending_ext_shared: z.boolean().nullish(),
});
const UserGroups = z.looseObject({
  usergroups: z.array(
    z.looseObject({ id: z.string(), handle: z.string().nullish(), users: z.array(z.string()).nullish() }),
  ),
});

const UNKNOWN = "Slack does not know this account.";

/** The people of a workspace as Slack knows them, remembered for a short while. */
export class Members {
  readonly #api: SlackApi;
  readonly #config: SlackConfig;
  readonly #clock: Clock;
  readonly #kept = new Map<string, { readonly until: number; readonly value: unknown }>();

  constructor(api: SlackApi, config: SlackConfig, clock: Clock) {
    this.#api = api;
    this.#config = config;
    this.#clock = clock;
  }

  /** Whether this account may speak here: only full, present members of the workspace do, and no machine. */
  async vouch(id: string): Promise<Vouched> {
    const known = this.#recall<Vouched>(`ok:${id}`);
    if (known !== undefined) return known;
    const answer = await this.#api.call("users.info", { user: id }).catch((error: unknown) => {
      if (slackCode(error) === "user_not_found") return null;
      throw error;
    });
    if (answer === null) return { status: "doubted", because: UNKNOWN };
    const { user } = z.looseObject({ user: User }).parse(answer);
    const because = doubtOf(user, id, this.#config);
    if (because !== null) return { status: "doubted", because };
    const { profile, real_name: name, name: handle } = user;
    const email = user.is_email_confirmed === false ? null : (profile?.email ?? null);
    const vouched: Vouched = { status: "vouched", name: (name ?? handle)?.slice(0, NAME_CHARS_MAX) ?? null, email };
    this.#keep(`ok:${id}`, vouched, PERSON_MS);
    return vouched;
  }

  /** Slack's ids of people, as far as they have an account here. Whoever is found by address alone is told, and cannot decide. */
  async idsOf(people: readonly Person[]): Promise<readonly string[]> {
    const own = issuerOf(this.#config);
    const ids: string[] = [];
    for (const person of people) {
      const linked = accountToTell(person, ({ issuer }) => issuer === own);
      const id = linked?.subject ?? (this.#config.findByEmail ? await this.#byEmail(person) : null);
      if (id !== null && !ids.includes(id)) ids.push(id);
    }
    return ids;
  }

  /** Ids of a user group, named `S…` or `@handle`; a group that is not there has nobody. */
  async ofUserGroup(name: string): Promise<readonly string[]> {
    const known = this.#recall<z.infer<typeof UserGroups>>("usergroups");
    const list = known ?? UserGroups.parse(await this.#api.call("usergroups.list", { include_users: true }));
    if (known === undefined) this.#keep("usergroups", list, PERSON_MS);
    return list.usergroups.find(({ id, handle }) => id === name || `@${handle}` === name)?.users ?? [];
  }

  async channelNamed(name: string): Promise<string> {
    let id = this.#recall<string>(`channel:${name}`);
    let cursor = "";
    for (let page = 0; id === undefined && page < PAGES_MAX; page += 1) {
      const args = { types: "public_channel,private_channel", exclude_archived: true, limit: 1000 };
      const answer = await this.#api.call("conversations.list", cursor === "" ? args : { ...args, cursor });
      const { channels, response_metadata: more } = ChannelPage.parse(answer);
      for (const channel of channels) {
        if (typeof channel.name === "string") this.#keep(`channel:${channel.name}`, channel.id, NAME_MS);
      }
      id = channels.find((channel) => channel.name === name)?.id;
      cursor = more?.next_cursor ?? "";
      if (cursor === "") break;
    }
    if (id !== undefined) return id;
    const message = `there is no channel #${name} that the app can see; invite the app, or write the channel's id`;
    throw new ChannelError({ code: "channel_refused", message });
  }

  /** Whether people of other organisations see this channel. */
  async isShared(id: string): Promise<boolean> {
    const known = this.#recall<boolean>(`shared:${id}`);
    if (known !== undefined) return known;
    const { channel } = z
      .looseObject({ channel: Channel })
      .parse(await this.#api.call("conversations.info", { channel: id }));
    const isShared = channel.is_ext_shared === true || channel.is_pending_ext_shared === true;
    this.#keep(`shared:${id}`, isShared, PERSON_MS);
    return isShared;
  }

  async #byEmail({ emails }: Person): Promise<string | null> {
    for (const email of emails) {
      const known = this.#recall<string | null>(`email:${email}`);
      const id = known === undefined ? await this.#lookUp(email) : known;
      if (known === undefined) this.#keep(`email:${email}`, id, NAME_MS);
      if (id !== null) return id;
    }
    return null;
  }

  async #lookUp(email: string): Promise<string | null> {
    try {
      const { user } = z.looseObject({ user: User }).parse(await this.#api.call("users.lookupByEmail", { email }));
      return user.is_email_confirmed === false || doubtOf(user, user.id, this.#config) !== null ? null : user.id;
    } catch (error) {
      if (slackCode(error) === "users_not_found") return null;
      throw error;
    }
  }

  #recall<T>(key: string): T | undefined {
    const kept = this.#kept.get(key);
    return kept === undefined || kept.until < this.#clock.now() ? undefined : (kept.value as T);
  }

  #keep(key: string, value: unknown, forMs: number): void {
    if (this.#kept.size >= ENTRIES_MAX) this.#kept.clear();
    this.#kept.set(key, { until: this.#clock.now() + forMs, value });
  }
}

function doubtOf(user: z.infer<typeof User>, asked: string, { team, enterprise }: SlackConfig): string | null {
  if (user.id !== asked) return UNKNOWN;
  if (user.deleted === true) return "This Slack account is deactivated.";
  const isMachine = [user.is_bot, user.is_app_user, user.is_workflow_bot, user.is_connector_bot].includes(true);
  if (isMachine || user.id === "USLACKBOT") return "A bot decides nothing: only people do.";
  if (user.is_restricted === true || user.is_ultra_restricted === true)
    return "Guests of the workspace decide nothing.";
  if (user.is_stranger === true) return "People of other organisations decide nothing here.";
  if (user.is_invited_user === true) return "This account has not been taken up yet.";
  const isOurs =
    enterprise === null
      ? user.team_id === team
      : user.enterprise_user?.enterprise_id === enterprise || user.team_id === team;
  return isOurs ? null : "People of other workspaces decide nothing here.";
}
