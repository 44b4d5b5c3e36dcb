import {
  canonicalBytes,
  digest as digestOf,
  isJsonObject,
  jsonAt,
  jsonItems,
  jsonText,
  parseJson,
} from "../core/action/index.ts";
import type { Json, JsonObject } from "../core/action/index.ts";
import type { Digest, Instant, PersonId, RequestId, StreamName } from "../core/brand.ts";
import { ENTRY_PAYLOAD_BYTES_MAX, ENTRY_PAYLOAD_DEPTH_MAX, openHeader } from "../core/ledger/index.ts";
import type { StoredEntry } from "../ports/store.ts";
import type { Context } from "./context.ts";
import { EngineError } from "./errors.ts";

/** Whose data is to go: a person of the directory, a text that names somebody in parameters, or all before a time. */
export type Selector = { readonly person: PersonId } | { readonly subject: string } | { readonly before: Instant };

/** What an erasure would erase, of the entries below `until`. The same ledger and selector make the same plan. */
export type ErasurePlan = {
  readonly until: number;
  readonly indexes: readonly number[];
  /** Requests of which an entry goes: they can no longer be shown. */
  readonly requests: readonly RequestId[];
  /** SHA-256 over the indexes: what people approve. */
  readonly digest: Digest;
  /** Entries that the selector means and that stay, because their request or the rules are still in use. */
  readonly kept: number;
  /** Whether a text names who is to be forgotten. */
  readonly names: (json: Json) => boolean;
};

/** Entries of one erasure: their indexes are kept in memory and in its plan. */
export const ERASURE_ENTRIES_MAX = 200_000;
/** Characters of a subject: a shorter text would be found everywhere. */
export const SUBJECT_CHARS_MIN = 3;
/** How long an executed action may wait for its outcome before its entries can go. */
const OUTCOME_WAIT_MS = 86_400_000;
const PAGE = 256;

/** Their newest entry is in force, and stays. */
const RULES: ReadonlySet<string> = new Set([
  "directory.changed",
  "policy.changed",
  "catalogue.changed",
  "config.changed",
]);
/** Who erased what, on which basis, and which keys signed: kept as long as the ledger. */
const KEPT: ReadonlySet<string> = new Set(["erasure.performed", "key.created", "epoch.closed", "epoch.continued"]);
const ENDS: ReadonlySet<string> = new Set([
  "request.denied",
  "request.expired",
  "request.cancelled",
  "request.failed",
  "permit.expired",
  "action.completed",
]);

/** Reads the whole ledger below `until` and plans; it changes nothing. */
export async function planErasure(
  ctx: Pick<Context, "store">,
  selector: Selector,
  until?: number,
): Promise<ErasurePlan> {
  const size = until ?? (await ctx.store.head()).size;
  const names = await namesOf(ctx, selector);
  const search = new Search(selector, names);
  for (let from = 0; from < size;) {
    const page = await ctx.store.range(from, Math.min(PAGE, size - from));
    if (page.length === 0) break;
    for (const entry of page) search.look(entry);
    from += page.length;
  }
  const { indexes, requests, kept } = search.found();
  return { until: size, indexes, requests, kept, names, digest: digestOf(canonicalBytes([...indexes])) };
}

type Found = { readonly index: number; readonly stream: StreamName; readonly type: string };

class Search {
  readonly #selector: Selector;
  readonly #names: (json: Json) => boolean;
  readonly #found: Found[] = [];
  /** The newest entry's time, and not the clock's: the plan depends on the ledger alone. */
  #now = 0;
  /** Requests that are not over, and since when they have not changed. */
  readonly #live = new Map<StreamName, { redeemedAt: Instant | null }>();
  readonly #newest = new Map<string, number>();
  /** What the directory in force is told by: the entry with the whole of it, and the steps since. */
  readonly #directory = new Set<number>();

  constructor(selector: Selector, names: (json: Json) => boolean) {
    this.#selector = selector;
    this.#names = names;
  }

  look({ index, stream, type, header, payload }: StoredEntry): void {
    const { at } = openHeader(header);
    this.#now = Math.max(this.#now, at);
    this.#follow(stream, type, at);
    if (RULES.has(type)) this.#newest.set(type, index);
    if (type === "directory.changed") {
      if (!isStep(payload)) this.#directory.clear();
      this.#directory.add(index);
    }
    if (payload === null || KEPT.has(type)) return;
    const meant = "before" in this.#selector ? at < this.#selector.before : this.#names(read(payload));
    if (!meant) return;
    if (this.#found.length >= ERASURE_ENTRIES_MAX) {
      const message = `more than ${ERASURE_ENTRIES_MAX} entries would go at once; erase in parts, with an earlier time`;
      throw new EngineError({ code: "erasure_too_large", message });
    }
    this.#found.push({ index, stream, type });
  }

  #follow(stream: StreamName, type: string, at: Instant): void {
    if (type === "request.opened") this.#live.set(stream, { redeemedAt: null });
    else if (ENDS.has(type)) this.#live.delete(stream);
    else if (type === "permit.redeemed") this.#live.set(stream, { redeemedAt: at });
  }

  found(): { readonly indexes: readonly number[]; readonly requests: readonly RequestId[]; readonly kept: number } {
    const going = this.#found.filter((found) => !this.#isInUse(found));
    // The directory's history tells who is meant: it goes last, so that a broken-off erasure can be resumed.
    const ordered = [...going.filter(isNoDirectory), ...going.filter((found) => !isNoDirectory(found))];
    const requests = new Set(going.flatMap(({ stream }) => (stream.startsWith("request/") ? [stream.slice(8)] : [])));
    return {
      indexes: ordered.map(({ index }) => index),
      requests: [...requests] as RequestId[],
      kept: this.#found.length - going.length,
    };
  }

  #isInUse({ index, stream, type }: Found): boolean {
    const inForce = this.#newest.get(type) === index || this.#directory.has(index);
    if (inForce && type === "directory.changed" && !("before" in this.#selector)) {
      const message =
        "the directory in force still names who is to be forgotten; take them out of it first, and where thousands are in it, start the server anew";
      throw new EngineError({ code: "subject_in_directory", message });
    }
    const live = this.#live.get(stream);
    if (inForce) return true;
    return live !== undefined && (live.redeemedAt === null || live.redeemedAt + OUTCOME_WAIT_MS > this.#now);
  }
}

/** Whether a change of the directory builds on the one before it; null is of an entry that was erased. */
function isStep(payload: Uint8Array | null): boolean {
  if (payload === null) return true;
  const read = JSON.parse(new TextDecoder().decode(payload)) as { readonly base?: string | null };
  return typeof read.base === "string";
}

function isNoDirectory({ type }: Found): boolean {
  return type !== "directory.changed";
}

/** Everything by which the ledger knows who is to be forgotten, as a test of texts. */
async function namesOf(ctx: Pick<Context, "store">, selector: Selector): Promise<(json: Json) => boolean> {
  if ("before" in selector) return () => false;
  const names = "subject" in selector ? [selector.subject] : await namesOfPerson(ctx, selector.person);
  const wanted = [...new Set(names.map(fold))].filter((name) => name !== "");
  return (json) => isNamed(json, wanted);
}

async function namesOfPerson(ctx: Pick<Context, "store">, person: PersonId): Promise<readonly string[]> {
  const names: string[] = [person];
  for (const { payload } of await ctx.store.stream("directory" as StreamName)) {
    if (payload === null) continue;
    const told = read(payload);
    // A large directory is told by steps, of which some are people.
    const stepped = jsonItems(jsonAt(told, "steps")).map((step) => jsonAt(step, "person"));
    for (const one of [...jsonItems(jsonAt(told, "directory", "people")), ...stepped]) {
      if (jsonText(jsonAt(one, "id")) !== person) continue;
      names.push(jsonText(jsonAt(one, "name")), ...jsonItems(jsonAt(one, "emails")).map(jsonText));
      names.push(...jsonItems(jsonAt(one, "accounts")).map((account) => jsonText(jsonAt(account, "subject"))));
    }
  }
  return names;
}

function isNamed(json: Json, names: readonly string[]): boolean {
  const waiting: Json[] = [json];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (typeof next === "string") {
      const text = fold(next);
      if (names.some((name) => hasWord(text, name))) return true;
    } else if (isJsonObject(next)) {
      for (const [member, value] of Object.entries<Json>(next)) waiting.push(member, value);
    } else if (Array.isArray(next)) {
      // One by one: a list of a payload's size does not fit the arguments of a call.
      for (const item of jsonItems(next)) waiting.push(item);
    }
  }
  return false;
}

const WORD = /[\p{L}\p{N}_]/u;

/** Whether a name stands in a text as a word of its own: `ana` in `ana@example.com`, not in `analysis`. */
function hasWord(text: string, name: string): boolean {
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    const before = text.charAt(at - 1);
    const after = text.charAt(at + name.length);
    if (!WORD.test(before) && !WORD.test(after)) return true;
  }
  return false;
}

function fold(text: string): string {
  return text.normalize("NFKC").toLowerCase();
}

function read(payload: Uint8Array): Json {
  return parseJson(payload, { bytesMax: ENTRY_PAYLOAD_BYTES_MAX, depthMax: ENTRY_PAYLOAD_DEPTH_MAX });
}

/** A selector as the question shows it to the people who approve. */
export function selectorJson(selector: Selector): JsonObject {
  return { ...selector };
}

/** The selector of a question; null for one that is no erasure. */
export function selectorOf(properties: JsonObject | undefined): Selector | null {
  const { person, subject, before } = properties ?? {};
  if (typeof person === "string") return { person: person as PersonId };
  if (typeof subject === "string") return { subject };
  return typeof before === "number" ? { before: before as Instant } : null;
}
