import type { Refusal, RefusalCode } from "../core/approval/index.ts";
import { InputError } from "../core/errors.ts";
import { EngineError, type EngineErrorCode } from "../engine/index.ts";
import { ConfigError } from "../ports/config.ts";
import { StoreError } from "../ports/store.ts";

/** RFC 9457, with our closed `code`, and the JSON pointer of the member that is wrong. */
export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly pointer?: string;
  readonly problems?: readonly object[];
};

/** An HTTP answer that is an error; thrown by routes, turned into problem+json in one place. */
export class HttpProblem extends Error {
  override readonly name = "HttpProblem";
  readonly status: number;
  readonly code: string;
  readonly retryAfterMs: number | undefined;

  constructor(options: { status: number; code: string; message: string; retryAfterMs?: number }) {
    super(options.message);
    this.status = options.status;
    this.code = options.code;
    this.retryAfterMs = options.retryAfterMs;
  }
}

const TITLES: Readonly<Record<number, string>> = {
  400: "The request was not understood",
  401: "Sign in, or bring a valid token",
  403: "Not allowed",
  404: "Not found",
  405: "Method not allowed",
  409: "The state does not allow this",
  410: "Too late",
  413: "Too large",
  415: "Only application/json",
  422: "Refused as a whole",
  429: "Too many",
  500: "Something broke here",
  503: "Not available now",
};

/** ARAP §errors where the profile has a name for it. */
const ARAP = "urn:openid:authzen:access-request:error:";
const ARAP_NAMES: Readonly<Record<string, string>> = {
  not_requestable: "not_requestable",
  evaluation_expired: "expired_denial",
  evaluation_unknown: "invalid_denial_binding",
  denial_binding_invalid: "invalid_denial_binding",
  idempotency_reused: "duplicate_request",
  request_unknown: "unknown_task",
  request_expired: "task_expired",
  request_closed: "invalid_task_state",
};

const ENGINE_STATUS: Readonly<Record<EngineErrorCode, number>> = {
  unknown_subject: 400,
  subject_not_yours: 403,
  rate_limited: 429,
  pending_limited: 429,
  facts_limited: 429,
  evaluation_unknown: 400,
  evaluation_expired: 410,
  denial_binding_invalid: 400,
  not_requestable: 400,
  idempotency_reused: 409,
  nothing_to_erase: 404,
  erasure_invalid: 400,
  erasure_too_large: 413,
  subject_in_directory: 409,
  contention: 503,
};

const REFUSAL_STATUS: Readonly<Record<RefusalCode, number>> = {
  request_closed: 409,
  request_expired: 410,
  request_unknown: 404,
  digest_changed: 409,
  person_barred: 403,
  person_inactive: 403,
  person_unknown: 403,
  not_in_group: 403,
  member_too_late: 403,
  account_taken: 409,
  group_unknown: 404,
  directory_full: 409,
  file_owned: 409,
  link_too_weak: 403,
  assurance_too_low: 403,
  passkey_revoked: 403,
  assertion_invalid: 403,
  assertion_expired: 410,
  already_reviewed: 409,
  not_requester: 403,
  not_approved: 409,
  approval_expired: 410,
  approval_voided: 403,
  permit_redeemed: 409,
  permit_expired: 410,
  permit_other_gate: 403,
  permit_other_action: 403,
  permit_unknown: 404,
  policy_denied: 403,
  terms_not_met: 403,
  risk_rose: 403,
  outcome_known: 409,
  not_redeemed: 409,
};

export type Answer = { readonly problem: Problem; readonly retryAfterMs: number | undefined };

/** The one place where a fault becomes an answer. What is not known here tells nothing but that it broke. */
export function problemOf(error: unknown): Answer {
  if (error instanceof HttpProblem) return answer(error.status, error.code, error.message, error.retryAfterMs);
  if (error instanceof InputError) {
    const status = error.code === "json_too_large" ? 413 : 400;
    const { problem } = answer(status, error.code, error.message);
    return { problem: { ...problem, pointer: error.pointer }, retryAfterMs: undefined };
  }
  if (error instanceof EngineError)
    return answer(ENGINE_STATUS[error.code], error.code, error.message, error.retryAfterMs);
  if (error instanceof ConfigError) {
    const { problem } = answer(422, error.code, "the new rules were refused; the old ones still serve");
    return { problem: { ...problem, problems: error.problems }, retryAfterMs: undefined };
  }
  if (error instanceof StoreError)
    return answer(503, error.code, "the store does not take anything now; nothing was decided", 1000);
  const known = fastifyStatus(error);
  if (known !== null) return answer(known.status, known.code, known.message);
  return answer(500, "internal", "the server could not do this; its log says why");
}

/** A refusal of the core as an error to throw. */
export function refusalProblem(refusal: Refusal): HttpProblem {
  return new HttpProblem({ status: REFUSAL_STATUS[refusal.refused], code: refusal.refused, message: refusal.because });
}

function answer(status: number, code: string, detail: string, retryAfterMs?: number): Answer {
  const arap = ARAP_NAMES[code];
  const type = arap === undefined ? `urn:keyturn:error:${code}` : ARAP + arap;
  return { problem: { type, title: TITLES[status] ?? "Error", status, detail, code }, retryAfterMs };
}

/** Fastify's own refusals of a request: body too large, wrong media type, bad URL. */
function fastifyStatus(error: unknown): { status: number; code: string; message: string } | null {
  if (!(error instanceof Error) || !("statusCode" in error) || typeof error.statusCode !== "number") return null;
  switch (error.statusCode) {
    case 413:
      return { status: 413, code: "json_too_large", message: "a body is at most 1 MiB" };
    case 415:
      return { status: 415, code: "media_type", message: "send application/json" };
    default:
      return error.statusCode < 500
        ? { status: 400, code: "request_malformed", message: "the request could not be read" }
        : null;
  }
}
