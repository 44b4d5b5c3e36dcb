import type { Instant, StreamName } from "../../core/brand.ts";
import { Frontier } from "../../core/ledger/index.ts";
import { packAppend, packPlain } from "../../ports/append-call.ts";
import { assertAppend, assertCount, assertInteger } from "../../ports/append.ts";
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
import { blob, integer, name, nullable, toName } from "./columns.ts";
import type { Row } from "./columns.ts";
import { Desk } from "./desk.ts";
import { readHead, readSubtrees } from "./edges.ts";
import { describe, failureOf, unavailable } from "./failure.ts";
import { Link, placeName, unsupported } from "./link.ts";
import type { Place, Statement } from "./link.ts";
import { assertSchema } from "./migrate.ts";
import { Reader, readRequests } from "./reader.ts";
import { NewsKeys } from "./seal.ts";
import { toDocument, toEntry, toMessage, toTimer } from "./rows.ts";
import { Wake } from "./wake.ts";
import type { Listener } from "./wake.ts";

export type PostgresStoreOptions = {
  /** `postgres://role:password@host:port/database`, with `sslmode=verify-full` wherever it leaves the machine. */
  readonly url: string;
  /** Which ledger of the database: lower-case letters, digits, `.`, `_`, `-`. It is begun where it is missing. */
  readonly ledger: string;
  /**
   * How other instances are noticed: `notify` listens on a connection of its own beside the poll of one second, which
   * `poll` leaves to do alone, for databases and poolers that have no NOTIFY. Default `notify`.
   */
  readonly wake?: "notify" | "poll";
  /**
   * What only instances of this ledger share: under keys of it news carry what is awaited, so that nobody has to read it.
   * Once it is known, where that is later; without it nothing is carried, and nothing carried is believed.
   */
  readonly newsSecret?: Uint8Array | Promise<Uint8Array>;
  /** How long a call waits for a database that is away before it is refused. Default 10 s. */
  readonly patienceMs?: number;
  /** The longest that one statement may run on the server. Default 10 s. */
  readonly statementTimeoutMs?: number;
  /** The longest that one statement may wait there for another instance. Default 5 s. */
  readonly lockTimeoutMs?: number;
  /** The longest that a transaction may be silent before the server ends it and frees its locks. Default 5 s. */
  readonly idleTimeoutMs?: number;
  /** Told in one sentence of what an operator may want to know: the database is away, is back, or is set up badly. */
  readonly onLog?: (note: string) => void;
};

/** Rewriting tables takes its time; nobody else writes to them meanwhile. */
const FORGET_TIMEOUT_MS = 3_600_000;
const FORGET_TRIES_MAX = 5;
const CONNECT_TIMEOUT_MS = 5_000;
const LEDGER_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/u;

/**
 * Opens a ledger in a database that `migratePostgres` has prepared. Any number of processes may have it open.
 * Throws `store_unavailable` where the database cannot be reached, `store_unsupported` where it is not fit.
 */
export async function openPostgres(options: PostgresStoreOptions): Promise<Store> {
  const { url, ledger } = options;
  if (!LEDGER_NAME.test(ledger)) {
    throw unsupported(`\`${ledger}\` names no ledger; use up to 63 lower-case letters, digits, \`.\`, \`_\` and \`-\``);
  }
  const place: Place = {
    url,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    statementTimeoutMs: options.statementTimeoutMs ?? 10_000,
    lockTimeoutMs: options.lockTimeoutMs ?? 5_000,
    idleTimeoutMs: options.idleTimeoutMs ?? 5_000,
  };
  const title = `ledger \`${ledger}\` at ${placeName(url)}`;
  const log = (note: string): void => options.onLog?.(`${title}: ${note}`);
  try {
    await using link = await Link.open(place, "start");
    await assertSchema(link);
    await begin(link, ledger);
    for (const note of await notesOf(link)) log(note);
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw unavailable(
      `${title} cannot be opened: ${describe(error)}; see that address, role and password are right`,
      error,
    );
  }
  return new PostgresStore({ place, ledger, title, log, options });
}

/** The first to open a ledger begins it. */
async function begin(link: Link, ledger: string): Promise<void> {
  await link.run([
    {
      text: "insert into keyturn.head (ledger, frontier) values ($1, $2) on conflict do nothing",
      values: [ledger, new Frontier().toBytes()],
    },
    // A writer asks for its last note within its patience: what is a day old nobody asks for.
    {
      text: "delete from keyturn.writers where ledger = $1 and at < now() - interval '1 day'",
      values: [ledger],
    },
  ]);
}

/** What an operator should change. */
async function notesOf(link: Link): Promise<readonly string[]> {
  const [result] = await link.run([
    {
      text: `select current_setting('fsync') = 'off' or current_setting('full_page_writes') = 'off' as unsafe,
        has_table_privilege('keyturn.entries', 'update, delete, truncate') as mighty`,
    },
  ]);
  const { unsafe, mighty } = result?.rows[0] ?? {};
  const notes: string[] = [];
  if (unsafe === true)
    notes.push("`fsync` or `full_page_writes` is off: a crash of the database loses what was acknowledged");
  if (mighty === true) {
    notes.push(
      "this role may change and delete entries; connect with one that `keyturn store migrate --role` has made less mighty",
    );
  }
  return notes;
}

type Parts = {
  readonly place: Place;
  readonly ledger: string;
  readonly title: string;
  readonly log: (note: string) => void;
  readonly options: PostgresStoreOptions;
};

class PostgresStore implements Store {
  readonly fault: Promise<StoreError>;
  readonly #parts: Parts;
  readonly #desk: Desk;
  readonly #reader: Reader;
  readonly #wake: Wake;
  /** Reads under way, which closing waits for. */
  readonly #reading = new Set<Promise<unknown>>();
  #closed: Promise<void> | null = null;

  constructor(parts: Parts) {
    const { place, ledger, title, log, options } = parts;
    const patienceMs = options.patienceMs ?? 10_000;
    const notify = (options.wake ?? "notify") === "notify";
    this.#parts = parts;
    const onCommit = (commits: number): void => this.#wake.own(commits);
    this.#desk = new Desk({ place, ledger, title, notify, patienceMs }, { log, onCommit });
    this.#reader = new Reader(place, patienceMs);
    const onNews = (): void => this.#desk.tellNews();
    const { writers } = this.#desk;
    this.#wake = new Wake({ place, ledger, reader: this.#reader, writers, listen: notify, onNews });
    this.fault = this.#desk.fault;
    void this.#share(options.newsSecret);
  }

  async append(change: Append): Promise<AppendResult> {
    assertAppend(change);
    const reply = await this.#desk.write(packAppend(change));
    if (reply === null || !("status" in reply)) throw new TypeError("the writer answered no result to an append");
    return reply;
  }

  async stream(stream: StreamName, fromVersion: number = 0): Promise<readonly StoredEntry[]> {
    assertCount("fromVersion", fromVersion);
    const where = "e.stream = $2 and e.version >= $3 order by e.version";
    return (await this.#rows("stream", `${ENTRIES} and ${where}`, toName(stream), fromVersion)).map(toEntry);
  }

  async range(fromIndex: number, limit: number): Promise<readonly StoredEntry[]> {
    assertCount("fromIndex", fromIndex);
    assertCount("limit", limit);
    return (await this.#rows("range", `${ENTRIES} and e.idx >= $2 order by e.idx limit $3`, fromIndex, limit)).map(
      toEntry,
    );
  }

  async headers(fromIndex: number, limit: number): Promise<readonly Uint8Array[]> {
    assertCount("fromIndex", fromIndex);
    assertCount("limit", limit);
    const text = "select header from keyturn.entries where ledger = $1 and idx >= $2 order by idx limit $3";
    return (await this.#rows("headers", text, fromIndex, limit)).map((row) => blob(row["header"]));
  }

  async head(): Promise<Head> {
    return this.#read((reader, ledger) => readHead(reader, ledger));
  }

  async subtrees(wanted: readonly Subtree[]): Promise<readonly Uint8Array[]> {
    const copied = wanted.map(({ level, index }) => ({ level, index }));
    return this.#read((reader, ledger) => readSubtrees(reader, ledger, copied));
  }

  async slot(key: string): Promise<StreamName | null> {
    const text = "select holder from keyturn.slots where ledger = $1 and key = $2";
    const [row] = await this.#rows("slot", text, toName(key));
    return row === undefined ? null : (name(row["holder"]) as StreamName);
  }

  async requests(filter: RequestFilter): Promise<readonly RequestRow[]> {
    assertCount("limit", filter.limit);
    return this.#read((reader, ledger) => readRequests(reader, ledger, filter));
  }

  async dueTimers(now: Instant, limit: number): Promise<readonly Timer[]> {
    assertCount("limit", limit);
    const text = `select id, due_at, kind, stream from keyturn.timers
      where ledger = $1 and due_at <= $2 order by due_at, id limit $3`;
    return (await this.#rows("due_timers", text, now, limit)).map(toTimer);
  }

  async nextTimer(): Promise<Instant | null> {
    const text = "select min(due_at) as due_at from keyturn.timers where ledger = $1";
    const [row] = await this.#rows("next_timer", text);
    return nullable(integer, row?.["due_at"] ?? null) as Instant | null;
  }

  async takeMessages(now: Instant, limit: number, until: Instant): Promise<readonly Message[]> {
    assertInteger("now", now);
    assertCount("limit", limit);
    assertInteger("until", until);
    const reply = await this.#desk.write(packPlain({ kind: "take", now, limit, until }));
    // Null where the answer was lost on the way: they are taken, and come again after `until`.
    if (reply === null) return [];
    if ("status" in reply) throw new TypeError("the writer answered a result to who takes messages");
    return reply;
  }

  async messages(limit: number): Promise<readonly Message[]> {
    assertCount("limit", limit);
    const text = `select id, topic, body, not_before, attempts from keyturn.outbox
      where ledger = $1 order by not_before, seq limit $2`;
    return (await this.#rows("messages", text, limit)).map(toMessage);
  }

  async messageDone(id: string): Promise<void> {
    await this.#desk.write(packPlain({ kind: "done", id }));
  }

  async messageRetry(id: string, notBefore: Instant): Promise<void> {
    assertInteger("notBefore", notBefore);
    await this.#desk.write(packPlain({ kind: "move", id, notBefore }));
  }

  /** Rewrites the tables of all ledgers in the database; its write-ahead log, replicas and backups are not its. */
  async forget(): Promise<void> {
    this.#assertOpen();
    const work = this.#forget();
    await this.#track(work);
  }

  async document(kind: string, id: string): Promise<StoredDocument | null> {
    const text = "select kind, id, body from keyturn.documents where ledger = $1 and kind = $2 and id = $3";
    const [row] = await this.#rows("document", text, toName(kind), toName(id));
    return row === undefined ? null : toDocument(row);
  }

  async documents(kind: string): Promise<readonly StoredDocument[]> {
    const text = "select kind, id, body from keyturn.documents where ledger = $1 and kind = $2 order by id";
    return (await this.#rows("documents", text, toName(kind))).map(toDocument);
  }

  onAdvance(listener: Listener): () => void {
    return this.#closed === null ? this.#wake.on(listener) : () => {};
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  /** A secret that never comes is none. */
  async #share(newsSecret: PostgresStoreOptions["newsSecret"]): Promise<void> {
    const secret = await Promise.resolve(newsSecret).catch(() => undefined);
    if (secret === undefined) return;
    this.#wake.believe(new NewsKeys(secret));
    this.#desk.shareSecret(secret);
  }

  async #close(): Promise<void> {
    await this.#desk.close();
    await Promise.allSettled(this.#reading);
    await this.#wake.close();
    await this.#reader.close();
  }

  async #forget(): Promise<void> {
    const place = { ...this.#parts.place, statementTimeoutMs: FORGET_TIMEOUT_MS, lockTimeoutMs: FORGET_TIMEOUT_MS };
    for (let tries = 1; ; tries += 1) {
      try {
        await using link = await Link.open(place, "forget");
        await link.run([{ text: "select keyturn.forget()" }]);
        return;
      } catch (error) {
        if (failureOf(error) !== "again" || tries === FORGET_TRIES_MAX) {
          throw unavailable(`the tables could not be rewritten: ${describe(error)}; try again`, error);
        }
      }
    }
  }

  async #rows(of: string, text: string, ...values: readonly unknown[]): Promise<readonly Row[]> {
    return this.#read((reader, ledger) => {
      const statement: Statement = { name: of, text, values: [ledger, ...values] };
      return reader.rows(statement);
    });
  }

  async #read<T>(how: (reader: Reader, ledger: string) => Promise<T>): Promise<T> {
    this.#assertOpen();
    return this.#track(how(this.#reader, this.#parts.ledger));
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#reading.add(work);
    try {
      return await work;
    } catch (error) {
      if (failureOf(error) === "damaged") throw this.#desk.fail(error);
      throw error;
    } finally {
      this.#reading.delete(work);
    }
  }

  #assertOpen(): void {
    if (this.#desk.refusal !== null) throw this.#desk.refusal;
  }
}

// `offset 0` keeps the payloads a lookup for each entry. As a plain join, a plan made while the tables were small would read
// all payloads of the ledger for every page of it.
const ENTRIES = `select e.idx, e.stream, e.version, e.type, e.header, p.salt, p.payload from keyturn.entries e
  left join lateral (select salt, payload from keyturn.payloads where ledger = e.ledger and idx = e.idx offset 0) p on true
  where e.ledger = $1`;
