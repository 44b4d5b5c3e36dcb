import type { StreamName } from "../core/brand.ts";
import type { Store } from "../ports/store.ts";
import { StoreError } from "../ports/store.ts";

/** How long nobody else leads after a leader was heard of last, and how often it is heard of, in milliseconds. */
export const LEASE_MS = 10_000;
export const RENEW_EVERY_MS = 2_500;

const DOCUMENT = { kind: "lease", id: "housekeeping" } as const;

/** The latest lease as the store has it. */
type Held = { readonly holder: string; readonly turn: number };

/** Whether this instance does what one of them is enough for. */
export interface Leadership {
  readonly leads: boolean;
}

/** There is no other instance. */
export const ALONE: Leadership = { leads: true };

/**
 * Which of several instances does what one is enough for: sweeping, heartbeats, witnesses, the export. Each turn is a slot
 * that one append takes while it frees the one before, so two instances never take the same turn. A leader counts its time
 * from before it asked, and others from after they saw it, by clocks that nobody can set: so one stops before another
 * begins. A process that was stopped in the middle may still believe for a moment that it leads: all that is led is
 * therefore idempotent, or told at least once.
 */
export class Lease implements Leadership {
  readonly #store: Store;
  readonly #instance: string;
  #until = -Infinity;
  /** The other's turn as it was seen first, and when. */
  #seen: { readonly turn: number; readonly at: number } | null = null;

  constructor(store: Store, instance: string) {
    this.#store = store;
    this.#instance = instance;
  }

  get leads(): boolean {
    return performance.now() < this.#until;
  }

  /** Renews its own lease, or takes one that ran out. */
  async step(): Promise<void> {
    const asked = performance.now();
    const held = await this.#read();
    if (held !== null && held.holder !== this.#instance) {
      this.#until = -Infinity;
      if (this.#seen?.turn !== held.turn) this.#seen = { turn: held.turn, at: performance.now() };
      if (held.holder !== "" && performance.now() < this.#seen.at + LEASE_MS) return;
    }
    const turn = (held?.turn ?? 0) + 1;
    this.#until = (await this.#take(turn, this.#instance)) ? asked + LEASE_MS : -Infinity;
  }

  /** Keeps the lease as long as it can, until the signal aborts; then another one may take it at once. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.step();
      } catch (error) {
        if (error instanceof StoreError && error.code !== "store_unavailable") return; // told by the store itself
      }
      await pause(RENEW_EVERY_MS, signal);
    }
    const led = this.leads;
    this.#until = -Infinity;
    const held = led ? await this.#read().catch(() => null) : null;
    if (held?.holder === this.#instance) await this.#take(held.turn + 1, "").catch(() => false);
  }

  async #read(): Promise<Held | null> {
    const { holder, turn } = (await this.#store.document(DOCUMENT.kind, DOCUMENT.id))?.body ?? {};
    return typeof holder === "string" && typeof turn === "number" ? { holder, turn } : null;
  }

  async #take(turn: number, holder: string): Promise<boolean> {
    const result = await this.#store.append({
      entries: [],
      slots: [
        { take: slotOf(turn), holder: `lease/${this.#instance}` as StreamName, owner: "lease", ownerMax: 4 },
        { free: slotOf(turn - 1) },
      ],
      documents: [{ ...DOCUMENT, body: { holder, turn } }],
    });
    return result.status === "appended";
  }
}

function slotOf(turn: number): string {
  return `lease:${DOCUMENT.id}:${turn}`;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}
