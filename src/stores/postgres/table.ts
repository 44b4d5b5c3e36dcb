import { list } from "./columns.ts";
import type { Part } from "./together.ts";

/** Rows that stand in a statement one by one; each number of them makes a statement of its own, which the server keeps. */
const ROWS_FEW = 4;

/** The values of one column, one for each row. */
export type Column = {
  readonly type: "bigint" | "integer" | "text";
  readonly values: readonly (string | number | null)[];
};

/** Rows that a statement brings along, as a table in its text. */
export type Table = {
  /** The same for all whose text is the same. */
  readonly shape: string;
  /** The text, whose values count from `first`. */
  readonly text: (first: number) => string;
  readonly values: readonly unknown[];
};

/** Makes a table of columns. */
export type Tabling = (columns: readonly Column[]) => Table;

/** Of any number of rows: each column is one array, of which the server makes a table. */
export const manyRows: Tabling = (columns) => ({
  shape: "many",
  text: (first) => `unnest(${columns.map(({ type }, at) => `$${first + at}::${type}[]`).join(", ")})`,
  values: columns.map(({ values }) => list(values)),
});

/** Of a few rows: each value is one parameter, which the server reads where it is used, without a table of its own. */
export const fewRows: Tabling = (columns) => {
  const rows = [...(columns[0]?.values.keys() ?? [])];
  if (rows.length > ROWS_FEW) return manyRows(columns);
  const row = (first: number): string => columns.map(({ type }, at) => `$${first + at}::${type}`).join(", ");
  return {
    shape: String(rows.length),
    text: (first) => `(values ${rows.map((at) => `(${row(first + at * columns.length)})`).join(", ")})`,
    values: rows.flatMap((at) => columns.map(({ values }) => values[at])),
  };
};

/** How a batch of so many calls brings its rows along. One by one that of a single call: kinds of these are few, mixtures are not. */
export function tablingOf(calls: number): Tabling {
  return calls === 1 ? fewRows : manyRows;
}

/** A part of a statement with a table behind its own values. */
export function tablePart(name: string, own: readonly unknown[], table: Table, text: (table: string) => string): Part {
  return {
    name: `${name}_${table.shape}`,
    text: () => text(table.text(own.length + 1)),
    values: [...own, ...table.values],
  };
}
