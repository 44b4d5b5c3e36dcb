import type { StreamName } from "../core/brand.ts";
import type { AppendResult, SlotChange, Store } from "../ports/store.ts";
import { repeat } from "./repeat.ts";

/** How long nobody else leads after a leader was heard of last, and how often it is heard of, in milliseconds. */
export const LEASE_MS = 10_000;
export const RENEW_EVERY_MS = 2_500;

const DOCUMENT = { kind: "lease", id: "housekeeping" } as const;
/** Held by whoever leads, from the moment it began to until somebody else does. */
const TERM = `lease:${DOCUMENT.id}:term`;

/** The latest lease as the store has it. */
type Held = { readonly holder: string; readonly turn: number };

/** Goes with what one append changes: nothing is written once somebody else has begun to lead, however late it comes. */
export type Fence = readonly SlotChange[];

/** Whether this instance does what one of them is enough for. */
export interface Leadership {
  readonly leads: boolean;
  /** The fence of what is begun now, and to be asked for before anything is read; null where it does not lead. */
  fence(): Fence | null;
}

/** There is no other instance. */
export const ALONE: Leadership = { leads: true, fence: () => [] };

/** Whether an append was not written because somebody else leads by now. */
export function isFenced(result: AppendResult): boolean {
  return result.status === "conflict" && result.on === "slot" && result.slot === TERM;
}

/**
 * Which of several instances does what one is enough for: sweeping, heartbeats, witnesses, the export. Each turn is a slot
 * that one append takes while it frees the one before, so two instances never take the same turn. A leader counts its time
 * from before it asked, and others from after they saw it, by clocks that nobody can set: so one stops before another
 * begins. A process that was stopped in the middle may still believe for a moment that it leads: what it writes then is
 * refused by the fence of its term, and what it sends is told at least once anyway.
 */
export class Lease implements Leadership {
  readonly #store: Store;
  readonly #instance: string;
  /** Milliseconds by a clock that nobody can set. */
  readonly #tick: () => number;
  #until = -Infinity;
  /** The other's turn as it was seen first, and when. */
  #seen: { readonly turn: number; readonly at: number } | null = null;
  /** Who holds the slot of this instance's term; null where it never led, or somebody else has since. */
  #term: StreamName | null = null;

  constructor(store: Store, instance: string, tick: () => number = () => performance.now()) {
    this.#store = store;
    this.#instance = instance;
    this.#tick = tick;
  }

  get leads(): boolean {
    return this.#tick() < this.#until;
  }

  fence(): Fence | null {
    return this.leads && this.#term !== null ? [termOf(this.#term)] : null;
  }

  /** Renews its own lease, or takes one that ran out. */
  async step(): Promise<void> {
    const asked = this.#tick();
    const held = await this.#read();
    if (held?.holder !== this.#instance) {
      this.#until = -Infinity;
      this.#term = null;
    }
    if (held !== null && held.holder !== this.#instance) {
      if (this.#seen?.turn !== held.turn) this.#seen = { turn: held.turn, at: this.#tick() };
      if (held.holder !== "" && this.#tick() < this.#seen.at + LEASE_MS) return;
    }
    const turn = (held?.turn ?? 0) + 1;
    const term = this.#term ?? (`lease/${this.#instance}/${turn}` as StreamName);
    const isTaken = await this.#take(turn, this.#instance, [
      // Who begins ends the term before; who goes on only makes sure of its own.
      ...(this.#term === null ? [{ free: TERM }] : []),
      termOf(term),
    ]);
    this.#term = isTaken ? term : null;
    this.#until = isTaken ? asked + LEASE_MS : -Infinity;
  }

  /** Keeps the lease as long as it can, until the signal aborts; then another one may take it at once. */
  async run(signal: AbortSignal): Promise<void> {
    const onFault = (): void => {}; // the next time may do better
    const isWell = await repeat(signal, () => this.step(), { everyMs: RENEW_EVERY_MS, onFault }).then(
      () => true,
      () => false, // of a store that has failed the store itself tells
    );
    const led = isWell && this.leads;
    this.#until = -Infinity;
    const held = led ? await this.#read().catch(() => null) : null;
    if (held?.holder === this.#instance) await this.#take(held.turn + 1, "").catch(() => false);
  }

  async #read(): Promise<Held | null> {
    const { holder, turn } = (await this.#store.document(DOCUMENT.kind, DOCUMENT.id))?.body ?? {};
    return typeof holder === "string" && typeof turn === "number" ? { holder, turn } : null;
  }

  async #take(turn: number, holder: string, more: readonly SlotChange[] = []): Promise<boolean> {
    const result = await this.#store.append({
      entries: [],
      slots: [
        { take: slotOf(turn), holder: `lease/${this.#instance}` as StreamName, owner: "lease", ownerMax: 4 },
        { free: slotOf(turn - 1) },
        ...more,
      ],
      documents: [{ ...DOCUMENT, body: { holder, turn } }],
    });
    return result.status === "appended";
  }
}

/** Fails while somebody else's term lasts, and changes nothing in one's own. */
function termOf(holder: StreamName): SlotChange {
  return { take: TERM, holder, owner: "lease-term", ownerMax: 1 };
}

function slotOf(turn: number): string {
  return `lease:${DOCUMENT.id}:${turn}`;
}
