import type { Client, OutcomeOf, OutcomeReport } from "../../client/index.ts";
import { KeyturnError } from "../../client/index.ts";

/** How long a caller waits for its outcome to be reported; after that the report goes on without it. */
export const OUTCOME_WAIT_MS = 2_000;
/** Characters of an error's name that are reported. */
const ERROR_NAME_CHARS_MAX = 64;

export type Reporter = { readonly client: Client; readonly onWarning: (warning: Error) => void };

/** Tells the server what happened. Never rejects: the effect is what it is, whether or not it can be told. */
export async function report(reporter: Reporter, of: OutcomeOf, outcome: OutcomeReport): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, OUTCOME_WAIT_MS);
  });
  await Promise.race([send(reporter, of, outcome), enough]);
  clearTimeout(timer);
}

/** The ledger would else show a permit that was redeemed and nothing after it. */
export function reportNotExecuted(reporter: Reporter, of: OutcomeOf, because: unknown): Promise<void> {
  const code = because instanceof KeyturnError ? { code: because.code } : {};
  return report(reporter, of, { status: "failed", details: { executed: false, error: nameOf(because), ...code } });
}

/** Tells the caller of something beside the action; a caller that fails to listen changes nothing. */
export function warn(reporter: Reporter, code: string, message: string, cause: unknown): void {
  try {
    reporter.onWarning(new KeyturnError({ code, message, cause }));
  } catch {
    // There is nobody left to tell.
  }
}

/** The name of an error's class alone: its message may hold whatever the action was about. */
export function nameOf(error: unknown): string {
  const name = error instanceof Error ? error.name : "unknown";
  return /^[A-Za-z][A-Za-z0-9_.]*$/.test(name) ? name.slice(0, ERROR_NAME_CHARS_MAX) : "Error";
}

async function send(reporter: Reporter, of: OutcomeOf, outcome: OutcomeReport): Promise<void> {
  try {
    await reporter.client.reportOutcome(of, outcome);
  } catch (cause) {
    const which = "permit" in of ? `permit ${of.permit}` : `evaluation ${of.evaluation}`;
    warn(reporter, "outcome_unreported", `the outcome under ${which} could not be reported`, cause);
  }
}
