import type { Json } from "../core/action/index.ts";
import { isJsonList } from "../core/action/index.ts";
import type { Counts, Spans } from "../core/risk/index.ts";

const MINUTE_MS = 60_000;
/** The three spans that are kept, in milliseconds. */
export const SPANS_MS: Readonly<Record<keyof Spans<unknown>, number>> = {
  minutes5: 5 * MINUTE_MS,
  hour: 60 * MINUTE_MS,
  day: 24 * 60 * MINUTE_MS,
};
/** Parts of one span: a window slides by these, so that it holds at most a 24th more than its span, and never less. */
const PARTS = 24;

type Bucket = { slot: number; actions: number; rows: number; unknown: number };

/** What one more action adds to a window. */
export type Added = { readonly actions: number; readonly rows: number; readonly unknown: number };

/** Sums over the time that has just passed. What is counted at a time that is over already counts as of now. */
class Window {
  readonly #partMs: number;
  #buckets: Bucket[] = [];
  #sum: Bucket = { slot: 0, actions: 0, rows: 0, unknown: 0 };

  constructor(spanMs: number) {
    this.#partMs = spanMs / PARTS;
  }

  add(at: number, added: Added): void {
    const slot = Math.max(Math.floor(at / this.#partMs), this.#buckets.at(-1)?.slot ?? 0);
    let last = this.#buckets.at(-1);
    if (last === undefined || last.slot < slot) {
      last = { slot, actions: 0, rows: 0, unknown: 0 };
      this.#buckets.push(last);
    }
    addTo(last, added, 1);
    addTo(this.#sum, added, 1);
  }

  /** Takes back what was added at that time and did not happen. */
  takeBack(at: number, added: Added): void {
    const slot = Math.floor(at / this.#partMs);
    const bucket = this.#buckets.find((one) => one.slot >= slot);
    if (bucket === undefined || bucket.actions < added.actions) return; // it has slid out already
    addTo(bucket, added, -1);
    addTo(this.#sum, added, -1);
  }

  counts(now: number): Counts {
    const oldest = Math.floor(now / this.#partMs) - PARTS;
    while (this.#buckets[0] !== undefined && this.#buckets[0].slot < oldest) {
      const [gone] = this.#buckets.splice(0, 1);
      if (gone !== undefined) addTo(this.#sum, gone, -1);
    }
    const { actions, rows, unknown } = this.#sum;
    return { actions, rows, unknown };
  }

  dump(): Json {
    return this.#buckets.map(({ slot, actions, rows, unknown }) => [slot, actions, rows, unknown]);
  }

  restore(json: Json | undefined): void {
    if (json === undefined || !isJsonList(json)) return;
    for (const bucket of json) {
      const [slot = 0, actions = 0, rows = 0, unknown = 0] = isJsonList(bucket) ? bucket.map(Number) : [];
      this.#buckets.push({ slot, actions, rows, unknown });
      addTo(this.#sum, { actions, rows, unknown }, 1);
    }
  }
}

function addTo(bucket: Bucket, { actions, rows, unknown }: Added, sign: 1 | -1): void {
  bucket.actions += sign * actions;
  // Sums of rows end where Cedar and JSON still have whole numbers.
  bucket.rows = Math.max(0, Math.min(Number.MAX_SAFE_INTEGER, bucket.rows + sign * rows));
  bucket.unknown += sign * unknown;
}

/** Five minutes, an hour and a day of one kind of action. */
export class Windows {
  readonly #spans: Spans<Window> = {
    minutes5: new Window(SPANS_MS.minutes5),
    hour: new Window(SPANS_MS.hour),
    day: new Window(SPANS_MS.day),
  };

  add(at: number, added: Added): void {
    for (const span of Object.values(this.#spans)) span.add(at, added);
  }

  takeBack(at: number, added: Added): void {
    for (const span of Object.values(this.#spans)) span.takeBack(at, added);
  }

  counts(now: number): Spans<Counts> {
    const { minutes5, hour, day } = this.#spans;
    return { minutes5: minutes5.counts(now), hour: hour.counts(now), day: day.counts(now) };
  }

  dump(): Json {
    const { minutes5, hour, day } = this.#spans;
    return [minutes5.dump(), hour.dump(), day.dump()];
  }

  static restore(json: Json | undefined): Windows {
    const windows = new Windows();
    const [minutes5, hour, day] = json !== undefined && isJsonList(json) ? json : [];
    windows.#spans.minutes5.restore(minutes5);
    windows.#spans.hour.restore(hour);
    windows.#spans.day.restore(day);
    return windows;
  }
}
