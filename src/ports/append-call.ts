import { joinBytes } from "../core/encoding.ts";
import { deadlineOf, type Deadline } from "./append.ts";
import type { Append, NewEntry, NewMessage, RequestRow, SlotChange, TimerChange } from "./store.ts";

/** An append as it will be kept: private copies of its bytes, JSON as text. */
export type AppendCall = {
  readonly kind: "append";
  readonly entries: readonly NewEntry[];
  readonly at: number | null;
  readonly idempotency: { readonly key: string; readonly fingerprint: string; readonly answer: string } | null;
  readonly inTime: Deadline | null;
  readonly slots: readonly SlotChange[];
  readonly requests: readonly (Omit<RequestRow, "view"> & { readonly view: string })[];
  readonly timers: readonly TimerChange[];
  readonly outbox: readonly KeptMessage[];
  readonly documents: readonly { readonly kind: string; readonly id: string; readonly body: string | null }[];
  readonly erase: readonly number[];
  readonly awaited: boolean;
};
export type KeptMessage = Omit<NewMessage, "body"> & { readonly body: string };

/** An entry whose bytes travel apart; `bytes` counts those of its header, payload and salt. */
export type EntryFrame = Omit<NewEntry, "header" | "payload" | "salt"> & {
  readonly bytes: readonly [header: number, payload: number, salt: number];
};
/** An append without its bytes. Most append entries and nothing else: then `rest` is null. */
type AppendFrame = {
  readonly kind: "append";
  readonly entries: readonly EntryFrame[];
  readonly rest: Omit<AppendCall, "kind" | "entries"> | null;
};

/** A write on its way to a worker: plain data, and the bytes of its entries one after the other. */
export type Packed<Other> = { readonly frame: AppendFrame | Other; readonly bytes: Uint8Array };

const NO_BYTES = new Uint8Array(0);
/** An append of entries and nothing else. */
export const NO_REST: Omit<AppendCall, "kind" | "entries"> = {
  at: null,
  idempotency: null,
  inTime: null,
  slots: [],
  requests: [],
  timers: [],
  outbox: [],
  documents: [],
  erase: [],
  awaited: false,
};

/** A private copy of an append: the caller may do with its objects and bytes what it likes from now on. */
export function packAppend(change: Append): Packed<never> {
  const parts = change.entries.flatMap(({ header, payload, salt }) => [header, payload, salt]);
  const frame: AppendFrame = { kind: "append", entries: change.entries.map(frameOf), rest: restOf(change) };
  return { frame, bytes: joinBytes(parts) };
}

/** An entry without its bytes. */
export function frameOf({ stream, version, type, header, payload, salt }: NewEntry): EntryFrame {
  return { stream, version, type, bytes: [header.byteLength, payload.byteLength, salt.byteLength] };
}

/** Opens frames in their order, whose bytes lie one behind the other: header, payload and salt of each. */
export function frameOpener(bytes: Uint8Array): (frame: EntryFrame) => NewEntry {
  let at = 0;
  const next = (length: number): Uint8Array => bytes.subarray((at += length) - length, at);
  return ({ stream, version, type, bytes: [header, payload, salt] }) => {
    return { stream, version, type, header: next(header), payload: next(payload), salt: next(salt) };
  };
}

/** A write that has no bytes. */
export function packPlain<Other extends { readonly kind: string }>(frame: Other): Packed<Other> {
  return { frame, bytes: NO_BYTES };
}

/**
 * A batch as one text and one buffer, which is handed over, not copied. Cloning its objects and hundreds of small arrays
 * one by one takes three times as long; everything in a frame is JSON that reads back the same.
 */
export function packBatch(writes: readonly Packed<object>[]): { readonly frames: string; readonly bytes: ArrayBuffer } {
  const frames = JSON.stringify(writes.map(({ frame }) => frame));
  return { frames, bytes: joinBytes(writes.map(({ bytes }) => bytes)).buffer };
}

/** The calls of a batch, on the worker's side; `Other` are those that the sender packed as they are. */
export function unpackBatch<Other extends { readonly kind: string }>(
  frames: string,
  bytes: ArrayBuffer,
): readonly (AppendCall | Other)[] {
  const open = frameOpener(new Uint8Array(bytes));
  // Written by `packBatch` on the other side and by nothing else.
  return (JSON.parse(frames) as readonly (AppendFrame | Other)[]).map((frame) => unpack(frame, open));
}

/** A call that stays in its thread. */
export function unpackHere<Other extends { readonly kind: string }>({
  frame,
  bytes,
}: Packed<Other>): AppendCall | Other {
  return unpack(frame, frameOpener(bytes));
}

function unpack<Other extends { readonly kind: string }>(
  frame: AppendFrame | Other,
  open: (entry: EntryFrame) => NewEntry,
): AppendCall | Other {
  if (!isAppend(frame)) return frame;
  return { kind: "append", entries: frame.entries.map(open), ...(frame.rest ?? NO_REST) };
}

function isAppend(frame: AppendFrame | { readonly kind: string }): frame is AppendFrame {
  return frame.kind === "append";
}

function restOf(change: Append): AppendFrame["rest"] {
  const { at, idempotency, inTime, slots, requests, timers, outbox, documents, erase, awaited } = change;
  const rest = at ?? idempotency ?? inTime ?? slots ?? requests ?? timers ?? outbox ?? documents ?? erase ?? awaited;
  if (rest === undefined) return null;
  return {
    at: at ?? null,
    idempotency:
      idempotency === undefined
        ? null
        : {
            key: idempotency.key,
            fingerprint: idempotency.fingerprint,
            answer: JSON.stringify(idempotency.answer),
          },
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
    awaited: awaited === true,
  };
}
