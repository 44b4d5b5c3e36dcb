import { encodeHex } from "../core/encoding.ts";
import { Frontier, leafHash } from "../core/ledger/index.ts";
import type { Append, AppendResult, NewEntry, Store, StoredEntry } from "../ports/store.ts";
import { APPEND_ENTRIES_MAX, ERASE_ENTRIES_MAX, StoreError } from "../ports/store.ts";
import type { Answer, Contents } from "../stores/sqlite/index.ts";

/** What was copied and found again. */
export type Copied = {
  readonly size: number;
  /** Root of the tree over all headers, in hex: computed from the source's bytes and from the target's. */
  readonly root: string;
  readonly answers: number;
  readonly slots: number;
  readonly requests: number;
  readonly timers: number;
  readonly messages: number;
  readonly documents: number;
};

/** Why a copy was not made, or must not be used. */
export type CopyErrorCode = "copy_target_used" | "copy_differs";

export class CopyError extends Error {
  override readonly name = "CopyError";
  readonly code: CopyErrorCode;

  constructor(options: { code: CopyErrorCode; message: string }) {
    super(options.message);
    this.code = options.code;
  }
}

/** Entries that are read at a time, appends that are under way at a time, and rows of one append. */
const PAGE = 1024;
const AT_ONCE = 64;
const ROWS = 256;
const NOTHING = new Uint8Array(0);

/**
 * Copies all of a store's file into an empty ledger, and reads it back: every header, the root of the tree over them, and
 * how much there is of everything else. What is left of a copy that failed must not be served: begin again with another
 * ledger name.
 */
export async function copyStore(from: Contents, to: Store): Promise<Copied> {
  if ((await to.head()).size > 0 || (await to.nextTimer()) !== null || (await to.messages(1)).length > 0) {
    const message = "the target ledger is not empty; name another one with --ledger";
    throw new CopyError({ code: "copy_target_used", message });
  }
  const sender = new Sender(to);
  const answers = await copyEntries(from, sender);
  const rest = await copyRest(from, sender);
  await sender.drained();
  const root = await compare(from, to);
  return { size: from.size, root, answers, ...rest };
}

/** Sends appends in their order, some at a time: a store commits what waits together. */
class Sender {
  readonly #store: Store;
  #waiting: Promise<AppendResult>[] = [];

  constructor(store: Store) {
    this.#store = store;
  }

  async send(change: Append): Promise<void> {
    this.#waiting.push(this.#store.append(change));
    if (this.#waiting.length >= AT_ONCE) await this.drained();
  }

  async drained(): Promise<void> {
    const results = await Promise.all(this.#waiting);
    this.#waiting = [];
    if (results.every(({ status }) => status === "appended")) return;
    throw new CopyError({
      code: "copy_differs",
      message: "somebody else writes to the target ledger; stop that, and name another one",
    });
  }
}

async function copyEntries(from: Contents, sender: Sender): Promise<number> {
  const answers = from.answers()[Symbol.iterator]();
  let next = answers.next();
  let count = 0;
  let erased: number[] = [];
  const send = async (entries: readonly NewEntry[], answer: Answer | null): Promise<void> => {
    if (entries.length === 0 && answer === null) return;
    if (answer !== null) count += 1;
    const { key = "", fingerprint = "", answer: said = {} } = answer ?? {};
    await sender.send({ entries, ...(answer === null ? {} : { idempotency: { key, fingerprint, answer: said } }) });
  };
  for (let at = 0; at < from.size;) {
    const page = from.entries(at, PAGE);
    let batch: NewEntry[] = [];
    let answer: Answer | null = null;
    for (const entry of page) {
      const isBegun = next.done !== true && next.value.index === entry.index;
      if (isBegun || batch.length === APPEND_ENTRIES_MAX) {
        await send(batch, answer);
        batch = [];
        answer = null;
      }
      // A key stands at the index where its append began, so it is used again with the append that begins there.
      for (; next.done !== true && next.value.index === entry.index; next = answers.next()) {
        if (answer !== null) await send([], answer);
        answer = next.value;
      }
      batch.push(asNew(entry));
      if (entry.payload === null) erased.push(entry.index);
    }
    await send(batch, answer);
    at += page.length;
    if (page.length === 0) break;
  }
  for (; next.done !== true; next = answers.next()) await send([], next.value);
  await sender.drained();
  for (; erased.length > 0; erased = erased.slice(ERASE_ENTRIES_MAX)) {
    await sender.send({ entries: [], erase: erased.slice(0, ERASE_ENTRIES_MAX) });
  }
  return count;
}

/** What was erased is erased again after it, because an append brings a payload. */
function asNew({ stream, version, type, header, payload, salt }: StoredEntry): NewEntry {
  return { stream, version, type, header, payload: payload ?? NOTHING, salt: salt ?? NOTHING };
}

async function copyRest(from: Contents, sender: Sender): Promise<Omit<Copied, "size" | "root" | "answers">> {
  const ownerMax = Number.MAX_SAFE_INTEGER;
  const slots = from.slots().map(({ key, holder, owner }) => ({ take: key, holder, owner, ownerMax }));
  const timers = from.timers().map(({ id, dueAt, kind, stream }) => ({ set: id, dueAt, kind, stream }));
  const [requests, outbox, documents] = [from.requests(), from.messages(), from.documents()];
  for (const part of parts(slots)) await sender.send({ entries: [], slots: part });
  for (const part of parts(timers)) await sender.send({ entries: [], timers: part });
  for (const part of parts(requests)) await sender.send({ entries: [], requests: part });
  for (const part of parts(outbox)) await sender.send({ entries: [], outbox: part });
  for (const part of parts(documents)) await sender.send({ entries: [], documents: part });
  return {
    slots: slots.length,
    requests: requests.length,
    timers: timers.length,
    messages: outbox.length,
    documents: documents.length,
  };
}

function* parts<T>(all: readonly T[]): Generator<readonly T[], void, undefined> {
  for (let at = 0; at < all.length; at += ROWS) yield all.slice(at, at + ROWS);
}

/** Reads both again, from the disk and from the database, and answers the root; throws `copy_differs`. */
async function compare(from: Contents, to: Store): Promise<string> {
  const [ours, theirs] = [new Frontier(), new Frontier()];
  for (let at = 0; at < from.size; at += PAGE) {
    const [here, there] = [from.entries(at, PAGE), await to.range(at, PAGE)];
    here.forEach((entry, place) => {
      const other = there[place];
      if (other === undefined || !isSame(entry, other)) throw differs(`entry ${at + place}`);
      ours.append(leafHash(entry.header));
      theirs.append(leafHash(other.header));
    });
  }
  const { size, root } = await to.head();
  const wanted = encodeHex(ours.root());
  if (size !== from.size || encodeHex(root) !== wanted || encodeHex(theirs.root()) !== wanted)
    throw differs("the tree");
  for (const { key, holder } of from.slots()) if ((await to.slot(key)) !== holder) throw differs(`slot \`${key}\``);
  const { MAX_SAFE_INTEGER: all } = Number;
  const due = await to.dueTimers(all as Parameters<Store["dueTimers"]>[0], all);
  if (!isSameJson(due.toSorted(byId), from.timers().toSorted(byId))) throw differs("the timers");
  const waiting = (await to.messages(all)).map(({ id, topic, body, notBefore }) => ({ id, topic, body, notBefore }));
  if (!isSameJson(waiting.toSorted(byId), from.messages().toSorted(byId))) throw differs("the outbox");
  for (const [kind, here] of Map.groupBy(from.documents(), ({ kind: name }) => name)) {
    if (!isSameJson((await to.documents(kind)).toSorted(byId), here.toSorted(byId)))
      throw differs(`documents \`${kind}\``);
  }
  const rows = await to.requests({ limit: all });
  if (!isSameJson(rows.toSorted(byId), from.requests().toSorted(byId))) throw differs("the requests");
  return wanted;
}

function isSame(here: StoredEntry, there: StoredEntry): boolean {
  const bytes = (a: Uint8Array | null, b: Uint8Array | null): boolean =>
    a === null || b === null ? a === b : encodeHex(a) === encodeHex(b);
  const { index, stream, version, type, header, payload, salt } = here;
  const isNamed = index === there.index && stream === there.stream && version === there.version && type === there.type;
  return isNamed && bytes(header, there.header) && bytes(payload, there.payload) && bytes(salt, there.salt);
}

/** Our own rows, with members in the order of the port's types. */
function isSameJson(here: readonly object[], there: readonly object[]): boolean {
  return JSON.stringify(sorted(here)) === JSON.stringify(sorted(there));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : 1;
}

function differs(what: string): StoreError | CopyError {
  const message = `${what} of the copy is not what it was; do not serve it, and begin again with another --ledger`;
  return new CopyError({ code: "copy_differs", message });
}
