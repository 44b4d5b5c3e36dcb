import { addSignatures } from "../core/ledger/index.ts";
import { ALONE, repeat, type Fence, type Leadership } from "../engine/index.ts";
import type { Store } from "../ports/store.ts";
import type { Log } from "./log.ts";
import type { WitnessConfig } from "./config.ts";
import type { Notary, SignedCheckpoint } from "./notary.ts";
import { lead, witnessName, type WitnessAnswer } from "./witnesses.ts";

/** How often the ledger is looked at: published checkpoints are at most this much behind, and a round trip. */
const PUBLISH_EVERY_MS = 1000;
/** The longest pause before a witness that does not answer is tried again. */
const PAUSE_MAX_MS = 60_000;

const DOCUMENT = { kind: "ledger", id: "cosigned" } as const;

/** A witness as this server last saw it. */
type Seen = {
  readonly witness: WitnessConfig;
  readonly name: string;
  size: number;
  answer: WitnessAnswer | null;
  failures: number;
  /** In milliseconds of `performance.now()`. */
  retryAt: number;
};

/** What is wrong with a witness, for logs and `keyturn doctor`. */
export type Trouble = { readonly name: string; readonly refused: boolean; readonly because: string };

type Options = {
  readonly notary: Notary;
  readonly store: Store;
  readonly witnesses: readonly WitnessConfig[];
  readonly quorum: number;
  readonly log: Log;
};

/**
 * Takes the ledger to its witnesses in the background and keeps the newest checkpoint that enough of them cosigned.
 * Nothing waits for it: entries commit and receipts are given whether or not anybody cosigns.
 */
export class Publisher {
  readonly #options: Options;
  readonly #seen: readonly Seen[];
  #published: SignedCheckpoint | null = null;
  /** What is being taken round, and the lines that came back. */
  #round: { readonly checkpoint: SignedCheckpoint; readonly lines: Map<string, string> } | null = null;

  constructor(options: Options) {
    this.#options = options;
    this.#seen = options.witnesses.map((witness) => {
      return { witness, name: witnessName(witness), size: 0, answer: null, failures: 0, retryAt: 0 };
    });
  }

  /** The checkpoint to show to the world: the newest that the quorum cosigned, null while there is none; without a quorum the ledger as it stands. */
  async published(): Promise<SignedCheckpoint | null> {
    if (this.#options.quorum > 0) return this.#published;
    const head = await this.#options.notary.head();
    return this.#published?.size === head.size ? this.#published : head;
  }

  /** Witnesses that do not cosign, and why. */
  troubles(): readonly Trouble[] {
    return this.#seen.flatMap(({ name, answer }) => {
      if (answer === null || answer.says === "cosigned") return [];
      return [{ name, refused: answer.says === "refused" || answer.says === "stale", because: sentenceOf(answer) }];
    });
  }

  /** Goes on with what an earlier run had published. */
  async restore(): Promise<void> {
    const body = (await this.#options.store.document(DOCUMENT.kind, DOCUMENT.id))?.body;
    const { size, note } = body ?? {};
    if (this.#seen.length > 0 && typeof size === "number" && typeof note === "string") this.#published = { size, note };
  }

  /**
   * Publishes until the signal aborts, or the store is gone; while another instance leads, takes over what that one has
   * published. Never rejects.
   */
  async run(signal: AbortSignal, leadership: Leadership = ALONE): Promise<void> {
    if (this.#seen.length === 0) return;
    const round = async (): Promise<void> => {
      const fence = leadership.fence();
      await (fence === null ? this.restore() : this.publish(signal, fence));
    };
    const onFault = (error: unknown): void =>
      this.#options.log("error", `a checkpoint was not published: ${String(error)}`);
    await repeat(signal, round, { everyMs: PUBLISH_EVERY_MS, onFault }).catch(() => {}); // told by the store itself
  }

  /** One round: takes the newest checkpoint to every witness that has not cosigned it and is due. */
  async publish(signal?: AbortSignal, fence: Fence = []): Promise<void> {
    const head = await this.#options.notary.head();
    if (head.size === 0) return;
    if (this.#round?.checkpoint.size !== head.size) this.#round = { checkpoint: head, lines: new Map() };
    const { checkpoint, lines } = this.#round;
    const now = performance.now();
    const due = this.#seen.filter(({ name, retryAt }) => !lines.has(name) && now >= retryAt);
    if (due.length === 0) return;
    await Promise.all(due.map((seen) => this.#take(seen, checkpoint, lines, signal)));
    if (signal?.aborted === true) return;
    await this.#keep(checkpoint, [...lines.values()], fence);
  }

  async #take(
    seen: Seen,
    checkpoint: SignedCheckpoint,
    lines: Map<string, string>,
    signal?: AbortSignal,
  ): Promise<void> {
    const answer = await lead(this.#options.notary, seen.witness, checkpoint, seen.size, signal);
    if (signal?.aborted === true) return;
    const before = seen.answer;
    seen.answer = answer;
    if (answer.says === "cosigned") {
      lines.set(seen.name, answer.line);
      Object.assign(seen, { size: checkpoint.size, failures: 0, retryAt: 0 });
      if (before !== null && before.says !== "cosigned")
        this.#options.log("info", `witness \`${seen.name}\` cosigns again`);
      return;
    }
    seen.failures += 1;
    seen.retryAt = performance.now() + Math.min(PAUSE_MAX_MS, PUBLISH_EVERY_MS * 2 ** seen.failures);
    if (before?.says !== answer.says) this.#options.log("error", `witness \`${seen.name}\`: ${sentenceOf(answer)}`);
  }

  async #keep(checkpoint: SignedCheckpoint, lines: readonly string[], fence: Fence): Promise<void> {
    if (lines.length < Math.max(1, this.#options.quorum)) return;
    const { size } = checkpoint;
    const note = addSignatures(checkpoint.note, lines);
    const documents = [{ ...DOCUMENT, body: { size, note } }];
    const { status } = await this.#options.store.append({ entries: [], slots: fence, documents });
    if (status === "appended") this.#published = { size, note };
    // Somebody else leads by now, and what it has published may be newer; if it comes back here, the round begins anew.
    else this.#round = null;
  }
}

function sentenceOf(answer: WitnessAnswer): string {
  switch (answer.says) {
    case "cosigned":
      return "it cosigned";
    case "stale":
      return `it has signed a ledger of ${answer.size} entries that is not this one: there is a second copy, or this one is old`;
    case "unknown":
      return "it does not know this ledger; give it the line of `keyturn ledger vkey` as a log";
    case "refused":
    case "nothing":
      return answer.because;
    default:
      return answer satisfies never;
  }
}
