import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomFillSync } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { frameOf, frameOpener, type EntryFrame } from "../../ports/append-call.ts";
import type { StoredEntry } from "../../ports/store.ts";
import type { Plan, PlannedEntry } from "./plan.ts";
import type { Call } from "./protocol.ts";

/** Bytes that PostgreSQL takes with a NOTIFY. */
export const NOTICE_BYTES_MAX = 7999;
/** AES-GCM's own (SP 800-38D §8.2.2). */
const NONCE_BYTES = 12;
/** Nonces that are made at a time: the system's generator is asked while somebody waits for a commit. */
const NONCES = 256;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const LENGTH_BYTES = 4;
/** Writers whose keys are remembered: each start of an instance makes one. */
const WRITERS_MAX = 64;
/** Part of the key, so that a version which packs entries otherwise reads none of these. */
const PURPOSE = "keyturn postgres notice 1";

/** Which commit it was: the first three words of a notice, none of which holds a blank. */
export type NoticeHead = { readonly writer: string; readonly commits: number; readonly ledger: string };
/** What was heard. Nothing of it is certain: every role of the database may notify. */
export type Notice = NoticeHead & { readonly sealed: string | null };

/**
 * The keys under which instances that share a secret tell each other what they appended. One for each writer, whose name is
 * new with each start: random nonces of one key would meet one day, if it served an installation for years.
 */
export class NewsKeys {
  readonly #secret: KeyObject;
  readonly #known = new Map<string, KeyObject>();

  constructor(secret: Uint8Array) {
    this.#secret = createSecretKey(secret);
  }

  of({ writer, ledger }: NoticeHead): KeyObject {
    return this.#known.get(writer) ?? this.#derive(writer, ledger);
  }

  /** Keeps the key of a writer that has shown it: whoever makes up names has none kept. */
  keep({ writer }: NoticeHead, key: KeyObject): void {
    if (this.#known.size >= WRITERS_MAX) this.#known.clear();
    this.#known.set(writer, key);
  }

  // RFC 5869. A name of a writer or ledger holds no blank, so that different ones make different texts.
  #derive(writer: string, ledger: string): KeyObject {
    const key = hkdfSync("sha256", this.#secret, "", `${PURPOSE} ${ledger} ${writer}`, KEY_BYTES);
    return createSecretKey(new Uint8Array(key));
  }
}

/** Random nonces, none of which is given twice. */
export function randomNonces(): () => Uint8Array {
  let pool = new Uint8Array(0);
  return () => {
    if (pool.length === 0) pool = randomFillSync(new Uint8Array(NONCES * NONCE_BYTES));
    const nonce = pool.subarray(0, NONCE_BYTES);
    pool = pool.subarray(NONCE_BYTES);
    return nonce;
  };
}

/** The entries of a batch where somebody may be waiting for one of them; none where it takes payloads away. */
export function newsOf({ entries, erase }: Plan, calls: readonly Call[]): readonly PlannedEntry[] {
  const isAwaited = calls.some((call) => call.kind === "append" && call.awaited);
  return isAwaited && erase.size === 0 ? entries : [];
}

/**
 * What those who listen hear. Versions of Keyturn that carry nothing read three words and pass over the fourth: servers of
 * both may run together. `nonce` gives a random one.
 */
export function writeNotice(
  head: NoticeHead,
  entries: readonly PlannedEntry[],
  keys: NewsKeys | null,
  nonce: () => Uint8Array,
): string {
  const plain = plainOf(head);
  if (keys === null || entries.length === 0) return plain;
  const room = Math.floor((NOTICE_BYTES_MAX - plain.length - 1) / 4) * 3 - NONCE_BYTES - TAG_BYTES;
  const packed = pack(entries, room);
  if (packed === null) return plain;
  const key = keys.of(head);
  keys.keep(head, key);
  const iv = nonce();
  const cipher = createCipheriv("aes-256-gcm", key, iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(plain));
  const sealed = [iv, cipher.update(packed), cipher.final(), cipher.getAuthTag()];
  return `${plain} ${Buffer.concat(sealed).toString("base64")}`;
}

/** Reads what was heard; null where no instance of Keyturn would have said it. */
export function readNotice(text: string): Notice | null {
  const [writer = "", count = "", ledger = "", sealed = null] = text.split(" ");
  const commits = /^\d{1,16}$/.test(count) ? Number(count) : Number.NaN;
  if (writer === "" || ledger === "" || !Number.isSafeInteger(commits)) return null;
  return { writer, commits, ledger, sealed };
}

/** The entries that a notice carries; null where it carries none, or none that an instance with our secret has sealed for it. */
export function openNotice(notice: Notice, keys: NewsKeys | null): readonly StoredEntry[] | null {
  const { sealed } = notice;
  if (sealed === null || keys === null) return null;
  const bytes = Buffer.from(sealed, "base64");
  const end = bytes.length - TAG_BYTES;
  if (end <= NONCE_BYTES) return null;
  try {
    const key = keys.of(notice);
    const options = { authTagLength: TAG_BYTES };
    const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE_BYTES), options);
    decipher.setAAD(Buffer.from(plainOf(notice)));
    decipher.setAuthTag(bytes.subarray(end));
    const packed = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, end)), decipher.final()]);
    keys.keep(notice, key);
    return unpack(packed);
  } catch {
    return null; // whoever is told of nothing reads
  }
}

function plainOf({ writer, commits, ledger }: NoticeHead): string {
  return `${writer} ${commits} ${ledger}`;
}

/** Entries without their bytes, which follow: those of each one's header, payload and salt. */
type Frame = { readonly first: number; readonly entries: readonly EntryFrame[] };

function pack(entries: readonly PlannedEntry[], bytesMax: number): Uint8Array | null {
  const parts = entries.flatMap(({ header, payload, salt }) => [header, payload, salt]);
  if (parts.reduce((sum, { byteLength }) => sum + byteLength, 0) > bytesMax) return null;
  const frame: Frame = { first: entries[0]?.index ?? 0, entries: entries.map(frameOf) };
  const text = Buffer.from(JSON.stringify(frame));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(text.length);
  const packed = Buffer.concat([length, text, ...parts]);
  return packed.length > bytesMax ? null : packed;
}

function unpack(packed: Buffer): readonly StoredEntry[] {
  const end = LENGTH_BYTES + packed.readUInt32BE(0);
  // Written by `pack` of this version, as its seal has shown.
  const { first, entries } = JSON.parse(packed.toString("utf8", LENGTH_BYTES, end)) as Frame;
  const open = frameOpener(packed.subarray(end));
  return entries.map((entry, offset) => ({ index: first + offset, ...open(entry) }));
}
