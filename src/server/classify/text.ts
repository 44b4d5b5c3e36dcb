import type { CatalogueResource, TextKind } from "../../classifiers/declared/index.ts";
import type { Json } from "../../core/action/index.ts";
import { openFindings } from "../../core/risk/index.ts";
import type { Classification, Effect, RequestRule } from "../../core/risk/index.ts";

/** One text to be read. It crosses to a worker, so that it is data alone. */
export type Text = {
  readonly kind: TextKind;
  readonly value: Json;
  /** RFC 6901, from the question's root. */
  readonly pointer: string;
  /** SQL only: the gate pins `search_path` and `standard_conforming_strings`. */
  readonly pinned: boolean;
  /** MCP only: the tool whose arguments these are, and what the operator says that it does. */
  readonly tool: { readonly name: string; readonly effects: readonly Effect[] } | null;
};

/** Whoever reads texts, here or in a worker. It never fails: what cannot be read is opaque. */
export type Texts = { readonly read: (text: Text) => Classification | Promise<Classification> };

/** What the operator knows that texts may be about. */
export type ReaderSettings = {
  readonly resources: readonly CatalogueResource[];
  /** Tags of relations that no resource names. */
  readonly unlabelled?: readonly string[];
  readonly requests: readonly RequestRule[];
  /** SQL functions that only read. */
  readonly functions?: readonly string[];
};

/** Nothing is known but why. */
export function opaque(reason: string): Classification {
  const found = openFindings();
  found.opaque(reason);
  return found.done();
}
