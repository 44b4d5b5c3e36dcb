/** One stream as the table holds it: the two words of its fingerprint, and four words of what is known of it. */
export type Row = {
  readonly high: number;
  readonly low: number;
  readonly version: number;
  /** Above 0: 0 marks an empty place. */
  readonly stage: number;
  readonly minute: number;
  readonly subject: number;
};

/** Words of 32 bits in a row. */
export const ROW_WORDS = 6;

/** A hash table with open addressing in one array of numbers: no object, no string and no garbage for each row. */
export class StreamTable {
  readonly #words: Int32Array;
  readonly #mask: number;

  /** With places for a power of two of rows. */
  constructor(places: number) {
    this.#words = new Int32Array(places * ROW_WORDS);
    this.#mask = places - 1;
  }

  get places(): number {
    return this.#mask + 1;
  }

  /** Where a fingerprint stands, or the empty place where it belongs. The table must not be full. */
  placeOf(high: number, low: number): number {
    for (let place = high & this.#mask; ; place = (place + 1) & this.#mask) {
      const at = place * ROW_WORDS;
      if (this.#words[at + 3] === 0 || (this.#words[at] === high && this.#words[at + 1] === low)) return place;
    }
  }

  isEmpty(place: number): boolean {
    return this.#words[place * ROW_WORDS + 3] === 0;
  }

  read(place: number): Row {
    const words = this.#words;
    const at = place * ROW_WORDS;
    return {
      high: words[at] ?? 0,
      low: words[at + 1] ?? 0,
      version: words[at + 2] ?? 0,
      stage: words[at + 3] ?? 0,
      minute: words[at + 4] ?? 0,
      subject: words[at + 5] ?? 0,
    };
  }

  write(place: number, { high, low, version, stage, minute, subject }: Row): void {
    const words = this.#words;
    const at = place * ROW_WORDS;
    words[at] = high;
    words[at + 1] = low;
    words[at + 2] = version;
    words[at + 3] = stage;
    words[at + 4] = minute;
    words[at + 5] = subject;
  }

  /** Keeps some rows and forgets the others, in the memory it has; answers how many are left. */
  keep(isKept: (row: Row) => boolean): number {
    const kept: Row[] = [];
    for (const row of this.rows()) if (isKept(row)) kept.push(row);
    this.#words.fill(0);
    for (const row of kept) this.write(this.placeOf(row.high, row.low), row);
    return kept.length;
  }

  /** Every row that is there. */
  *rows(): Generator<Row, void, undefined> {
    for (let place = 0; place < this.places; place++) if (!this.isEmpty(place)) yield this.read(place);
  }
}
