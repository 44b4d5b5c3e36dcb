import { isJsonList, isJsonObject } from "../core/action/index.ts";
import type { Json, JsonObject, Question } from "../core/action/index.ts";
import type { AgentId, Instant } from "../core/brand.ts";
import { openHeader } from "../core/ledger/index.ts";
import type { Classification } from "../core/risk/index.ts";
import type { Store, StoredEntry } from "../ports/store.ts";
import type { Fence } from "./lease.ts";
import { AgentLog, deedOf, type Deed } from "./session-agent.ts";
import type { SessionLog } from "./session.ts";

/** Entries after which sessions are written down again: so many at most are read at a start after a crash. */
export const SNAPSHOT_EVERY = 2_048;
/** Entries that are read however old they are; of more, only those of the time that any window or session still holds. */
const REPLAY_MAX = 2 * SNAPSHOT_EVERY;
const MATTERS_MS = 25 * 60 * 60_000;
/** Entries that are read at a time. */
const PAGE = 512;

/** Requests that wait and are read at a start; more of them are as many as no people look at. */
const PENDING_READ_MAX = 1_000;

const KIND = "sessions";
/** No agent has an empty name. */
const HEAD = "";

/** Up to where all of a ledger that several instances write to is known here, and the fence of what one of them writes. */
type Shared = { readonly cursor: number; fence(): Fence | null };

/** Keeps a session log over restarts: documents of every agent that changed, and from where to read on. */
export class SessionKeeper {
  readonly #store: Store;
  readonly #log: SessionLog;
  #shared: Shared | null = null;
  #since = 0;
  #saving: Promise<void> | null = null;

  constructor(store: Store, log: SessionLog) {
    this.#store = store;
    this.#log = log;
  }

  /** Reads what was written down, and the entries after it; of a ledger without such, those that still matter. */
  async open(now: Instant): Promise<void> {
    let upTo = 0;
    for (const { id, body } of await this.#store.documents(KIND)) {
      if (id !== HEAD) this.#log.restore(id as AgentId, AgentLog.restore(body));
      else {
        upTo = Number(body["upTo"] ?? 0);
        this.#log.remember(textsIn(body["counted"]));
      }
    }
    const { size } = await this.#store.head();
    const behind = size - upTo;
    if (behind > REPLAY_MAX) upTo = Math.max(upTo, await this.#firstSince(now - MATTERS_MS, size));
    for (;;) {
      const entries = await this.#store.range(upTo, PAGE);
      for (const entry of entries) await this.apply(entry);
      upTo += entries.length;
      this.#log.advance(upTo);
      if (entries.length < PAGE) break;
    }
    if (behind > SNAPSHOT_EVERY) await this.save(true);
    const pending = await this.#store.requests({ status: ["pending"], limit: PENDING_READ_MAX });
    this.#log.waiting(pending.map(({ id }) => id));
  }

  /** Other instances write to the same ledger: one of them writes sessions down, and no further than it has followed. */
  share(shared: Shared): void {
    this.#shared = shared;
  }

  /** The first entry that is not older than a time, as far as the ledger's times rise. */
  async #firstSince(time: number, size: number): Promise<number> {
    let [low, high] = [0, size];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const [header] = await this.#store.headers(middle, 1);
      if (header !== undefined && openHeader(header).at < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Counts an entry that this process did not write itself; one that it did is known already. */
  async apply(entry: StoredEntry): Promise<void> {
    if (!COUNTING.has(entry.type) || entry.payload === null) return;
    // Our own store's bytes, under their own commitment: what they hold has the shape that was written.
    const payload: Json = JSON.parse(decoder.decode(entry.payload));
    if (isJsonObject(payload)) await this.#count(entry, payload);
  }

  async #count(entry: StoredEntry, payload: JsonObject): Promise<void> {
    const { stream, type, index } = entry;
    const at = openHeader(entry.header).at;
    const key = keyOf(stream, type);
    if (this.#log.has(key)) return;
    switch (type) {
      case "action.evaluated": {
        const { agent, outcome, deed, question } = evaluatedIn(payload, at);
        this.#log.attempted(agent, question, at);
        if (outcome === "allow") this.#log.pass(key, agent, deed).settle(index);
        if (outcome === "deny") this.#log.note(key, agent, "denied", deed.session, at).settle(index);
        return;
      }
      case "request.opened": {
        const { agent, deed } = openedIn(payload["request"], at);
        this.#log.note(key, agent, "held", deed.session, at).settle(index);
        return;
      }
      case "request.denied":
      case "permit.redeemed": {
        const opened = await this.#opening(stream);
        if (opened === null) return;
        const { agent, deed } = openedIn(opened["request"], at);
        if (type === "permit.redeemed") this.#log.pass(key, agent, deed).settle(index);
        else this.#log.note(key, agent, "denied", deed.session, at).settle(index);
        return;
      }
      case "action.completed": {
        const rows = extraIn(payload);
        const opening = rows === null ? null : await this.#opening(stream);
        if (rows === null || opening === null) return;
        const { agent, deed } = "request" in opening ? openedIn(opening["request"], at) : evaluatedIn(opening, at);
        if (rows > deed.added.rows) this.#log.more(key, agent, deed, rows - deed.added.rows, index);
        return;
      }
    }
  }

  /** The payload of a stream's first entry; null where it was erased. */
  async #opening(stream: StoredEntry["stream"]): Promise<JsonObject | null> {
    const [first] = await this.#store.stream(stream);
    if (first === undefined || first.payload === null) return null;
    const payload: Json = JSON.parse(decoder.decode(first.payload));
    return isJsonObject(payload) ? payload : null;
  }

  /** One more entry was counted; from time to time all is written down, beside what goes on. */
  counted(): void {
    this.#since += 1;
    if (this.#since < SNAPSHOT_EVERY || this.#saving !== null) return;
    this.#saving = this.save()
      .catch(() => undefined) // a store that fails says so itself, and the ledger holds all of it
      .finally(() => {
        this.#saving = null;
      });
  }

  /** Lets go of names that gates gave, here and in the store: somebody's data may be among them, and is to be erased. */
  async forgetNames(now: Instant): Promise<void> {
    this.#log.forgetNames(now);
    await this.save();
  }

  /** Writes down what changed; with `always`, how far the ledger was read though nothing did. */
  async save(always = false): Promise<void> {
    this.#since = 0;
    const fence = this.#shared === null ? [] : this.#shared.fence();
    if (fence === null) return;
    const { agents, upTo, counted } = this.#log.changes(this.#shared?.cursor);
    if (agents.size === 0 && !always) return;
    const documents = [...agents].map(([id, log]) => ({ kind: KIND, id: id as string, body: log.dump() }));
    try {
      const head = { kind: KIND, id: HEAD, body: { upTo, counted: [...counted] } };
      const result = await this.#store.append({ entries: [], slots: fence, documents: [...documents, head] });
      // Whoever leads by now has written more: what this one knows is written when it leads again.
      if (result.status !== "appended") this.#log.changed(agents.keys());
    } catch (error) {
      this.#log.changed(agents.keys());
      throw error;
    }
  }
}

const COUNTING: ReadonlySet<string> = new Set([
  "action.evaluated",
  "action.completed",
  "request.opened",
  "request.denied",
  "permit.redeemed",
]);

const decoder = new TextDecoder();

/** What one entry is counted under, so that it counts once. */
export function keyOf(stream: string, type: string): string {
  const what = {
    "request.opened": " held",
    "request.denied": " denied",
    "permit.redeemed": " used",
    "action.completed": " rows",
  };
  return stream + (Object.hasOwn(what, type) ? what[type as keyof typeof what] : "");
}

/** The rows that an outcome tells of; null where it tells none. */
export function extraIn(payload: JsonObject): number | null {
  const outcome = payload["outcome"];
  const details = outcome !== undefined && isJsonObject(outcome) ? outcome["details"] : undefined;
  const rows = details !== undefined && isJsonObject(details) ? details["rows"] : undefined;
  return typeof rows === "number" && Number.isSafeInteger(rows) && rows > 0 ? rows : null;
}

type Read = { readonly agent: AgentId; readonly deed: Deed; readonly question: Question };

function evaluatedIn(payload: JsonObject, at: number): Read & { readonly outcome: Json | undefined } {
  const { question, classification, decision } = payload as JsonObject & Sealed;
  const outcome = (decision as JsonObject | undefined)?.["outcome"];
  return { agent: payload["agent"] as AgentId, outcome, question, deed: deedOf(question, classification, at) };
}

function openedIn(request: Json | undefined, at: number): Read {
  const { agent, question, classification } = request as JsonObject & Sealed & { readonly agent: AgentId };
  return { agent, question, deed: deedOf(question, classification, at) };
}

/** What evaluations and requests are sealed with. */
type Sealed = { readonly question: Question; readonly classification: Classification; readonly decision?: Json };

function textsIn(json: Json | undefined): readonly string[] {
  return json !== undefined && isJsonList(json) ? json.map(String) : [];
}
