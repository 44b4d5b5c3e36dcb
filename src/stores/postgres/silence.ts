/** For so long nobody is told of commits after the database had no room for it: whoever follows looks by itself meanwhile. */
const SILENT_MS = 5000;

const BEGUN =
  "the database takes no news of commits (its NOTIFY queue is full): other servers see them within a second; end the " +
  "session that listens and has a transaction open, which PostgreSQL names in its log";
const OVER = "the database takes news of commits again";

/** Keeps news of commits from failing the commits: anybody who may connect can fill the queue, by listening and not reading. */
export class Silence {
  readonly #log: (note: string) => void;
  /** By `performance.now()`. */
  #until = 0;
  #isSaid = false;

  constructor(log: (note: string) => void) {
    this.#log = log;
  }

  get isNow(): boolean {
    return performance.now() < this.#until;
  }

  begin(): void {
    this.#until = performance.now() + SILENT_MS;
  }

  /** A commit has succeeded, of which others were told or not: an operator hears of each change once. */
  committed(isTold: boolean): void {
    if (this.#isSaid ? !isTold : !this.isNow) return;
    this.#isSaid = !this.#isSaid;
    this.#log(this.#isSaid ? BEGUN : OVER);
  }
}
