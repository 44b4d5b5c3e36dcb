import type { SQLOutputValue } from "node:sqlite";

/** A column as SQLite gave it; undefined where the row or the column is missing. */
type Column = SQLOutputValue | undefined;

/** A TEXT column. */
export function text(value: Column): string {
  if (typeof value !== "string") throw unexpected("text", value);
  return value;
}

/** An INTEGER column: node:sqlite itself throws beyond 2^53. */
export function integer(value: Column): number {
  if (typeof value !== "number") throw unexpected("an integer", value);
  return value;
}

/** A BLOB column. */
export function blob(value: Column): Uint8Array {
  if (!(value instanceof Uint8Array)) throw unexpected("bytes", value);
  return value;
}

/** A column that may be NULL, read by one of the others. */
export function nullable<T>(read: (value: Column) => T, value: Column): T | null {
  return value === null ? null : read(value);
}

// STRICT tables and NOT NULL make this impossible, unless the file is damaged.
function unexpected(wanted: string, value: Column): Error {
  return new Error(`the store's file holds ${value === null ? "NULL" : typeof value} where ${wanted} belongs`);
}
