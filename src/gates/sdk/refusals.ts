import type { Evaluation, TaskAnswer } from "../../client/index.ts";
import { Unavailable, WireError } from "../../client/index.ts";
import { Cancelled, Denied, Expired, sentence } from "./errors.ts";
import type { ExpiredCode } from "./errors.ts";

/** Problem codes that mean "too late", ours and ARAP's, and what we call them. */
const TOO_LATE: Readonly<Record<string, ExpiredCode>> = {
  permit_expired: "permit_expired",
  approval_expired: "approval_expired",
  request_expired: "request_expired",
  task_expired: "request_expired",
  expired_denial: "request_expired",
};

/** Turns a refusal of the wire into one of the gate's errors; anything else passes as it is. */
export function refusalOf(error: unknown, requestId: string | null): unknown {
  if (!(error instanceof WireError)) return error;
  const { status, code, detail } = error;
  if (status === 401) {
    const message = "the server does not know this token, or it has expired: make one with `keyturn token create`";
    return new Unavailable({ code: "unauthorized", message, cause: error });
  }
  if (status === 408 || status === 429 || status >= 500) {
    const message = `the server cannot answer now (${status} ${code}): ${detail}; try again later. Nothing was executed.`;
    return new Unavailable({ code: "overloaded", message, cause: error });
  }
  const late = TOO_LATE[code.slice(code.lastIndexOf(":") + 1)];
  if (late !== undefined) return expired(late, requestId, error);
  return new Denied({ code, because: detail, requestId, cause: error });
}

/** A denial by policy, as the evaluation tells it. */
export function deniedBy(evaluation: Evaluation, requestId: string | null): Denied {
  const { code = "denied", because, policies } = evaluation.context;
  const whose = policies.length === 0 ? "" : ` by policy ${policies.join(", ")}`;
  const message = `denied${whose} (${code}): ${sentence(because)} Nothing was executed.`;
  return new Denied({ code, because, message, requestId });
}

/** Why an ended task is no approval. */
export function endOf(answer: TaskAnswer): Denied | Expired | Cancelled {
  const { id: requestId, status } = answer.task;
  switch (status) {
    case "denied": {
      const by = answer.denial?.by ?? null;
      const because = answer.denial?.reason ?? "no reason was given";
      const message = `${by ?? "an approver"} denied request ${requestId}: ${sentence(because)} Nothing was executed.`;
      return new Denied({ code: "denied_by_person", because, by, message, requestId });
    }
    case "expired":
      return expired("request_expired", requestId);
    case "cancelled": {
      const message = `request ${requestId} was withdrawn. Nothing was executed.`;
      return new Cancelled({ code: "request_cancelled", message, requestId });
    }
    case "pending":
    case "approved":
    case "failed": {
      const because = answer.denial?.reason ?? `request ${requestId} ended as ${status}`;
      return new Denied({ code: "request_failed", because, requestId });
    }
    default:
      return status satisfies never;
  }
}

const LATE_MESSAGES: Readonly<Record<ExpiredCode, string>> = {
  request_expired: "nobody decided in time; call again to ask anew",
  wait_timed_out: "the caller's time limit ended before a decision; call again to ask anew",
  approval_expired: "the approval was not used in time; call again to ask anew",
  permit_expired: "the permit was not redeemed in time; call again to ask anew",
};

export function expired(code: ExpiredCode, requestId: string | null, cause?: unknown): Expired {
  const which = requestId === null ? "" : `request ${requestId}: `;
  return new Expired({ code, message: `${which}${LATE_MESSAGES[code]}. Nothing was executed`, requestId, cause });
}
