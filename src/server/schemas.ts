import { z } from "zod";
import type { Json } from "../core/action/index.ts";
import { REVIEW_REASON_BYTES_MAX } from "../core/approval/index.ts";

const Data: z.ZodType<Json> = z.json();
const Properties = z.record(z.string(), Data);
const Named = z.looseObject({ type: z.string(), id: z.string(), properties: Properties.optional() });

/** The shape that core's `parseQuestion` takes; here for the OpenAPI document. */
export const EvaluationBody: z.ZodType = z.looseObject({
  subject: Named,
  action: z.looseObject({ name: z.string(), properties: Properties.optional() }),
  resource: Named,
  context: z
    .looseObject({
      environment: z.string().optional(),
      reason: z.string().optional().describe("why, in the agent's words: a claim, outside the digest; at most 2 KiB"),
      declared: z.object({ effects: z.array(z.string()).optional(), facts: Properties.optional() }).optional(),
      session: z.string().optional(),
      prompt: z.string().optional().describe("what the agent was asked to do: a claim; at most 8 KiB"),
      provenance: z.enum(["untrusted"]).optional().describe("the agent has read what strangers wrote"),
      approval: z.looseObject({ id: z.string() }).optional(),
    })
    .optional(),
});
export const EvaluationsBody: z.ZodType = z.looseObject({
  evaluations: z.array(Properties).optional(),
  options: z
    .looseObject({
      evaluations_semantic: z.enum(["execute_all", "deny_on_first_deny", "permit_on_first_permit"]).optional(),
    })
    .optional(),
});
export const RequestBody: z.ZodType = z.looseObject({
  subject: Named,
  action: z.looseObject({ name: z.string(), properties: Properties.optional() }),
  resource: Named,
  context: z.looseObject({}).optional(),
  denial: z.looseObject({ evaluation_id: z.string() }),
  client: z.looseObject({}).optional(),
});

/** Characters of an attempt or nonce that a client chooses. */
const Token = z.string().regex(/^[\x21-\x7e]{8,200}$/, "8 to 200 visible characters");
const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, "`sha256:` and 64 hex digits");

/** Bytes in base64url; `charsMax` of their text. */
const Bytes = (charsMax: number): z.ZodType<string> =>
  z
    .string()
    .max(charsMax)
    .regex(/^[A-Za-z0-9_-]+$/, "base64url without padding");
const AssertionBody = z.strictObject({
  credential: Bytes(1400),
  authenticator_data: Bytes(2048),
  client_data_json: Bytes(4096),
  signature: Bytes(2048),
});

export const RedeemBody: z.ZodType<{ permit: string; digest: string; attempt: string }> = z.strictObject({
  permit: z.string().min(1).max(8192),
  digest: Digest,
  attempt: Token,
});
const Outcome = {
  status: z.enum(["succeeded", "failed", "unknown"]),
  details: Properties.refine((details) => JSON.stringify(details).length <= 16_384, "at most 16 KiB").optional(),
};
export const OutcomeBody: z.ZodType<{
  status: "succeeded" | "failed" | "unknown";
  details?: Record<string, Json> | undefined;
}> = z.strictObject(Outcome);
export const OutcomesBody: z.ZodType<{
  outcomes: readonly {
    evaluation: string;
    status: "succeeded" | "failed" | "unknown";
    details?: Record<string, Json> | undefined;
  }[];
}> = z.strictObject({
  outcomes: z
    .array(z.strictObject({ evaluation: z.string(), ...Outcome }))
    .min(1)
    .max(64),
});
export type Reviewed = {
  verdict: "approve" | "deny";
  digest: string;
  card?: string | undefined;
  reason?: string | undefined;
  nonce: string;
  assertion?:
    | { credential: string; authenticator_data: string; client_data_json: string; signature: string }
    | undefined;
};
export const ReviewBody: z.ZodType<Reviewed> = z.strictObject({
  verdict: z.enum(["approve", "deny"]),
  digest: Digest,
  card: Digest.optional().describe("`card_digest` of what was looked at; refused when it is not today's"),
  reason: z
    .string()
    .refine((text) => Buffer.byteLength(text) <= REVIEW_REASON_BYTES_MAX, `at most ${REVIEW_REASON_BYTES_MAX} bytes`)
    .optional(),
  nonce: Token,
  assertion: AssertionBody.optional().describe("the statement of /reviews/challenge, signed with a passkey"),
});
export const ChallengeBody: z.ZodType<{
  verdict: "approve" | "deny";
  digest: string;
  card: string;
  nonce: string;
}> = z.strictObject({
  verdict: z.enum(["approve", "deny"]),
  digest: Digest,
  card: Digest.describe("`card_digest` of what is looked at"),
  nonce: Token.describe("the nonce that the review will carry"),
});
export const EnrolmentBody: z.ZodType<{
  credential: string;
  client_data_json: string;
  attestation_object: string;
  vouch?: { credential: string; authenticator_data: string; client_data_json: string; signature: string } | undefined;
}> = z.strictObject({
  credential: Bytes(1400),
  client_data_json: Bytes(4096),
  attestation_object: Bytes(16_384),
  vouch: AssertionBody.optional().describe(
    "a signature with a passkey that is enrolled already: its challenge is SHA-256 of client data and attestation object",
  ),
});
export const SignInBody: z.ZodType<{ code: string; client?: "cli" | undefined }> = z.strictObject({
  code: z.string().max(200),
  client: z.literal("cli").optional(),
});
const Name = z.string().min(1).max(512);
export const ProveBody: z.ZodType<{
  verdict: "approve" | "deny";
  digest: string;
  card: string;
  nonce: string;
  reason?: string | undefined;
  provider?: string | undefined;
}> = z.strictObject({
  verdict: z.enum(["approve", "deny"]),
  digest: Digest,
  card: Digest.describe("`card_digest` of what is looked at"),
  nonce: Token,
  reason: z.string().max(500).optional(),
  provider: Name.optional().describe("where to sign in anew; the provider of this session if not given"),
});
export const BeginBody: z.ZodType<{ next?: string | undefined }> = z.strictObject({
  next: z.string().max(256).optional(),
});
export const FinishBody: z.ZodType<{ search: string }> = z.strictObject({ search: z.string().max(8192) });
export const LogoutBody: z.ZodType<{ logout_token: string }> = z.looseObject({ logout_token: z.string().max(16_384) });
export const LinkCodeBody: z.ZodType<{ code: string }> = z.strictObject({ code: z.string().max(200) });
export const ConfirmLinkBody: z.ZodType<{ code: string; issuer: string; subject: string }> = z.strictObject({
  code: z.string().max(200),
  issuer: Name,
  subject: Name,
});
export const AccountBody: z.ZodType<{ issuer: string; subject: string }> = z.strictObject({
  issuer: Name,
  subject: Name,
});
export const ActAsBody: z.ZodType<{ person: string }> = z.strictObject({ person: z.string().max(200) });
export const TokenBody: z.ZodType<{
  agent: string;
  gate: string;
  holder?: string | undefined;
  expires_in?: string | undefined;
}> = z.strictObject({
  agent: z.string().max(512),
  gate: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, "lower-case letters, digits, `.`, `_`, `-`; at most 64"),
  holder: z.string().max(512).optional(),
  expires_in: z
    .string()
    .regex(/^\d{1,4}[hd]$/, "such as `12h` or `90d`")
    .optional(),
});
export const ScimTokenBody: z.ZodType<{ client: string; expires_in?: string | undefined }> = z.strictObject({
  client: z.string().max(64),
  expires_in: z
    .string()
    .regex(/^\d{1,4}[hd]$/, "such as `12h` or `365d`")
    .optional(),
});
export const Empty: z.ZodType<Record<string, never>> = z.strictObject({});
export const ErasureBody: z.ZodType<{
  person?: string | undefined;
  subject?: string | undefined;
  before?: string | undefined;
  legal_basis: string;
}> = z.strictObject({
  person: z.string().min(1).max(200).optional(),
  subject: z.string().min(1).max(512).optional(),
  before: z.string().max(32).optional(),
  legal_basis: z.string().min(3).max(1000),
});
export const FactsBody: z.ZodType<{
  resource?: { type: string; id: string } | undefined;
  digest?: string | undefined;
  facts: Record<string, Json>;
  valid_for: string;
  source: string;
}> = z.strictObject({
  resource: z.strictObject({ type: z.string().min(1).max(512), id: z.string().min(1).max(512) }).optional(),
  digest: Digest.optional(),
  facts: Properties,
  valid_for: z.string().regex(/^\d{1,5}[mhd]$/, "such as `15m`, `2h` or `1d`"),
  source: z.string().min(1).max(200),
});
export const ExportBody: z.ZodType<{
  format: "csv" | "ocsf" | "oscal" | "evidence";
  from: string | null;
  to: string | null;
}> = z.strictObject({
  format: z.enum(["csv", "ocsf", "oscal", "evidence"]),
  from: z.string().max(32).nullable(),
  to: z.string().max(32).nullable(),
});
