import { Socket } from "node:net";
import pg from "pg";
import type { ClientConfig, QueryResult } from "pg";
import { StoreError } from "../../ports/store.ts";
import { integer, text } from "./columns.ts";
import type { Row } from "./columns.ts";

/** The oldest server that the statements were tried on. */
export const POSTGRES_VERSION_MIN = 15;

/** What warns, at a commit, that the queue of those who listen is half full: nothing is wrong with the commit. */
const HALF_FULL = "asyncQueueFillWarning";
/** How long a server has to take leave of us. */
const GOODBYE_MS = 1000;

/** Where the database is, and how long anything there may take. */
export type Place = {
  readonly url: string;
  readonly connectTimeoutMs: number;
  /** One statement, on the server. */
  readonly statementTimeoutMs: number;
  /** Waiting for a lock, on the server. */
  readonly lockTimeoutMs: number;
  /** A transaction that says nothing, such as that of a stopped process: then the server frees its locks. */
  readonly idleTimeoutMs: number;
};

export type Result = QueryResult<Row>;

/** Host, port and database, without user or password. */
export function placeName(url: string): string {
  const { host, port, database } = new pg.Client({ connectionString: url });
  return `${host}:${port}/${database ?? ""}`;
}

/** What a session is opened with. Time-outs are the server's: it sees also to clients that have stopped. */
export function sessionConfig(place: Place, purpose: string): ClientConfig {
  return {
    connectionString: place.url,
    application_name: `keyturn ${purpose}`,
    connectionTimeoutMillis: place.connectTimeoutMs,
    statement_timeout: place.statementTimeoutMs,
    lock_timeout: place.lockTimeoutMs,
    idle_in_transaction_session_timeout: place.idleTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  };
}

/** One statement. Told of it as an object, `pg` would make a copy of it that is slow to make and to read. */
class Query extends pg.Query<Row> {
  declare name: string | undefined;

  constructor({ name, text, values }: Statement, answered: (error: Error | undefined, result: Result) => void) {
    super(text, values, answered);
    this.name = name;
  }
}

/** One session, used by one caller at a time: statements are sent without waiting for the answers of earlier ones. */
export class Link implements AsyncDisposable {
  readonly #client: pg.Client;
  /** Ends the connection where no answer came in time. One for all statements: to make one for each costs more than it. */
  readonly #patience: NodeJS.Timeout;
  #isAsked = false;
  #lost: Error | null = null;
  /** Warnings since they were last taken. */
  #warnings: string[] = [];

  private constructor(client: pg.Client, place: Place) {
    this.#client = client;
    const giveUp = (): void => {
      if (this.#isAsked) this.destroy(new Error("no answer came in time"));
    };
    // The server gives up first, and says why; this is for a network that swallows.
    this.#patience = setTimeout(giveUp, place.statementTimeoutMs + place.lockTimeoutMs + 1000).unref();
    client.on("error", (error) => (this.#lost ??= error));
    client.on("end", () => (this.#lost ??= new Error("the connection ended")));
    // By its code, for the words may be in any language: a mere notice has one of class 00.
    client.on("notice", ({ code, message, routine }) => {
      if (code?.startsWith("00") === true || routine === HALF_FULL) return;
      this.#warnings.push(message ?? "a warning without words");
    });
  }

  /** Connects; throws what `pg` says. */
  static async open(place: Place, purpose: string): Promise<Link> {
    const client = new pg.Client({ ...sessionConfig(place, purpose), pipeline: true });
    const link = new Link(client, place);
    try {
      await client.connect();
      await assertServer(link);
    } catch (error) {
      link.destroy(new Error("it did not open"));
      throw error;
    }
    return link;
  }

  get lost(): boolean {
    return this.#lost !== null;
  }

  /**
   * Sends all statements at once, and answers when the last is answered, with all results or the first error. An answer
   * that does not come in time ends the connection.
   */
  async run(statements: readonly Statement[]): Promise<readonly Result[]> {
    if (statements.length === 0) return [];
    this.#isAsked = true;
    this.#patience.refresh().ref();
    try {
      return await this.#send(statements);
    } catch (error) {
      throw this.#lost ?? error;
    } finally {
      this.#isAsked = false;
      this.#patience.unref();
    }
  }

  // In one piece: `pg` would hand each statement to the network by itself. Answers come in the order of the statements.
  #send(statements: readonly Statement[]): Promise<readonly Result[]> {
    return new Promise((resolve, reject) => {
      const results: Result[] = [];
      let failed: Error | null = null;
      let unanswered = statements.length;
      const answered = (error: Error | null | undefined, result: Result): void => {
        if (error) failed ??= error;
        else results.push(result);
        unanswered -= 1;
        if (unanswered > 0) return;
        if (failed === null) resolve(results);
        else reject(failed);
      };
      const { stream } = this.#client.connection;
      stream.cork();
      for (const statement of statements) this.#client.query(new Query(statement, answered));
      stream.uncork();
    });
  }

  /** The warnings since the last time. */
  takeWarnings(): readonly string[] {
    const warnings = this.#warnings;
    this.#warnings = [];
    return warnings;
  }

  onNotify(listener: (payload: string) => void): void {
    this.#client.on("notification", ({ payload }) => listener(payload ?? ""));
  }

  onLost(listener: () => void): void {
    this.#client.once("end", listener);
  }

  /** Whether it keeps the process alive: one that nothing waits for need not. */
  hold(held: boolean): void {
    const { stream } = this.#client.connection;
    if (!(stream instanceof Socket)) return;
    if (held) stream.ref();
    else stream.unref();
  }

  /** Ends the connection without a word to the server. */
  destroy(because: Error): void {
    this.#lost ??= because;
    clearTimeout(this.#patience);
    this.#client.connection.stream.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lost ??= new Error("the link is closed");
    clearTimeout(this.#patience);
    const timer = setTimeout(() => this.#client.connection.stream.destroy(), GOODBYE_MS);
    await this.#client.end().catch(() => {});
    clearTimeout(timer);
  }
}

/** A statement with its parameters; `name` where the server shall keep it prepared. */
export type Statement = { readonly name?: string; readonly text: string; readonly values?: unknown[] };

/**
 * Has a session plan each statement once, and look up key after key by an index: so all of ours are meant. The server would
 * plan again and again, for longer than it runs them, and scan or sort what was small when it planned. A plan that is made
 * once must hold for any limit, and looks dear enough to be compiled each time, which takes a tenth of a second. Servers
 * without these settings pass over them.
 */
export const PLAN_ONCE: Statement = {
  text: `select set_config(name, setting, false)
    from (values ('plan_cache_mode', 'force_generic_plan'), ('enable_seqscan', 'off'), ('enable_hashjoin', 'off'),
      ('enable_mergejoin', 'off'), ('jit', 'off')) as wanted (name, setting)
    where name in (select name from pg_settings)`,
};

/** Throws `store_unsupported` for a server that could not keep the promises of the port. */
async function assertServer(link: Link): Promise<void> {
  const [result] = await link.run([
    {
      text: `select current_setting('server_version_num') as version, current_setting('server_encoding') as encoding,
        current_setting('synchronous_commit') as commits, pg_is_in_recovery() as standby`,
    },
    PLAN_ONCE,
  ]);
  const row = result?.rows[0] ?? {};
  const version = Math.floor(integer(row["version"]) / 10_000);
  if (version < POSTGRES_VERSION_MIN) {
    throw unsupported(`this is PostgreSQL ${version}; use ${POSTGRES_VERSION_MIN} or later`);
  }
  if (text(row["encoding"]) !== "UTF8") {
    throw unsupported(`the database has the encoding ${text(row["encoding"])}; create one with UTF8`);
  }
  if (row["standby"] === true) throw new Error("this server is a standby, which takes no writes");
  // A commit that is answered before it is on disk is none; stricter settings stay.
  if (["off", "local"].includes(text(row["commits"]))) await link.run([{ text: "set synchronous_commit = on" }]);
}

export function unsupported(message: string): StoreError {
  return new StoreError({ code: "store_unsupported", message });
}
