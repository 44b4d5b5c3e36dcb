import type { Instant } from "../../core/brand.ts";
import { deadlineOf, type Deadline } from "../../ports/append.ts";
import type {
  Append,
  AppendResult,
  Message,
  NewEntry,
  NewMessage,
  RequestRow,
  SlotChange,
  TimerChange,
} from "../../ports/store.ts";

/** An append as it will be kept: private copies of its bytes, JSON as text. */
export type AppendCall = {
  readonly kind: "append";
  readonly entries: readonly NewEntry[];
  readonly idempotency: { readonly key: string; readonly fingerprint: string; readonly answer: string } | null;
  readonly inTime: Deadline | null;
  readonly slots: readonly SlotChange[];
  readonly requests: readonly (Omit<RequestRow, "view"> & { readonly view: string })[];
  readonly timers: readonly TimerChange[];
  readonly outbox: readonly KeptMessage[];
  readonly documents: readonly { readonly kind: string; readonly id: string; readonly body: string | null }[];
  readonly erase: readonly number[];
};
export type KeptMessage = Omit<NewMessage, "body"> & { readonly body: string };

/** What changes the ledger. Calls of one batch happen in their order and share one transaction. */
export type Call =
  | AppendCall
  | { readonly kind: "done"; readonly id: string }
  | { readonly kind: "move"; readonly id: string; readonly notBefore: Instant }
  | { readonly kind: "take"; readonly now: Instant; readonly limit: number; readonly until: Instant };

/** What a call is answered; null where there is nothing to say. */
export type Reply = AppendResult | readonly Message[] | null;

/** A private copy of an append: the caller may do with its objects and bytes what it likes from now on. */
export function copyAppend(change: Append): AppendCall {
  const { entries, idempotency, slots, requests, timers, outbox, documents, erase } = change;
  return {
    kind: "append",
    entries: entries.map((entry) => ({
      stream: entry.stream,
      version: entry.version,
      type: entry.type,
      header: Uint8Array.from(entry.header),
      payload: Uint8Array.from(entry.payload),
      salt: Uint8Array.from(entry.salt),
    })),
    idempotency: idempotency === undefined ? null : { ...idempotency, answer: JSON.stringify(idempotency.answer) },
    inTime: deadlineOf(change),
    slots: (slots ?? []).map((slot): SlotChange => ({ ...slot })),
    requests: (requests ?? []).map((row) => ({ ...row, view: JSON.stringify(row.view) })),
    timers: (timers ?? []).map((timer): TimerChange => ({ ...timer })),
    outbox: (outbox ?? []).map((message) => ({ ...message, body: JSON.stringify(message.body) })),
    documents: (documents ?? []).map(({ kind, id, body }) => ({
      kind,
      id,
      body: body === null ? null : JSON.stringify(body),
    })),
    erase: [...(erase ?? [])],
  };
}

/** About how many bytes it carries, by which batches are cut. */
export function bytesOf(call: Call): number {
  if (call.kind !== "append") return 0;
  const texts = [
    call.idempotency?.answer,
    ...call.requests.map(({ view }) => view),
    ...call.outbox.map(({ body }) => body),
    ...call.documents.map(({ body }) => body),
  ];
  const parts = call.entries.flatMap(({ header, payload, salt }) => [header, payload, salt]);
  return (
    texts.reduce((sum, text) => sum + (text?.length ?? 0), 0) +
    parts.reduce((sum, { byteLength }) => sum + byteLength, 0)
  );
}
