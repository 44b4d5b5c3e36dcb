/** Why a workload is not let in. */
export type WorkloadFault =
  | "token_malformed"
  | "issuer_unknown"
  | "algorithm_refused"
  | "signature_invalid"
  | "keys_unavailable"
  | "audience_wrong"
  | "token_expired"
  | "token_not_yet"
  | "token_too_long"
  | "token_reused"
  | "merge_request_refused"
  | "pull_request_target_refused"
  | "no_rule"
  | "ambiguous"
  | "agent_unknown"
  | "proof_missing"
  | "proof_invalid"
  | "proof_reused";

/** A workload that is not let in; `message` says why, and what to do. */
export class WorkloadError extends Error {
  override readonly name = "WorkloadError";
  readonly code: WorkloadFault;

  constructor(code: WorkloadFault, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
