/** One measured figure, as `--json` prints it: beside what it was measured against in the same run, and what it should be. */
export type Row = {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  /** What the machine itself does in the same run, such as a bare fdatasync: only the ratio travels between machines. */
  readonly anchor: string | null;
  readonly anchorValue: number | null;
  readonly ratio: number | null;
  /** Such as `≤ 1` or `≥ 5000`, in the row's unit. */
  readonly goal: string | null;
  readonly met: boolean | null;
};

export type Goal = { readonly text: string; readonly holds: (value: number) => boolean };
export type Anchor = { readonly name: string; readonly value: number };

export function atMost(limit: number): Goal {
  return { text: `≤ ${limit}`, holds: (value) => value <= limit };
}

export function atLeast(limit: number): Goal {
  return { text: `≥ ${limit}`, holds: (value) => value >= limit };
}

export function row(
  name: string,
  unit: string,
  value: number,
  { anchor, goal }: { anchor?: Anchor | undefined; goal?: Goal | undefined } = {},
): Row {
  return {
    name,
    unit,
    value: rounded(value),
    anchor: anchor?.name ?? null,
    anchorValue: anchor === undefined ? null : rounded(anchor.value),
    ratio: anchor === undefined || anchor.value === 0 ? null : rounded(value / anchor.value),
    goal: goal?.text ?? null,
    met: goal === undefined ? null : goal.holds(value),
  };
}

/** The value below which a share of the samples lies (nearest rank); NaN without samples. */
export function percentile(samples: readonly number[] | Float64Array, share: number): number {
  const sorted = Float64Array.from(samples).sort();
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** The callers in a row's name. */
export function many(callers: number): string {
  return callers === 1 ? "1 caller" : `${callers} callers`;
}

export function median(samples: readonly number[]): number {
  return percentile(samples, 0.5);
}

/** Three significant digits say all that a measurement on a shared machine can. */
function rounded(value: number): number {
  return Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3));
}

const HEADINGS = ["", "value", "unit", "anchor", "ratio", "goal", ""];

/** Rows as a table for people. */
export function table(rows: readonly Row[]): string {
  const lines = [HEADINGS, ...rows.map(cells)];
  const widths = HEADINGS.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const right = new Set([1, 4]);
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          right.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Rows as a table of Markdown. */
export function markdown(rows: readonly Row[]): string {
  const lines = [HEADINGS, ["---", "---:", "---", "---", "---:", "---", "---"], ...rows.map(cells)];
  return lines.map((line) => `| ${line.join(" | ")} |`).join("\n");
}

function cells(row: Row): string[] {
  const anchor = row.anchor === null ? "" : `${row.anchor} ${shown(row.anchorValue ?? 0)}`;
  return [
    row.name,
    shown(row.value),
    row.unit,
    anchor,
    row.ratio === null ? "" : `${shown(row.ratio)}×`,
    row.goal ?? "",
    row.met === null ? "" : row.met ? "met" : "MISSED",
  ];
}

function shown(value: number): string {
  return Math.abs(value) >= 1000 ? value.toLocaleString("en-US") : String(value);
}
