import type { JsonObject } from "../../core/action/index.ts";
import type { Instant } from "../../core/brand.ts";
import { formatInstant } from "../../core/ledger/index.ts";
import type { ActionRecord, EvaluationRecord } from "../record.ts";

/** The version of the schema that these events follow: https://schema.ocsf.io/1.6.0/ */
export const OCSF_VERSION = "1.6.0";

/** One event: class 6003 (API Activity) or 3005 (User Access Management), both with the profile `security_control`. */
export type OcsfEvent = JsonObject & {
  readonly class_uid: number;
  readonly time: number;
  readonly metadata: JsonObject & { readonly uid: string; readonly sequence: number };
};

/** Where the events come from. */
export type OcsfSource = { readonly origin: string; readonly version: string };

const SEVERITIES: { readonly [level: string]: number } = { low: 2, medium: 3, high: 4, critical: 5 };
const RISKS: { readonly [level: string]: number } = { low: 1, medium: 2, high: 3, critical: 4 };

const ALLOWED = { action_id: 1, action: "Allowed" };
// The schema counts `Delayed` under Allowed "in most cases". What we delay is denied until people say otherwise, and
// no alert should read it as let through.
const DENIED = { action_id: 2, action: "Denied" };
const DISPOSITIONS = {
  allowed: { ...ALLOWED, disposition_id: 1, disposition: "Allowed" },
  approved: { ...ALLOWED, disposition_id: 8, disposition: "Approved" },
  logged: { ...ALLOWED, disposition_id: 17, disposition: "Logged" },
  blocked: { ...DENIED, disposition_id: 2, disposition: "Blocked" },
  delayed: { ...DENIED, disposition_id: 14, disposition: "Delayed" },
  revoked: { ...DENIED, disposition_id: 24, disposition: "Access Revoked" },
  rejected: { ...DENIED, disposition_id: 25, disposition: "Rejected" },
  unauthorized: { ...DENIED, disposition_id: 26, disposition: "Unauthorized" },
} as const;
type Disposition = keyof typeof DISPOSITIONS;

/**
 * The events of one action, one for each entry that tells something, in the order of their index. An event says only what
 * was known at its entry: a record of the entries so far has the first events of the record of all of them.
 */
export function toOcsf(record: ActionRecord, source: OcsfSource): readonly OcsfEvent[] {
  const events = [
    ...record.evaluations.map((evaluation) => evaluated(record, source, evaluation)),
    ...record.entries.flatMap((entry) => lifeOf(record, source, entry)),
  ];
  return events.toSorted((a, b) => a.metadata.sequence - b.metadata.sequence);
}

type Entry = ActionRecord["entries"][number];
type Told = {
  readonly disposition: Disposition;
  readonly message: string;
  /** 1 success, 2 failure, 0 unknown. */
  readonly statusId?: number;
  readonly person?: string | null;
  readonly unmapped?: JsonObject;
};

function evaluated(record: ActionRecord, source: OcsfSource, evaluation: EvaluationRecord): OcsfEvent {
  const { index, at, outcome, because, policies, gate } = evaluation;
  const disposition: Disposition =
    outcome === "allow" ? "allowed" : outcome === "require_approval" ? "delayed" : "blocked";
  const decisions = policies.map((uid) => ({ decision: outcome, policy: { uid, name: uid } }));
  const told: Told = {
    disposition,
    message: because ?? OUTCOMES[outcome] ?? "policy answered",
    unmapped: { code: evaluation.code },
  };
  return {
    ...activity(
      { ...record, ...evaluation.shown, gate, kind: "evaluation", id: evaluation.id },
      source,
      { index, at, type: "action.evaluated" },
      told,
    ),
    ...(decisions.length === 0 ? {} : { authorizations: decisions }),
  };
}

const OUTCOMES: { readonly [outcome: string]: string } = {
  allow: "policy lets it pass",
  deny: "policy denies it",
  require_approval: "policy holds it until people approve",
};

function lifeOf(record: ActionRecord, source: OcsfSource, entry: Entry): readonly OcsfEvent[] {
  const { index, type } = entry;
  const told = (what: Told): readonly OcsfEvent[] => [activity(record, source, entry, what)];
  switch (type) {
    case "request.opened":
      return told({ disposition: "delayed", message: "people were asked to approve it" });
    case "review.recorded": {
      const review = record.reviews.find((one) => one.index === index);
      const disposition = review?.verdict === "approve" ? "approved" : "rejected";
      const unmapped = { verdict: review?.verdict ?? null, assurance: review?.assurance ?? null };
      return told({ disposition, message: "a person reviewed it", person: review?.person ?? null, unmapped });
    }
    case "review.refused": {
      const refusal = record.refusals.find((one) => one.index === index);
      const message = refusal?.because ?? "a review did not count";
      return told({
        disposition: "unauthorized",
        message,
        person: refusal?.person ?? null,
        unmapped: { rule: refusal?.rule ?? null },
      });
    }
    case "request.approved":
      return told({ disposition: "approved", message: "enough people approved it" });
    case "request.denied":
      return told({ disposition: "rejected", message: "people denied it", person: closerOf(record, index) });
    case "request.expired":
    case "request.cancelled":
    case "request.failed":
      return told({ disposition: "blocked", message: ENDS[type] });
    case "permit.issued":
      return [access(record, source, entry, "approved")];
    case "permit.expired":
      return [access(record, source, entry, "revoked")];
    case "review.voided":
      return [withdrawal(record, source, entry)];
    case "permit.redeemed":
      return told({ disposition: "approved", message: "its permit was used: it may run, once" });
    case "action.completed":
      return told(completion(record));
    default:
      return [];
  }
}

/** A review that no longer counts takes the permit with it, where there was one. */
function withdrawal(record: ActionRecord, source: OcsfSource, entry: Entry): OcsfEvent {
  const permitted = record.permits.some(({ index }) => index < entry.index);
  if (permitted) return access(record, source, entry, "revoked");
  const voided = record.voids.find(({ index }) => index === entry.index);
  const message = voided?.because ?? "a review no longer counts";
  const person = voided?.person ?? null;
  return activity(record, source, entry, { disposition: "unauthorized", message, person });
}

const ENDS = {
  "request.expired": "nobody decided in time",
  "request.cancelled": "the requester gave up",
  "request.failed": "the request was ended by the server",
} as const;

function closerOf({ closed }: ActionRecord, index: number): string | null {
  return closed?.index === index ? closed.by : null;
}

function completion({ completed }: ActionRecord): Told {
  const status = completed?.status ?? "unknown";
  const statusId = status === "succeeded" ? 1 : status === "failed" ? 2 : 0;
  return { disposition: "logged", message: `it was executed: ${status}`, statusId };
}

/** Class 6003: https://schema.ocsf.io/1.6.0/classes/api_activity */
function activity(record: ActionRecord, source: OcsfSource, entry: Entry, told: Told): OcsfEvent {
  const activityId = activityOf(record.effects);
  return {
    ...base(record, source, entry, told),
    category_uid: 6,
    category_name: "Application Activity",
    class_uid: 6003,
    class_name: "API Activity",
    activity_id: activityId,
    type_uid: 600_300 + activityId,
    ...(activityId === 99 ? { activity_name: record.effects.join(" ") || "unknown" } : {}),
    actor: {
      app_uid: record.agent ?? "erased",
      app_name: record.agent ?? "erased",
      ...(told.person == null ? {} : { user: { uid: told.person, type_id: 1 } }),
    },
    api: { operation: record.action ?? "erased", service: { name: record.gate ?? "unknown" } },
    src_endpoint: { name: record.gate ?? "unknown" },
    ...resourcesOf(record),
    ...(told.statusId === undefined ? {} : { status_id: told.statusId }),
  };
}

/** Class 3005, a permit given or taken: https://schema.ocsf.io/1.6.0/classes/user_access */
function access(
  record: ActionRecord,
  source: OcsfSource,
  entry: Entry,
  disposition: "approved" | "revoked",
): OcsfEvent {
  const activityId = disposition === "approved" ? 1 : 2;
  const voided = record.voids.find(({ index }) => index === entry.index);
  const message =
    disposition === "approved"
      ? "a permit was issued for this one action"
      : (voided?.because ?? "its approval ended unused");
  const type = disposition === "approved" ? "Assign Privileges" : "Revoke Privileges";
  return {
    ...base(record, source, entry, { disposition, message }),
    category_uid: 3,
    category_name: "Identity & Access Management",
    class_uid: 3005,
    class_name: "User Access Management",
    activity_id: activityId,
    activity_name: type,
    type_uid: 300_500 + activityId,
    user: { uid: record.agent ?? "erased", name: record.agent ?? "erased", type_id: 4, type: "Service" },
    privileges: [record.action ?? "erased"],
    ...resourcesOf(record),
    status_id: 1,
  };
}

function base(record: ActionRecord, source: OcsfSource, { index, at, type }: Entry, told: Told): EventBase {
  const { risk, digest } = record;
  const level = risk.level ?? "";
  return {
    metadata: {
      version: OCSF_VERSION,
      product: { name: "Keyturn", vendor_name: "Keyturn", version: source.version },
      profiles: ["security_control"],
      // The same entry always has the same uid: who hears of it twice can tell.
      uid: `${source.origin}#${index}`,
      sequence: index,
      event_code: type,
      original_time: formatInstant(at as Instant),
      log_provider: source.origin,
      // Evaluations, request and outcome of one action share its digest.
      ...(digest === null ? {} : { correlation_uid: digest }),
    },
    time: at,
    severity_id: SEVERITIES[level] ?? 1,
    ...DISPOSITIONS[told.disposition],
    message: told.message,
    ...(risk.score === null ? {} : { risk_score: risk.score }),
    ...(Object.hasOwn(RISKS, level) ? { risk_level_id: RISKS[level] ?? 99 } : {}),
    unmapped: {
      [record.kind]: record.id,
      digest,
      environment: record.environment,
      effects: [...record.effects],
      ...told.unmapped,
    },
  };
}

type EventBase = Omit<OcsfEvent, "class_uid"> & { readonly metadata: OcsfEvent["metadata"]; readonly time: number };

function resourcesOf({ resource }: ActionRecord): JsonObject {
  return resource === null ? {} : { resources: [{ uid: resource.id, name: resource.id, type: resource.type }] };
}

const ACTIVITIES: readonly (readonly [effects: readonly string[], activity: number])[] = [
  [["delete"], 4],
  [["write", "ddl", "deploy", "escalate"], 3],
  [["read", "export", "secret.read"], 2],
];

/** The gravest of the four that OCSF knows; 99 (Other) where none fits. */
function activityOf(effects: readonly string[]): number {
  return ACTIVITIES.find(([known]) => known.some((effect) => effects.includes(effect)))?.[1] ?? 99;
}
