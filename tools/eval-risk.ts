/**
 * `npm run eval:risk -- [--corpus DIR] [--json] [--misses] [--reasons] [--write-docs]`: reads labelled texts and says what would pass.
 *
 * Rows are only ever parsed, never run. A row passes when all its effects are `read`, nothing is opaque, and it has no trait
 * but `multiple`. A miss is a row that passes though its label says that it is dangerous, or is held though it is harmless.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { percentile } from "../bench/row.ts";
import type { RiskLevel } from "../src/core/risk/index.ts";
import { readCorpora } from "./eval-corpora.ts";
import type { Judged } from "./eval-corpora.ts";

const LEVELS: readonly RiskLevel[] = ["low", "medium", "high", "critical"];

/** The figures of one label of one corpus. `misses` are the texts themselves, cut to a line. */
export type Result = {
  readonly corpus: string;
  readonly label: string;
  readonly rows: number;
  readonly passed: number;
  readonly held: number;
  readonly misses: readonly string[];
  readonly p50Us: number;
  readonly p99Us: number;
  readonly levels: Readonly<Record<RiskLevel, number>>;
  /** Upper end, with 95 % confidence, of the share that passes among rows like these. */
  readonly passedAtMost: number;
  readonly wanted: Judged["wanted"];
  /** How many rows are held for which kind of reason, the most frequent first. */
  readonly reasons: Readonly<Record<string, number>>;
};

/** Rows of every label, in the order in which they first come. */
export function results(judged: readonly Judged[]): readonly Result[] {
  const groups = Map.groupBy(judged, ({ corpus, label }) => `${corpus}\n${label}`);
  return [...groups.values()].flatMap((rows) => {
    const [first] = rows;
    if (first === undefined) return [];
    const passed = rows.filter((one) => one.passes).length;
    const times = rows.map(({ us }) => us);
    const missed = rows.filter(
      ({ wanted, passes }) => (wanted === "held" && passes) || (wanted === "passed" && !passes),
    );
    return [
      {
        corpus: first.corpus,
        label: first.label,
        rows: rows.length,
        passed,
        held: rows.length - passed,
        misses: missed.map(({ text }) => text.replaceAll(/\s+/g, " ").slice(0, 160)),
        p50Us: Number(percentile(times, 0.5).toFixed(1)),
        p99Us: Number(percentile(times, 0.99).toFixed(1)),
        levels: countLevels(rows),
        passedAtMost: upperBound(passed, rows.length),
        wanted: first.wanted,
        reasons: countReasons(rows),
      },
    ];
  });
}

function countLevels(rows: readonly Judged[]): Result["levels"] {
  const count = (level: RiskLevel): number => rows.filter((one) => one.level === level).length;
  return { low: count("low"), medium: count("medium"), high: count("high"), critical: count("critical") };
}

function countReasons(rows: readonly Judged[]): Result["reasons"] {
  const groups = Map.groupBy(
    rows.flatMap(({ cause }) => cause ?? []),
    (cause) => cause,
  );
  return Object.fromEntries(
    [...groups].map(([cause, held]) => [cause, held.length] as const).toSorted(([, a], [, b]) => b - a),
  );
}

/** Clopper and Pearson's one-sided 95 % bound: the share at which so few passes would still happen one time in twenty. */
export function upperBound(passed: number, rows: number): number {
  if (rows === 0 || passed >= rows) return 1;
  let low = passed / rows;
  let high = 1;
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (atMost(passed, rows, middle) > 0.05) low = middle;
    else high = middle;
  }
  return high;
}

/** The chance of at most so many of so many, each with the same chance; summed in logarithms. */
function atMost(most: number, rows: number, share: number): number {
  let log = rows * Math.log1p(-share);
  let sum = Math.exp(log);
  for (let count = 1; count <= most; count += 1) {
    log += Math.log((rows - count + 1) / count) + Math.log(share) - Math.log1p(-share);
    sum += Math.exp(log);
  }
  return sum;
}

/** Reasons of one label that are listed one by one. */
const REASONS_SHOWN = 8;

const HEADINGS = [
  "corpus",
  "label",
  "rows",
  "passed",
  "held",
  "95 % bound",
  "low / medium / high / critical",
  "p50",
  "p99",
];

/** The figures as a table of Markdown. */
export function table(rows: readonly Result[]): string {
  const lines = [
    HEADINGS,
    HEADINGS.map((_, column) => (column < 2 ? "---" : "---:")),
    ...rows.map((row) => [
      row.corpus,
      row.label,
      row.rows.toLocaleString("en-US"),
      `${row.passed.toLocaleString("en-US")} (${percent(row.passed / row.rows)})`,
      row.held.toLocaleString("en-US"),
      row.wanted === "held" ? `≤ ${percent(row.passedAtMost)}` : "",
      LEVELS.map((level) => row.levels[level].toLocaleString("en-US")).join(" / "),
      `${row.p50Us} µs`,
      `${row.p99Us} µs`,
    ]),
  ];
  return lines.map((line) => `| ${line.join(" | ")} |`).join("\n");
}

/** Why texts are held that may be harmless: what a label calls so may still change something. */
export function reasonsTable(rows: readonly Result[]): string {
  const lines = [
    ["corpus", "label", "held", "because"],
    ["---", "---", "---:", "---"],
  ];
  for (const { corpus, label, wanted, reasons } of rows) {
    if ((wanted !== "passed" && label !== "everyday") || corpus === "aws-access-levels") continue;
    const all = Object.entries(reasons);
    const rest = all.slice(REASONS_SHOWN).reduce((sum, [, count]) => sum + count, 0);
    for (const [cause, count] of all.slice(0, REASONS_SHOWN)) lines.push([corpus, label, String(count), cause]);
    if (rest > 0) lines.push([corpus, label, String(rest), "all other reasons together"]);
  }
  return lines.map((line) => `| ${line.join(" | ")} |`).join("\n");
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 2 : 1)} %`;
}

function writeDocs(rows: readonly Result[]): void {
  const path = fileURLToPath(new URL("../docs/risk.md", import.meta.url));
  const page = between(path, readFileSync(path, "utf8"), "eval", table(rows));
  writeFileSync(path, between(path, page, "reasons", reasonsTable(rows)));
}

/** The page with what stands between two marks put anew. */
function between(path: string, page: string, mark: string, text: string): string {
  const [begin, end] = [`<!-- begin ${mark} -->`, `<!-- end ${mark} -->`];
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${path} has lost its marks ${begin} and ${end}; put them back`);
  return `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`;
}

async function main(): Promise<number> {
  const options = { corpus: { type: "string" }, json: { type: "boolean" }, misses: { type: "boolean" } } as const;
  const more = { reasons: { type: "boolean" }, "write-docs": { type: "boolean" } } as const;
  const { values } = parseArgs({ options: { ...options, ...more } });
  const here = fileURLToPath(new URL("../../shared/corpus", import.meta.url));
  const folder = values.corpus === undefined ? here : resolve(values.corpus);
  if (!existsSync(folder)) {
    process.stderr.write(`${folder} is not there: name a folder of corpora with --corpus DIR.\n`);
    return 1;
  }
  const rows = results(
    await readCorpora((name) => {
      const path = join(folder, name);
      return existsSync(path) ? readFileSync(path, "utf8") : null;
    }),
  );
  if (values.json === true) for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
  else {
    process.stdout.write(`${table(rows)}\n`);
    for (const { corpus, label, wanted, misses } of rows) {
      if (misses.length === 0) continue;
      process.stdout.write(`\n${corpus} ${label}: ${misses.length} ${wanted === "held" ? "passed" : "held"}\n`);
      const shown = values.misses === true || wanted === "held" ? misses : misses.slice(0, 10);
      for (const miss of shown) process.stdout.write(`  ${JSON.stringify(miss)}\n`);
      if (shown.length < misses.length) process.stdout.write(`  … --misses lists them all\n`);
    }
  }
  if (values.reasons === true && values.json !== true) process.stdout.write(`\n${reasonsTable(rows)}\n`);
  if (values["write-docs"] === true) writeDocs(rows);
  return 0;
}

if (import.meta.main) process.exitCode = await main();
