import { createHash } from "node:crypto";
import { z } from "zod";
import { utf8Length } from "../../core/encoding.ts";
import type { Instant } from "../../core/brand.ts";
import type { TeamsConfig } from "./config.ts";
import { CHANNEL_ID } from "./token.ts";

/** Verbs of our buttons, and the member in which the reason is sent. */
export const VERB = { approve: "keyturn.approve", deny: "keyturn.deny" } as const;
export const REASON_INPUT = "keyturn_reason";
/** Bytes of a denial's reason; core's own limit is higher. */
export const REASON_BYTES_MAX = 2000;
/** How far an activity's own time may lie from our clock, in either direction. */
export const ACTIVITY_SKEW_MS_MAX: number = 5 * 60_000;

const Guid = z
  .string()
  .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i)
  .transform((text) => text.toLowerCase());
const Id = z.string().min(1).max(400);

/** What the token is checked against: read before anything is believed. */
export const Envelope: z.ZodType<{ readonly serviceUrl: string }> = z.looseObject({ serviceUrl: z.url().max(300) });

// Loose, because Teams adds members; what is used of it is checked.
const Activity = z.looseObject({
  type: z.string().max(64),
  name: z.string().max(100).nullish(),
  id: Id,
  channelId: z.string().max(64),
  serviceUrl: z.url().max(300),
  timestamp: z.iso.datetime({ offset: true }),
  from: z.looseObject({ id: Id, aadObjectId: Guid.nullish(), role: z.string().max(64).nullish() }),
  recipient: z.looseObject({ id: Id }),
  conversation: z.looseObject({ id: Id, tenantId: Guid.nullish() }),
  channelData: z.looseObject({ tenant: z.looseObject({ id: Guid }).nullish() }).nullish(),
  value: z.unknown(),
});
const Pressed = z.looseObject({
  action: z.looseObject({
    type: z.literal("Action.Execute"),
    verb: z.string().max(100),
    data: z.looseObject({
      request: z.string().regex(/^arq_[0-9a-z]{26}$/),
      digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
      card: z.string().regex(/^sha256:[0-9a-f]{64}$/),
      [REASON_INPUT]: z.string().max(4000).nullish(),
    }),
  }),
  trigger: z.string().max(64).nullish(),
});

/** Why what Teams sent is dropped: the metric's closed set. */
export type ActivityFault =
  | "not_understood"
  | "foreign_channel"
  | "foreign_service"
  | "foreign_app"
  | "foreign_tenant"
  | "no_account"
  | "machine"
  | "timestamp_past"
  | "timestamp_future"
  | "not_ours";

/** Where somebody clicked, for answers. */
export type Place = {
  readonly conversation: string;
  /** Teams' own id of who clicked, in this conversation. */
  readonly user: string;
  readonly tenant: string;
  readonly serviceUrl: string;
};

export type Gesture =
  | {
      readonly kind: "verdict";
      readonly verdict: "approve" | "deny";
      /** Entra's object id of who clicked. */
      readonly user: string;
      readonly request: string;
      readonly digest: string;
      readonly card: string;
      readonly reason: string | null;
      /** The same for the same activity, whatever else of it was changed. */
      readonly nonce: string;
      readonly place: Place;
    }
  | { readonly kind: "wrong_reason" }
  /** Acknowledged, and nothing else: the app was installed, somebody wrote to it. */
  | { readonly kind: "nothing" };

/** Reads an activity whose token is good, or says why it is nobody's business of ours. */
export function gestureOf(
  raw: unknown,
  config: Pick<TeamsConfig, "app" | "tenants" | "cloud">,
  now: Instant,
): Gesture | { readonly fault: ActivityFault } {
  const parsed = Activity.safeParse(raw);
  if (!parsed.success) return { fault: "not_understood" };
  const activity = parsed.data;
  const fault = senderFault(activity, config, now);
  if (fault !== null) return { fault };
  if (activity.type !== "invoke" || activity.name !== "adaptiveCard/action") return { kind: "nothing" };
  return ofButton(activity);
}

type Sent = z.infer<typeof Activity>;

function senderFault(
  { channelId, serviceUrl, timestamp, from, recipient, ...rest }: Sent,
  { app, tenants, cloud }: Parameters<typeof gestureOf>[1],
  now: Instant,
): ActivityFault | null {
  if (channelId !== CHANNEL_ID) return "foreign_channel";
  if (!isOfService(serviceUrl, cloud.serviceUrl)) return "foreign_service";
  if (recipient.id.toLowerCase() !== `28:${app}`) return "foreign_app";
  const tenant = tenantOf(rest);
  if (tenant === null || !tenants.includes(tenant)) return "foreign_tenant";
  const at = Date.parse(timestamp);
  if (at < now - ACTIVITY_SKEW_MS_MAX) return "timestamp_past";
  if (at > now + ACTIVITY_SKEW_MS_MAX) return "timestamp_future";
  if (from.id.startsWith("28:") || (from.role ?? "user") !== "user") return "machine";
  return null;
}

function ofButton(activity: Sent): Gesture | { readonly fault: ActivityFault } {
  const { from, conversation, serviceUrl, id, value } = activity;
  const user = from.aadObjectId ?? null;
  if (user === null) return { fault: "no_account" };
  const parsed = Pressed.safeParse(value);
  if (!parsed.success) return { fault: "not_ours" };
  const { action, trigger } = parsed.data;
  // A client that refreshes a card by itself is nobody's click.
  if (trigger === "automatic") return { kind: "nothing" };
  if (action.verb !== VERB.approve && action.verb !== VERB.deny) return { fault: "not_ours" };
  const { request, digest, card, [REASON_INPUT]: written } = action.data;
  const reason = (action.verb === VERB.deny ? (written ?? "") : "").trim();
  if (utf8Length(reason) > REASON_BYTES_MAX) return { kind: "wrong_reason" };
  const tenant = tenantOf(activity) ?? "";
  const nonce = createHash("sha256")
    .update(JSON.stringify([tenant, conversation.id, id]))
    .digest("hex");
  return {
    kind: "verdict",
    verdict: action.verb === VERB.approve ? "approve" : "deny",
    user,
    request,
    digest,
    card,
    reason: reason === "" ? null : reason,
    nonce,
    place: { conversation: conversation.id, user: from.id, tenant, serviceUrl },
  };
}

/** The tenant in which it happened; null where it is not said, or said twice and differently. */
function tenantOf({ conversation, channelData }: Pick<Sent, "conversation" | "channelData">): string | null {
  const said = [conversation.tenantId, channelData?.tenant?.id].filter((one) => one !== null && one !== undefined);
  const [first] = said;
  return first === undefined || said.some((one) => one !== first) ? null : first;
}

/** Whether an address is one of the connector's: our token goes to no other host. */
export function isOfService(url: string, own: string): boolean {
  try {
    const [there, here] = [new URL(url), new URL(own)];
    return there.origin === here.origin && there.username === "" && there.password === "";
  } catch {
    return false;
  }
}
