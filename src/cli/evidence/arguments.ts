import { parseInstant } from "../../core/ledger/index.ts";
import type { Instant } from "../../core/brand.ts";
import { NONCE_CHARS_MAX } from "../../evidence/index.ts";
import type { Period, SampleOf } from "../../evidence/index.ts";
import { usage } from "../failure.ts";

/** What is to be drawn. */
export type SampleWanted = { readonly count: number; readonly nonce: string; readonly of: SampleOf };

const SAMPLE_MAX = 1000;

/** A day, which begins at midnight UTC, or a moment as RFC 3339 in UTC. */
export function momentOf(text: string, option: string): Instant {
  const full = /^\d{4}-\d{2}-\d{2}$/.test(text)
    ? `${text}T00:00:00.000Z`
    : text.replace(/^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})Z$/, "$1.000Z");
  try {
    return parseInstant(full);
  } catch {
    throw usage(`--${option} is a day such as 2026-11-01, or a moment such as 2026-11-01T08:00:00Z, in UTC.`);
  }
}

/** From and to, the end not included; without an end, up to now. */
export function periodOf(from: string | undefined, to: string | undefined, now: number): Period {
  if (from === undefined) throw usage("Say where the period begins: --from 2026-11-01.");
  const period = { from: momentOf(from, "from"), to: to === undefined ? (now as Instant) : momentOf(to, "to") };
  if (period.from >= period.to) throw usage("The period ends before it begins: --to comes after --from.");
  return period;
}

/** The sample that was asked for; null where none was. */
export function sampleOf(values: {
  readonly sample?: string | undefined;
  readonly nonce?: string | undefined;
  readonly "sample-of"?: string | undefined;
}): SampleWanted | null {
  const { sample, nonce, "sample-of": of = "released" } = values;
  if (sample === undefined && nonce === undefined) return null;
  const count = Number(sample ?? 25);
  if (!Number.isInteger(count) || count < 1 || count > SAMPLE_MAX) throw usage(`--sample is 1 to ${SAMPLE_MAX}.`);
  if (nonce === undefined || nonce === "" || nonce.length > NONCE_CHARS_MAX || !/^[\x20-\x7e]+$/.test(nonce)) {
    throw usage("A sample is drawn by a word of the auditor's: --nonce WORD, plain characters, chosen now.");
  }
  if (of !== "all" && of !== "held" && of !== "released") throw usage("--sample-of is all, held or released.");
  return { count, nonce, of };
}
