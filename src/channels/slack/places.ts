import { ChannelError } from "../../ports/channel.ts";
import type { Notice } from "../../ports/channel.ts";
import type { SlackConfig } from "./config.ts";
import type { Members } from "./members.ts";

/** `user:U…` may review, `requester:U…` stands behind the action, `channel:C…` or `channel:#name` is for all there. */
export type PlaceKind = "user" | "requester" | "channel";

/** The kind of a place and Slack's own name for it. */
export function placeOf(place: string): { readonly kind: PlaceKind; readonly to: string } {
  const colon = place.indexOf(":");
  const kind = place.slice(0, colon);
  if (kind !== "user" && kind !== "requester" && kind !== "channel") {
    throw new ChannelError({ code: "channel_refused", message: `\`${place}\` is no place of Slack` });
  }
  return { kind, to: place.slice(colon + 1) };
}

const ROUTE = "slack:";

/** Where a request is shown: by policy and settings in channels, else to each approver. */
export async function placesOf(notice: Notice, config: SlackConfig, members: Members): Promise<readonly string[]> {
  const { audience } = notice;
  if (config.agents.length > 0 && !config.agents.includes(audience.agent)) return [];
  const routed = (audience.routes ?? [])
    .filter((route) => route.startsWith(ROUTE))
    .map((route) => route.slice(ROUTE.length));
  const ofGroups = audience.groups.flatMap((group) => config.groups.get(group)?.channels ?? []);
  const channels = [...new Set([...routed, ...ofGroups, ...config.channels])];
  const isDirect = config.direct === "always" || (config.direct === "unrouted" && channels.length === 0);
  const approvers = isDirect ? await onDuty(notice, config, members) : [];
  const requesters = config.requesters ? await members.idsOf(audience.requesters) : [];
  return [
    ...channels.map((channel) => `channel:${channel}`),
    ...approvers.map((user) => `user:${user}`),
    ...requesters.filter((user) => !approvers.includes(user)).map((user) => `requester:${user}`),
  ];
}

/** Those of the approvers who are on duty, where every group says who that is and enough of them are. */
async function onDuty({ audience, card }: Notice, config: SlackConfig, members: Members): Promise<readonly string[]> {
  const all = await members.idsOf(audience.approvers);
  const handles = audience.groups.map((group) => config.groups.get(group)?.onDuty ?? null);
  if (handles.length === 0 || handles.includes(null)) return all;
  const lists = await Promise.all(handles.map((handle) => members.ofUserGroup(handle ?? "")));
  const duty = all.filter((user) => lists.some((list) => list.includes(user)));
  const needed = card.progress.terms.items.reduce((sum, { quorum, filled }) => sum + Math.max(0, quorum - filled), 0);
  // Nobody is left out for the sake of quiet: with too few on duty, everybody hears of it.
  return duty.length >= Math.max(1, needed) ? duty : all;
}

/** The id of a channel that may be written to; `channel_refused` where others than this organisation would read it. */
export async function openChannel(members: Members, to: string, config: SlackConfig): Promise<string> {
  const id = to.startsWith("#") ? await members.channelNamed(to.slice(1)) : to;
  if (config.sharedChannels || !(await members.isShared(id))) return id;
  const message = `channel ${to} is shared with another organisation; name another one, or set shared_channels: true`;
  throw new ChannelError({ code: "channel_refused", message });
}
