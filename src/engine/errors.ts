/** Why the engine did not do what was asked. The server gives each its HTTP status. */
export type EngineErrorCode =
  | "unknown_subject"
  | "subject_not_yours"
  | "rate_limited"
  | "pending_limited"
  | "facts_limited"
  | "evaluation_unknown"
  | "evaluation_expired"
  | "denial_binding_invalid"
  | "not_requestable"
  | "idempotency_reused"
  | "nothing_to_erase"
  | "erasure_invalid"
  | "erasure_too_large"
  | "subject_in_directory"
  | "contention";

export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly code: EngineErrorCode;
  readonly retryAfterMs: number | undefined;

  constructor(options: { code: EngineErrorCode; message: string; retryAfterMs?: number; cause?: unknown }) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.retryAfterMs = options.retryAfterMs;
  }
}
