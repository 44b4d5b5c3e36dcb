import type { Json, Level, Status, View } from "./view.ts";

/** What an engineer calls the level; the number of bars that stand for it. */
export const LEVELS: {
  readonly [level in Level]: { readonly word: string; readonly bars: 1 | 2 | 3 | 4; readonly from: number };
} = {
  low: { word: "Low", bars: 1, from: 0 },
  medium: { word: "Medium", bars: 2, from: 30 },
  high: { word: "High", bars: 3, from: 60 },
  critical: { word: "Critical", bars: 4, from: 85 },
};

const STATUSES: { readonly [status in Status]: string } = {
  pending: "Waiting for review",
  approved: "Approved",
  denied: "Denied",
  expired: "Expired",
  cancelled: "Cancelled",
  failed: "Failed",
};

/** A status in words; approved is said as what has become of it. */
export function statusWord(view: View): string {
  if (view.status !== "approved") return STATUSES[view.status];
  if (view.outcome !== null) return view.outcome.status === "succeeded" ? "Ran" : `Ran: ${view.outcome.status}`;
  return view.permit?.status === "redeemed" ? "Running" : "Approved";
}

export type End = "good" | "bad" | "none";

/** How a decided request ended: what nobody decided is neither good nor bad. */
export function endOf({ status, outcome }: Pick<View, "status" | "outcome">): End {
  if (status === "approved") return outcome === null || outcome.status === "succeeded" ? "good" : "bad";
  return status === "denied" || status === "failed" ? "bad" : "none";
}

/** The colours of the ends; an icon and a word always stand beside them. */
export const END_TONES: { readonly [end in End]: string } = {
  good: "text-good",
  bad: "text-bad",
  none: "text-soft",
};

const RELATIONS: { readonly [relation: string]: string } = {
  caller: "started it",
  on_behalf_of: "is who it runs for",
  agent_owner: "owns the agent",
  agent_deployer: "deployed the agent",
  prompter: "wrote the prompt",
  token_holder: "holds the token",
  ci_actor: "started the CI job",
  commit_author: "wrote a commit in it",
  actor_chain: "is in the chain of callers",
  delegator: "may be acted for by someone behind it",
  delegate: "acts for someone behind it",
  editor: "changed what the approval rests on",
};

/** Why a person is barred, in words; an unknown relation stays as it was sent. */
export function relationWords(relation: string): string {
  return RELATIONS[relation] ?? relation.replaceAll("_", " ");
}

const CHANNELS: { readonly [channel: string]: string } = {
  api: "API",
  cli: "command line",
  console: "console",
  slack: "Slack",
  teams: "Teams",
};

/** Where a review or a session came from, in words; an unknown one stays as it was sent. */
export function channelWords(channel: string): string {
  return CHANNELS[channel] ?? channel;
}

const PROVENANCES: { readonly [provenance: string]: string } = {
  operator: "operator's catalogue",
  gate: "seen by the gate",
  parsed: "read by a parser",
};

export function provenanceWords(provenance: string): string {
  return PROVENANCES[provenance] ?? provenance;
}

/** A whole number with thin groups (`12 000` reads as one number, and never as a decimal); others as they are. */
export function grouped(value: number): string {
  return Number.isInteger(value) ? String(value).replaceAll(/\B(?=(\d{3})+(?!\d))/g, "\u202f") : String(value);
}

/** A fact's value for one line. */
export function factText(value: Json): string {
  if (typeof value === "number") return grouped(value);
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map((item) => factText(item as Json)).join(", ");
  return JSON.stringify(value);
}

/** A digest for the eye: the first and last eight digits. Never compare with it. */
export function shortDigest(digest: string): string {
  const hex = digest.startsWith("sha256:") ? digest.slice(7) : digest;
  return hex.length > 20 ? `${hex.slice(0, 8)}…${hex.slice(-8)}` : hex;
}

/** Places of all terms together: how many there are and how many are filled. */
export function placesOf(view: View): { readonly filled: number; readonly all: number } {
  let filled = 0;
  let all = 0;
  for (const term of view.terms) {
    filled += Math.min(term.filled, term.quorum);
    all += term.quorum;
  }
  return { filled, all };
}

/** Whether the signed-in person is awaited, has spoken, or cannot take part. */
export function myPart(view: View): "mine" | "others" | "barred" | null {
  if (view.status !== "pending") return null;
  if (view.me.can_approve) return "mine";
  return view.me.refusal?.code === "person_barred" ? "barred" : "others";
}
