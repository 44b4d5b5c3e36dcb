import { jsonAt } from "../../core/action/index.ts";
import type { Json } from "../../core/action/index.ts";
import type { OpenedHeader } from "../../core/ledger/index.ts";

/** An entry taken apart. The payload is null where it was erased, or is not disclosed. */
export type ReadEntry = { readonly index: number; readonly header: OpenedHeader; readonly payload: Json | null };

/** One thing that an auditor should look at. */
export type Item = { readonly index: number; readonly at: number; readonly stream: string; readonly because: string };

/** Items listed of one kind; all of them are counted. */
export const ITEMS_MAX = 500;

/** How many there are, and the first of them. */
export type Items = { readonly count: number; readonly items: readonly Item[] };

/** Collects items; beyond `ITEMS_MAX` they are only counted. */
export class ItemList {
  #count = 0;
  readonly #items: Item[] = [];

  add(item: Item): void {
    this.#count++;
    if (this.#items.length < ITEMS_MAX) this.#items.push(item);
  }

  get all(): Items {
    return { count: this.#count, items: this.#items };
  }
}

/** The text at a path, or null. */
export function textIn(json: Json | null, ...path: readonly string[]): string | null {
  const value = jsonAt(json ?? undefined, ...path);
  return typeof value === "string" ? value : null;
}

/** The number at a path, or null. */
export function numberIn(json: Json | null, ...path: readonly string[]): number | null {
  const value = jsonAt(json ?? undefined, ...path);
  return typeof value === "number" ? value : null;
}
