import type { Instant } from "../../core/brand.ts";
import { formatInstant } from "../../core/ledger/index.ts";
import type { ActionRecord } from "../record.ts";

/** Columns of the table, in their order: what an auditor sorts and samples by. */
const COLUMNS: readonly (readonly [name: string, cell: (record: ActionRecord) => string | number | null])[] = [
  ["id", ({ id }) => id],
  ["kind", ({ kind }) => kind],
  ["status", ({ status }) => status],
  ["time", ({ at }) => timeOf(at)],
  ["agent", ({ agent }) => agent],
  ["gate", ({ gate }) => gate],
  ["action", ({ action }) => action],
  ["resource_type", ({ resource }) => resource?.type ?? null],
  ["resource_id", ({ resource }) => resource?.id ?? null],
  ["environment", ({ environment }) => environment],
  ["effects", ({ effects }) => effects.join(" ")],
  ["risk_level", ({ risk }) => risk.level],
  ["risk_score", ({ risk }) => risk.score],
  ["policies", ({ policies }) => policies.join(" ")],
  ["terms", ({ terms }) => terms.map(({ group, quorum }) => `${group}:${quorum}`).join(" ")],
  ["approved_by", ({ approval }) => approval?.by.join(" ") ?? null],
  ["approved_at", ({ approval }) => timeOf(approval?.at)],
  ["denied_by", ({ closed }) => (closed?.type === "request.denied" ? closed.by : null)],
  ["redeemed_at", ({ redeemed }) => timeOf(redeemed?.at)],
  ["completed_at", ({ completed }) => timeOf(completed?.at)],
  ["outcome", ({ completed }) => completed?.status ?? null],
  ["refused_reviews", ({ refusals }) => refusals.length],
  ["voided_reviews", ({ voids }) => voids.length],
  ["reason_claimed", ({ reason }) => reason],
  ["digest", ({ digest }) => digest],
  ["entries", ({ entries }) => entries.map(({ index }) => index).join(" ")],
  ["erased", ({ erased }) => (erased ? "yes" : "no")],
  ["partial", ({ partial }) => (partial ? "yes" : "no")],
];

/** The header line: RFC 4180, ended by CRLF. */
export const CSV_HEADER: string = lineOf(COLUMNS.map(([name]) => name));

/** One record as a line, ended by CRLF. */
export function csvLine(record: ActionRecord): string {
  return lineOf(COLUMNS.map(([, cell]) => cell(record)));
}

/** All records as a table with its header line. */
export function toCsv(records: Iterable<ActionRecord>): string {
  return [CSV_HEADER, ...Array.from(records, csvLine)].join("");
}

function lineOf(cells: readonly (string | number | null)[]): string {
  return `${cells.map(quote).join(",")}\r\n`;
}

// A spreadsheet runs a text that begins like a formula, and agents choose these texts: an apostrophe disarms it.
function quote(cell: string | number | null): string {
  if (cell === null) return "";
  if (typeof cell === "number") return String(cell);
  const text = /^[=+\-@\t\r\n]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function timeOf(at: number | undefined): string | null {
  return at === undefined ? null : formatInstant(at as Instant);
}
