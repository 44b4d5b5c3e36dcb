import { jsonAt, jsonText } from "../core/action/index.ts";
import type { ApprovalId, RequestId } from "../core/brand.ts";
import { requestOf } from "../core/ids.ts";
import { openEntry } from "../core/ledger/index.ts";
import type { OpenedEntry } from "../core/ledger/index.ts";
import { RecordFold, subjectOf } from "./fold.ts";
import type { ActionRecord, RawEntry, RecordStatus } from "./record.ts";

/** Records under way at most. Beyond it the oldest is told as it stands, and what comes of it later is `partial`. */
export const RECORDS_OPEN_MAX = 50_000;
/** Bytes of payloads that records under way were read from, at most. */
export const RECORD_BYTES_MAX: number = 256 * 1024 * 1024;
/** How long an ended record is kept for the refused reviews that may still follow, and an evaluation for its request. */
export const RECORD_LINGER_MS = 86_400_000;

/** How much of the ledger's time passes between two looks for what is due. */
const LOOK_EVERY_MS = 600_000;

const ENDED: ReadonlySet<RecordStatus> = new Set<RecordStatus>([
  "denied_by_policy",
  "held",
  "completed",
  "denied",
  "expired",
  "unused",
  "cancelled",
  "failed",
]);

type Open = { readonly fold: RecordFold; bytes: number; changedAt: number };

/**
 * Folds entries in the order of their index into records, in memory that does not grow with their number. A record is
 * told once it has ended and a day of the ledger's time has passed, or at the end; an evaluation joins the request that
 * names it, or whose approval it applied. Throws `entry_invalid` for what is not an entry: verify first.
 */
export async function* recordsOf(
  entries: AsyncIterable<RawEntry | readonly RawEntry[]> | Iterable<RawEntry>,
  openMax: number = RECORDS_OPEN_MAX,
): AsyncGenerator<ActionRecord, void, undefined> {
  const table = new Table(openMax);
  for await (const item of entries) {
    for (const entry of isList(item) ? item : [item]) {
      table.add(entry, openEntry(entry.header, entry.payload, entry.salt));
      yield* table.due();
    }
  }
  yield* table.rest();
}

/** Records under way, the longest unchanged first. */
class Table {
  readonly #open = new Map<string, Open>();
  #bytes = 0;
  #now = 0;
  #lookAt = 0;
  readonly #openMax: number;

  constructor(openMax: number) {
    this.#openMax = openMax;
  }

  add(entry: RawEntry, opened: OpenedEntry): void {
    this.#now = Math.max(this.#now, opened.at);
    if (subjectOf(opened.stream) === null) return;
    const open = this.#open.get(opened.stream) ?? { fold: new RecordFold(opened.stream), bytes: 0, changedAt: 0 };
    open.fold.add(entry.index, opened);
    this.#keep(opened.stream, open, entry.payload?.length ?? 0);
    const joined = joinedBy(opened);
    if (joined === null) return;
    const [request, evaluation] = joined;
    this.#join(request, evaluation);
  }

  /** Puts it last, as the one that changed last. */
  #keep(stream: string, open: Open, bytes: number): void {
    open.bytes += bytes;
    open.changedAt = this.#now;
    this.#bytes += bytes;
    this.#open.delete(stream);
    this.#open.set(stream, open);
  }

  #join(request: string, evaluation: string): void {
    const [to, from] = [this.#open.get(request), this.#open.get(evaluation)];
    // What was told already, or lies before the first entry given, stays apart.
    if (to === undefined || from === undefined || from.fold.status !== "held") return;
    to.fold.adopt(from.fold.record());
    to.bytes += from.bytes;
    this.#open.delete(evaluation);
  }

  /** What has ended long enough ago, and what there is no room for. */
  *due(): Generator<ActionRecord, void, undefined> {
    const crowded = this.#open.size > this.#openMax || this.#bytes > RECORD_BYTES_MAX;
    if (!crowded && this.#now < this.#lookAt) return;
    this.#lookAt = this.#now + LOOK_EVERY_MS;
    for (const [stream, open] of this.#open) {
      const full = this.#open.size > this.#openMax || this.#bytes > RECORD_BYTES_MAX;
      const over = open.changedAt + RECORD_LINGER_MS <= this.#now;
      if (!full && !over) return;
      if (!full && !ENDED.has(open.fold.status)) continue;
      yield this.#tell(stream, open);
    }
  }

  *rest(): Generator<ActionRecord, void, undefined> {
    for (const [stream, open] of this.#open) yield this.#tell(stream, open);
  }

  #tell(stream: string, open: Open): ActionRecord {
    this.#open.delete(stream);
    this.#bytes -= open.bytes;
    return open.fold.record();
  }
}

/** The streams of a request and of an evaluation that this entry joins; null for one that joins none. */
function joinedBy({ type, stream, publics, payload }: OpenedEntry): readonly [string, string] | null {
  if (type === "request.opened" || type === "request.attached") {
    return [stream, `evaluation/${jsonText(publics["evaluation"])}`];
  }
  if (type !== "action.evaluated") return null;
  const approval = jsonText(jsonAt(payload, "question", "context", "approval", "id"));
  if (!approval.startsWith("apr_")) return null;
  const request: RequestId = requestOf(approval as ApprovalId);
  return [`request/${request}`, stream];
}

function isList(item: RawEntry | readonly RawEntry[]): item is readonly RawEntry[] {
  return Array.isArray(item);
}
