import { KeyturnError } from "../../client/index.ts";

/** Somebody else's words as a sentence of ours: with one full stop. */
export function sentence(words: string): string {
  return /[.!?]$/.test(words) ? words : `${words}.`;
}

/** A policy or a person said no. Nothing was executed. */
export class Denied extends KeyturnError {
  override readonly name = "Denied";
  /** Why, in the words of the policy or the person. */
  readonly because: string;
  /** The person who denied; null when a policy, a limit or the gate itself did. */
  readonly by: string | null;
  /** The approval request, if there was one. */
  readonly requestId: string | null;

  constructor(options: {
    code: string;
    because: string;
    message?: string;
    by?: string | null;
    requestId?: string | null;
    cause?: unknown;
  }) {
    const { code, because, cause } = options;
    super({ code, message: options.message ?? `denied (${code}): ${sentence(because)} Nothing was executed.`, cause });
    this.because = because;
    this.by = options.by ?? null;
    this.requestId = options.requestId ?? null;
  }
}

export type ExpiredCode = "request_expired" | "wait_timed_out" | "approval_expired" | "permit_expired";

/** Nobody decided in time, or the approval was not used in time. Nothing was executed; call again to ask anew. */
export class Expired extends KeyturnError {
  override readonly name = "Expired";
  declare readonly code: ExpiredCode;
  readonly requestId: string | null;

  constructor(options: { code: ExpiredCode; message: string; requestId?: string | null; cause?: unknown }) {
    super(options);
    this.requestId = options.requestId ?? null;
  }
}

export type CancelledCode = "aborted" | "request_cancelled";

/** The caller gave up, or the request was withdrawn. Nothing was executed, and nothing will be. */
export class Cancelled extends KeyturnError {
  override readonly name = "Cancelled";
  declare readonly code: CancelledCode;
  readonly requestId: string | null;

  constructor(options: { code: CancelledCode; message: string; requestId?: string | null; cause?: unknown }) {
    super(options);
    this.requestId = options.requestId ?? null;
  }
}

/** The caller's patience ended before people decided. The request stands: the same action asked again takes it up. */
export class StillHeld extends KeyturnError {
  override readonly name = "StillHeld";
  readonly requestId: string;

  constructor(requestId: string) {
    const message = `request ${requestId} still waits for people. Nothing was executed; ask for the same action again`;
    super({ code: "still_held", message });
    this.requestId = requestId;
  }
}
