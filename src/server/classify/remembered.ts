import type { Classification } from "../../core/risk/index.ts";

/** Answers that are kept, characters of their texts together, and of one of them. */
const ANSWERS_MAX = 2_000;
const CHARS_MAX = 4_194_304;
const TEXT_CHARS_MAX = 32_768;

/** Answers of the texts that were read last; reading is pure, so that the same text has the same answer. */
export class Remembered {
  readonly #answers = new Map<string, Classification>();
  #chars = 0;

  /** The answer, which thereby is the last used. */
  get(key: string): Classification | undefined {
    const found = this.#answers.get(key);
    if (found === undefined) return undefined;
    this.#answers.delete(key);
    this.#answers.set(key, found);
    return found;
  }

  set(key: string, found: Classification): void {
    const chars = sizeOf(key, found);
    if (chars > TEXT_CHARS_MAX || this.#answers.has(key)) return;
    this.#answers.set(key, found);
    this.#chars += chars;
    for (const [oldest, answer] of this.#answers) {
      if (this.#answers.size <= ANSWERS_MAX && this.#chars <= CHARS_MAX) return;
      this.#answers.delete(oldest);
      this.#chars -= sizeOf(oldest, answer);
    }
  }
}

function sizeOf(key: string, found: Classification): number {
  return key.length + JSON.stringify(found).length;
}
