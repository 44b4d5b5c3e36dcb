import type { Question } from "../core/action/index.ts";
import type { AgentId, EvaluationId, Instant, StreamName } from "../core/brand.ts";
import type { Assessment } from "./assess.ts";
import type { Context } from "./context.ts";
import type { Reservation } from "./session.ts";

/** What one answer counts: from the moment of the decision on, and only for good once it is on disk. */
export class Tally {
  readonly #ctx: Pick<Context, "around">;
  readonly #agent: AgentId;
  readonly #made = new Map<string, Reservation>();

  constructor(ctx: Pick<Context, "around">, agent: AgentId) {
    this.#ctx = ctx;
    this.#agent = agent;
  }

  /** Counts what passes at once. */
  count(id: EvaluationId, { deed, decision }: Assessment): void {
    if (decision.outcome !== "allow") return;
    const key = `evaluation/${id}`;
    this.#made.set(key, this.#ctx.around.sessions.pass(key, this.#agent, deed));
  }

  /** Counts a denial. */
  deny(id: EvaluationId, question: Question, at: Instant): void {
    const key = `evaluation/${id}`;
    const session = question.context.session ?? null;
    this.#made.set(key, this.#ctx.around.sessions.note(key, this.#agent, "denied", session, at));
  }

  /** Gives back one count. */
  drop(id: EvaluationId): void {
    const key = `evaluation/${id}`;
    this.#made.get(key)?.undo();
    this.#made.delete(key);
  }

  /** The entries of these streams are on disk, one after the other from this index on. */
  settle(streams: readonly StreamName[], index: number): void {
    for (const [offset, stream] of streams.entries()) this.#made.get(stream)?.settle(index + offset);
  }

  /** Nothing was written. */
  undo(): void {
    for (const made of this.#made.values()) made.undo();
    this.#made.clear();
  }
}
