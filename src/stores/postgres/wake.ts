import type { StoredEntry } from "../../ports/store.ts";
import { integer } from "./columns.ts";
import { Link } from "./link.ts";
import type { Place } from "./link.ts";
import { openNotice, readNotice } from "./notice.ts";
import type { Reader } from "./reader.ts";
import type { NewsKeys } from "./seal.ts";
import { CHANNEL } from "./statements.ts";

/** How often the head is looked at: the longest that somebody else's append stays unseen. */
export const POLL_EVERY_MS = 1000;

/** Who is told that somebody else has committed, with the entries where the news carried them. */
export type Listener = (news?: readonly StoredEntry[]) => void;

export type WakeOptions = {
  readonly place: Place;
  readonly ledger: string;
  readonly reader: Reader;
  /** The writers of this instance, whose commits are no news. */
  readonly writers: ReadonlySet<string>;
  /** Whether to listen as well; without it the poll alone tells. */
  readonly listen: boolean;
  /** Told after those who listen. */
  readonly onNews: () => void;
};

/** Tells when somebody else has committed: the poll is the truth, what is heard in between only makes it early. */
export class Wake {
  readonly #options: WakeOptions;
  readonly #listeners = new Set<Listener>();
  #timer: NodeJS.Timeout | null = null;
  #link: Link | null = null;
  #connecting = false;
  #polling = false;
  /** Without keys nothing that is carried is believed. */
  #keys: NewsKeys | null = null;
  /** The newest commit that is known here; null before the first look. */
  #commits: number | null = null;
  /** The newest commit that the head itself has named. */
  #looked: number | null = null;
  /** Whether a number was taken since that anybody may have made up: it may have hidden the commit that has it. */
  #isDoubtful = false;

  constructor(options: WakeOptions) {
    this.#options = options;
  }

  believe(keys: NewsKeys): void {
    this.#keys = keys;
  }

  on(listener: Listener): () => void {
    // Wrapped, so that the same function may listen twice.
    const one: Listener = (news) => listener(news);
    this.#listeners.add(one);
    if (this.#timer === null) this.#start();
    return () => {
      this.#listeners.delete(one);
      if (this.#listeners.size === 0) void this.#stop();
    };
  }

  /** This instance has committed the batch of this number. */
  own(commits: number): void {
    if (this.#commits === null) return;
    // A gap below it is somebody else's.
    if (commits > this.#commits + 1) this.#tell();
    this.#commits = Math.max(this.#commits, commits);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    await this.#stop();
  }

  #start(): void {
    this.#timer = setInterval(() => this.#look(), POLL_EVERY_MS).unref();
    this.#look();
  }

  async #stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#commits = null;
    this.#looked = null;
    const link = this.#link;
    this.#link = null;
    await link?.[Symbol.asyncDispose]();
  }

  // A look that fails is followed by another: appends and reads tell that the database is away.
  #look(): void {
    if (!this.#polling) void this.#poll().catch(() => {});
    if (this.#options.listen && this.#link === null && !this.#connecting) void this.#listen().catch(() => {});
  }

  async #poll(): Promise<void> {
    const { reader, ledger } = this.#options;
    const text = "select commits from keyturn.head where ledger = $1";
    this.#polling = true;
    try {
      const before = this.#commits;
      const [row] = await reader.rows({ name: "poll", text, values: [ledger] });
      if (row === undefined || this.#timer === null) return;
      const commits = integer(row["commits"]);
      // Whoever may connect may notify: a number that was made up must not make deaf to all below it.
      if (before !== null && before === this.#commits && commits < before) this.#commits = commits - 1;
      const isNew = this.#commits !== null && commits > this.#commits;
      // The same with one that came to be true meanwhile.
      if (this.#isDoubtful && !isNew && commits > (this.#looked ?? commits)) this.#tell();
      if (before === this.#commits) this.#isDoubtful = false;
      this.#looked = commits;
      this.#saw(commits);
    } finally {
      this.#polling = false;
    }
  }

  async #listen(): Promise<void> {
    this.#connecting = true;
    try {
      const link = await Link.open(this.#options.place, "listener");
      if (this.#timer === null) return await link[Symbol.asyncDispose]();
      this.#link = link;
      link.onLost(() => {
        if (this.#link === link) this.#link = null;
      });
      link.onNotify((payload) => this.#heard(payload));
      link.hold(false);
      await link.run([{ text: `listen ${CHANNEL}` }]);
    } finally {
      this.#connecting = false;
    }
  }

  #heard(payload: string): void {
    const notice = readNotice(payload);
    const { ledger, writers } = this.#options;
    if (notice === null || notice.ledger !== ledger || writers.has(notice.writer)) return;
    const { commits } = notice;
    // Not across a gap, in which somebody else may have appended; and never twice, so that no old notice is worth anything.
    const isNext = this.#commits !== null && commits === this.#commits + 1;
    const news = isNext ? openNotice(notice, this.#keys) : null;
    if (news === null && this.#commits !== null && commits > this.#commits) this.#isDoubtful = true;
    this.#saw(commits, news ?? undefined);
  }

  // Our own commit may be seen before its answer is: a call for nothing, which is allowed.
  #saw(commits: number, news?: readonly StoredEntry[]): void {
    if (this.#commits !== null && commits > this.#commits) this.#tell(news);
    this.#commits = Math.max(this.#commits ?? 0, commits);
  }

  #tell(news?: readonly StoredEntry[]): void {
    for (const listener of this.#listeners) listener(news);
    this.#options.onNews();
  }
}
