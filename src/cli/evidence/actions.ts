import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { openHeader } from "../../core/ledger/index.ts";
import {
  ACTIONS_SHOWN_MAX,
  CSV_HEADER,
  csvLine,
  drawSample,
  isSampled,
  lineOf,
  recordsOf,
  sampleSeed,
  signatureLines,
  toOcsf,
} from "../../evidence/index.ts";
import type { ActionLine, ActionRecord, RawEntry, Sample } from "../../evidence/index.ts";
import { encodeHex } from "../../core/encoding.ts";
import { readFolder } from "../../verify/index.ts";
import { version } from "../version.ts";
import type { SampleWanted } from "./arguments.ts";
import type { Collected } from "./collect.ts";
import { write } from "./collect.ts";

/** The actions of the period: short lines of all, whole records of those that the report lists. */
export type Actions = { readonly lines: readonly ActionLine[]; readonly shown: readonly ActionRecord[] };

/** Every action with an entry in the period, whole: what came before and after the period is in its record as well. */
export async function* actionsIn(collected: Collected): AsyncGenerator<ActionRecord, void, undefined> {
  const { range } = collected;
  for await (const record of recordsOf(disclosedIn(collected))) {
    if (record.entries.some(({ index }) => index >= range.first && index < range.end)) yield record;
  }
}

async function* disclosedIn({ read, signed, disclosure }: Collected): AsyncGenerator<readonly RawEntry[]> {
  for await (const bundle of readFolder(read, signed.size)) {
    yield bundle.filter(({ index, header }) => disclosure.shows(index, openHeader(header)));
  }
}

/** Writes `actions/`, the signatures and the OCSF view, a line at a time. */
export async function writeActions(collected: Collected, pack: string): Promise<Actions> {
  const source = { origin: collected.signed.origin, version: version() };
  write(join(pack, "actions/records.jsonl"), "");
  write(join(pack, "actions/actions.csv"), CSV_HEADER);
  write(join(pack, "views/ocsf.jsonl"), "");
  write(join(pack, "signatures.txt"), "");
  const paths = ["actions/records.jsonl", "actions/actions.csv", "views/ocsf.jsonl", "signatures.txt"];
  const handles = paths.map((path) => openSync(join(pack, path), "a"));
  const [records, csv, ocsf, signatures] = handles as [number, number, number, number];
  const lines: ActionLine[] = [];
  const shown: ActionRecord[] = [];
  try {
    for await (const record of actionsIn(collected)) {
      const line = lineOf(record);
      lines.push(line);
      if (line.approvers.length > 0 || line.result === "denied_people") keepFirst(shown, record);
      writeSync(records, `${JSON.stringify(record)}\n`);
      writeSync(csv, csvLine(record));
      writeSync(signatures, signatureLines(record));
      for (const event of toOcsf(record, source)) writeSync(ocsf, `${JSON.stringify(event)}\n`);
    }
  } finally {
    for (const handle of handles) closeSync(handle);
  }
  return { lines: lines.toSorted((a, b) => a.index - b.index), shown: shown.toSorted((a, b) => a.at - b.at) };
}

/** Keeps the earliest: records are told when they end, which is not the order in which they began. */
function keepFirst(shown: ActionRecord[], record: ActionRecord): void {
  shown.push(record);
  if (shown.length < 2 * ACTIONS_SHOWN_MAX) return;
  shown.sort((a, b) => a.at - b.at).length = ACTIONS_SHOWN_MAX;
}

/** Draws the sample, and finds its records in a second pass. */
export async function drawFrom(
  collected: Collected,
  lines: readonly ActionLine[],
  { count, nonce, of }: SampleWanted,
  root: Uint8Array,
): Promise<{ readonly sample: Sample; readonly population: readonly number[]; readonly drawn: readonly number[] }> {
  const population = lines.filter((line) => isSampled(line, of)).map(({ index }) => index);
  const seed = sampleSeed(nonce, root);
  const drawn = drawSample(seed, population, count);
  const found = new Map<number, ActionRecord>();
  for await (const record of actionsIn(collected)) {
    const { index } = lineOf(record);
    if (drawn.includes(index)) found.set(index, record);
  }
  const records = drawn.flatMap((index) => found.get(index) ?? []);
  const sample = { of, nonce, seed: encodeHex(seed), population: population.length, wanted: count, records };
  return { sample, population, drawn };
}
