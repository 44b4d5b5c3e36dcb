import { behindToday, outlook, statusAt } from "../core/approval/index.ts";
import type { Recorded, RequestEvent, RequestState, Roster } from "../core/approval/index.ts";
import { cardDigest, cardOf } from "../core/card/index.ts";
import type { Card, CardNames } from "../core/card/index.ts";
import type { Instant, PersonId, RequestId } from "../core/brand.ts";
import type { Audience, Notice } from "../ports/channel.ts";
import type { NewMessage, TimerChange } from "../ports/store.ts";
import type { Context, Rules } from "./context.ts";

/** People told of one request. */
export const AUDIENCE_MAX = 200;
/** Members of groups that are looked at for it. */
const CANDIDATES_MAX = 1000;
/** A reminder comes when so much of the time is left, and an hour before the end at the earliest. */
const REMIND_SHARE = 0.2;
const REMIND_BEFORE_MAX_MS = 3_600_000;
/** Below this there is no time to be reminded. */
const REMIND_WINDOW_MIN_MS = 5 * 60_000;

/** What the outbox reads of a message of its own. `at` is when the news was committed. */
export type News = { readonly request: RequestId; readonly version: number; readonly at: Instant };

/**
 * The message that goes with a commit. It says only that there is news: who is told, and what, is found out when it is
 * sent, so a channel that is set up later, or comes back, tells how things are and not how they were.
 */
export function newsOf(after: RequestState, events: readonly RequestEvent[], at: Instant): readonly NewMessage[] {
  if (!events.some(isTold)) return [];
  return [message("news", after, at)];
}

/** The message of a reminder. */
export function reminderOf(state: RequestState, at: Instant): NewMessage {
  return message("reminder", state, at);
}

function message(topic: "news" | "reminder", { opened, version }: RequestState, at: Instant): NewMessage {
  const body: News = { request: opened.id, version, at };
  return { id: `${topic}:${opened.id}:${version}`, topic, body, notBefore: at };
}

/** A refused try is told to nobody but who tried. */
function isTold(event: RequestEvent): boolean {
  return event.type !== "review.refused";
}

/** When people are reminded: set when a request begins to wait, cleared when it does not wait any more. */
export function reminderTimers(
  before: RequestState | null,
  after: RequestState,
  stream: TimerOf["stream"],
): readonly TimerChange[] {
  const id = `reminder:${after.opened.id}`;
  const waits = after.progress.status === "pending";
  const waited = before?.progress.status === "pending";
  if (waits === waited) return [];
  if (!waits) return [{ clear: id }];
  const { openedAt, expiresAt } = after.opened;
  const windowMs = expiresAt - openedAt;
  if (windowMs < REMIND_WINDOW_MIN_MS) return [];
  const dueAt = (expiresAt - Math.round(Math.min(REMIND_BEFORE_MAX_MS, windowMs * REMIND_SHARE))) as Instant;
  return dueAt <= after.changedAt ? [] : [{ set: id, dueAt, kind: "reminder", stream }];
}

type TimerOf = Extract<TimerChange, { readonly set: string }>;

/** The names on cards by the rules of the moment. */
export function cardNames({ directory, titles }: Rules): CardNames {
  return {
    person: (id) => directory.people.get(id)?.name ?? id,
    title: (action) => titles?.get(action) ?? null,
  };
}

/** The card of a request as it stands now. */
export function cardNow(ctx: Pick<Context, "rules" | "clock">, state: RequestState): Card {
  return cardOf(state, cardNames(ctx.rules()), ctx.clock.now());
}

/** Nothing more will come of this request, so what shows it may be closed. */
export function isOver({ progress }: RequestState): boolean {
  if (progress.status === "pending") return false;
  if (progress.status !== "approved") return true;
  return progress.permit.status === "expired" || progress.outcome !== null;
}

/** What channels are told of a state: `told` are the events since the last time. */
export function noticeOf(
  ctx: Pick<Context, "rules">,
  state: RequestState,
  told: readonly Recorded[],
  at: Instant,
  page: string,
): Notice {
  const rules = ctx.rules();
  const card = cardOf(state, cardNames(rules), at);
  return {
    id: `${state.opened.id}.${state.version}`,
    card,
    cardDigest: cardDigest(card),
    changes: told.flatMap(({ event }) => (isTold(event) ? [event.type] : [])),
    audience: { ...audienceOf(state, rules.directory, at), routes: routesOf(state, rules) },
    page,
  };
}

/** Where the policies of today want it told; a policy that is gone wants nothing. */
function routesOf({ opened }: RequestState, { policies }: Rules): readonly string[] {
  return [...new Set(opened.holds.flatMap(({ policy }) => policies.notify?.get(policy) ?? []))];
}

/** Who could still review, and who stands behind the action. */
export function audienceOf(state: RequestState, roster: Roster, at: Instant): Audience {
  const { opened, terms } = state;
  const barred = behindToday(state.barred, opened.question.subject, roster.agents.get(opened.agent), roster, at);
  const waits = statusAt(state, at) === "pending";
  const members = waits ? terms.flatMap(({ group }) => roster.groups.get(group) ?? []).map(({ person }) => person) : [];
  // With the best of links and evidence: who is told may still have to link an account or to take out a passkey.
  const could = distinct(members)
    .slice(0, CANDIDATES_MAX)
    .filter((person) => outlook(state, { person, link: "L4", assurance: "A4" }, roster, at).canApprove);
  const people = (ids: readonly PersonId[]): Audience["approvers"] =>
    ids.slice(0, AUDIENCE_MAX).flatMap((id) => roster.people.get(id) ?? []);
  return {
    groups: terms.map(({ group }) => group),
    approvers: people(could),
    agent: opened.agent,
    requesters: people(distinct(barred.map(({ person }) => person))),
  };
}

function distinct(ids: readonly PersonId[]): readonly PersonId[] {
  return [...new Set(ids)];
}
