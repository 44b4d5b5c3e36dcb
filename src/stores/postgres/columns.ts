/** A row as `pg` reads it; each column is checked where it is used. */
export type Row = { readonly [column: string]: unknown };

/** What is read cannot be what was written: nothing may be built on it. */
export class Damaged extends Error {
  override readonly name = "Damaged";

  constructor(found: string) {
    super(`the database is damaged: it holds ${found}; restore it from a backup`);
  }
}

/** A text column that holds JSON or a status. */
export function text(value: unknown): string {
  if (typeof value !== "string") throw unexpected("text", value);
  return value;
}

/** A bigint or integer column: `pg` gives the first as text. */
export function integer(value: unknown): number {
  const number = typeof value === "string" ? Number(value) : value;
  if (typeof number !== "number" || !Number.isSafeInteger(number)) throw unexpected("a safe integer", value);
  return number;
}

/** A bytea column. */
export function blob(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw unexpected("bytes", value);
  return value;
}

/** A column that may be NULL, read by one of the others. */
export function nullable<T>(read: (value: unknown) => T, value: unknown): T | null {
  return value === null ? null : read(value);
}

const NUL = "\0";
const ESCAPE = "\u0001";

/**
 * A name as PostgreSQL keeps it, whose text has no NUL: U+0000 and U+0001 become two characters each. Different names
 * stay different, and sort as before.
 */
export function toName(name: string): string {
  if (!name.includes(NUL) && !name.includes(ESCAPE)) return name;
  return name.replaceAll(ESCAPE, `${ESCAPE}\u0002`).replaceAll(NUL, `${ESCAPE}${ESCAPE}`);
}

const ESCAPED = new RegExp(`${ESCAPE}(.)`, "gs");

/** A name column: what `toName` wrote. */
export function name(value: unknown): string {
  const kept = text(value);
  if (!kept.includes(ESCAPE)) return kept;
  return kept.replaceAll(ESCAPED, (_, mark: string) => (mark === ESCAPE ? NUL : ESCAPE));
}

/**
 * A list as the text of an array. Made here, and not by `pg` while it sends: what fails there would leave its statement
 * out of a transaction whose COMMIT is already on its way.
 */
export function list(values: readonly (string | number | null)[]): string {
  return `{${values.map(element).join(",")}}`;
}

/**
 * The ledger beside each of some names. What is joined to pairs is mostly found by its whole key; under a ledger alone, a
 * plan that was made while a table was small would walk through all of the ledger, until statistics are made anew.
 */
export function each(ledger: string, names: readonly unknown[]): readonly string[] {
  return names.map(() => ledger);
}

function element(value: string | number | null): string {
  if (typeof value !== "string") return String(value);
  return `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

// The schema makes this impossible, unless somebody else writes to it.
function unexpected(wanted: string, value: unknown): Damaged {
  return new Damaged(`${value === null ? "NULL" : typeof value} where ${wanted} belongs`);
}
