import { parseJson } from "../core/action/index.ts";
import { decodeBase64 } from "../core/encoding.ts";
import { ENTRY_PAYLOAD_BYTES_MAX, TILE_WIDTH, decodeBundle, indexPath, tilePath } from "../core/ledger/index.ts";
import type { AuditedEntry, LedgerEntry } from "./ledger.ts";
import { memberOf, numberAt, textAt } from "./shapes.ts";

/** Reads one file of a published folder by its path, such as `tile/entries/000`; null where it is not there. */
export type Folder = (path: string) => Promise<Uint8Array | null>;

/** A line of `payloads/<N>.jsonl`: what was committed to, and where the entry is filed. */
type Line = Omit<LedgerEntry, "header">;

/** Where the payloads of 256 entries lie in a folder, from entry 256·n on. */
export function payloadsPath(bundle: number): string {
  return `payloads/${indexPath(bundle)}.jsonl`;
}

/**
 * The entries of a published folder (spec/ledger.md §4), from an index to a checkpoint's size, a bundle at a time: what
 * `verifyLedger` takes. A missing bundle ends it, and the verdict says how many are missing; a broken file throws.
 */
export async function* readFolder(
  folder: Folder,
  size: number,
  from = 0,
): AsyncGenerator<readonly AuditedEntry[], void, undefined> {
  for (let bundle = Math.floor(from / TILE_WIDTH); bundle * TILE_WIDTH < size; bundle++) {
    const first = bundle * TILE_WIDTH;
    const headers = await headersOf(folder, bundle, Math.min(TILE_WIDTH, size - first));
    if (headers === null) return;
    const lines = await linesOf(folder, bundle, first);
    yield headers.map((header, at) => entryOf(first + at, header, lines?.[at])).slice(Math.max(0, from - first));
  }
}

async function headersOf(folder: Folder, index: number, width: number): Promise<readonly Uint8Array[] | null> {
  const bytes = await folder(tilePath({ level: "entries", index, width }));
  if (bytes !== null) return decodeBundle(bytes, width);
  if (width === TILE_WIDTH) return null;
  // A partial bundle may be gone once the full one is there (tlog-tiles §Partial Tiles).
  const full = await folder(tilePath({ level: "entries", index, width: TILE_WIDTH }));
  return full === null ? null : decodeBundle(full, TILE_WIDTH).slice(0, width);
}

/** Without a line the payload counts as erased, and the header alone says where the entry is filed. */
function entryOf(index: number, header: Uint8Array, line: Line | undefined): AuditedEntry {
  if (line === undefined) return { index, header, payload: null, salt: null };
  if (line.index !== index) throw new Error(`a line of the payloads is of entry ${line.index}, not ${index}`);
  const { stream, version, type, payload, salt } = line;
  return { index, stream, version, type, header, payload, salt };
}

async function linesOf(folder: Folder, bundle: number, first: number): Promise<readonly Line[] | null> {
  const path = payloadsPath(bundle);
  const bytes = await folder(path);
  if (bytes === null) return null;
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const arena = { bytes: Buffer.allocUnsafe(file.length), used: 0 };
  const lines: Line[] = [];
  for (let at = 0; at < file.length;) {
    const newline = file.indexOf(0x0a, at);
    const end = newline === -1 ? file.length : newline;
    try {
      lines.push(readUsual(file, at, end, arena) ?? readAny(file.subarray(at, end)));
    } catch (cause) {
      throw new Error(`${path}: line ${lines.length + 1}, of entry ${first + lines.length}, is none`, { cause });
    }
    at = end + 1;
  }
  return lines;
}

type Arena = { readonly bytes: Buffer; used: number };

const PAYLOAD = ',"payload":"';
const SALT = '","salt":"';
/** Where the salt ends: 32 bytes in base64 are 44 characters. */
const SALT_CHARS = 44;
const TAIL = /^","stream":"([ !#-[\]-~]*)","type":"([a-z0-9_.]*)","version":(0|[1-9][0-9]{0,14})\}$/;
const HEAD = /^\{"index":(0|[1-9][0-9]{0,14})$/;

/** A line as the spec writes it, read by its quotes; null for any other spelling, which is for a parser. */
function readUsual(file: Buffer, from: number, end: number, arena: Arena): Line | null {
  const comma = file.indexOf(0x2c, from);
  const payloadAt = comma + PAYLOAD.length;
  const payloadEnd = file.indexOf(0x22, payloadAt);
  const saltAt = payloadEnd + SALT.length;
  const saltEnd = saltAt + SALT_CHARS;
  if (comma === -1 || payloadEnd === -1 || saltEnd > end) return null;
  if (!standsAt(file, comma, PAYLOAD) || !standsAt(file, payloadEnd, SALT)) return null;
  const [, index] = HEAD.exec(file.toString("latin1", from, comma)) ?? [];
  const [, stream, type, version] = TAIL.exec(file.toString("latin1", saltEnd, end)) ?? [];
  if (index === undefined || stream === undefined || type === undefined) return null;
  const payload = fromBase64(file, payloadAt, payloadEnd, arena);
  const salt = fromBase64(file, saltAt, saltEnd, arena);
  return { index: Number(index), stream, version: Number(version), type, payload, salt };
}

function standsAt(file: Buffer, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) if (file[at + index] !== text.charCodeAt(index)) return false;
  return true;
}

/** Whatever a lenient decoder makes of odd base64 has to be what the header commits to: no strictness is needed here. */
function fromBase64(file: Buffer, from: number, to: number, arena: Arena): Uint8Array {
  const start = arena.used;
  arena.used += arena.bytes.write(file.toString("latin1", from, to), start, "base64");
  return arena.bytes.subarray(start, arena.used);
}

function readAny(bytes: Uint8Array): Line {
  const json = parseJson(bytes, { bytesMax: 2 * ENTRY_PAYLOAD_BYTES_MAX });
  const secret = (name: string): Uint8Array | null =>
    memberOf(json, name) === null ? null : decodeBase64(textAt(json, name));
  return {
    index: numberAt(json, "index"),
    stream: textAt(json, "stream"),
    version: numberAt(json, "version"),
    type: textAt(json, "type"),
    payload: secret("payload"),
    salt: secret("salt"),
  };
}
