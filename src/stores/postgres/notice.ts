import { frameOf, frameOpener, type EntryFrame } from "../../ports/append-call.ts";
import type { StoredEntry } from "../../ports/store.ts";
import type { Plan, PlannedEntry } from "./plan.ts";
import type { Call } from "./protocol.ts";
import { SEAL_BYTES, type NewsKeys, type NewsSeal } from "./seal.ts";

/** Bytes that PostgreSQL takes with a NOTIFY. */
export const NOTICE_BYTES_MAX = 7999;
const LENGTH_BYTES = 4;

/** Which commit it was: the first three words of a notice, none of which holds a blank. */
export type NoticeHead = { readonly writer: string; readonly commits: number; readonly ledger: string };
/** What was heard. Nothing of it is certain: every role of the database may notify. */
export type Notice = NoticeHead & { readonly sealed: string | null };

/** The entries of a batch where somebody may be waiting for one of them; none where it takes payloads away. */
export function newsOf({ entries, erase }: Plan, calls: readonly Call[]): readonly PlannedEntry[] {
  const isAwaited = calls.some((call) => call.kind === "append" && call.awaited);
  return isAwaited && erase.size === 0 ? entries : [];
}

/**
 * What those who listen hear. Versions of Keyturn that carry nothing read three words and pass over the fourth: servers of
 * both may run together. Without a seal nothing is carried.
 */
export function writeNotice(head: NoticeHead, entries: readonly PlannedEntry[], seal: NewsSeal | null): string {
  const plain = plainOf(head);
  if (seal === null || entries.length === 0) return plain;
  const room = Math.floor((NOTICE_BYTES_MAX - plain.length - 1) / 4) * 3 - SEAL_BYTES;
  const packed = pack(entries, room);
  return packed === null ? plain : `${plain} ${seal.seal(plain, packed).toString("base64")}`;
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
  try {
    return unpack(keys.open(notice, plainOf(notice), Buffer.from(sealed, "base64")));
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
