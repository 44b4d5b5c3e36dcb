const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/** What a byte does to the structure of JSON: brackets deepen it or end it, a quote begins a string, a comma may end a value. */
const KIND = new Uint8Array(256);
KIND[0x7b] = KIND[0x5b] = 1;
KIND[0x7d] = KIND[0x5d] = 2;
KIND[QUOTE] = 3;
KIND[COMMA] = 4;

const encoder = new TextEncoder();

/** A member's name as it stands in canonical JSON, with quotes and colon. */
export type SkimName = Uint8Array;

export function skimName(name: string): SkimName {
  return encoder.encode(`${JSON.stringify(name)}:`);
}

/**
 * Walks over the bytes of canonical JSON without parsing them: from one member of an object to a later one, over
 * everything between. It relies on names being in order and on there being no white space; bytes that are not such JSON
 * make it find nothing, never fail. `at` is where it stands: at the first byte of a value that was found.
 */
export class Skimmer {
  #json: Uint8Array = new Uint8Array(0);
  #at = 0;

  /** Begins at the first byte of an object. */
  open(json: Uint8Array): void {
    this.#json = json;
    this.#at = 1;
  }

  /** Goes to the value of the next member of this name in the object it stands in; false where there is none. */
  find(name: SkimName): boolean {
    const json = this.#json;
    while (json[this.#at] === QUOTE) {
      if (this.#startsWith(name)) {
        this.#at += name.length;
        return true;
      }
      this.#skipString();
      this.#at++;
      this.skip();
    }
    return false;
  }

  /** Goes into the object that begins here. */
  enter(): void {
    this.#at++;
  }

  /** Goes over the value that begins here, and the comma after it. */
  skip(): void {
    const json = this.#json;
    const { length } = json;
    let depth = 0;
    while (this.#at < length) {
      const kind = KIND[json[this.#at] ?? 0] ?? 0;
      if (kind === 3) {
        this.#skipString();
        continue;
      }
      if (kind === 1) depth++;
      else if (kind === 4 && depth === 0) {
        this.#at++;
        return;
      } else if (kind === 2) {
        if (depth === 0) return; // the bracket of the object around it
        depth--;
      }
      this.#at++;
    }
  }

  /** Goes over the rest of the object that it stands in, and the comma after it. */
  leave(): void {
    while (this.#json[this.#at] === QUOTE) {
      this.#skipString();
      this.#at++;
      this.skip();
    }
    this.#at++;
    if (this.#json[this.#at] === COMMA) this.#at++;
  }

  /** Whether the value that begins here is this string. */
  says(text: string): boolean {
    const json = this.#json;
    const from = this.#at + 1;
    // A text with a quote or backslash in it could look like the JSON around a shorter one.
    if (text.includes('"') || text.includes("\\")) return this.#standsHere(text);
    for (let index = 0; index < text.length; index++) {
      if (json[from + index] !== text.charCodeAt(index)) return this.#standsHere(text);
    }
    return json[this.#at] === QUOTE && json[from + text.length] === QUOTE;
  }

  #startsWith(name: SkimName): boolean {
    for (let index = 1; index < name.length; index++) if (this.#json[this.#at + index] !== name[index]) return false;
    return true;
  }

  /** The slow and certain way: as JSON writes the text. */
  #standsHere(text: string): boolean {
    const bytes = encoder.encode(JSON.stringify(text));
    return this.#json[this.#at] === bytes[0] && this.#startsWith(bytes);
  }

  /** Goes over the string that begins here. */
  #skipString(): void {
    const json = this.#json;
    const { length } = json;
    let at = this.#at + 1;
    while (at < length) {
      const byte = json[at];
      if (byte === QUOTE) break;
      at += byte === BACKSLASH ? 2 : 1;
    }
    this.#at = at + 1;
  }
}
