import type { Question } from "../core/action/index.ts";
import type { Classification } from "../core/risk/index.ts";

/**
 * Turns a question's parameters into facts and effects.
 *
 * - Synchronous, bounded in time and memory by named limits, and without side effect.
 * - It never throws: what it does not understand it calls `opaque`, with the reason.
 * - What the gate declares may add to the answer, never take from it.
 */
export interface Classifier {
  classify(question: Question): Classification;
}
