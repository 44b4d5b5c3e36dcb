import { ItemList, numberIn, textIn } from "./entry.ts";
import type { Items, ReadEntry } from "./entry.ts";
import type { IndexRange } from "./range.ts";

/** What one gate did in the period, as the ledger counted it. To be compared with what the gate's own system counted. */
export type GateCounts = {
  readonly gate: string;
  /** Answers of policy, and how they fell. */
  readonly evaluations: number;
  readonly allowed: number;
  readonly held: number;
  readonly denied: number;
  /** Requests opened, and permits that released something. */
  readonly requests: number;
  readonly released: number;
  /** Outcomes told, of what passed at once and of what a permit released. */
  readonly outcomes: number;
  /** Actions let through in the period without an outcome so far. */
  readonly silent: number;
};

/** Where the ledger does not tell a whole story. A gap is a question to ask, not yet a finding. */
export type Gaps = {
  readonly gates: readonly GateCounts[];
  /** Passed at once, and no outcome was told. */
  readonly allowedWithoutOutcome: Items;
  /** Released under a permit, and no outcome was told. */
  readonly releasedWithoutOutcome: Items;
  /** An outcome of something that was neither allowed nor released: something ran that should not have. */
  readonly outcomesWithoutPermit: Items;
  /** Answered "ask people", and nobody asked. */
  readonly heldWithoutRequest: Items;
  /** Opened in the period, and neither decided nor expired by the ledger's end. */
  readonly requestsNeverClosed: Items;
};

type Counts = { -readonly [member in keyof GateCounts]: GateCounts[member] };
type Evaluation = { readonly index: number; readonly at: number; readonly gate: string; readonly outcome: string };
type Request = { readonly index: number; readonly at: number; readonly gate: string; overdueAt: number | null };

const CLOSES = new Set([
  "request.denied",
  "request.expired",
  "request.cancelled",
  "request.failed",
  "permit.expired",
  "permit.redeemed",
]);

/**
 * Counts at every gate and follows what is open, from the first entry of the ledger to its last. Headers alone suffice,
 * so that it is the same with every payload erased. What happened outside the range is followed and not counted.
 */
export class GapFinder {
  readonly #range: IndexRange;
  readonly #gates = new Map<string, Counts>();
  readonly #open = new Map<string, Evaluation>();
  readonly #held = new Map<string, Evaluation & { readonly stream: string }>();
  readonly #requests = new Map<string, Request>();
  readonly #released = new Map<string, Evaluation>();
  readonly #outcomesWithoutPermit = new ItemList();

  constructor(range: IndexRange) {
    this.#range = range;
  }

  /** The next entry, in the order of indexes. */
  add(entry: ReadEntry): void {
    const { stream } = entry.header;
    if (stream.startsWith("evaluation/")) this.#evaluation(entry);
    else if (stream.startsWith("request/")) this.#request(entry);
  }

  /** What is known after the last entry. */
  result(): Gaps {
    const allowed = this.#silent(this.#open, "passed at once, no outcome told");
    const released = this.#silent(this.#released, "released under a permit, no outcome told");
    const held = new ItemList();
    for (const { index, at, gate, stream } of this.#held.values()) {
      if (this.#counts(index)) held.add({ index, at, stream, because: `held at \`${gate}\`, nobody was asked` });
    }
    const open = new ItemList();
    for (const [stream, { index, at, overdueAt }] of this.#requests) {
      if (!this.#counts(index)) continue;
      const since = overdueAt === null ? "" : `; its time ends ${new Date(overdueAt).toISOString()}`;
      open.add({ index, at, stream, because: `still open at the end of the ledger${since}` });
    }
    return {
      gates: [...this.#gates.values()].toSorted((a, b) => (a.gate < b.gate ? -1 : 1)),
      allowedWithoutOutcome: allowed.all,
      releasedWithoutOutcome: released.all,
      outcomesWithoutPermit: this.#outcomesWithoutPermit.all,
      heldWithoutRequest: held.all,
      requestsNeverClosed: open.all,
    };
  }

  #evaluation({ index, header }: ReadEntry): void {
    const { stream, type, at, publics } = header;
    if (type === "action.completed") {
      const allowed = this.#open.get(stream);
      this.#open.delete(stream);
      if (allowed !== undefined) this.#count(index, allowed.gate, "outcomes");
      else this.#stray(index, at, stream);
    }
    if (type !== "action.evaluated") return;
    const gate = textIn(publics, "gate") ?? "unknown";
    const outcome = textIn(publics, "outcome") ?? "unknown";
    this.#count(index, gate, "evaluations");
    this.#count(index, gate, outcome === "allow" ? "allowed" : outcome === "require_approval" ? "held" : "denied");
    if (outcome === "allow") this.#open.set(stream, { index, at, gate, outcome });
    if (outcome === "require_approval") {
      // An approval is applied by asking again: that answer belongs to a request that is there already.
      const digest = textIn(publics, "digest") ?? stream;
      if (!this.#asked.has(digest)) this.#held.set(stream, { index, at, gate, outcome, stream });
    }
  }

  /** Digests that a live request is about. */
  readonly #asked = new Map<string, string>();

  #request({ index, header, payload }: ReadEntry): void {
    const { stream, type, at, publics } = header;
    const gate = textIn(publics, "gate") ?? this.#requests.get(stream)?.gate ?? "unknown";
    const evaluation = textIn(publics, "evaluation");
    if (evaluation !== null) this.#held.delete(`evaluation/${evaluation}`);
    if (type === "request.opened") {
      this.#count(index, gate, "requests");
      this.#asked.set(textIn(publics, "digest") ?? stream, stream);
      this.#requests.set(stream, { index, at, gate, overdueAt: numberIn(payload, "request", "expiresAt") });
    }
    if (type === "request.approved") {
      const request = this.#requests.get(stream);
      if (request !== undefined) request.overdueAt = numberIn(payload, "approvedUntil");
    }
    if (type === "permit.redeemed") {
      this.#count(index, gate, "released");
      this.#released.set(stream, { index, at, gate, outcome: "released" });
    }
    if (type === "action.completed") {
      const released = this.#released.get(stream);
      this.#released.delete(stream);
      if (released === undefined) this.#stray(index, at, stream);
      else this.#count(index, released.gate, "outcomes");
    }
    if (CLOSES.has(type)) {
      this.#requests.delete(stream);
      const digest = textIn(publics, "digest") ?? stream;
      if (this.#asked.get(digest) === stream) this.#asked.delete(digest);
    }
  }

  #stray(index: number, at: number, stream: string): void {
    if (!this.#counts(index)) return;
    this.#outcomesWithoutPermit.add({ index, at, stream, because: "an outcome, and nothing had been let through" });
  }

  #silent(open: ReadonlyMap<string, Evaluation>, because: string): ItemList {
    const list = new ItemList();
    for (const [stream, { index, at, gate }] of open) {
      if (!this.#counts(index)) continue;
      this.#count(index, gate, "silent");
      list.add({ index, at, stream, because: `${because} (gate \`${gate}\`)` });
    }
    return list;
  }

  #counts(index: number): boolean {
    return index >= this.#range.first && index < this.#range.end;
  }

  #count(index: number, gate: string, what: Exclude<keyof GateCounts, "gate">): void {
    if (!this.#counts(index)) return;
    let counts = this.#gates.get(gate);
    if (counts === undefined) this.#gates.set(gate, (counts = emptyCounts(gate)));
    counts[what]++;
  }
}

function emptyCounts(gate: string): Counts {
  return {
    gate,
    evaluations: 0,
    allowed: 0,
    held: 0,
    denied: 0,
    requests: 0,
    released: 0,
    outcomes: 0,
    silent: 0,
  };
}
