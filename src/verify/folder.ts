import { TILE_WIDTH, decodeBundle, indexPath, tilePath } from "../core/ledger/index.ts";
import type { AuditedEntry } from "./entry.ts";
import { PayloadLines } from "./payload-lines.ts";

/**
 * Reads one file of a published folder by its path, such as `tile/entries/000`; null where it is not there. Headers are
 * views of what it answers: it may use that memory again only for somebody who keeps no entry.
 */
export type Folder = (path: string) => Promise<Uint8Array | null>;

/** Entries handed on at a time: few, so that they are still in the processor's cache when they are verified. */
const LIST = 64;

/** Where the payloads of 256 entries lie in a folder, from entry 256·n on. */
export function payloadsPath(bundle: number): string {
  return `payloads/${indexPath(bundle)}.jsonl`;
}

/**
 * The entries of a published folder (spec/ledger.md §4), from an index to a checkpoint's size, some at a time: what
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
    const payloads = await folder(payloadsPath(bundle));
    const lines = payloads === null ? null : new PayloadLines(payloads);
    for (let at = 0; at < headers.length; at += LIST) {
      const some = headers.slice(at, at + LIST).map((header, offset) => entryOf(first + at + offset, header, lines));
      yield first + at >= from ? some : some.filter(({ index }) => index >= from);
    }
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

/** Without a line the payload counts as erased. */
function entryOf(index: number, header: Uint8Array, lines: PayloadLines | null): AuditedEntry {
  const line = lineOf(index, header, lines);
  if (line === null) return { index, header, payload: null, salt: null };
  const { filed, payload, salt } = line;
  if (line.index !== index) throw new Error(`a line of the payloads is of entry ${line.index}, not ${index}`);
  return filed === null ? { index, header, payload, salt } : { index, ...filed, header, payload, salt };
}

function lineOf(index: number, header: Uint8Array, lines: PayloadLines | null): ReturnType<PayloadLines["next"]> {
  try {
    return lines?.next(header) ?? null;
  } catch (cause) {
    const because = cause instanceof Error ? cause.message : "a line is none";
    throw new Error(`${payloadsPath(Math.floor(index / TILE_WIDTH))}: ${because}, of entry ${index}`, { cause });
  }
}
