import type { Principal } from "../engine/index.ts";

/** Who is behind a credential, by its kind. */
export type GatePrincipal = Extract<Principal, { kind: "gate" }>;
export type SessionPrincipal = Extract<Principal, { kind: "session" }>;
export type ScimPrincipal = Extract<Principal, { kind: "scim" }>;
export type OperatorPrincipal = Extract<Principal, { kind: "operator" }>;
