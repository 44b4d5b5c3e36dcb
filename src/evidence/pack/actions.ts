import type { ActionRecord, RecordStatus } from "../record.ts";

/** What became of an action, in six words. */
export const RESULTS = {
  passed: "Passed at once",
  approved: "Released after approval",
  denied_policy: "Denied by policy",
  denied_people: "Denied by people",
  lapsed: "Not decided, not used, or withdrawn",
  open: "Still open",
} as const;
export type Result = keyof typeof RESULTS;

const RESULT_OF: Readonly<Record<RecordStatus, Result>> = {
  allowed: "passed",
  denied_by_policy: "denied_policy",
  held: "lapsed",
  pending: "open",
  approved: "open",
  redeemed: "approved",
  completed: "approved",
  denied: "denied_people",
  expired: "lapsed",
  unused: "lapsed",
  cancelled: "lapsed",
  failed: "lapsed",
  unknown: "open",
};

/** One action of the population, short enough to keep a hundred thousand of them. */
export type ActionLine = {
  /** The entry that began it: by this an item is drawn, cited and looked up. */
  readonly index: number;
  readonly id: string;
  readonly at: number;
  readonly agent: string | null;
  readonly gate: string | null;
  readonly action: string | null;
  readonly resource: string | null;
  readonly level: string | null;
  readonly result: Result;
  readonly status: RecordStatus;
  /** The people whose approvals were counted. */
  readonly approvers: readonly string[];
  readonly decidedAt: number | null;
  readonly releasedAt: number | null;
  readonly outcome: string | null;
};

/** The line of a record. */
export function lineOf(record: ActionRecord): ActionLine {
  const { approval, redeemed, completed, closed, resource } = record;
  const first = record.entries.reduce((least, entry) => Math.min(least, entry.index), Number.MAX_SAFE_INTEGER);
  return {
    index: first,
    id: record.id,
    at: record.at,
    agent: record.agent,
    gate: record.gate,
    action: record.action,
    resource: resource === null ? null : `${resource.type} ${resource.id}`,
    level: record.risk.level,
    result: record.kind === "evaluation" && record.status === "completed" ? "passed" : RESULT_OF[record.status],
    status: record.status,
    approvers: approval?.by ?? [],
    decidedAt: approval?.at ?? (closed?.type === "request.denied" ? closed.at : null),
    releasedAt: redeemed?.at ?? null,
    outcome: completed?.status ?? null,
  };
}

/** Which actions a sample is drawn from: all, those that people were asked about, or those that were released. */
export type SampleOf = "all" | "held" | "released";

/** Whether an action belongs to what is sampled. */
export function isSampled(line: ActionLine, of: SampleOf): boolean {
  if (of === "all") return true;
  return of === "held" ? line.id.startsWith("arq_") : line.result === "approved";
}
