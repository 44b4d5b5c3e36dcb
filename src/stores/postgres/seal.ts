import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomFillSync } from "node:crypto";
import type { CipherGCM, DecipherGCM, KeyObject } from "node:crypto";

/** A writer of a ledger. Neither name holds a blank. */
export type NewsWriter = { readonly writer: string; readonly ledger: string };

const ALGORITHM = "aes-256-gcm";
const KEY_BYTES = 32;
const TAG_BYTES = 16;
/** AES-GCM's own: chance, which stays the same, and a count behind it (SP 800-38D §8.2.1). */
const NONCE_BYTES = 12;
const COUNT_BYTES = 6;
const COUNT_AT = NONCE_BYTES - COUNT_BYTES;
const OPTIONS = { authTagLength: TAG_BYTES };
/** What a seal adds to the bytes that it covers. */
export const SEAL_BYTES: number = NONCE_BYTES + TAG_BYTES;
/**
 * After which the next cipher is made, in milliseconds. Not at once: whoever was just sent something may be waiting for the
 * processor that this thread is on.
 */
const PREPARE_AFTER_MS = 3;
/** Writers whose keys are remembered: each start of an instance makes two. */
const WRITERS_MAX = 64;
/** Part of the key, so that a version which packs entries otherwise reads none of these. */
const PURPOSE = "keyturn postgres notice 1";

/**
 * Seals what one writer tells. Its key is its own and its name is new with each start, so that a count makes each nonce unlike
 * all before. The next cipher is made while nobody waits: making one takes longer than using it.
 */
export class NewsSeal {
  readonly #key: KeyObject;
  #nonce: Uint8Array = randomFillSync(new Uint8Array(NONCE_BYTES));
  #ready: CipherGCM | null = null;

  constructor(secret: Uint8Array, writer: NewsWriter) {
    this.#key = keyOf(createSecretKey(secret), writer);
  }

  /** The bytes behind their nonce, and the tag over them and over the words that stand before them. */
  seal(words: string, bytes: Uint8Array): Buffer {
    const cipher = this.#ready ?? this.#next();
    this.#ready = null;
    cipher.setAAD(Buffer.from(words));
    const sealed = Buffer.concat([this.#nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
    setTimeout(() => (this.#ready ??= this.#next()), PREPARE_AFTER_MS).unref();
    return sealed;
  }

  #next(): CipherGCM {
    this.#nonce = after(this.#nonce);
    return createCipheriv(ALGORITHM, this.#key, this.#nonce, OPTIONS);
  }
}

/** What is known of a writer that has shown its key: the nonce of its next seal, and what opens that, where it is made. */
type Known = { readonly key: KeyObject; next: Uint8Array; ready: DecipherGCM | null };

/** Opens what writers have sealed that share the secret. */
export class NewsKeys {
  readonly #secret: KeyObject;
  readonly #known = new Map<string, Known>();

  constructor(secret: Uint8Array) {
    this.#secret = createSecretKey(secret);
  }

  /** The bytes that this writer sealed behind these words; throws where it has not. */
  open(of: NewsWriter, words: string, sealed: Uint8Array): Buffer {
    const end = sealed.length - TAG_BYTES;
    if (end <= NONCE_BYTES) throw new RangeError("there is nothing in it");
    const nonce = sealed.subarray(0, NONCE_BYTES);
    const known = this.#known.get(of.writer) ?? { key: keyOf(this.#secret, of), next: nonce, ready: null };
    const ready = Buffer.compare(known.next, nonce) === 0 ? known.ready : null;
    known.ready = null;
    const decipher = ready ?? createDecipheriv(ALGORITHM, known.key, nonce, OPTIONS);
    decipher.setAAD(Buffer.from(words));
    decipher.setAuthTag(sealed.subarray(end));
    const bytes = Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, end)), decipher.final()]);
    known.next = after(nonce);
    this.#keep(of, known);
    return bytes;
  }

  /** Keeps what is known of a writer that has shown its key: whoever makes up names has none kept. */
  #keep({ writer }: NewsWriter, known: Known): void {
    if (this.#known.size >= WRITERS_MAX) this.#known.clear();
    this.#known.set(writer, known);
    // While nobody waits, as for the writer.
    setTimeout(() => {
      known.ready ??= createDecipheriv(ALGORITHM, known.key, known.next, OPTIONS);
    }, PREPARE_AFTER_MS).unref();
  }
}

// RFC 5869. A name of a writer or ledger holds no blank, so that different ones make different texts.
function keyOf(secret: KeyObject, { writer, ledger }: NewsWriter): KeyObject {
  return createSecretKey(new Uint8Array(hkdfSync("sha256", secret, "", `${PURPOSE} ${ledger} ${writer}`, KEY_BYTES)));
}

/** The nonce that follows. */
function after(nonce: Uint8Array): Uint8Array {
  const next = Buffer.from(nonce);
  next.writeUIntBE((next.readUIntBE(COUNT_AT, COUNT_BYTES) + 1) % 2 ** (COUNT_BYTES * 8), COUNT_AT, COUNT_BYTES);
  return next;
}
