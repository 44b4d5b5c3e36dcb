import type { Question } from "../core/action/index.ts";
import type { Classification } from "../core/risk/index.ts";

/**
 * Turns a question's parameters into facts and effects.
 *
 * - Bounded in time and memory by named limits, and without side effect. It answers at once, and a promise only where a text
 *   has to be read first.
 * - It never throws, and the promise never fails: what it does not understand it calls `opaque`, with the reason.
 * - What the gate declares may add to the answer, never take from it.
 */
export interface Classifier {
  classify(question: Question): Classification | Promise<Classification>;
}
