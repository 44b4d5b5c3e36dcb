import { z } from "zod";
import { localClock, type LocalClock, type WorkingHours } from "../engine/index.ts";

/** Where and when people work; null where it is not said, and every hour counts as working time. */
export type HoursConfig = { readonly timeZone: string; readonly hours: WorkingHours | null };
/** Somebody over HTTP who may raise a score. `secrets` shows it actions that hold commitments to secrets as well. */
export type AdviserConfig = { readonly url: string; readonly timeoutMs: number; readonly secrets: boolean };

const hour = z.int().min(0).max(24);

function isTimeZone(name: string): boolean {
  try {
    localClock(name, null);
    return true;
  } catch {
    return false;
  }
}

/** The time zone of `keyturn.yaml`. */
export const TimeZoneWritten: z.ZodType<string> = z
  .string()
  .refine(isTimeZone, "write a time zone of the IANA database, such as `Europe/Berlin`");

/** The working hours of `keyturn.yaml`; weekdays from 1, Monday. */
export const WorkingHoursWritten: z.ZodType<WorkingHours> = z
  .strictObject({
    from: hour,
    to: hour,
    weekdays: z.array(z.int().min(1).max(7)).min(1).max(7).default([1, 2, 3, 4, 5]),
  })
  .refine(({ from, to }) => from < to, "`from` comes before `to`, within one day");

/** The adviser of `keyturn.yaml`. */
export const AdviserWritten: z.ZodType<{ url: string; timeout_ms: number; secrets: boolean }> = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: "write an http or https address" }),
  timeout_ms: z.int().min(10).max(10_000).default(800),
  secrets: z.boolean().default(false),
});

/** The clock of the people; null where no zone and no hours are set. */
export function clockOf(config: HoursConfig | null | undefined): LocalClock | null {
  return config === null || config === undefined ? null : localClock(config.timeZone, config.hours);
}
