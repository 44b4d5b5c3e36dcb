import {
  appendFileSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CSV_HEADER, csvLine, recordsOf, toOcsf, toOscal } from "../evidence/index.ts";
import type { ActionRecord, RawEntry } from "../evidence/index.ts";
import { openCheckpoint } from "../verify/index.ts";
import { readArguments, SERVER } from "./arguments.ts";
import { connect } from "./connection.ts";
import type { Connection } from "./connection.ts";
import { momentOf } from "./evidence/arguments.ts";
import { EXIT, Failure, usage } from "./failure.ts";
import type { Terminal } from "./terminal.ts";
import { version } from "./version.ts";

export const help = `keyturn export: give actions to others, as tables or as events

Views derived from the ledger's entries; the ledger, not the view, is the evidence. An entry records each export.

csv     one line for each action that had an entry in the period: who, what, who approved, what came of it
ocsf    events of OCSF 1.6 as JSON lines: class 6003 for actions and reviews, 3005 for permits
oscal   an assessment-results document: an observation for each action that people were asked about, no finding

With --follow, events are written as they come, in order and each at least once: \`metadata.uid\` names the same event
again. The cursor file remembers where to go on. To push to a SIEM instead, set \`export.webhook\` in keyturn.yaml.

Examples
  keyturn export --format csv --from 2026-11-01 --to 2026-12-01 --out november.csv
  keyturn export --format ocsf --follow --out /var/log/keyturn.jsonl --cursor /var/lib/keyturn.cursor

Options
  --format FORMAT   csv, ocsf or oscal
  --from DATE       the period's first day or moment, in UTC
  --to DATE         its end, not included
  --out FILE        a file instead of standard output; with --follow it is appended to
  --follow          ocsf: go on until interrupted
  --cursor FILE     --follow: where to remember how far it got
  --data DIR        the server's data directory, which holds operator.token
  --url URL         the server
`;

const OPTIONS = {
  ...SERVER,
  format: { type: "string" },
  from: { type: "string" },
  to: { type: "string" },
  out: { type: "string" },
  follow: { type: "boolean" },
  cursor: { type: "string" },
} as const;

const FORMATS = ["csv", "ocsf", "oscal"] as const;
type Format = (typeof FORMATS)[number];
type Wanted = { readonly format: Format; readonly from: number; readonly to: number };

const POLL_MS = 1000;

/** Writes a view, or follows the ledger. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = readArguments(args, OPTIONS, []);
  const format = FORMATS.find((known) => known === values.format);
  if (format === undefined) throw usage("Name the format: --format csv, ocsf or oscal.");
  const out = values.out === undefined ? null : resolve(terminal.cwd, values.out);
  const cursor = values.cursor === undefined ? null : resolve(terminal.cwd, values.cursor);
  const follows = values.follow === true;
  if (follows && format !== "ocsf") throw usage("--follow writes events: --format ocsf.");
  if (follows && (values.from !== undefined || values.to !== undefined))
    throw usage("--follow goes on from its cursor, and takes no period.");
  if (cursor !== null && !follows) throw usage("--cursor belongs to --follow.");
  const wanted: Wanted = {
    format,
    from: values.from === undefined ? 0 : momentOf(values.from, "from"),
    to: values.to === undefined ? Number.MAX_SAFE_INTEGER : momentOf(values.to, "to"),
  };
  const server = await connect(values, terminal, "operator");
  const { from = null, to = null } = values;
  await server.ask((client) => client.recordExport({ format, from, to }));
  if (follows) return follow(server, out, cursor, terminal);
  await write(server, wanted, out, terminal);
  return EXIT.ok;
}

async function write(server: Connection, wanted: Wanted, out: string | null, terminal: Terminal): Promise<void> {
  const vkey = await server.ask((client) => client.ledgerKey());
  const { origin, size } = openCheckpoint(await server.ask((client) => client.checkpoint()), vkey);
  const records = recordsIn(wanted, entriesOf(server, size));
  if (out === null) {
    for await (const text of textOf(wanted, origin, records)) terminal.out(text);
    return;
  }
  // Under another name until it is whole: half a table looks like a whole one.
  const draft = `${out}.part`;
  const file = openSync(draft, "w", 0o600);
  try {
    for await (const text of textOf(wanted, origin, records)) writeSync(file, text);
    renameSync(draft, out);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  terminal.err(`Wrote ${out}.\n`);
}

async function* entriesOf(server: Connection, size: number): AsyncGenerator<RawEntry, void, undefined> {
  const entries = server.client.entries();
  for (;;) {
    const next = await server.ask(() => entries.next());
    if (next.done === true || next.value.index >= size) break;
    const { index, header, payload, salt } = next.value;
    yield { index, header: bytesOf(header), payload: bytesOrNull(payload), salt: bytesOrNull(salt) };
  }
  await entries.return();
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, "base64");
}

function bytesOrNull(text: string | null): Uint8Array | null {
  return text === null ? null : bytesOf(text);
}

/** Records with an entry in the period. */
async function* recordsIn(
  { from, to }: Wanted,
  entries: AsyncIterable<RawEntry>,
): AsyncGenerator<ActionRecord, void, undefined> {
  for await (const record of recordsOf(entries)) {
    if (record.entries.some(({ at }) => at >= from && at < to)) yield record;
  }
}

async function* textOf(
  wanted: Wanted,
  origin: string,
  records: AsyncIterable<ActionRecord>,
): AsyncGenerator<string, void, undefined> {
  const { format, from, to } = wanted;
  if (format === "oscal") {
    yield await oscalText(wanted, origin, records);
    return;
  }
  if (format === "csv") yield CSV_HEADER;
  const source = { origin, version: version() };
  for await (const record of records) {
    if (format === "csv") yield csvLine(record);
    else {
      const events = toOcsf(record, source).filter(({ time }) => time >= from && time < to);
      yield events.map((event) => `${JSON.stringify(event)}\n`).join("");
    }
  }
}

async function oscalText({ from, to }: Wanted, origin: string, records: AsyncIterable<ActionRecord>): Promise<string> {
  const asked: ActionRecord[] = [];
  for await (const record of records) if (record.kind === "request") asked.push(record);
  const now = Date.now();
  const times = { from, to: Math.min(to, now), madeAt: now };
  const document = toOscal({ origin, version: version(), evidence: "https://" + origin, records: asked, ...times });
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Until it is interrupted. The cursor is written after the events: one may come twice, none is missing. */
async function follow(
  server: Connection,
  out: string | null,
  cursor: string | null,
  terminal: Terminal,
): Promise<number> {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  try {
    let next = cursor === null ? 0 : readCursor(cursor);
    while (!stop.signal.aborted) {
      const page = await server.ask((client) => client.exportEvents(next, { signal: stop.signal }));
      const text = page.events.map((event) => `${JSON.stringify(event)}\n`).join("");
      if (out === null) terminal.out(text);
      else if (text !== "") appendFileSync(out, text, { mode: 0o600, flush: true });
      if (cursor !== null && page.next !== next) writeCursor(cursor, page.next);
      const idle = page.next === next;
      next = page.next;
      if (idle) await sleep(POLL_MS, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
  return EXIT.ok;
}

function readCursor(path: string): number {
  if (!existsSync(path)) return 0;
  const text = readFileSync(path, "utf8").trim();
  const next = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(next)) {
    throw new Failure({ code: "usage", message: `${path} is no cursor; remove it to begin at the first entry.` });
  }
  return next;
}

function writeCursor(path: string, next: number): void {
  const draft = `${path}.part`;
  writeFileSync(draft, `${next}\n`, { mode: 0o600, flush: true });
  renameSync(draft, path);
}
