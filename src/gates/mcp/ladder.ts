import { isJsonObject } from "../../core/action/index.ts";
import type { JsonObject } from "../../core/action/index.ts";

/** The first revision whose requests stand for themselves: no `initialize`, no session, `input_required`. */
export const STATELESS_SINCE = "2026-07-28";
/** Legs that we ask of a client: those we know give up after ten. The last of ours brings a plain answer. */
export const LEGS_MAX = 9;
/** How long one leg holds a request, unless the operator says otherwise, in milliseconds. */
export const LEG_MS = 40_000;
/** How often a held call shows that it lives, in milliseconds. */
export const PROGRESS_EVERY_MS = 12_000;
/** How long a client that we do not know is held without and with progress, in milliseconds: SDKs give up after 60 s. */
const SHORT_HOLD_MS = 45_000;

export type ClientInfo = { readonly name: string; readonly version: string };

/** How one call is kept waiting. */
export type Plan = {
  readonly holdMs: number;
  /** Whether a client that is told `input_required` comes back with the state that it was given. */
  readonly legs: boolean;
};

/** What is known of the client and its call when it has to wait. */
export type Situation = {
  readonly stateless: boolean;
  readonly client: ClientInfo | null;
  readonly progress: boolean;
  /** Whether a stream can be opened before the answer is there: always on stdio. */
  readonly streams: boolean;
  readonly stdio: boolean;
  /** Legs of this call so far. */
  readonly legsSoFar: number;
  /** The operator's own limits, in milliseconds. */
  readonly holdMs: number | undefined;
  readonly legMs: number | undefined;
};

/**
 * How long agents wait for one tool call, measured: silent on stdio, with progress on stdio, silent on HTTP, with early
 * headers and progress on HTTP; in milliseconds and with room to spare. What is not here is treated as a plain SDK.
 */
const BUDGETS: readonly (readonly [RegExp, readonly [number, number, number, number]])[] = [
  [/^claude/i, [380_000, 380_000, SHORT_HOLD_MS, 380_000]],
  [/^codex/i, [270_000, 270_000, 270_000, 270_000]],
  [/^gemini/i, [380_000, 380_000, 270_000, 380_000]],
  [/copilot/i, [160_000, 380_000, 160_000, 380_000]],
  [/^opencode/i, [SHORT_HOLD_MS, 380_000, SHORT_HOLD_MS, 380_000]],
];

/** The rung of the ladder for one call. */
export function planFor(situation: Situation): Plan {
  const { stateless, legsSoFar, holdMs, legMs, client, progress, streams, stdio } = situation;
  if (stateless) return { holdMs: legMs ?? LEG_MS, legs: legsSoFar + 1 < LEGS_MAX };
  const known = BUDGETS.find(([name]) => name.test(client?.name ?? ""))?.[1];
  const told = progress && streams;
  const budget = known?.[(stdio ? 0 : 2) + (told ? 1 : 0)] ?? SHORT_HOLD_MS;
  return { holdMs: holdMs ?? budget, legs: false };
}

/** The protocol revision that a request names for itself; null before 2026-07-28, where the session has one. */
export function statelessVersion(params: JsonObject): string | null {
  const version = metaOf(params)["io.modelcontextprotocol/protocolVersion"];
  return typeof version === "string" && version >= STATELESS_SINCE ? version : null;
}

/** Name and version that a client gives itself, in its request or in `initialize`; a claim, for budgets alone. */
export function clientInfoOf(params: JsonObject): ClientInfo | null {
  const info = metaOf(params)["io.modelcontextprotocol/clientInfo"] ?? params["clientInfo"];
  if (!isJsonObject(info)) return null;
  const { name, version } = info;
  return { name: typeof name === "string" ? name : "", version: typeof version === "string" ? version : "" };
}

function metaOf(params: JsonObject): JsonObject {
  const { _meta: meta } = params;
  return isJsonObject(meta) ? meta : {};
}
