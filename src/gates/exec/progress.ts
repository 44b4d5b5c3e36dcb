import type { Task } from "../../client/index.ts";

/** Where progress is written; `columns` and in-place updates only where it is a terminal. */
export type Screen = {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
};

const UPDATE_MS = 1_000;
const COLUMNS = 80;

/** One line about a held command: on a terminal updated in place, elsewhere a line for every change. */
export class Progress {
  readonly #screen: Screen;
  readonly #now: () => number;
  #task: Task | null = null;
  #timer: ReturnType<typeof setInterval> | null = null;
  #told = "";

  constructor(screen: Screen, now: () => number = Date.now) {
    this.#screen = screen;
    this.#now = now;
  }

  /** `hint` is told once, with the first line. */
  held(task: Task, hint: string | null = null): void {
    const first = this.#task === null;
    this.#task = task;
    if (first && hint !== null) this.say(hint);
    if (this.#screen.isTTY !== true) {
      const line = `${summaryOf(task)}, ${leftOf(task, this.#now())} left, review: ${linkOf(task)}`;
      if (summaryOf(task) !== this.#told) this.#screen.write(`keyturn: ${line}\n`);
      this.#told = summaryOf(task);
      return;
    }
    // The link stays on a line of its own, whole: a terminal makes it clickable, and the line below may be cut.
    if (first) this.#screen.write(`keyturn: held for review at ${linkOf(task)}\n`);
    this.#timer ??= setInterval(() => this.#draw(), UPDATE_MS);
    this.#timer.unref();
    this.#draw();
  }

  /** Takes the line away: what comes next is the command's own output. */
  end(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    if (this.#timer !== null) this.#screen.write("\r\u001B[K");
    this.#timer = null;
  }

  /** One sentence on a line of its own. */
  say(sentence: string): void {
    this.end();
    this.#screen.write(`keyturn: ${visible(sentence)}\n`);
  }

  #draw(): void {
    if (this.#task === null) return;
    const needs = neededBy(this.#task);
    const line = `keyturn: ${leftOf(this.#task, this.#now())} left${needs}, Ctrl-C gives up (${visible(this.#task.id)})`;
    this.#screen.write(`\r\u001B[K${line.slice(0, (this.#screen.columns ?? COLUMNS) - 1)}`);
  }
}

function summaryOf(task: Task): string {
  return `held ${visible(task.id)}${neededBy(task)}`;
}

function neededBy(task: Task): string {
  const terms = task.progress?.terms ?? [];
  const needed = terms.map(({ group, quorum, filled }) => `${quorum} of ${group} (${filled} so far)`).join(" and ");
  return needed === "" ? "" : visible(`, needs ${needed}`);
}

function linkOf(task: Task): string {
  return visible(task.links?.review ?? task.id);
}

function leftOf(task: Task, now: number): string {
  const seconds = Math.max(0, Math.ceil((Date.parse(task.expires_at) - now) / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const pad = (value: number): string => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(seconds % 60)}` : `${minutes}:${pad(seconds % 60)}`;
}

/** Text of others never moves the cursor, hides itself or starts a line. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}
