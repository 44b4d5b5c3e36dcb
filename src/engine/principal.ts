import type { JsonObject } from "../core/action/index.ts";
import type { LinkStrength } from "../core/approval/index.ts";
import type { AgentId, GateId, Instant, PersonId } from "../core/brand.ts";
import type { TokenId } from "../core/ids.ts";
import type { Assurance } from "../core/policy/index.ts";

/**
 * What an exchanged token stands for: the run's name, the people behind it by the platform's own word (in the members of a
 * subject's claims), and the thumbprint of the key that it is bound to (RFC 9449), where it is bound to one.
 */
export type Workload = {
  readonly name: string;
  /** Which run, in the platform's own terms. */
  readonly run: string;
  readonly vouched: JsonObject;
  readonly jkt: string | null;
};

/** How an identity provider says that a session's person proved who they are. Texts are its words. */
export type SignInProof = {
  readonly provider: string;
  readonly acr: string | null;
  readonly amr: readonly string[];
  /** In seconds since the epoch. */
  readonly authTime: number | null;
  /** What the provider's logout tokens name the person and the session there. */
  readonly sub: string;
  readonly sid: string | null;
};

/** A login that was proven, and is nobody's yet. `name` and `email` are the word of whoever proved it. */
export type OpenLogin = {
  readonly issuer: string;
  readonly subject: string;
  readonly name: string;
  readonly email: string | null;
  /** How it was proven, in words, for the record. */
  readonly evidence: string;
};

/** What a credential lets its holder be. There is no kind that is both a machine and a person. */
export type Principal =
  | {
      readonly kind: "gate";
      readonly id: TokenId;
      readonly agent: AgentId;
      readonly gate: GateId;
      readonly holder: PersonId | null;
      /** The administrator who made the token, and has seen it; not there where the operator did. */
      readonly maker?: PersonId;
      readonly workload?: Workload;
    }
  | { readonly kind: "operator"; readonly id: TokenId }
  /** A provisioning client: it says who is there, and neither asks nor reviews nor administers. */
  | { readonly kind: "scim"; readonly id: TokenId; readonly source: string }
  | {
      readonly kind: "session";
      readonly id: TokenId;
      readonly person: PersonId;
      readonly account: { readonly issuer: string; readonly subject: string };
      readonly link: LinkStrength;
      readonly assurance: Assurance;
      readonly client: string;
      readonly proof?: SignInProof;
      /** Opened by a code that its person made in another session: nothing was proven anew. */
      readonly handed?: true;
    }
  /** Opens one session; on the operator's word where nothing else is said. */
  | ({ readonly kind: "sign_in"; readonly id: TokenId; readonly person: PersonId } & Offered)
  /** Says that whoever brings it has just used this login. It opens nothing. */
  | { readonly kind: "link"; readonly id: TokenId; readonly login: OpenLogin };

/** What a session rests on. */
export type Held = Pick<Extract<Principal, { kind: "session" }>, "account" | "link" | "assurance" | "proof">;

/** The session that made a code. The code ends with it, and what it opens ends no later: else a session could live for ever. */
export type From = Held & { readonly session: TokenId; readonly until: Instant };

/** On whose word a code signs somebody in: their own, in the session `from`, or that of the administrator `maker`. */
export type Offered = { readonly from?: From; readonly maker?: PersonId };

/** What is stored of a secret beside its hash. */
export type Credential = {
  readonly principal: Principal;
  readonly createdAt: Instant;
  readonly expiresAt: Instant;
  readonly revokedAt: Instant | null;
};
