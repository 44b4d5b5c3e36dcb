import type { Json, JsonObject } from "../core/action/index.ts";
import {
  applyEvent,
  foldRequest,
  isOpen,
  type Recorded,
  type RequestEvent,
  type RequestState,
} from "../core/approval/index.ts";
import type { Instant, RequestId, StreamName } from "../core/brand.ts";
import { openEntry, parseInstant, sealEntry } from "../core/ledger/index.ts";
import type {
  Append,
  AppendResult,
  NewEntry,
  RequestRow,
  SlotChange,
  StoredEntry,
  TimerChange,
} from "../ports/store.ts";
import type { Context } from "./context.ts";
import { newsOf, reminderTimers } from "./notify.ts";

/** Bytes of chance that hide a payload's content behind its commitment. */
export const SALT_BYTES = 32;

export function requestStream(id: RequestId): StreamName {
  return `request/${id}` as StreamName;
}

/** An entry ready to append. `publics` is what the header may show: no person, no parameter. */
export function seal(
  ctx: Pick<Context, "chance">,
  stream: StreamName,
  version: number,
  type: string,
  at: Instant,
  payload: JsonObject,
  publics: JsonObject,
): NewEntry {
  return sealEntry({ stream, version, type, at, salt: ctx.chance.bytes(SALT_BYTES), payload, publics });
}

/** Reads a request from its entries; null when there is none, or when a part of it was erased: it is over then. */
export async function loadRequest(ctx: Context, id: RequestId): Promise<RequestState | null> {
  const history = await loadHistory(ctx, id);
  return history === null ? null : foldRequest(history);
}

/** All that has happened to a request, oldest first; null when a part of it was erased. */
export async function loadHistory(ctx: Pick<Context, "store">, id: RequestId): Promise<readonly Recorded[] | null> {
  const entries = await ctx.store.stream(requestStream(id));
  return entries.some(({ payload }) => payload === null) ? null : entries.map(recorded);
}

/** What an entry of a request's stream says; its payload must be there. */
export function recorded(entry: StoredEntry): Recorded {
  const opened = openEntry(entry.header, entry.payload, entry.salt);
  // Our own entry under its own commitment: the type names the shape of the payload.
  return { at: opened.at, event: { type: opened.type, ...(opened.payload as JsonObject) } as RequestEvent };
}

const decoder = new TextDecoder();

/**
 * The same for an entry of news, which somebody who has the ledger's key has just made and sealed: to prove it once more would
 * keep waiting who waits for it.
 */
export function told({ type, header, payload }: StoredEntry): Recorded {
  const { time } = JSON.parse(decoder.decode(header)) as { readonly time: string };
  const event = JSON.parse(decoder.decode(payload ?? undefined)) as JsonObject;
  return { at: parseInstant(time), event: { type, ...event } as RequestEvent };
}

export type Committed = {
  readonly status: "committed";
  readonly state: RequestState;
  readonly index: number;
  readonly size: number;
};
export type NotCommitted = Exclude<AppendResult, { status: "appended" }>;

/** What else is in the commit; `notAfter` is a time limit that the request itself does not know, such as a permit's own. */
export type CommitExtra = Pick<Append, "at" | "idempotency" | "erase" | "documents"> & {
  readonly notAfter?: Instant | null;
};

/**
 * Appends events to a request's stream with all that follows from them (inbox row, slots, timers) in one commit,
 * then tells the bus. The only place where a request changes.
 */
export async function commitRequest(
  ctx: Context,
  before: RequestState | null,
  events: readonly RequestEvent[],
  at: Instant,
  { notAfter = null, ...extra }: CommitExtra = {},
): Promise<Committed | NotCommitted> {
  const after = events.reduce<RequestState | null>((state, event) => applyEvent(state, { event, at }), before);
  if (after === null || events.length === 0) throw new RangeError("a commit needs events");
  const stream = requestStream(after.opened.id);
  const first = before?.version ?? 0;
  const until = before === null ? notAfter : timeLimit(before, events, notAfter);
  const result = await ctx.store.append({
    ...(until === null ? {} : { inTime: { until, now: at } }),
    entries: events.map((event, offset) => {
      const { type, ...payload } = event;
      return seal(ctx, stream, first + offset, type, at, asJson(payload), publicsOf(event, after));
    }),
    requests: [rowOf(after)],
    slots: slotsOf(ctx, before, after),
    timers: [...timersOf(ctx, after), ...reminderTimers(before, after, stream)],
    outbox: ctx.isQuiet === true ? [] : newsOf(after, events, at),
    awaited: true,
    ...extra,
  });
  if (result.status !== "appended") return result;
  // Another instance may have changed it further before our own answer came.
  const isNewest = ctx.around.latest.heard(after);
  ctx.around.sessions.heard(after, isNewest);
  if (isNewest) ctx.bus.publish(after);
  return { status: "committed", state: after, index: result.index, size: result.size };
}

/** Whether an append came too late by the store's clock, whatever the clock of this instance says. */
export function isLate(result: NotCommitted): boolean {
  return result.status === "conflict" && result.on === "time";
}

/**
 * Until when these events may happen, by the store's clock and at the moment of the commit: an append may wait for its
 * turn, and a review or a use that was in time when it was asked for must not become one that is late. Null: at any time.
 */
function timeLimit(
  { opened, progress }: RequestState,
  events: readonly RequestEvent[],
  notAfter: Instant | null,
): Instant | null {
  const limits: Instant[] = notAfter === null ? [] : [notAfter];
  for (const event of events) {
    if (event.type === "review.recorded") limits.push(opened.expiresAt);
    if (event.type === "permit.issued") limits.push(event.expiresAt);
    if (event.type === "permit.redeemed" && progress.status === "approved") {
      limits.push(progress.approvedUntil);
      if (progress.permit.status === "issued") limits.push(progress.permit.expiresAt);
    }
  }
  return limits.length === 0 ? null : (Math.min(...limits) as Instant);
}

/** Events are plain data: everything in them is JSON already. */
export function asJson(payload: object): JsonObject {
  return payload as JsonObject;
}

function publicsOf(event: RequestEvent, state: RequestState): JsonObject {
  const { digest, gate } = state.opened;
  switch (event.type) {
    case "request.opened":
      return { digest, gate, level: state.opened.risk.level, evaluation: event.request.evaluation };
    case "request.attached":
      return { evaluation: event.evaluation, gate: event.gate };
    case "review.recorded":
      return { digest, verdict: event.review.verdict, assurance: event.review.assurance };
    case "review.refused":
    case "review.voided":
      return { rule: event.refusal.refused };
    case "request.approved":
      return { digest, approval: event.approval };
    case "permit.issued":
      return { digest, permit: event.permit, gate: event.gate };
    case "permit.redeemed":
      return { digest, permit: event.permit, gate: event.gate };
    case "action.completed":
      return { digest, status: event.outcome.status };
    case "request.denied":
    case "request.expired":
    case "request.cancelled":
    case "request.failed":
    case "permit.expired":
      return { digest };
    default:
      return event satisfies never;
  }
}

/** The one live request of an agent for an action. */
export function liveSlot(state: Pick<RequestState["opened"], "agent" | "digest">): string {
  return `live:${state.agent}:${state.digest}`;
}

/** People denied this action a moment ago. */
export function deniedSlot(state: Pick<RequestState["opened"], "agent" | "digest">): string {
  return `denied:${state.agent}:${state.digest}`;
}

/** Frees a slot that this stream still holds at the commit; fails the append where it has passed to another one. */
export function freeIfHeld(slot: string, holder: StreamName): readonly SlotChange[] {
  return [{ take: slot, holder, owner: "freed", ownerMax: Number.MAX_SAFE_INTEGER }, { free: slot }];
}

function slotsOf(ctx: Context, before: RequestState | null, after: RequestState): readonly SlotChange[] {
  const { opened } = after;
  const holder = requestStream(opened.id);
  const owner = `pending:${opened.agent}`;
  if (before === null) return [{ take: liveSlot(opened), holder, owner, ownerMax: ctx.limits.pendingPerAgent }];
  if (!isOpen(before) || isOpen(after)) return [];
  const freed: SlotChange = { free: liveSlot(opened) };
  if (after.progress.status !== "denied") return [freed];
  // No limit here: a denial must always be recorded. The older denial of the same action gives way.
  const denied = deniedSlot(opened);
  return [
    freed,
    { free: denied },
    { take: denied, holder, owner: `denied:${opened.agent}`, ownerMax: Number.MAX_SAFE_INTEGER },
  ];
}

export type TimerKind = "expiry" | "cooldown" | "reminder";

function timersOf(ctx: Context, after: RequestState): readonly TimerChange[] {
  const { opened, progress } = after;
  const stream = requestStream(opened.id);
  const id = `expiry:${opened.id}`;
  const kind: TimerKind = "expiry";
  if (isOpen(after)) {
    return [
      { set: id, dueAt: progress.status === "approved" ? progress.approvedUntil : opened.expiresAt, kind, stream },
    ];
  }
  if (progress.status !== "denied") return [{ clear: id }];
  const cooldown: TimerKind = "cooldown";
  const dueAt = (after.changedAt + ctx.limits.denialCooldownMs) as Instant;
  return [{ clear: id }, { set: `cooldown:${opened.id}`, dueAt, kind: cooldown, stream }];
}

function rowOf(state: RequestState): RequestRow {
  const { opened, progress } = state;
  const view: { [member: string]: Json } = {
    action: opened.question.action.name,
    resource: { type: opened.question.resource.type, id: opened.question.resource.id },
    level: opened.risk.level,
  };
  return {
    id: opened.id,
    status: progress.status,
    agent: opened.agent,
    digest: opened.digest,
    openedAt: opened.openedAt,
    expiresAt: opened.expiresAt,
    closedAt: progress.status === "pending" ? null : state.changedAt,
    view,
  };
}
