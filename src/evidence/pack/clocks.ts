import { formatSpan } from "../../core/ledger/index.ts";
import { ItemList, numberIn } from "./entry.ts";
import type { Items, ReadEntry } from "./entry.ts";
import type { IndexRange } from "./range.ts";

/** Clocks may differ, and commits wait, by this much before going back is worth a line: `verify` allows the same. */
const BACK_MS = 30_000;
/** A running ledger beats every hour; more than two without an entry is a silence. */
const SILENCE_MS = 7_200_000;
/** A clock that gained or lost this much since the start was set by somebody, or is not synchronised. */
const DRIFT_MS = 2000;

/** What the ledger says of its own clock. Whether that clock was right, only witnesses and others' logs can say. */
export type Clock = {
  readonly heartbeats: number;
  /** The largest difference between the wall clock and the one that nobody can set, since a start, in milliseconds. */
  readonly driftMaxMs: number | null;
  readonly drifts: Items;
  readonly backwards: Items;
  /** Times without any entry while the server did not say that it had stopped. */
  readonly silences: Items;
};

/** Follows the times of entries and heartbeats. */
export class ClockReader {
  readonly #range: IndexRange;
  readonly #drifts = new ItemList();
  readonly #backwards = new ItemList();
  readonly #silences = new ItemList();
  #heartbeats = 0;
  #driftMax: number | null = null;
  #latest = 0;
  #running = false;

  constructor(range: IndexRange) {
    this.#range = range;
  }

  /** The next entry, in the order of indexes. */
  add({ index, header }: ReadEntry): void {
    const { at, stream, type, publics } = header;
    const counts = index >= this.#range.first && index < this.#range.end;
    if (counts && at + BACK_MS < this.#latest) {
      this.#backwards.add({ index, at, stream, because: `${formatSpan(this.#latest - at)} before an earlier entry` });
    }
    if (counts && this.#running && this.#latest > 0 && at > this.#latest + SILENCE_MS) {
      const because = `nothing for ${formatSpan(at - this.#latest)}, not even a heartbeat, and no stop before`;
      this.#silences.add({ index, at, stream, because });
    }
    this.#latest = Math.max(this.#latest, at);
    this.#running = type !== "server.stopped";
    if (!counts || type !== "server.heartbeat") return;
    this.#heartbeats++;
    const drift = numberIn(publics, "drift_ms");
    if (drift === null) return;
    this.#driftMax = Math.max(this.#driftMax ?? 0, Math.abs(drift));
    if (Math.abs(drift) > DRIFT_MS) {
      const because = `the clock had moved by ${drift} ms since the server's start`;
      this.#drifts.add({ index, at, stream, because });
    }
  }

  result(): Clock {
    return {
      heartbeats: this.#heartbeats,
      driftMaxMs: this.#driftMax,
      drifts: this.#drifts.all,
      backwards: this.#backwards.all,
      silences: this.#silences.all,
    };
  }
}
