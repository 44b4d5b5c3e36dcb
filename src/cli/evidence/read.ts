import { jsonAt, jsonItems, jsonText } from "../../core/action/index.ts";
import type { JsonObject } from "../../core/action/index.ts";
import { openEntry } from "../../core/ledger/index.ts";
import { ClockReader, ExceptionFinder, GapFinder, RuleReader } from "../../evidence/index.ts";
import type { Clock, Exceptions, Gaps, RuleChange } from "../../evidence/index.ts";
import { readFolder } from "../../verify/index.ts";
import type { Collected } from "./collect.ts";

/** What one pass over all entries tells. */
export type Findings = {
  readonly gaps: Gaps;
  readonly exceptions: Exceptions;
  readonly clock: Clock;
  readonly rules: readonly RuleChange[];
  /** The headers' part of every `key.created`. */
  readonly keys: readonly JsonObject[];
  /** Payloads of the period that were erased. */
  readonly erased: number;
  /** The latest time of any entry: what the pack is as old as. */
  readonly latest: number;
  readonly names: ReadonlyMap<string, string>;
};

/** Reads all entries, the disclosed payloads with them. */
export async function readFindings({ read, signed, range }: Collected): Promise<Findings> {
  const gaps = new GapFinder(range);
  const exceptions = new ExceptionFinder(range);
  const clock = new ClockReader(range);
  const rules = new RuleReader(range);
  const keys: JsonObject[] = [];
  let erased = 0;
  let latest = 0;
  for await (const bundle of readFolder(read, signed.size)) {
    for (const { index, header, payload, salt } of bundle) {
      const opened = openEntry(header, payload, salt);
      const entry = { index, header: opened, payload: opened.erased ? null : opened.payload };
      for (const reader of [gaps, exceptions, clock, rules]) reader.add(entry);
      if (opened.type === "key.created")
        keys.push({ index, time: new Date(opened.at).toISOString(), ...opened.publics });
      if (opened.erased && index >= range.first && index < range.end) erased++;
      latest = Math.max(latest, opened.at);
    }
  }
  const changes = rules.result();
  return {
    gaps: gaps.result(),
    exceptions: exceptions.result(),
    clock: clock.result(),
    rules: changes,
    keys,
    erased,
    latest,
    names: namesIn(changes),
  };
}

/** Names of people, the latest directory's word last. */
function namesIn(changes: readonly RuleChange[]): ReadonlyMap<string, string> {
  const people = changes
    .filter(({ kind }) => kind === "directory")
    .flatMap(({ payload }) => jsonItems(jsonAt(payload ?? undefined, "directory", "people")));
  return new Map(people.map((person) => [jsonText(jsonAt(person, "id")), jsonText(jsonAt(person, "name"))]));
}
