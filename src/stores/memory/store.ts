import type { Instant, RequestId, StreamName } from "../../core/brand.ts";
import type { JsonObject } from "../../core/action/index.ts";
import { assertAppend, assertCount, assertInteger, deadlineOf, lateness, missized } from "../../ports/append.ts";
import { StoreError } from "../../ports/store.ts";
import type {
  Append,
  AppendResult,
  Head,
  Message,
  RequestFilter,
  RequestRow,
  Store,
  StoredDocument,
  StoredEntry,
  Subtree,
  Timer,
} from "../../ports/store.ts";
import { Log } from "./log.ts";
import { changeSlots } from "./slots.ts";
import type { Slots } from "./slots.ts";

/** A store that keeps everything in memory and forgets it at the end: for tests and simulation. */
export function openMemoryStore(): Store {
  return new MemoryStore();
}

// JSON is kept as text: what goes in and out is a copy by nature.
type Answer = { readonly fingerprint: string; readonly answer: string; readonly index: number };
type KeptRequest = Omit<RequestRow, "view"> & { readonly view: string };
type KeptMessage = Omit<Message, "body"> & { readonly body: string };

class MemoryStore implements Store {
  readonly #log = new Log();
  readonly #answers = new Map<string, Answer>();
  #slots: Slots = new Map();
  readonly #requests = new Map<RequestId, KeptRequest>();
  readonly #timers = new Map<string, Timer>();
  readonly #outbox = new Map<string, KeptMessage>(); // in the order of appends
  readonly #documents = new Map<string, Map<string, string>>();
  #closed = false;

  /** Memory does not fail. */
  readonly fault: Promise<StoreError> = new Promise(() => {});

  async append(change: Append): Promise<AppendResult> {
    this.#assertOpen();
    assertAppend(change);
    const key = change.idempotency?.key;
    const known = key === undefined ? undefined : this.#answers.get(key);
    if (known !== undefined) return { status: "duplicate", ...known, answer: parse(known.answer) };
    const conflict = missized(change.at, this.#log.size) ?? this.#log.conflict(change.entries);
    if (conflict !== null) return conflict;
    const late = lateness(deadlineOf(change));
    if (late !== null) return late;
    const slots = changeSlots(this.#slots, change.slots ?? []);
    if ("status" in slots) return slots;

    // Nothing below can fail.
    const index = this.#log.size;
    this.#slots = slots;
    this.#erase(new Set(change.erase));
    for (const entry of change.entries) this.#log.add(entry);
    this.#project(change, index);
    return { status: "appended", index, size: this.#log.size };
  }

  #erase(indexes: ReadonlySet<number>): void {
    if (indexes.size === 0) return;
    this.#log.erase(indexes);
    for (const [key, answer] of this.#answers) {
      if (indexes.has(answer.index)) this.#answers.set(key, { ...answer, fingerprint: "" });
    }
  }

  #project(change: Append, index: number): void {
    if (change.idempotency !== undefined) {
      const { key, fingerprint, answer } = change.idempotency;
      this.#answers.set(key, { fingerprint, answer: JSON.stringify(answer), index });
    }
    for (const row of change.requests ?? []) this.#requests.set(row.id, { ...row, view: JSON.stringify(row.view) });
    for (const timer of change.timers ?? []) {
      if ("clear" in timer) this.#timers.delete(timer.clear);
      else {
        const { set: id, dueAt, kind, stream } = timer;
        this.#timers.set(id, { id, dueAt, kind, stream });
      }
    }
    for (const message of change.outbox ?? []) {
      if (this.#outbox.has(message.id)) continue;
      this.#outbox.set(message.id, { ...message, body: JSON.stringify(message.body), attempts: 0 });
    }
    for (const { kind, id, body } of change.documents ?? []) {
      const documents = this.#documents.get(kind) ?? new Map<string, string>();
      this.#documents.set(kind, documents);
      if (body === null) documents.delete(id);
      else documents.set(id, JSON.stringify(body));
    }
  }

  async stream(name: StreamName, fromVersion: number = 0): Promise<readonly StoredEntry[]> {
    this.#assertOpen();
    assertCount("fromVersion", fromVersion);
    return this.#log.stream(name, fromVersion);
  }

  async range(fromIndex: number, limit: number): Promise<readonly StoredEntry[]> {
    this.#assertOpen();
    assertCount("fromIndex", fromIndex);
    assertCount("limit", limit);
    return this.#log.range(fromIndex, limit);
  }

  async headers(fromIndex: number, limit: number): Promise<readonly Uint8Array[]> {
    return (await this.range(fromIndex, limit)).map((entry) => entry.header);
  }

  async head(): Promise<Head> {
    this.#assertOpen();
    return this.#log.head();
  }

  async subtrees(wanted: readonly Subtree[]): Promise<readonly Uint8Array[]> {
    this.#assertOpen();
    return wanted.map((subtree) => this.#log.subtree(subtree));
  }

  async slot(key: string): Promise<StreamName | null> {
    this.#assertOpen();
    return this.#slots.get(key)?.holder ?? null;
  }

  async requests(filter: RequestFilter): Promise<readonly RequestRow[]> {
    this.#assertOpen();
    assertCount("limit", filter.limit);
    const { status, agent, before } = filter;
    return [...this.#requests.values()]
      .filter((row) => status === undefined || status.includes(row.status))
      .filter((row) => agent === undefined || row.agent === agent)
      .filter((row) => before === undefined || newestFirst(before, row) < 0)
      .toSorted(newestFirst)
      .slice(0, filter.limit)
      .map((row) => ({ ...row, view: parse(row.view) }));
  }

  async dueTimers(now: Instant, limit: number): Promise<readonly Timer[]> {
    this.#assertOpen();
    assertCount("limit", limit);
    return [...this.#timers.values()]
      .filter((timer) => timer.dueAt <= now)
      .toSorted((a, b) => a.dueAt - b.dueAt || compareText(a.id, b.id))
      .slice(0, limit)
      .map((timer) => ({ ...timer }));
  }

  async nextTimer(): Promise<Instant | null> {
    this.#assertOpen();
    let next: Instant | null = null;
    for (const { dueAt } of this.#timers.values()) if (next === null || dueAt < next) next = dueAt;
    return next;
  }

  async takeMessages(now: Instant, limit: number, until: Instant): Promise<readonly Message[]> {
    this.#assertOpen();
    assertInteger("now", now);
    assertCount("limit", limit);
    assertInteger("until", until);
    const due = this.#waiting().filter((message) => message.notBefore <= now);
    const taken = due
      .slice(0, limit)
      .map((message) => ({ ...message, attempts: message.attempts + 1, notBefore: until }));
    for (const message of taken) this.#outbox.set(message.id, message);
    return taken.map((message) => ({ ...message, body: parse(message.body) }));
  }

  async messages(limit: number): Promise<readonly Message[]> {
    this.#assertOpen();
    assertCount("limit", limit);
    return this.#waiting()
      .slice(0, limit)
      .map((message) => ({ ...message, body: parse(message.body) }));
  }

  #waiting(): readonly KeptMessage[] {
    return [...this.#outbox.values()].toSorted((a, b) => a.notBefore - b.notBefore); // stable: then in the order of appends
  }

  async messageDone(id: string): Promise<void> {
    this.#assertOpen();
    this.#outbox.delete(id);
  }

  async messageRetry(id: string, notBefore: Instant): Promise<void> {
    this.#assertOpen();
    assertInteger("notBefore", notBefore);
    const message = this.#outbox.get(id);
    if (message !== undefined) this.#outbox.set(id, { ...message, notBefore });
  }

  /** Memory has no free places that anybody reads. */
  async forget(): Promise<void> {
    this.#assertOpen();
  }

  async document(kind: string, id: string): Promise<StoredDocument | null> {
    this.#assertOpen();
    const body = this.#documents.get(kind)?.get(id);
    return body === undefined ? null : { kind, id, body: parse(body) };
  }

  async documents(kind: string): Promise<readonly StoredDocument[]> {
    this.#assertOpen();
    return [...(this.#documents.get(kind) ?? [])]
      .toSorted(([a], [b]) => compareText(a, b))
      .map(([id, body]) => ({ kind, id, body: parse(body) }));
  }

  /** Nobody else has this memory. */
  onAdvance(): () => void {
    return () => {};
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
  }

  #assertOpen(): void {
    if (this.#closed) throw new StoreError({ code: "store_closed", message: "the store is closed; open it again" });
  }
}

function newestFirst(a: Pick<RequestRow, "openedAt" | "id">, b: Pick<RequestRow, "openedAt" | "id">): number {
  return b.openedAt - a.openedAt || compareText(b.id, a.id);
}

/** By code points, as UTF-8 sorts; JavaScript's own order goes by UTF-16 units and differs above U+FFFF. */
function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function parse(text: string): JsonObject {
  return JSON.parse(text) as JsonObject;
}
