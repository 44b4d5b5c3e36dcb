import type { Paint, Style } from "./terminal.ts";

/** One cell: its text, made visible already, and how to paint it. */
export type Cell = string | { readonly text: string; readonly style: Style };

const GAP = "  ";

/**
 * Rows under their headings, columns as wide as their widest cell. The last column is never padded. `below` has a line for
 * each row that stands beneath it, indented; nothing where it is empty.
 */
export function table(
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
  paint: Paint,
  below: readonly string[] = [],
): string {
  const widths = headings.map((heading, at) => Math.max(width(heading), ...rows.map((row) => width(row[at] ?? ""))));
  const line = (cells: readonly Cell[], style?: Style): string =>
    cells
      .map((cell, at) => {
        const padding = at === cells.length - 1 ? "" : " ".repeat((widths[at] ?? 0) - width(cell));
        const painted =
          typeof cell === "string" ? (style === undefined ? cell : paint(style, cell)) : paint(cell.style, cell.text);
        return painted + padding;
      })
      .join(GAP)
      .trimEnd();
  const lines = rows.flatMap((row, at) => {
    const under = below[at] ?? "";
    return under === "" ? [line(row)] : [line(row), paint("dim", GAP + under)];
  });
  return [line(headings, "dim"), ...lines].join("\n") + "\n";
}

function width(cell: Cell): number {
  return [...(typeof cell === "string" ? cell : cell.text)].length;
}

/** How long until a time, for people: `12 min`, `2 h 05 min`, `over`. */
export function timeLeft(until: string, nowMs: number): string {
  const seconds = Math.ceil((Date.parse(until) - nowMs) / 1000);
  if (Number.isNaN(seconds)) return "?";
  if (seconds <= 0) return "over";
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${String(minutes % 60).padStart(2, "0")} min` : `${Math.floor(hours / 24)} days`;
}
