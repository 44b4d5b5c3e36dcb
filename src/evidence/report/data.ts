import type { Report } from "../../verify/index.ts";
import type { ActionLine, SampleOf } from "../pack/actions.ts";
import type { RuleChange } from "../pack/changes.ts";
import type { Clock } from "../pack/clocks.ts";
import type { Exceptions } from "../pack/exceptions.ts";
import type { Gaps } from "../pack/gaps.ts";
import type { IndexRange, Period } from "../pack/range.ts";
import type { ActionRecord } from "../record.ts";

/** What was drawn, and how anybody draws it again. */
export type Sample = {
  readonly of: SampleOf;
  readonly nonce: string;
  /** In hex: SHA-256(nonce ‖ root of the period's end). */
  readonly seed: string;
  /** How many there were to draw from. */
  readonly population: number;
  readonly wanted: number;
  readonly records: readonly ActionRecord[];
};

/** Everything that the report says. Roots are in base64, as checkpoints have them. */
export type ReportData = {
  readonly origin: string;
  readonly vkey: string;
  readonly period: Period;
  /** The latest entry's time: what all of this is as old as. */
  readonly asOf: number;
  readonly version: string;
  readonly range: IndexRange;
  /** Entries under the signed checkpoint, which may lie after the period's end. */
  readonly size: number;
  readonly roots: { readonly start: string; readonly end: string; readonly signed: string };
  /** Entries under a signed checkpoint that the auditor had kept from before; null where none was brought. */
  readonly kept: number | null;
  readonly verification: Report;
  /** Releases whose people could not be checked: in the period, because payloads were erased; outside it, not disclosed. */
  readonly unreadable: { readonly inPeriod: number; readonly outside: number };
  readonly witnesses: { readonly asked: number; readonly quorum: number };
  readonly lines: readonly ActionLine[];
  /** The records of released actions and of those that people denied, the first `ACTIONS_SHOWN_MAX`. */
  readonly shown: readonly ActionRecord[];
  readonly sample: Sample | null;
  readonly gaps: Gaps;
  readonly exceptions: Exceptions;
  readonly clock: Clock;
  readonly rules: readonly RuleChange[];
  /** Entries of the period whose payload was erased. */
  readonly erased: number;
  /** Names of people as the directories of the pack show them. */
  readonly names: ReadonlyMap<string, string>;
};

/** Actions that the report lists one by one; all of them are in `actions/`. */
export const ACTIONS_SHOWN_MAX = 200;
