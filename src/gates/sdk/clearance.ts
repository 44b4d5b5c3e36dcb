import type { Task } from "../../client/index.ts";
import type { Question } from "../../core/action/index.ts";
import type { Digest } from "../../core/brand.ts";
import type { Reporter } from "./report.ts";

/** What has to be cleared: the question as it will run, its digest as this gate computed it, and when to stop. */
export type Clearance = Reporter & {
  readonly question: Question;
  readonly digest: Digest;
  readonly signal: AbortSignal;
  readonly onHeld?: ((task: Task) => void) | undefined;
  readonly recheck?: (() => Promise<void>) | undefined;
  /** The tool runs with the parameters that it is given back, so that a stricter action can run in the place of this one. */
  readonly takesModified?: boolean | undefined;
  /** How long to wait for people, in milliseconds; then `StillHeld`. An approval that is there by then is still used. */
  readonly patienceMs?: number | undefined;
  /** The request outlives an attempt that gave up, so that a later attempt of the same action can take it up. */
  readonly leaveRequest?: boolean | undefined;
  /** The ledger's verifier key that receipts must be signed with; learnt from the server where none is pinned. */
  readonly ledgerKey?: string | undefined;
  /** Given the receipt of the redemption (`.tlog-proof`) once it has been checked, to be kept. */
  readonly onReceipt?: ((receipt: string) => void) | undefined;
};
