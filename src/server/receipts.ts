import type { StreamName } from "../core/brand.ts";
import type { Receipt } from "../engine/index.ts";
import type { House } from "./house.ts";
import type { Call } from "./route.ts";

/** A receipt on the wire: where the entry stands, and the `.tlog-proof` that proves it under a checkpoint of this size. */
export type ProvenReceipt = { readonly index: number; readonly size: number; readonly proof: string };

/** Whether the caller asked for a receipt: `?receipt=1`, or the header `Keyturn-Receipt: 1`. */
export function wantsReceipt({ query, request }: Pick<Call<"gate", unknown>, "query" | "request">): boolean {
  return query["receipt"] === "1" || request.headers["keyturn-receipt"] === "1";
}

/** The receipt with its proof. The entry is on disk already; nothing waits for a checkpoint to be published. */
export async function prove(house: Pick<House, "notary">, { index, size }: Receipt): Promise<ProvenReceipt> {
  return { index, size, proof: await house.notary.receipt({ index, size }) };
}

/** The receipt of the newest entry of one type in a stream; null when there is none. */
export async function proveNewest(
  house: Pick<House, "notary" | "ctx">,
  stream: StreamName,
  type: string,
): Promise<ProvenReceipt | null> {
  const entry = (await house.ctx.store.stream(stream)).findLast((one) => one.type === type);
  return entry === undefined ? null : prove(house, { index: entry.index, size: entry.index + 1 });
}
