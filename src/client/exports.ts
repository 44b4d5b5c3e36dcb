import type { JsonObject } from "../core/action/index.ts";
import { anyObject, list, moment, number, object, text } from "./read.ts";
import type { Reader } from "./read.ts";

/** An erasure that people are asked for. `kept` counts entries that are still in use. */
export type ErasureAsked = {
  readonly request: string;
  readonly entries: number;
  readonly requests: number;
  readonly kept: number;
  readonly expires_at: string;
  readonly terms: readonly { readonly group: string; readonly quorum: number }[];
  readonly review: string;
};

/** An erasure that was carried out, and who had agreed to it. */
export type Erased = { readonly entries: number; readonly requests: number; readonly by: readonly string[] };

/** Events of a part of the ledger, and the index to go on from. */
export type ExportedEvents = { readonly events: readonly JsonObject[]; readonly next: number };

export const readErasureAsked: Reader<ErasureAsked> = object<ErasureAsked>({
  request: text,
  entries: number,
  requests: number,
  kept: number,
  expires_at: moment,
  terms: list(object<ErasureAsked["terms"][number]>({ group: text, quorum: number })),
  review: text,
});

export const readErased: Reader<Erased> = object<Erased>({ entries: number, requests: number, by: list(text) });

export const readExportedEvents: Reader<ExportedEvents> = object<ExportedEvents>({
  events: list(anyObject),
  next: number,
});
