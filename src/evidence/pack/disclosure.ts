import type { OpenedHeader } from "../../core/ledger/index.ts";
import { jsonText } from "../../core/action/index.ts";
import { RULE_TYPES } from "./changes.ts";
import type { IndexRange } from "./range.ts";

/**
 * Decides whose payloads the auditor gets: those of the period, of the actions that were under way in it with all that
 * came before and after, and of the rules in force when it began. Everything else stays a commitment.
 */
export class Disclosure {
  readonly #range: IndexRange;
  readonly #streams = new Set<string>();
  readonly #rules = new Map<string, number>();
  readonly #named = new Map<string, readonly string[]>();

  constructor(range: IndexRange) {
    this.#range = range;
  }

  /** First pass: every entry, in the order of indexes. */
  plan(index: number, { stream, type, publics }: OpenedHeader): void {
    if (index < this.#range.first && Object.hasOwn(RULE_TYPES, type)) this.#rules.set(type, index);
    const isRequest = stream.startsWith("request/");
    if (!isRequest && !stream.startsWith("evaluation/")) return;
    // The evaluations that a request names come before it, sometimes before the period.
    const named = isRequest ? jsonText(publics["evaluation"]) : "";
    if (named !== "") this.#named.set(stream, [...(this.#named.get(stream) ?? []), `evaluation/${named}`]);
    if (this.#covers(index)) this.#streams.add(stream);
    if (this.#streams.has(stream))
      for (const evaluation of this.#named.get(stream) ?? []) this.#streams.add(evaluation);
  }

  /** Second pass: whether this entry's payload is shown. */
  shows(index: number, { stream, type }: OpenedHeader): boolean {
    return this.#covers(index) || this.#streams.has(stream) || this.#rules.get(type) === index;
  }

  #covers(index: number): boolean {
    return index >= this.#range.first && index < this.#range.end;
  }
}
