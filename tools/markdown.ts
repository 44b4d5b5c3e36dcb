/** Reads the tables of our own pages: what a person reads there is what the checks go by. */

export type Row = { readonly line: number; readonly cells: readonly string[] };

/** The rows of the one table whose header has exactly these cells. Backticks around words are dropped. */
export function tableOf(text: string, header: readonly string[]): readonly Row[] {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => sameCells(cellsOf(line), header));
  if (start < 0) throw new Error(`no table with the columns ${header.join(" | ")}`);
  const rows: Row[] = [];
  for (let at = start + 2; at < lines.length && (lines[at] ?? "").trimStart().startsWith("|"); at++) {
    const cells = cellsOf(lines[at] ?? "");
    if (cells.length !== header.length) throw new Error(`line ${at + 1}: ${cells.length} cells, not ${header.length}`);
    rows.push({ line: at + 1, cells });
  }
  if (rows.length === 0) throw new Error(`the table ${header.join(" | ")} has no rows`);
  return rows;
}

/** A cell that lists names: `core, ports` → ["core", "ports"]; `nothing` and `–` are the empty list. */
export function listIn(cell: string): string[] {
  return cell === "nothing" || cell === "–" || cell === "" ? [] : cell.split(",").map((name) => name.trim());
}

function cellsOf(line: string): string[] {
  const trimmed = line.trim();
  if (!trimmed.startsWith("|") || !trimmed.endsWith("|")) return [];
  return trimmed
    .slice(1, -1)
    .split("|")
    .map((cell) => cell.replaceAll("`", "").trim());
}

function sameCells(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((cell, at) => cell === right[at]);
}
