import { isJsonObject, jsonAt, jsonItems, jsonText, jsonTexts } from "../core/action/index.ts";
import type { Json, JsonObject } from "../core/action/index.ts";
import { openEntry } from "../core/ledger/index.ts";
import type { OpenedEntry } from "../core/ledger/index.ts";
import type {
  ActionRecord,
  EvaluationRecord,
  ProofRecord,
  RawEntry,
  RecordStatus,
  RefusalRecord,
  ReviewRecord,
} from "./record.ts";
import { NOTHING_SHOWN, showAction } from "./shown.ts";

const EVALUATION = "evaluation/";
const REQUEST = "request/";

/** The evaluation or the request whose stream this is; null for all other streams. */
export function subjectOf(stream: string): Pick<ActionRecord, "id" | "kind"> | null {
  if (stream.startsWith(REQUEST)) return { id: stream.slice(REQUEST.length), kind: "request" };
  if (stream.startsWith(EVALUATION)) return { id: stream.slice(EVALUATION.length), kind: "evaluation" };
  return null;
}

/** Folds the entries of one evaluation or request; null where there is none, or it is another kind of stream. */
export function recordOf(entries: readonly RawEntry[]): ActionRecord | null {
  let fold: RecordFold | null = null;
  for (const entry of entries) {
    const opened = openEntry(entry.header, entry.payload, entry.salt);
    if (subjectOf(opened.stream) === null) continue;
    fold ??= new RecordFold(opened.stream);
    fold.add(entry.index, opened);
  }
  return fold === null ? null : fold.record();
}

type Draft = { -readonly [K in keyof ActionRecord]: ActionRecord[K] };

/** An entry being added: its index, its time and its payload, undefined where that was erased. */
type Step = { readonly index: number; readonly at: number; readonly publics: JsonObject; readonly payload?: Json };

/** One record under way. Entries are added in the order of their index. */
export class RecordFold {
  readonly #draft: Draft;

  /** @param stream `evaluation/…` or `request/…`; a RangeError for any other. */
  constructor(stream: string) {
    const subject = subjectOf(stream);
    if (subject === null) throw new RangeError(`\`${stream}\` is the stream of no action`);
    this.#draft = { ...NOTHING_KNOWN, ...subject, stream };
  }

  /** Another entry of this stream. Unknown types are listed and change nothing. */
  add(index: number, opened: OpenedEntry): void {
    const draft = this.#draft;
    const { type, at, publics } = opened;
    if (draft.entries.length === 0) {
      draft.at = at;
      draft.partial = opened.version > 0;
    }
    draft.changedAt = at;
    draft.entries = [...draft.entries, { index, type, at }];
    draft.erased ||= opened.erased;
    draft.digest ??= textOrNull(publics["digest"]);
    const step: Step = { index, at, publics, ...(opened.erased ? {} : { payload: opened.payload }) };
    const read = Object.hasOwn(READERS, type) ? READERS[type] : undefined;
    read?.(draft, step, type);
  }

  /** Takes in an evaluation that this request rests on: its answer, its policies and its entries. */
  adopt(evaluation: ActionRecord): void {
    const draft = this.#draft;
    draft.evaluations = [...draft.evaluations, ...evaluation.evaluations].toSorted(byIndex);
    draft.entries = [...draft.entries, ...evaluation.entries].toSorted(byIndex);
    draft.policies = distinct([...evaluation.policies, ...draft.policies]);
    draft.at = draft.partial ? draft.at : Math.min(draft.at, evaluation.at);
    draft.erased ||= evaluation.erased;
  }

  /** How the action stands by the entries so far. */
  get status(): RecordStatus {
    return this.#draft.status;
  }

  /** The record as it stands; what is added later does not change it. */
  record(): ActionRecord {
    return { ...this.#draft };
  }
}

const NOTHING_KNOWN: Omit<ActionRecord, "id" | "kind" | "stream"> = {
  ...NOTHING_SHOWN,
  status: "unknown",
  gate: null,
  digest: null,
  at: 0,
  changedAt: 0,
  evaluations: [],
  policies: [],
  holds: [],
  terms: [],
  assurance: null,
  barred: [],
  reason: null,
  openedAt: null,
  expiresAt: null,
  reviews: [],
  refusals: [],
  voids: [],
  approval: null,
  permits: [],
  redeemed: null,
  completed: null,
  closed: null,
  entries: [],
  erased: false,
  partial: false,
};

const READERS: { readonly [type: string]: (draft: Draft, step: Step, type: string) => void } = {
  "action.evaluated": evaluated,
  "request.opened": opened,
  "request.attached": attached,
  "review.recorded": reviewed,
  "review.refused": (draft, step) => {
    draft.refusals = [...draft.refusals, refusalOf(step)];
  },
  "review.voided": voided,
  "request.approved": approved,
  "request.denied": closed,
  "request.expired": closed,
  "request.cancelled": closed,
  "request.failed": closed,
  "permit.issued": issued,
  "permit.redeemed": redeemed,
  "permit.expired": closed,
  "action.completed": completed,
};

const OUTCOMES: { readonly [outcome: string]: RecordStatus } = {
  allow: "allowed",
  deny: "denied_by_policy",
  require_approval: "held",
};

function evaluated(draft: Draft, { index, at, publics, payload }: Step): void {
  const decision = jsonAt(payload, "decision");
  const holds = holdsOf(jsonAt(decision, "holds"));
  const policies = distinct([...jsonTexts(jsonAt(decision, "policies")), ...holds.map(({ policy }) => policy)]);
  const context = jsonAt(payload, "question", "context");
  const outcome = jsonText(publics["outcome"]);
  const shown = showAction(payload, publics);
  const evaluation: EvaluationRecord = {
    index,
    id: draft.id,
    at,
    gate: textOrNull(publics["gate"]),
    outcome,
    code: textOrNull(jsonAt(decision, "code")),
    because: textOrNull(jsonAt(decision, "because")),
    policies,
    reason: textOrNull(jsonAt(context, "reason")),
    session: textOrNull(jsonAt(context, "session")),
    shown,
  };
  Object.assign(draft, shown);
  draft.gate = evaluation.gate;
  draft.reason = evaluation.reason;
  draft.evaluations = [evaluation];
  draft.policies = policies;
  draft.holds = holds;
  draft.terms = termsOf(jsonAt(decision, "terms"));
  draft.assurance = textOrNull(jsonAt(decision, "assurance"));
  draft.status = (Object.hasOwn(OUTCOMES, outcome) ? OUTCOMES[outcome] : undefined) ?? "unknown";
}

function opened(draft: Draft, { at, publics, payload }: Step): void {
  const request = jsonAt(payload, "request");
  const holds = holdsOf(jsonAt(request, "holds"));
  Object.assign(draft, showAction(request, publics));
  draft.gate = textOrNull(publics["gate"]);
  draft.reason = textOrNull(jsonAt(request, "question", "context", "reason"));
  draft.holds = holds;
  draft.policies = distinct([...draft.policies, ...holds.map(({ policy }) => policy)]);
  draft.terms = termsOf(jsonAt(request, "terms"));
  draft.assurance = textOrNull(jsonAt(request, "assurance"));
  draft.barred = barredOf(request);
  draft.openedAt = at;
  draft.expiresAt = numberOrNull(jsonAt(request, "expiresAt"));
  draft.status = "pending";
}

function attached(draft: Draft, { payload }: Step): void {
  draft.barred = [...draft.barred, ...barredOf(payload)];
  if (jsonAt(payload, "raise") !== true || draft.terms.reduce((sum, { quorum }) => sum + quorum, 0) !== 1) return;
  // As core/approval does: nobody is known behind this attempt, so a single place counts as two.
  draft.terms = draft.terms.map(({ group }) => ({ group, quorum: 2 }));
}

function reviewed(draft: Draft, { index, at, publics, payload }: Step): void {
  const review = jsonAt(payload, "review");
  const account = jsonAt(review, "account");
  const person = textOrNull(jsonAt(review, "person"));
  const made: ReviewRecord = {
    index,
    at,
    person,
    verdict: jsonText(publics["verdict"]),
    assurance: jsonText(publics["assurance"]),
    groups: jsonTexts(jsonAt(review, "groups")),
    channel: textOrNull(jsonAt(review, "channel")),
    account: isJsonObject(account)
      ? { issuer: jsonText(account["issuer"]), subject: jsonText(account["subject"]) }
      : null,
    reason: textOrNull(jsonAt(review, "reason")),
    standing: true,
    proof: proofOf(jsonAt(review, "proof")),
  };
  draft.reviews = [...fallen(draft.reviews, person), made];
}

function proofOf(proof: Json | undefined): ProofRecord | null {
  const statement = jsonAt(proof, "statement");
  if (!isJsonObject(proof) || proof["kind"] !== "passkey" || !isJsonObject(statement)) return null;
  const text = (name: string): string => jsonText(proof[name]);
  return {
    statement,
    rp: text("rp"),
    credential: text("credential"),
    publicKey: text("publicKey"),
    authenticatorData: text("authenticatorData"),
    clientDataJSON: text("clientDataJSON"),
    signature: text("signature"),
  };
}

function voided(draft: Draft, step: Step): void {
  const refusal = refusalOf(step);
  draft.voids = [...draft.voids, refusal];
  draft.reviews = fallen(draft.reviews, refusal.person);
  draft.approval = null;
  if (draft.status === "approved") draft.status = "pending";
}

/** The reviews of this person no longer stand; without the person's name nobody can tell which, and all stay. */
function fallen(reviews: readonly ReviewRecord[], person: string | null): readonly ReviewRecord[] {
  return reviews.map((review) =>
    person !== null && review.person === person ? { ...review, standing: false } : review,
  );
}

function approved(draft: Draft, { index, at, publics, payload }: Step): void {
  const by = jsonTexts(jsonAt(payload, "by"));
  const until = numberOrNull(jsonAt(payload, "approvedUntil"));
  draft.approval = { index, id: textOrNull(publics["approval"]), at, by, until };
  draft.status = "approved";
}

function issued(draft: Draft, { index, at, publics, payload }: Step): void {
  const expiresAt = numberOrNull(jsonAt(payload, "expiresAt"));
  const permit = { index, id: textOrNull(publics["permit"]), at, gate: textOrNull(publics["gate"]), expiresAt };
  draft.permits = [...draft.permits, permit];
}

function redeemed(draft: Draft, { index, at, publics }: Step): void {
  draft.redeemed = { index, at, permit: textOrNull(publics["permit"]), gate: textOrNull(publics["gate"]) };
  draft.status = "redeemed";
}

function completed(draft: Draft, { index, at, publics, payload }: Step): void {
  const details = jsonAt(payload, "outcome", "details");
  draft.completed = { index, at, status: jsonText(publics["status"]), details: isJsonObject(details) ? details : null };
  draft.status = "completed";
}

const ENDS: { readonly [type: string]: RecordStatus } = {
  "request.denied": "denied",
  "request.expired": "expired",
  "request.cancelled": "cancelled",
  "request.failed": "failed",
  "permit.expired": "unused",
};

function closed(draft: Draft, { index, at, payload }: Step, type: string): void {
  const [by, because] = [textOrNull(jsonAt(payload, "by")), textOrNull(jsonAt(payload, "because"))];
  draft.closed = { index, at, type, by, because };
  draft.status = ENDS[type] ?? "unknown";
}

function refusalOf({ index, at, publics, payload }: Step): RefusalRecord {
  return {
    index,
    at,
    person: textOrNull(jsonAt(payload, "person")),
    verdict: textOrNull(jsonAt(payload, "verdict")),
    rule: jsonText(publics["rule"]),
    because: textOrNull(jsonAt(payload, "refusal", "because")),
  };
}

function holdsOf(holds: Json | undefined): ActionRecord["holds"] {
  return jsonItems(holds).map((hold) => ({
    policy: jsonText(jsonAt(hold, "policy")),
    because: jsonText(jsonAt(hold, "because")),
  }));
}

function termsOf(terms: Json | undefined): ActionRecord["terms"] {
  return jsonItems(terms).map((term) => ({
    group: jsonText(jsonAt(term, "group")),
    quorum: numberOrNull(jsonAt(term, "quorum")) ?? 0,
  }));
}

function barredOf(payload: Json | undefined): ActionRecord["barred"] {
  return jsonItems(jsonAt(payload, "barred")).map((bar) => ({
    person: jsonText(jsonAt(bar, "person")),
    relation: jsonText(jsonAt(bar, "relation")),
    evidence: jsonText(jsonAt(bar, "evidence")),
  }));
}

function byIndex(a: { readonly index: number }, b: { readonly index: number }): number {
  return a.index - b.index;
}

function distinct(items: readonly string[]): readonly string[] {
  return [...new Set(items)];
}

function textOrNull(value: Json | undefined): string | null {
  return typeof value === "string" ? value : null;
}

function numberOrNull(value: Json | undefined): number | null {
  return typeof value === "number" ? value : null;
}
