declare const brand: unique symbol;

/** A string or number that has been parsed once at the edge and is trusted inside. */
export type Brand<T, B extends string> = T & { readonly [brand]: B };

/** Milliseconds since 1970-01-01T00:00:00Z, by the clock that the engine was given. */
export type Instant = Brand<number, "Instant">;

/** `sha256:` and 64 lower-case hex digits. */
export type Digest = Brand<string, "Digest">;

/** A human. Accounts belong to people; only people review. Never a name or an e-mail. */
export type PersonId = Brand<string, "PersonId">;
/** An agent, pipeline or workload: a machine identity, which can never review. */
export type AgentId = Brand<string, "AgentId">;
/** Who enforces: the name that a gate's token carries. */
export type GateId = Brand<string, "GateId">;
/** A group of people whose members may fill places of an approval. */
export type GroupName = Brand<string, "GroupName">;

export type EvaluationId = Brand<string, "EvaluationId">;
/** A wait for facts. */
export type DeferralId = Brand<string, "DeferralId">;
export type RequestId = Brand<string, "RequestId">;
export type ApprovalId = Brand<string, "ApprovalId">;
export type PermitId = Brand<string, "PermitId">;
/** The name of one stream of the ledger, such as `request/arq_…`. */
export type StreamName = Brand<string, "StreamName">;
