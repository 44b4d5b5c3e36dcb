import type { Json } from "../../core/action/index.ts";
import { textIn } from "./entry.ts";
import type { ReadEntry } from "./entry.ts";
import type { IndexRange } from "./range.ts";

/** Entries that change what can be approved and by whom, and the public member that names what came into force. */
export const RULE_TYPES: Readonly<Record<string, string>> = {
  "policy.changed": "policies",
  "directory.changed": "directory",
  "catalogue.changed": "catalogue",
  "config.changed": "config",
};

/** One set of rules. `inForce`: it was there when the period began; `changed`: it came in the period. */
export type RuleChange = {
  readonly index: number;
  readonly at: number;
  readonly kind: string;
  readonly digest: string;
  readonly standing: "in_force" | "changed";
  readonly payload: Json | null;
};

/** Which rules were in force when the period began, and which came into force within it. */
export class RuleReader {
  readonly #range: IndexRange;
  readonly #before = new Map<string, RuleChange>();
  readonly #within: RuleChange[] = [];

  constructor(range: IndexRange) {
    this.#range = range;
  }

  /** The next entry, in the order of indexes. */
  add({ index, header, payload }: ReadEntry): void {
    const kind = Object.hasOwn(RULE_TYPES, header.type) ? RULE_TYPES[header.type] : undefined;
    if (kind === undefined || index >= this.#range.end) return;
    const standing = index < this.#range.first ? "in_force" : "changed";
    const digest = textIn(header.publics, kind) ?? "unknown";
    const change: RuleChange = { index, at: header.at, kind, digest, standing, payload };
    if (standing === "changed") this.#within.push(change);
    else this.#before.set(kind, change);
  }

  /** In the order of indexes. */
  result(): readonly RuleChange[] {
    return [...this.#before.values(), ...this.#within].toSorted((a, b) => a.index - b.index);
  }
}
