import type { StreamName } from "../../core/brand.ts";
import { recordOf, toOcsf } from "../../evidence/index.ts";
import type { OcsfEvent, OcsfSource } from "../../evidence/index.ts";
import type { Store } from "../../ports/store.ts";

/** Entries looked at for one page of events. */
export const EXPORT_ENTRIES_MAX = 500;

/** Events of entries, in their order, and where the next page begins. */
export type EventPage = { readonly events: readonly OcsfEvent[]; readonly next: number };

const ACTIONS = /^(?:evaluation|request)\//;

/**
 * The events of up to `limit` entries from an index on. The same index always gives the same events, so that whoever
 * remembers `next` misses none, and may hear of one twice but never of another in its place; erasing changes what is told.
 */
export async function eventsFrom(
  store: Pick<Store, "range" | "stream">,
  source: OcsfSource,
  from: number,
  limit: number = EXPORT_ENTRIES_MAX,
): Promise<EventPage> {
  const entries = await store.range(from, Math.min(limit, EXPORT_ENTRIES_MAX));
  const next = from + entries.length;
  const streams = new Set(entries.flatMap(({ stream }) => (ACTIONS.test(stream) ? [stream] : [])));
  const events: OcsfEvent[] = [];
  for (const stream of streams) events.push(...(await eventsOf(store, source, stream, { from, next })));
  return { events: events.toSorted((a, b) => a.metadata.sequence - b.metadata.sequence), next };
}

async function eventsOf(
  store: Pick<Store, "stream">,
  source: OcsfSource,
  stream: StreamName,
  { from, next }: { readonly from: number; readonly next: number },
): Promise<readonly OcsfEvent[]> {
  // From the stream's beginning: an outcome alone does not say of what.
  const record = recordOf(await store.stream(stream));
  if (record === null) return [];
  return toOcsf(record, source).filter(({ metadata: { sequence } }) => sequence >= from && sequence < next);
}
