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

export const RedeemBody: z.ZodType<{ permit: string; digest: string; attempt: string }> = z.strictObject({
  permit: z.string().min(1).max(8192),
  digest: Digest,
  attempt: Token,
});
export const OutcomeBody: z.ZodType<{
  status: "succeeded" | "failed" | "unknown";
  details?: Record<string, Json> | undefined;
}> = z.strictObject({
  status: z.enum(["succeeded", "failed", "unknown"]),
  details: Properties.refine((details) => JSON.stringify(details).length <= 16_384, "at most 16 KiB").optional(),
});
export const ReviewBody: z.ZodType<{
  verdict: "approve" | "deny";
  digest: string;
  reason?: string | undefined;
  nonce: string;
}> = z.strictObject({
  verdict: z.enum(["approve", "deny"]),
  digest: Digest,
  reason: z
    .string()
    .refine((text) => Buffer.byteLength(text) <= REVIEW_REASON_BYTES_MAX, `at most ${REVIEW_REASON_BYTES_MAX} bytes`)
    .optional(),
  nonce: Token,
});
export const SignInBody: z.ZodType<{ code: string; client?: "cli" | undefined }> = z.strictObject({
  code: z.string().max(200),
  client: z.literal("cli").optional(),
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
export const ExportBody: z.ZodType<{
  format: "csv" | "ocsf" | "oscal" | "evidence";
  from: string | null;
  to: string | null;
}> = z.strictObject({
  format: z.enum(["csv", "ocsf", "oscal", "evidence"]),
  from: z.string().max(32).nullable(),
  to: z.string().max(32).nullable(),
});
