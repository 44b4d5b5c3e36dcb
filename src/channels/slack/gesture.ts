import { createHash } from "node:crypto";
import { z } from "zod";
import { utf8Length } from "../../core/encoding.ts";
import { ACTION, parseValue, REASON_BLOCK, REASON_VIEW } from "./actions.ts";
import type { ButtonValue } from "./actions.ts";
import type { SlackConfig } from "./config.ts";

/** Bytes of a denial's reason; core's own limit is higher. */
export const REASON_BYTES_MAX = 2000;

const Id = z.string().regex(/^[A-Z0-9]{1,32}$/);
const Text = z.string().max(4000);
const Ts = z.string().regex(/^\d{1,12}\.\d{1,9}$/);
const User = z.looseObject({ id: Id, team_id: Id.nullish() });
const Sender = {
  api_app_id: Id,
  team: z.looseObject({ id: Id, enterprise_id: Id.nullish() }).nullish(),
  enterprise: z.looseObject({ id: Id }).nullish(),
  user: User,
};
// Loose, because Slack adds members; what is used of it is checked.
const BlockActions = z.looseObject({
  type: z.literal("block_actions"),
  ...Sender,
  trigger_id: Text,
  container: z.looseObject({ type: z.string().max(64), channel_id: Id.optional(), message_ts: Ts.optional() }),
  actions: z
    .array(z.looseObject({ action_id: z.string().max(255), action_ts: Text.optional(), value: Text.optional() }))
    .min(1)
    .max(10),
});
const ViewSubmission = z.looseObject({
  type: z.literal("view_submission"),
  ...Sender,
  view: z.looseObject({
    id: Id,
    callback_id: z.string().max(255),
    private_metadata: z.string().max(3000),
    state: z.looseObject({
      values: z.record(z.string(), z.record(z.string(), z.looseObject({ value: z.string().max(4000).nullish() }))),
    }),
  }),
});
const Payload = z.discriminatedUnion("type", [BlockActions, ViewSubmission]);

/** Why what Slack sent is dropped: the metric's closed set. */
export type GestureFault =
  | "not_understood"
  | "foreign_app"
  | "foreign_team"
  | "foreign_enterprise"
  | "foreign_user"
  | "not_ours";

/** Where somebody clicked, for answers. */
export type Place = { readonly channel: string; readonly ts: string };

export type Gesture =
  /** `nonce` is the same for the same gesture. */
  | {
      readonly kind: "verdict";
      readonly verdict: "approve" | "deny";
      readonly user: string;
      readonly value: ButtonValue;
      readonly reason: string | null;
      readonly nonce: string;
      readonly place: Place;
    }
  | {
      readonly kind: "ask_reason";
      readonly user: string;
      readonly value: string;
      readonly trigger: string;
      readonly place: Place;
    }
  /** A dialog was sent with a reason that is too long. */
  | { readonly kind: "wrong_reason" }
  /** Acknowledged, and nothing else: a button that only opens a page. */
  | { readonly kind: "nothing" };

/** Reads what Slack sent of somebody's click, or says why it is nobody's business of ours. */
export function gestureOf(
  raw: unknown,
  config: Pick<SlackConfig, "app" | "team" | "enterprise">,
): Gesture | { readonly fault: GestureFault } {
  const parsed = Payload.safeParse(raw);
  if (!parsed.success) return { fault: "not_understood" };
  const payload = parsed.data;
  const fault = senderFault(payload, config);
  if (fault !== null) return { fault };
  return payload.type === "block_actions" ? ofButton(payload) : ofDialog(payload);
}

type Sent = Pick<z.infer<typeof BlockActions>, keyof typeof Sender>;

/** Of this app, this workspace and its own people: a shared channel brings clicks of other organisations with it. */
function senderFault(
  { api_app_id: app, team, enterprise, user }: Sent,
  config: Parameters<typeof gestureOf>[1],
): GestureFault | null {
  if (app !== config.app) return "foreign_app";
  const organisation = enterprise?.id ?? team?.enterprise_id ?? null;
  if (config.enterprise !== null && organisation !== config.enterprise) return "foreign_enterprise";
  // An app that is installed for a whole organisation gets clicks without a workspace.
  const withoutTeam = (team === null || team === undefined) && config.enterprise !== null;
  if (!withoutTeam && team?.id !== config.team) return "foreign_team";
  if (
    config.enterprise === null &&
    user.team_id !== null &&
    user.team_id !== undefined &&
    user.team_id !== config.team
  ) {
    return "foreign_user";
  }
  return null;
}

function ofButton(payload: z.infer<typeof BlockActions>): Gesture | { readonly fault: GestureFault } {
  const { actions, container, trigger_id: trigger, user } = payload;
  const [action, second] = actions;
  if (action === undefined || second !== undefined) return { fault: "not_understood" };
  if (action.action_id === ACTION.open) return { kind: "nothing" };
  const { channel_id: channel, message_ts: ts } = container;
  if (container.type !== "message" || channel === undefined || ts === undefined) return { fault: "not_ours" };
  const place = { channel, ts };
  const text = action.value ?? "";
  const value = parseValue(text);
  if (value === null) return { fault: "not_ours" };
  switch (action.action_id) {
    case ACTION.denyReason:
      return { kind: "ask_reason", user: user.id, value: text, trigger, place };
    case ACTION.approve:
    case ACTION.deny: {
      const verdict = action.action_id === ACTION.approve ? "approve" : "deny";
      const nonce = hashed(["button", user.id, trigger, action.action_ts ?? "", action.action_id, text, channel, ts]);
      return { kind: "verdict", verdict, user: user.id, value, reason: null, nonce, place };
    }
    default:
      return { fault: "not_ours" };
  }
}

function ofDialog({ user, view }: z.infer<typeof ViewSubmission>): Gesture | { readonly fault: GestureFault } {
  if (view.callback_id !== REASON_VIEW) return { fault: "not_ours" };
  const kept = parseMetadata(view.private_metadata);
  const value = kept === null ? null : parseValue(kept.value);
  if (kept === null || value === null) return { fault: "not_ours" };
  const reason = (view.state.values[REASON_BLOCK]?.[REASON_BLOCK]?.value ?? "").trim();
  if (utf8Length(reason) > REASON_BYTES_MAX) return { kind: "wrong_reason" };
  const nonce = hashed(["dialog", user.id, view.id]);
  const { place } = kept;
  return {
    kind: "verdict",
    verdict: "deny",
    user: user.id,
    value,
    reason: reason === "" ? null : reason,
    nonce,
    place,
  };
}

const Metadata = z.strictObject({ value: z.string().max(500), channel: Id, ts: Ts });

function parseMetadata(text: string): { readonly value: string; readonly place: Place } | null {
  try {
    const { value, channel, ts } = Metadata.parse(JSON.parse(text));
    return { value, place: { channel, ts } };
  } catch {
    return null;
  }
}

function hashed(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
