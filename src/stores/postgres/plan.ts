import type { StreamName } from "../../core/brand.ts";
import type { JsonObject } from "../../core/action/index.ts";
import { leafHash } from "../../core/ledger/index.ts";
import type { AppendCall, KeptMessage } from "../../ports/append-call.ts";
import { lateness, missized } from "../../ports/append.ts";
import type { AppendResult, NewEntry, SlotChange, Timer } from "../../ports/store.ts";
import type { Call, Reply } from "./protocol.ts";
import type { FullTile, Tree } from "./tree.ts";

type Conflict = Extract<AppendResult, { status: "conflict" }>;
export type Answer = { readonly fingerprint: string; readonly answer: string; readonly index: number };
export type Held = { readonly holder: StreamName; readonly owner: string };

/** What the ledger says, under its lock, of all that a batch names: what is not in a map is not there. */
export type Seen = {
  readonly answers: ReadonlyMap<string, Answer>;
  readonly versions: ReadonlyMap<StreamName, number>;
  readonly slots: ReadonlyMap<string, Held>;
  readonly owned: ReadonlyMap<string, number>;
  /** What the database's own clock says, in milliseconds; undefined where no append of the batch has a time limit. */
  readonly clock: number | undefined;
};

export type PlannedEntry = NewEntry & { readonly index: number };
/** What happens to the outbox, in this order. */
export type OutboxStep =
  | { readonly kind: "queue"; readonly messages: KeptMessage[] }
  | { readonly kind: "done"; readonly ids: string[] }
  | Extract<Call, { kind: "move" }>
  /** `reply` is the place among the replies that waits for what was taken. */
  | (Extract<Call, { kind: "take" }> & { readonly reply: number });

/** What a batch comes to. Of keys that it touches more than once only the last state is left. */
export type Plan = {
  readonly replies: Reply[];
  readonly entries: PlannedEntry[];
  readonly tiles: FullTile[];
  /** Of entries of this batch, without those that it erases itself. */
  readonly payloads: Map<number, Pick<NewEntry, "payload" | "salt">>;
  readonly answers: Map<string, Answer>;
  /** Of what was there before the batch. */
  readonly erase: Set<number>;
  readonly slots: Map<string, Held | null>;
  readonly requests: Map<string, AppendCall["requests"][number]>;
  readonly timers: Map<string, Timer | null>;
  readonly documents: Map<string, AppendCall["documents"][number]>;
  readonly outbox: OutboxStep[];
};

/** Decides a batch in the order of its calls; the tree moves along. A call that conflicts leaves nothing behind. */
export function planBatch(calls: readonly Call[], seen: Seen, tree: Tree): Plan {
  const planner = new Planner(seen, tree);
  calls.forEach((call, at) => planner.take(call, at));
  return planner.plan;
}

class Planner {
  readonly plan: Plan = {
    replies: [],
    entries: [],
    tiles: [],
    payloads: new Map(),
    answers: new Map(),
    erase: new Set(),
    slots: new Map(),
    requests: new Map(),
    timers: new Map(),
    documents: new Map(),
    outbox: [],
  };
  readonly #seen: Seen;
  readonly #tree: Tree;
  readonly #versions = new Map<StreamName, number>();
  readonly #owned = new Map<string, number>();

  constructor(seen: Seen, tree: Tree) {
    this.#seen = seen;
    this.#tree = tree;
  }

  take(call: Call, at: number): void {
    const { outbox, replies } = this.plan;
    const last = outbox.at(-1);
    switch (call.kind) {
      case "append":
        replies.push(this.#append(call));
        return;
      case "done":
        if (last?.kind === "done") last.ids.push(call.id);
        else outbox.push({ kind: "done", ids: [call.id] });
        break;
      case "move":
        outbox.push(call);
        break;
      case "take":
        outbox.push({ ...call, reply: at });
        break;
      default:
        call satisfies never;
    }
    replies.push(null);
  }

  #append(call: AppendCall): AppendResult {
    const known = this.#known(call.idempotency?.key);
    if (known !== undefined) {
      return { status: "duplicate", ...known, answer: JSON.parse(known.answer) as JsonObject };
    }
    const stale = missized(call.at, this.#tree.size) ?? this.#checkVersions(call.entries);
    if (stale !== null) return stale;
    const late = lateness(call.inTime, this.#seen.clock);
    if (late !== null) return late;
    const taken = this.#changeSlots(call.slots);
    if (taken !== null) return taken;
    // Nothing below can fail.
    const index = this.#tree.size;
    this.#erase(call.erase, index);
    this.#project(call, index);
    for (const entry of call.entries) this.#add(entry);
    return { status: "appended", index, size: this.#tree.size };
  }

  #known(key: string | undefined): Answer | undefined {
    return key === undefined ? undefined : (this.plan.answers.get(key) ?? this.#seen.answers.get(key));
  }

  #next(stream: StreamName): number {
    return this.#versions.get(stream) ?? (this.#seen.versions.get(stream) ?? -1) + 1;
  }

  #checkVersions(entries: readonly NewEntry[]): Conflict | null {
    const next = new Map<StreamName, number>();
    for (const { stream, version } of entries) {
      const actual = next.get(stream) ?? this.#next(stream);
      if (version !== actual) return { status: "conflict", on: "version", stream, expected: version, actual };
      next.set(stream, actual + 1);
    }
    return null;
  }

  // Tried on copies, which are kept only when every change fits.
  #changeSlots(changes: readonly SlotChange[]): Conflict | null {
    const slots = new Map<string, Held | null>();
    const owned = new Map<string, number>();
    const countOf = (owner: string): number =>
      owned.get(owner) ?? this.#owned.get(owner) ?? this.#seen.owned.get(owner) ?? 0;
    const holds = (key: string): Held | null => {
      const changed = slots.get(key) ?? (slots.has(key) ? null : this.plan.slots.get(key));
      return changed !== undefined ? changed : (this.#seen.slots.get(key) ?? null);
    };
    const free = (key: string): void => {
      const held = holds(key);
      // An owner that no call of the batch names was not counted, and nobody asks.
      if (held !== null) owned.set(held.owner, countOf(held.owner) - 1);
      slots.set(key, null);
    };
    for (const change of changes) {
      if ("free" in change) {
        free(change.free);
        continue;
      }
      if ("unheld" in change) {
        const held = holds(change.unheld);
        if (held !== null) return { status: "conflict", on: "slot", slot: change.unheld, holder: held.holder };
        continue;
      }
      const { take, holder, owner, ownerMax } = change;
      const held = holds(take);
      if (held !== null && held.holder !== holder) {
        return { status: "conflict", on: "slot", slot: take, holder: held.holder };
      }
      free(take);
      const count = countOf(owner);
      if (count >= ownerMax) return { status: "conflict", on: "owner", owner, held: count };
      slots.set(take, { holder, owner });
      owned.set(owner, count + 1);
    }
    for (const [key, held] of slots) this.plan.slots.set(key, held);
    for (const [owner, count] of owned) this.#owned.set(owner, count);
    return null;
  }

  // Entries of this batch that came before are erased by not being written; those of this append and later ones stay.
  #erase(indexes: readonly number[], size: number): void {
    if (indexes.length === 0) return;
    const gone = new Set(indexes);
    for (const index of gone) {
      this.plan.erase.add(index);
      if (index < size) this.plan.payloads.delete(index);
    }
    for (const [key, answer] of this.plan.answers) {
      if (gone.has(answer.index)) this.plan.answers.set(key, { ...answer, fingerprint: "" });
    }
  }

  #add(entry: NewEntry): void {
    const index = this.#tree.size;
    this.plan.entries.push({ ...entry, index });
    this.plan.payloads.set(index, { payload: entry.payload, salt: entry.salt });
    this.#versions.set(entry.stream, entry.version + 1);
    this.plan.tiles.push(...this.#tree.append(leafHash(entry.header)));
  }

  #project(call: AppendCall, index: number): void {
    const { answers, requests, timers, documents, outbox } = this.plan;
    if (call.idempotency !== null) {
      const { key, fingerprint, answer } = call.idempotency;
      answers.set(key, { fingerprint, answer, index });
    }
    for (const row of call.requests) requests.set(row.id, row);
    for (const timer of call.timers) {
      if ("clear" in timer) timers.set(timer.clear, null);
      else timers.set(timer.set, { id: timer.set, dueAt: timer.dueAt, kind: timer.kind, stream: timer.stream });
    }
    for (const document of call.documents) documents.set(JSON.stringify([document.kind, document.id]), document);
    if (call.outbox.length === 0) return;
    const last = outbox.at(-1);
    if (last?.kind === "queue") last.messages.push(...call.outbox);
    else outbox.push({ kind: "queue", messages: [...call.outbox] });
  }
}
