import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { TILE_WIDTH, openHeader } from "../../core/ledger/index.ts";
import type { Checkpoint } from "../../core/ledger/index.ts";
import { Disclosure, RangeFinder } from "../../evidence/index.ts";
import type { IndexRange, Period } from "../../evidence/index.ts";
import { openCheckpoint, payloadsPath, readFolder } from "../../verify/index.ts";
import type { Folder } from "../../verify/index.ts";
import type { Connection } from "../connection.ts";
import { Failure } from "../failure.ts";
import { publish } from "../publish.ts";

/** A ledger as files, the payloads of a period among them. */
export type Collected = {
  /** The folder in the published layout. */
  readonly dir: string;
  readonly read: Folder;
  readonly note: string;
  readonly vkey: string;
  readonly signed: Checkpoint;
  readonly range: IndexRange;
  readonly disclosure: Disclosure;
};

/** Fetches tiles, headers and checkpoint, finds the period in them, and fetches the payloads that the auditor is to see. */
export async function collect(server: Connection, period: Period, dir: string): Promise<Collected> {
  await publish(dir, {
    vkey: () => server.ask((client) => client.ledgerKey()),
    checkpoint: () => server.ask((client) => client.publishedCheckpoint()),
    file: (path) => server.ask((client) => client.ledgerFile(path)),
  });
  const note = readFileSync(join(dir, "checkpoint"), "utf8");
  const vkey = readFileSync(join(dir, "vkey"), "utf8").trim();
  const signed = openCheckpoint(note, vkey);
  const read = folderAt(dir);

  const finder = new RangeFinder(period);
  for await (const { header } of headersIn(read, signed.size)) finder.add(header.at);
  const { range } = finder;
  const disclosure = new Disclosure(range);
  for await (const { index, header } of headersIn(read, signed.size)) disclosure.plan(index, header);
  await fetchPayloads(server, { dir, read, size: signed.size, disclosure });
  return { dir, read, note, vkey, signed, range, disclosure };
}

/** Reads files of a folder by their path; null where one is not there. */
export function folderAt(dir: string): Folder {
  return (path) => Promise.resolve(existsSync(join(dir, path)) ? readFileSync(join(dir, path)) : null);
}

type Plan = {
  readonly dir: string;
  readonly read: Folder;
  readonly size: number;
  readonly disclosure: Disclosure;
};

/** Writes `payloads/`: runs of bundles in which something is shown, each read from the server in one go. */
async function fetchPayloads(server: Connection, plan: Plan): Promise<void> {
  const wanted = new Set<number>();
  for await (const { index, header } of headersIn(plan.read, plan.size)) {
    if (plan.disclosure.shows(index, header)) wanted.add(Math.floor(index / TILE_WIDTH));
  }
  for (const bundle of wanted) {
    if (wanted.has(bundle - 1)) continue;
    let end = bundle + 1;
    while (wanted.has(end)) end++;
    await fetchRun(server, bundle, end, plan);
  }
}

async function fetchRun(server: Connection, first: number, end: number, plan: Plan): Promise<void> {
  const until = Math.min(end * TILE_WIDTH, plan.size);
  const entries = server.client.entries({ from: first * TILE_WIDTH });
  let lines: string[] = [];
  for (let index = first * TILE_WIDTH; index < until; index++) {
    const next = await server.ask(() => entries.next());
    if (next.done === true || next.value.index !== index) {
      throw new Failure({ code: "unavailable", message: `The server did not send entry ${index}; try again.` });
    }
    const { stream, type, version, header, ...secret } = next.value;
    const shown = plan.disclosure.shows(index, openHeader(Buffer.from(header, "base64")));
    const { payload, salt } = shown ? secret : { payload: null, salt: null };
    lines.push(`${JSON.stringify({ index, payload, salt, stream, type, version })}\n`);
    if ((index + 1) % TILE_WIDTH !== 0 && index + 1 !== until) continue;
    write(join(plan.dir, payloadsPath(Math.floor(index / TILE_WIDTH))), lines.join(""));
    lines = [];
  }
  await entries.return();
}

type Headed = { readonly index: number; readonly header: ReturnType<typeof openHeader> };

async function* headersIn(read: Folder, size: number): AsyncGenerator<Headed, void, undefined> {
  // Without payloads: they may not be there yet, and are not needed.
  const tiles: Folder = (path) => (path.startsWith("payloads/") ? Promise.resolve(null) : read(path));
  for await (const bundle of readFolder(tiles, size)) {
    for (const { index, header } of bundle) yield { index, header: openHeader(header) };
  }
}

/** Writes a file of the pack, and the folders above it. */
export function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
