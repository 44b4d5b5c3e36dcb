import { DatabaseError } from "pg";
import { StoreError } from "../../ports/store.ts";
import { Damaged } from "./columns.ts";

/**
 * What an error means for what was asked.
 * - `lost`: the connection is gone, and with it the answer; connect anew
 * - `again`: rolled back because of somebody else; the same may succeed at once
 * - `busy`: rolled back for want of time or room; nothing is wrong with what was asked
 * - `unfit`: rolled back because of what was asked
 * - `damaged`: the database contradicts itself or us; nothing may be built on it
 */
export type Failure = "lost" | "again" | "busy" | "unfit" | "damaged";

/** SQLSTATE by code or class: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const FAILURES: Readonly<Record<string, Failure>> = {
  "40001": "again", // serialization_failure
  "40P01": "again", // deadlock_detected
  "25006": "lost", // read_only_sql_transaction: this one is a standby now
  "08": "lost",
  "57P": "lost", // shut down, crashed, starting up, idle for too long
  "25P03": "lost", // idle_in_transaction_session_timeout
  "57014": "busy", // query_canceled: the time-out of statements
  "55P03": "busy", // lock_not_available
  "53": "busy", // disk_full, out_of_memory, too_many_connections
  "58": "busy", // io_error
  "28": "busy", // the password may be about to be changed
  "3D": "busy", // the database may be about to be restored
  "42501": "busy", // insufficient_privilege: grants may be about to be made
  "22": "unfit",
  "54": "unfit", // program_limit_exceeded
  "23": "damaged", // under the lock of the head, no key can be taken
  "42": "damaged", // tables that are not ours
};

/** Sorts an error; what is not known is treated as a lost connection, because a new one is always right. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Damaged) return "damaged";
  if (!(error instanceof DatabaseError) || error.code === undefined) return "lost";
  const { code } = error;
  return FAILURES[code] ?? FAILURES[code.slice(0, 3)] ?? FAILURES[code.slice(0, 2)] ?? "lost";
}

/** Whether something was full: of what may be appended all has room, so it is the queue of those who listen. */
export function isNoRoom(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === "54000"; // program_limit_exceeded
}

/** The words of an error with its SQLSTATE, for an operator to look up. */
export function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join("; ");
  if (error instanceof DatabaseError && error.code !== undefined) return `${error.message} (SQLSTATE ${error.code})`;
  return error instanceof Error ? error.message : String(error);
}

/** The refusal for a call that was not acknowledged while the store lives. */
export function unavailable(message: string, cause?: unknown): StoreError {
  return new StoreError({ code: "store_unavailable", message, cause });
}
