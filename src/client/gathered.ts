import type { CallOptions } from "./transport.ts";
import { WireError } from "./errors.ts";
import type { OutcomeReport, Receipt } from "./wire.ts";

/** Reports that one request carries at most; the server takes no more. */
export const OUTCOMES_MAX = 64;

/** One report of an action that passed at once. */
export type EvaluationOutcome = OutcomeReport & { readonly evaluation: string };
/** What became of one of several reports: they are refused each for itself. */
export type OutcomeAnswer = Receipt | WireError;

type Waiting = {
  readonly outcome: EvaluationOutcome;
  readonly options: CallOptions | undefined;
  readonly resolve: (receipt: Receipt) => void;
  readonly reject: (error: unknown) => void;
};

export type Senders = {
  readonly together: (outcomes: readonly EvaluationOutcome[]) => Promise<readonly OutcomeAnswer[]>;
  readonly alone: (outcome: EvaluationOutcome, options: CallOptions | undefined) => Promise<Receipt>;
};

/**
 * Reports that nobody waits for, sent together: what is reported within `lingerMs` goes in one request and, at the server,
 * in one commit, instead of standing between one action and the evaluation of the next.
 */
export class Gathered {
  readonly #send: Senders;
  readonly #lingerMs: number;
  readonly #sending = new Set<Promise<void>>();
  #waiting: Waiting[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closing = false;
  /** A server of an earlier version takes one report a request. */
  #alone = false;

  constructor(send: Senders, lingerMs: number) {
    this.#send = send;
    this.#lingerMs = lingerMs;
  }

  /** Resolves when it is recorded; it is never given up while the server may still take it. */
  report(outcome: EvaluationOutcome, options: CallOptions | undefined): Promise<Receipt> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ outcome, options, resolve, reject });
      if (this.#closing || this.#waiting.length >= OUTCOMES_MAX) this.#flush();
      else this.#timer ??= setTimeout(() => this.#flush(), this.#lingerMs);
    });
  }

  /** Sends what is there at once, and what comes from now on; resolves when all of it is recorded or given up. */
  async settle(): Promise<void> {
    this.#closing = true;
    this.#flush();
    while (this.#sending.size > 0) await Promise.all(this.#sending);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length === 0) return;
    const [only] = waiting;
    const isOne = this.#alone || (waiting.length === 1 && only !== undefined);
    const sent = (isOne ? this.#oneByOne(waiting) : this.#together(waiting)).finally(() => this.#sending.delete(sent));
    this.#sending.add(sent);
  }

  async #oneByOne(waiting: readonly Waiting[]): Promise<void> {
    for (const { outcome, options, resolve, reject } of waiting) {
      await this.#send.alone(outcome, options).then(resolve, reject);
    }
  }

  async #together(waiting: readonly Waiting[]): Promise<void> {
    try {
      const answers = await this.#send.together(waiting.map(({ outcome }) => outcome));
      waiting.forEach(({ resolve, reject }, at) => {
        const answer = answers[at];
        if (answer === undefined || answer instanceof WireError) reject(answer);
        else resolve(answer);
      });
    } catch (error) {
      // One report that is refused for its shape, or a server that knows no such request, must not cost the others.
      const apart = error instanceof WireError && error.status < 500 && error.status !== 429 && error.status !== 401;
      if (!apart) {
        for (const { reject } of waiting) reject(error);
        return;
      }
      if (error.status === 404 || error.status === 405) this.#alone = true;
      await this.#oneByOne(waiting);
    }
  }
}
