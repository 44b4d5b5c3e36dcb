import { accountToTell } from "../../core/approval/index.ts";
import type { Person } from "../../core/approval/index.ts";
import { ChannelError } from "../../ports/channel.ts";
import type { Notice } from "../../ports/channel.ts";
import { issuerOf } from "./config.ts";
import type { Conversation, TeamsConfig } from "./config.ts";

/** Somebody of a tenant, by Entra's object id. */
export type Somebody = { readonly tenant: string; readonly user: string };

/** `user:…` may review, `requester:…` stands behind the action, `place:name` is for all there. */
export type Place =
  | { readonly kind: "user" | "requester"; readonly to: Somebody }
  | { readonly kind: "place"; readonly to: Conversation };

const ROUTE = "teams:";

/** Where a request is shown: by policy and settings in channels and chats, else to each approver. */
export function placesOf({ audience }: Notice, config: TeamsConfig): readonly string[] {
  if (config.agents.length > 0 && !config.agents.includes(audience.agent)) return [];
  const routed = (audience.routes ?? []).flatMap((route) =>
    route.startsWith(ROUTE) ? [route.slice(ROUTE.length)] : [],
  );
  const ofGroups = audience.groups.flatMap((group) => config.groups.get(group) ?? []);
  const names = [...new Set([...routed, ...ofGroups, ...config.channels])];
  const isDirect = config.direct === "always" || (config.direct === "unrouted" && names.length === 0);
  const approvers = isDirect ? namesOf(audience.approvers, config) : [];
  const requesters = config.requesters ? namesOf(audience.requesters, config) : [];
  return [
    ...names.map((name) => `place:${name}`),
    ...approvers.map((one) => `user:${one}`),
    ...requesters.filter((one) => !approvers.includes(one)).map((one) => `requester:${one}`),
  ];
}

/** What a name of `placesOf` stands for; `channel_refused` where nothing is called that. */
export function placeOf(place: string, config: TeamsConfig): Place {
  const colon = place.indexOf(":");
  const [kind, name] = [place.slice(0, colon), place.slice(colon + 1)];
  const conversation = kind === "place" ? config.places.get(name) : undefined;
  if (conversation !== undefined) return { kind: "place", to: conversation };
  const [tenant, user] = name.split("/");
  if ((kind === "user" || kind === "requester") && tenant !== undefined && user !== undefined) {
    return { kind, to: { tenant, user } };
  }
  const message = `nothing is called \`${name}\`; write it under notify.teams.places`;
  throw new ChannelError({ code: "channel_refused", message });
}

/** `tenant/object id` of people, as far as they have an account of an admitted tenant. */
function namesOf(people: readonly Person[], config: TeamsConfig): readonly string[] {
  const tenants = new Map(config.tenants.map((tenant) => [issuerOf(config, tenant), tenant]));
  const names = people.flatMap((person) => {
    const account = accountToTell(person, ({ issuer }) => tenants.has(issuer));
    return account === null ? [] : [`${tenants.get(account.issuer)}/${account.subject}`];
  });
  return [...new Set(names)];
}
