import { createReadStream, existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { readLedgerEntry } from "../../client/operators.ts";
import { parseJson } from "../../core/action/index.ts";
import { decodeBase64 } from "../../core/encoding.ts";
import { openCheckpoint, readFolder } from "../../verify/index.ts";
import type { AuditedEntry, Evidence, LedgerEntry, Remembered } from "../../verify/index.ts";
import type { Connection } from "../connection.ts";
import { describe, Failure } from "../failure.ts";
import type { Terminal } from "../terminal.ts";
import { filesOf } from "./files.ts";

/** What is verified, and the key it is verified with. */
export type Source = Pick<Evidence, "entries" | "checkpoint" | "vkey">;

/** Characters of one line of an entries file. */
export const LINE_CHARS_MAX: number = 12 * 1024 * 1024;

/** A verifier key: name, key id and key (C2SP signed-note). */
const VKEY = /^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+$/;

/**
 * The checkpoint first, then the entries it is over: what is appended meanwhile belongs to the next one. Witnesses cosign
 * what is published, which may be a moment behind; who asks for none gets the ledger as it stands.
 */
export async function fromServer(
  server: Connection,
  own: string | null,
  remembered: Remembered | null,
  isWitnessed: boolean = false,
): Promise<Source> {
  const checkpoint = await server.ask((client) => (isWitnessed ? client.publishedCheckpoint() : client.checkpoint()));
  const vkey = own ?? (await server.ask((client) => client.verifierKey()));
  return { checkpoint, vkey, entries: entriesOf(server, beginOf(remembered, vkey), sizeOf(checkpoint, vkey)) };
}

async function* entriesOf(
  server: Connection,
  from: number,
  size: number,
): AsyncGenerator<LedgerEntry, void, undefined> {
  const entries = server.client.entries({ from });
  for (;;) {
    const next = await server.ask(() => entries.next());
    if (next.done === true || next.value.index >= size) break;
    yield { ...next.value, ...bytesOf(next.value) };
  }
  await entries.return();
}

/** A published folder. The key in it proves no more than that the folder agrees with itself. */
export function fromFolder(
  dir: string,
  checkpointFile: string | undefined,
  own: string | null,
  remembered: Remembered | null,
  terminal: Terminal,
): Source {
  const checkpoint = readText(checkpointFile ?? join(dir, "checkpoint"), terminal);
  const vkey = own ?? readKey(join(dir, "vkey"), terminal);
  const size = sizeOf(checkpoint, vkey);
  return { checkpoint, vkey, entries: inFolder(readFolder(filesOf(dir), size, beginOf(remembered, vkey))) };
}

/** A broken file of the folder is the folder's fault, and said as such. */
async function* inFolder(
  entries: AsyncIterable<readonly AuditedEntry[]>,
): AsyncGenerator<readonly AuditedEntry[], void, undefined> {
  try {
    yield* entries;
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure({
      code: "file_unreadable",
      message: `The folder is damaged: ${describe(cause).message}.`,
      cause,
    });
  }
}

/** Entries and checkpoint as files. */
export function fromFiles(
  { entries, checkpoint, vkey }: { readonly entries: string; readonly checkpoint: string; readonly vkey: string },
  remembered: Remembered | null,
  terminal: Terminal,
): Source {
  const path = resolve(terminal.cwd, entries);
  if (!existsSync(path)) throw new Failure({ code: "file_unreadable", message: `${path} is not there.` });
  return { entries: linesOf(path, beginOf(remembered, vkey)), checkpoint: readText(checkpoint, terminal), vkey };
}

/** How many entries a checkpoint is over; all of them where it cannot be read, which the report will say. */
function sizeOf(checkpoint: string, vkey: string): number {
  try {
    return openCheckpoint(checkpoint, vkey).size;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** From where on entries are new: a remembered checkpoint without its frontier asks for all of them. */
function beginOf(remembered: Remembered | null, vkey: string): number {
  if (remembered?.frontier === undefined) return 0;
  const size = sizeOf(remembered.checkpoint, vkey);
  return Number.isFinite(size) ? size : 0;
}

async function* linesOf(path: string, from: number): AsyncGenerator<LedgerEntry, void, undefined> {
  const lines = createInterface({ input: createReadStream(path, "utf8"), crlfDelay: Number.POSITIVE_INFINITY });
  let number = 0;
  for await (const line of lines) {
    number++;
    if (line === "") continue;
    const entry = entryIn(line, `${path}:${number}`);
    if (entry.index >= from) yield entry;
  }
}

function entryIn(line: string, where: string): LedgerEntry {
  try {
    const entry = readLedgerEntry(parseJson(line, { bytesMax: LINE_CHARS_MAX }), "");
    return { ...entry, ...bytesOf(entry) };
  } catch (cause) {
    const message = `${where}: this is no entry: ${describe(cause).message}.`;
    throw new Failure({ code: "file_unreadable", message, cause });
  }
}

type Encoded = { readonly header: string; readonly payload: string | null; readonly salt: string | null };

function bytesOf({ header, payload, salt }: Encoded): Pick<LedgerEntry, "header" | "payload" | "salt"> {
  const bytes = (text: string | null): Uint8Array | null => (text === null ? null : decodeBase64(text));
  return { header: decodeBase64(header), payload: bytes(payload), salt: bytes(salt) };
}

/** A key given as it is, or in a file. */
export function readKey(given: string, terminal: Terminal): string {
  const key = VKEY.test(given) ? given : readText(given, terminal).trim();
  if (VKEY.test(key)) return key;
  const message = `${given} holds no verifier key; one looks like NAME+KEYID+KEY.`;
  throw new Failure({ code: "file_unreadable", message });
}

export function readText(path: string, terminal: Terminal): string {
  try {
    return readFileSync(resolve(terminal.cwd, path), "utf8");
  } catch (cause) {
    throw new Failure({
      code: "file_unreadable",
      message: `${path} cannot be read: ${describe(cause).message}.`,
      cause,
    });
  }
}
