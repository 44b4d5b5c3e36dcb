import { isJsonObject } from "../core/action/index.ts";
import type { JsonObject } from "../core/action/index.ts";
import type { RequestId } from "../core/brand.ts";
import type { Reference } from "../ports/channel.ts";
import type { Store } from "../ports/store.ts";

/** Where one channel stands with one request: what it has told, and where its cards are. */
export type Delivered = {
  /** The version of the request that every place has been told of. */
  readonly version: number;
  readonly reminded: boolean;
  /** Nothing more will be told: places are forgotten. */
  readonly over: boolean;
  readonly places: ReadonlyMap<string, Placed>;
};

/** `reference` is null where the place refused the card for good. */
export type Placed = { readonly version: number; readonly reference: Reference | null };

const KIND = "delivered";
const NOTHING: Delivered = { version: 0, reminded: false, over: false, places: new Map() };

/** What was delivered so far. */
export async function readDelivered(store: Store, request: RequestId, channel: string): Promise<Delivered> {
  const body = (await store.document(KIND, idOf(request, channel)))?.body;
  if (body === undefined) return NOTHING;
  const { version, reminded, over, places } = body;
  return {
    version: typeof version === "number" ? version : 0,
    reminded: reminded === true,
    over: over === true,
    places: new Map(
      Object.entries(isJsonObject(places) ? places : {}).flatMap(([place, placed]) => {
        if (!isJsonObject(placed)) return [];
        const { version: seen, reference } = placed;
        return [
          [
            place,
            { version: typeof seen === "number" ? seen : 0, reference: isJsonObject(reference) ? reference : null },
          ],
        ] as const;
      }),
    ),
  };
}

/** Remembers it, durably. */
export async function writeDelivered(
  store: Store,
  request: RequestId,
  channel: string,
  { version, reminded, over, places }: Delivered,
): Promise<void> {
  const body: JsonObject = {
    version,
    reminded,
    over,
    places: Object.fromEntries([...places].map(([place, placed]) => [place, { ...placed }])),
  };
  await store.append({ entries: [], documents: [{ kind: KIND, id: idOf(request, channel), body }] });
}

function idOf(request: RequestId, channel: string): string {
  return `${request}:${channel}`;
}
