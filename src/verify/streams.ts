import { fingerprintText, newSeed } from "./fingerprint.ts";
import type { Seed } from "./fingerprint.ts";
import type { Header } from "./header.ts";
import { ROW_WORDS, StreamTable } from "./stream-table.ts";
import type { Row } from "./stream-table.ts";

/**
 * How far a stream has come, as the types of its entries say: this is known even when payloads are erased. Requests are
 * pending to closed; evaluations allowed, held, denied or done; `earlier` began before what is verified here.
 */
const STAGES = [
  "absent", // an empty place of the table
  "unopened",
  "pending",
  "approved",
  "redeemed",
  "completed",
  "closed",
  "allowed",
  "held",
  "denied",
  "done",
  "plain",
  "earlier",
] as const;
export type Stage = (typeof STAGES)[number];

/** Stages after which nothing may follow. */
const ENDED = new Set<Stage>(["completed", "closed", "denied", "done"]);

/** What is kept of a stream: the version it is at, and for an evaluation the mark of the digest that it was about. */
export type StreamState = {
  readonly version: number;
  readonly stage: Stage;
  readonly at: number;
  readonly subject: number;
};

/** Streams that a book knows before it may forget those that have ended. */
export const STREAMS_EXACT_MAX = 700_000;
/** How long after an evaluation that asks for approval a request may still name it; servers allow less. */
export const EVALUATION_NAMED_MS = 86_400_000;

const PLACES_MIN = 4096;
const FILL_MAX = 0.7;
const MINUTE_MS = 60_000;
const HELD_MINUTES = EVALUATION_NAMED_MS / MINUTE_MS + 60;

/**
 * All streams of a ledger in 24 bytes each. Beyond `STREAMS_EXACT_MAX` streams it forgets those that have ended, so that
 * memory follows what is open and not all that ever was.
 */
export class StreamBook {
  readonly seed: Seed;
  #forgetful: boolean;
  #count = 0;
  #minute = 0;
  #table: StreamTable = new StreamTable(PLACES_MIN);
  /** The fingerprint of the stream that the present entry is of, and of any other text. */
  readonly #print: Int32Array = new Int32Array(2);
  readonly #other: Int32Array = new Int32Array(2);
  readonly #exactMax: number;

  constructor(options: { readonly seed?: Seed; readonly forgetful?: boolean; readonly exactMax?: number } = {}) {
    this.seed = options.seed ?? newSeed();
    this.#forgetful = options.forgetful ?? false;
    this.#exactMax = options.exactMax ?? STREAMS_EXACT_MAX;
  }

  /** A stream that has ended may be unknown here, because it was forgotten or never told. */
  get forgetful(): boolean {
    return this.#forgetful;
  }

  /** A mark of 32 bits for a digest: nobody without the seed can make two digests with the same one. */
  markOf(digest: string): number {
    fingerprintText(digest, this.seed, this.#other);
    return this.#other[0] ?? 0;
  }

  /** Turns to the stream of an entry, which `put` is then about, and says what is known of it. */
  turnTo(header: Pick<Header, "printStream">): StreamState | null {
    header.printStream(this.seed, this.#print);
    return this.#at(this.#print);
  }

  /** Remembers the stream that was turned to as it is now. */
  put({ version, stage, at, subject }: StreamState): void {
    const high = this.#print[0] ?? 0;
    const low = this.#print[1] ?? 0;
    const row = { high, low, version, stage: STAGES.indexOf(stage), minute: Math.floor(at / MINUTE_MS), subject };
    const place = this.#table.placeOf(high, low);
    if (this.#table.isEmpty(place)) this.#add(row);
    else this.#table.write(place, row);
  }

  /** What is known of another stream, by its name. */
  find(stream: string): StreamState | null {
    fingerprintText(stream, this.seed, this.#other);
    return this.#at(this.#other);
  }

  #at(print: Int32Array): StreamState | null {
    const place = this.#table.placeOf(print[0] ?? 0, print[1] ?? 0);
    if (this.#table.isEmpty(place)) return null;
    const { version, stage, minute, subject } = this.#table.read(place);
    return { version, stage: STAGES[stage] ?? "plain", at: minute * MINUTE_MS, subject };
  }

  /** The streams that have not ended, for `restore`. */
  dump(): Uint8Array {
    const words: number[] = [];
    for (const row of this.#table.rows()) {
      if (this.#isOpen(row)) words.push(row.high, row.low, row.version, row.stage, row.minute, row.subject);
    }
    return new Uint8Array(Int32Array.from(words).buffer);
  }

  /** Reads what `dump` wrote under the same seed; RangeError for anything else. */
  restore(bytes: Uint8Array): void {
    if (bytes.length % (4 * ROW_WORDS) !== 0) throw new RangeError("these are not the rows of a book of streams");
    const words = new Int32Array(Uint8Array.from(bytes).buffer);
    for (let at = 0; at < words.length; at += ROW_WORDS) {
      const [high = 0, low = 0, version = 0, stage = 0, minute = 0, subject = 0] = words.subarray(at, at + ROW_WORDS);
      if (stage <= 0 || stage >= STAGES.length) throw new RangeError("a row of the book has no stage");
      this.#add({ high, low, version, stage, minute, subject });
    }
  }

  #add(row: Row): void {
    this.#minute = Math.max(this.#minute, row.minute);
    if (this.#count + 1 > FILL_MAX * this.#table.places) this.#makeRoom();
    this.#table.write(this.#table.placeOf(row.high, row.low), row);
    this.#count++;
  }

  /** Forgets what has ended once there are many, and grows where that is not enough. */
  #makeRoom(): void {
    if (this.#count >= this.#exactMax) {
      this.#forgetful = true;
      this.#count = this.#table.keep((row) => this.#isOpen(row));
      if (this.#count <= (FILL_MAX / 2) * this.#table.places) return;
    }
    const next = new StreamTable(2 * this.#table.places);
    for (const row of this.#table.rows()) next.write(next.placeOf(row.high, row.low), row);
    this.#table = next;
  }

  #isOpen({ stage, minute }: Row): boolean {
    const name = STAGES[stage] ?? "plain";
    if (ENDED.has(name)) return false;
    return name !== "held" || minute + HELD_MINUTES >= this.#minute;
  }
}
