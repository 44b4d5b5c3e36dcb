import { applyEvent, type RequestState } from "../core/approval/index.ts";
import type { DeferralId, RequestId } from "../core/brand.ts";
import { openHeader } from "../core/ledger/index.ts";
import type { Append, AppendResult, StoredEntry } from "../ports/store.ts";
import type { Context } from "./context.ts";
import { loadRequest, recorded, told } from "./journal.ts";

/** Entries that are read at a time. */
const PAGE = 256;
/** News that wait with what they carry while something is read: of more nothing is kept, and it is read too. */
const NEWS_MAX = 32;
/** After which time what could not be read is read again, in milliseconds: the store tells of it once. */
const AGAIN_MS = 1000;

/** What another instance changed beside requests, facts and sessions: once for each page that was read. */
export type Elsewhere = {
  /** Types of the entries, each once. */
  readonly types: ReadonlySet<string>;
  /** Credentials that came or went. */
  readonly credentials: readonly string[];
};

/** How an entry is read. */
type Read = typeof recorded;

/**
 * Follows a ledger that several processes write: reads what others have appended, and tells this process of it as if it
 * had happened here. What this process appended itself is known already and is skipped.
 */
export class Follower {
  readonly #ctx: Context;
  readonly #onChange: (elsewhere: Elsewhere) => Promise<void>;
  /** Headers of our own appends whose answer is not here yet; salts make each unlike every other. */
  readonly #pending = new Map<string, Promise<boolean>>();
  /** Where our own entries stand, from the cursor on. */
  readonly #own = new Set<number>();
  /** Entries that were passed over as ours, and whose append came to nothing here: nobody was told of them. */
  #owed: StoredEntry[] = [];
  #again: NodeJS.Timeout | null = null;
  #cursor: number;
  #heard = 0;
  /** Whether entries are taken from the cursor on, which stands still meanwhile. */
  #isTaking = false;
  #last: Promise<void> = Promise.resolve();
  #next: Promise<void> | null = null;
  #news = 0;
  #look: () => void = () => {};
  #behindSince: number | null = null;

  /** Follows from `from` on; all before it must be known here. `onChange` hears of what the engine itself does not keep. */
  constructor(ctx: Context, from: number, onChange: (elsewhere: Elsewhere) => Promise<void>) {
    this.#ctx = ctx;
    this.#cursor = from;
    this.#onChange = onChange;
  }

  /** The index up to which everything is known here. */
  get cursor(): number {
    return this.#cursor;
  }

  /**
   * The ledger's size as far as is known here, with all that stands before it. Null while it is known to be more, or an
   * append of this process may make it more.
   */
  get knownSize(): number | null {
    const isAll = this.#pending.size === 0 && this.#owed.length === 0 && this.#behindSince === null && !this.#isTaking;
    return isAll ? this.#cursor : null;
  }

  /** How many entries of others were told here. */
  get heard(): number {
    return this.#heard;
  }

  /** For how long, in milliseconds, it has known that there is more than it could read. */
  get behindMs(): number {
    return this.#behindSince === null ? 0 : performance.now() - this.#behindSince;
  }

  /** Hears of an append of this process, when it is asked for. */
  wrote(change: Append, result: Promise<AppendResult>): void {
    if (change.entries.length === 0) return;
    const keys = change.entries.map(({ header }) => keyOf(header));
    const settled = result.then(
      (answer) => {
        if (answer.status !== "appended") return false;
        for (const at of keys.keys()) if (answer.index + at >= this.#cursor) this.#own.add(answer.index + at);
        if (!this.#isTaking) this.#skipOwn();
        return true;
      },
      // It may be in the ledger all the same; nobody here was told of it, so it counts as somebody else's.
      () => false,
    );
    for (const key of keys) this.#pending.set(key, settled);
    void settled.then(() => keys.forEach((key) => this.#pending.delete(key)));
  }

  /** Reads until the signal aborts, whenever there may be something. */
  run(signal: AbortSignal): void {
    const look = (news?: readonly StoredEntry[]): void => {
      this.#behindSince ??= performance.now();
      // A store that is away says so to everybody.
      this.#hear(news).catch(() => {
        if (!signal.aborted && this.#again === null) this.#again = setTimeout(again, AGAIN_MS).unref();
      });
    };
    const again = (): void => {
      this.#again = null;
      look();
    };
    this.#look = look;
    const stop = this.#ctx.store.onAdvance(look);
    signal.addEventListener("abort", stop, { once: true });
    look();
  }

  /** Resolves once all is known here that was in the ledger when this was called; rejects while it cannot be read. */
  catchUp(): Promise<void> {
    this.#next ??= this.#last
      .catch(() => undefined)
      .then(() => {
        this.#next = null;
        return this.#taking(() => this.#read());
      });
    this.#last = this.#next;
    return this.#next;
  }

  /** Takes what the news carry, in its turn; reads where they carry nothing, or are not what comes next. */
  #hear(news: readonly StoredEntry[] | undefined): Promise<void> {
    // A read that has not begun sees all of it.
    if (news === undefined || this.#next !== null || this.#news >= NEWS_MAX) return this.catchUp();
    const follow = (): Promise<void> => this.#taking(() => this.#follow(news));
    // Mostly nothing is under way, and nothing to wait for.
    if (!this.#isTaking && this.#news === 0) {
      this.#last = follow();
      return this.#last;
    }
    this.#news += 1;
    this.#last = this.#last
      .catch(() => undefined)
      .then(() => {
        this.#news -= 1;
        return follow();
      });
    return this.#last;
  }

  async #taking(work: () => Promise<void>): Promise<void> {
    this.#isTaking = true;
    try {
      const owed = [...this.#owed];
      if (owed.length > 0) await this.#tell(owed, recorded);
      this.#owed = this.#owed.slice(owed.length);
      await work();
    } finally {
      this.#isTaking = false;
      this.#skipOwn();
    }
  }

  async #follow(news: readonly StoredEntry[]): Promise<void> {
    this.#skipOwn();
    const first = news[0]?.index ?? 0;
    if (first > this.#cursor) return this.#read();
    // What a read has seen meanwhile is known.
    await this.#pass(news.slice(this.#cursor - first), told);
    this.#behindSince = null;
  }

  async #read(): Promise<void> {
    for (;;) {
      this.#skipOwn();
      const entries = await this.#ctx.store.range(this.#cursor, PAGE);
      await this.#pass(entries, recorded);
      if (entries.length < PAGE) break;
    }
    this.#behindSince = null;
  }

  /** What this process wrote itself needs no reading. */
  #skipOwn(): void {
    while (this.#own.delete(this.#cursor)) this.#cursor += 1;
  }

  /** Takes the entries from the cursor on, and moves it. */
  async #pass(entries: readonly StoredEntry[], read: Read): Promise<void> {
    await this.#take(entries, read);
    // Only now, so that what failed half-way comes again.
    const to = this.#cursor + entries.length;
    for (let at = this.#cursor; at < to; at += 1) this.#own.delete(at);
    this.#cursor = to;
  }

  async #take(entries: readonly StoredEntry[], read: Read): Promise<void> {
    const foreign: StoredEntry[] = [];
    for (const entry of entries) {
      if (this.#own.has(entry.index)) continue;
      const settled = this.#pending.get(keyOf(entry.header));
      if (settled === undefined) foreign.push(entry);
      // Ours, but for its answer: should that be a refusal, it is told then.
      else void settled.then((ours) => (ours ? undefined : this.#owe(entry)));
    }
    if (foreign.length > 0) await this.#tell(foreign, read);
  }

  #owe(entry: StoredEntry): void {
    this.#owed.push(entry);
    this.#look();
  }

  async #tell(entries: readonly StoredEntry[], read: Read): Promise<void> {
    const { store, around } = this.#ctx;
    const requests = new Map<RequestId, StoredEntry[]>();
    const types = new Set<string>();
    const credentials: string[] = [];
    for (const entry of entries) {
      const { stream, type } = entry;
      types.add(type);
      await around.keeper.apply(entry);
      if (type === "action.evaluated") around.keeper.counted();
      if (stream.startsWith("request/")) {
        const id = stream.slice("request/".length) as RequestId;
        requests.set(id, [...(requests.get(id) ?? []), entry]);
      }
      if (stream.startsWith("deferral/")) {
        await around.deferrals.reload(store, stream.slice("deferral/".length) as DeferralId);
      }
      const { credential } = CREDENTIALS.has(type) ? openHeader(entry.header).publics : {};
      if (typeof credential === "string") credentials.push(credential);
    }
    if (types.has("facts.stated")) await around.stated.open(store);
    // The directory and the like come first: whoever hears of a request may look at them.
    await this.#onChange({ types, credentials });
    for (const [id, of] of requests) {
      const state = this.#continued(id, of, read) ?? (await loadRequest(this.#ctx, id));
      if (state === null) around.latest.forget(id);
      else this.#publish(state);
    }
    this.#heard += entries.length;
  }

  /** The request after these entries, or null where they do not follow on what is known here. */
  #continued(id: RequestId, entries: readonly StoredEntry[], read: Read): RequestState | null {
    let state = this.#ctx.around.latest.of(id);
    for (const entry of entries) {
      if (entry.version !== (state?.version ?? 0) || entry.payload === null) return null;
      state = applyEvent(state, read(entry));
    }
    return state;
  }

  #publish(state: RequestState): void {
    if (!this.#ctx.around.latest.heard(state)) return;
    this.#ctx.around.sessions.heard(state);
    this.#ctx.bus.publish(state);
  }
}

const CREDENTIALS: ReadonlySet<string> = new Set([
  "token.created",
  "token.revoked",
  "sign_in.offered",
  "session.opened",
  "session.closed",
]);

const decoder = new TextDecoder();

function keyOf(header: Uint8Array): string {
  return decoder.decode(header);
}
