import { isJsonList, isJsonObject } from "../core/action/index.ts";
import type { JsonObject, Question } from "../core/action/index.ts";
import type { AgentId, DeferralId, Digest, EvaluationId, Instant, StreamName } from "../core/brand.ts";
import { formatId, ID_BYTES } from "../core/ids.ts";
import type { Decision } from "../core/policy/index.ts";
import type {
  Append,
  AppendResult,
  DocumentChange,
  NewEntry,
  SlotChange,
  Store,
  Timer,
  TimerChange,
} from "../ports/store.ts";
import type { Context } from "./context.ts";
import { freeIfHeld, seal } from "./journal.ts";
import type { Fence } from "./lease.ts";
import type { About } from "./stated.ts";

/** An action that waits for facts, without effect. It is resolved or expires, once; by the clock, whatever a timer does. */
export type Deferral = {
  readonly id: DeferralId;
  readonly agent: AgentId;
  readonly digest: Digest;
  readonly resource: { readonly type: string; readonly id: string };
  readonly facts: readonly string[];
  readonly openedAt: Instant;
  readonly expiresAt: Instant;
  readonly state: "waiting" | "resolved" | "expired";
};

export type DeferralStatus = Deferral["state"];

/** Parts of an append. */
export type Parts = Required<Pick<Append, "slots" | "timers" | "documents">> & {
  readonly entries: readonly NewEntry[];
};

const KIND = "deferrals";
export const DEFERRAL_TIMER = "deferral";

/** How it stands at a time: one that was not resolved by its end has expired, written down or not. */
export function deferralAt({ state, expiresAt }: Deferral, now: Instant): DeferralStatus {
  return state === "waiting" && now >= expiresAt ? "expired" : state;
}

/** What waits for facts, or did a moment ago: in memory, and in a document each. */
export class Deferrals {
  readonly #byId = new Map<DeferralId, Deferral>();
  readonly #byAction = new Map<string, Deferral>();
  readonly #listeners = new Map<DeferralId, Set<() => void>>();

  async open(store: Store): Promise<void> {
    const all = (await store.documents(KIND)).map(({ body }) => deferralIn(body));
    for (const deferral of all.sort((a, b) => a.openedAt - b.openedAt)) this.put(deferral);
  }

  get(id: DeferralId): Deferral | null {
    return this.#byId.get(id) ?? null;
  }

  /** The same, or what the store has of it: another instance may have begun it just now. */
  async find(store: Store, id: DeferralId): Promise<Deferral | null> {
    return this.get(id) ?? this.reload(store, id);
  }

  /** Takes over what another instance made of one. */
  async reload(store: Store, id: DeferralId): Promise<Deferral | null> {
    const body = (await store.document(KIND, id))?.body;
    if (body === undefined) return this.get(id);
    const deferral = deferralIn(body);
    const last = this.of(deferral.agent, deferral.digest);
    this.put(deferral, last === null || last.openedAt <= deferral.openedAt);
    return deferral;
  }

  /** The one of this agent and action; null where it never waited, or that was forgotten. */
  of(agent: AgentId, digest: Digest): Deferral | null {
    return this.#byAction.get(slotOf({ agent, digest })) ?? null;
  }

  /** Those that wait for facts of this thing, and for nothing but what `known` has. */
  about(about: About, known: (deferral: Deferral) => boolean, now: Instant): readonly Deferral[] {
    return [...this.#byId.values()].filter((deferral) => {
      const { digest, resource } = deferral;
      const isAbout =
        "digest" in about
          ? about.digest === digest
          : about.resource.type === resource.type && about.resource.id === resource.id;
      return isAbout && deferralAt(deferral, now) === "waiting" && known(deferral);
    });
  }

  /** Takes over what is on disk by now, and wakes whoever waits for a change of it. */
  put(deferral: Deferral, isLast = true): void {
    this.#byId.set(deferral.id, deferral);
    if (isLast) this.#byAction.set(slotOf(deferral), deferral);
    for (const wake of this.#listeners.get(deferral.id) ?? []) wake();
  }

  forget(deferral: Deferral): void {
    this.#byId.delete(deferral.id);
    if (this.#byAction.get(slotOf(deferral))?.id === deferral.id) this.#byAction.delete(slotOf(deferral));
  }

  /** Long polls that wait for one of them. */
  get waiters(): number {
    let count = 0;
    for (const listeners of this.#listeners.values()) count += listeners.size;
    return count;
  }

  listen(id: DeferralId, wake: () => void): () => void {
    const listeners = this.#listeners.get(id) ?? new Set();
    listeners.add(wake);
    this.#listeners.set(id, listeners);
    return () => {
      listeners.delete(wake);
      if (listeners.size === 0) this.#listeners.delete(id);
    };
  }
}

function slotOf({ agent, digest }: Pick<Deferral, "agent" | "digest">): string {
  return `deferral:${agent}:${digest}`;
}

export function deferralStream(id: DeferralId): StreamName {
  return `deferral/${id}` as StreamName;
}

/** A new wait: its entry, the slot that makes it the only one of its action, and the timer that ends it. */
export function openDeferral(
  ctx: Context,
  agent: AgentId,
  asked: {
    readonly question: Question;
    readonly digest: Digest;
    readonly evaluation: EvaluationId;
    readonly at: Instant;
  },
  decision: Extract<Decision, { outcome: "defer" }>,
): { readonly deferral: Deferral; readonly parts: Parts } {
  const { question, digest, evaluation, at } = asked;
  const { type, id: resource } = question.resource;
  const deferral: Deferral = {
    id: formatId("deferral", ctx.chance.bytes(ID_BYTES)),
    agent,
    digest,
    resource: { type, id: resource },
    facts: decision.facts,
    openedAt: at,
    expiresAt: (at + decision.expiresInMs) as Instant,
    state: "waiting",
  };
  const stream = deferralStream(deferral.id);
  const payload = {
    agent,
    resource: { type, id: resource },
    facts: [...decision.facts],
    evaluation,
    expiresAt: deferral.expiresAt,
  };
  const ownerMax = ctx.limits.deferredPerAgent;
  return {
    deferral,
    parts: {
      entries: [seal(ctx, stream, 0, "deferral.opened", at, payload, { digest, evaluation })],
      // An older wait of the same action that is over may still hold it: its timer comes late.
      slots: [
        ...(ctx.around.deferrals.of(agent, digest) === null ? [] : [{ free: slotOf(deferral) }]),
        { take: slotOf(deferral), holder: stream, owner: `deferred:${agent}`, ownerMax },
      ],
      timers: [timerOf(deferral, deferral.expiresAt)],
      documents: [documentOf(deferral)],
    },
  };
}

/** The facts are there: the action may be asked for again. */
export function resolveDeferral(
  ctx: Context,
  deferral: Deferral,
  at: Instant,
  because: JsonObject,
): { readonly deferral: Deferral; readonly parts: Parts } {
  const resolved: Deferral = { ...deferral, state: "resolved" };
  const entry = seal(ctx, deferralStream(deferral.id), 1, "deferral.resolved", at, because, {
    digest: deferral.digest,
  });
  // It is told for a while; then the timer forgets it.
  const until = (at + ctx.limits.denialCooldownMs) as Instant;
  const slots: readonly SlotChange[] = [{ free: slotOf(deferral) }];
  return {
    deferral: resolved,
    parts: { entries: [entry], slots, timers: [timerOf(deferral, until)], documents: [documentOf(resolved)] },
  };
}

/** What a timer of a deferral has to do: end the wait, or forget one that has ended. */
export async function endDeferral(ctx: Context, timer: Timer, fence: Fence = []): Promise<AppendResult | null> {
  const { deferrals } = ctx.around;
  const deferral = await deferrals.find(ctx.store, timer.stream.slice("deferral/".length) as DeferralId);
  const at = ctx.clock.now();
  const clear: TimerChange = { clear: timer.id };
  if (deferral === null) return ctx.store.append({ entries: [], slots: fence, timers: [clear] });
  if (deferral.state === "waiting" && at >= deferral.expiresAt) {
    await expire(ctx, deferral, at);
    return null;
  }
  if (deferral.state === "waiting") return null; // resolved and asked anew meanwhile: its timer was moved
  const isLast = deferrals.of(deferral.agent, deferral.digest)?.id === deferral.id;
  const freed = isLast && deferral.state === "expired" ? freeIfHeld(slotOf(deferral), timer.stream) : [];
  const documents = [{ kind: KIND, id: deferral.id, body: null }];
  const result = await ctx.store.append({ entries: [], slots: [...fence, ...freed], timers: [clear], documents });
  if (result.status === "appended") deferrals.forget(deferral);
  return result;
}

/** The slot stays for a while, so that what has just timed out is denied and does not wait anew. */
async function expire(ctx: Context, deferral: Deferral, at: Instant): Promise<void> {
  const stream = deferralStream(deferral.id);
  const lapsed: Deferral = { ...deferral, state: "expired" };
  const owner = `lapsed:${deferral.agent}`;
  // The same action may wait anew already, where this timer came late.
  const isLast = ctx.around.deferrals.of(deferral.agent, deferral.digest)?.id === deferral.id;
  const kept: SlotChange = { take: slotOf(deferral), holder: stream, owner, ownerMax: Number.MAX_SAFE_INTEGER };
  const result = await ctx.store.append({
    entries: [seal(ctx, stream, 1, "deferral.expired", at, {}, { digest: deferral.digest })],
    slots: isLast ? [kept] : [],
    timers: [timerOf(deferral, (deferral.expiresAt + ctx.limits.denialCooldownMs) as Instant)],
    documents: [documentOf(lapsed)],
  });
  if (result.status === "appended") ctx.around.deferrals.put(lapsed, isLast);
}

/** Waits until a deferral is no longer waiting, at most `waitMs`; nothing is written. */
export async function waitForFacts(
  ctx: Context,
  id: DeferralId,
  waitMs: number,
  signal: AbortSignal,
): Promise<Deferral | null> {
  const { deferrals } = ctx.around;
  const now = deferrals.get(id);
  if (now === null || deferralAt(now, ctx.clock.now()) !== "waiting" || signal.aborted) return now;
  const { promise, resolve } = Promise.withResolvers<void>();
  const ignore = deferrals.listen(id, resolve);
  const untilEnd = Math.max(1, now.expiresAt - ctx.clock.now());
  const timer = setTimeout(resolve, Math.min(waitMs, ctx.limits.waitMaxMs, untilEnd));
  const onAbort = (): void => resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await promise;
    return deferrals.get(id);
  } finally {
    clearTimeout(timer);
    ignore();
    signal.removeEventListener("abort", onAbort);
  }
}

function timerOf({ id }: Deferral, dueAt: Instant): TimerChange {
  return { set: `deferral:${id}`, dueAt, kind: DEFERRAL_TIMER, stream: deferralStream(id) };
}

function documentOf(deferral: Deferral): DocumentChange {
  const body = { ...deferral, facts: [...deferral.facts], resource: { ...deferral.resource } };
  return { kind: KIND, id: deferral.id, body };
}

/** Written by `documentOf`, out of our own store. */
function deferralIn(body: JsonObject): Deferral {
  const { resource, facts } = body;
  if (!isJsonObject(resource ?? null) || !isJsonList(facts ?? null)) throw new TypeError("this is no deferral");
  return body as JsonObject & Deferral;
}
