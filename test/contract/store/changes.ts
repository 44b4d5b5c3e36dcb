import type { AgentId, Digest, Instant, RequestId, StreamName } from "../../../src/core/brand.ts";
import type { RequestStatus } from "../../../src/core/approval/index.ts";
import type {
  Append,
  Message,
  NewEntry,
  NewMessage,
  RequestRow,
  Store,
  StoredEntry,
  Timer,
} from "../../../src/ports/store.ts";
import type { Head, StoredDocument } from "../../../src/ports/store.ts";

/** One store under test. `reopen` is there where the store outlives its process: it closes and opens again. */
export type Opened = {
  readonly store: Store;
  readonly reopen?: () => Promise<Store>;
  readonly dispose: () => Promise<void>;
};
export type Open = () => Promise<Opened>;

/** No instant of a test is later. */
export const EVER: Instant = 8_640_000_000_000_000 as Instant;
export const STATUSES: readonly RequestStatus[] = ["pending", "approved", "denied", "expired", "cancelled", "failed"];
export const KINDS: readonly string[] = ["policy", "token"];

export function instant(ms: number): Instant {
  return ms as Instant;
}

export function stream(name: string): StreamName {
  return name as StreamName;
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** An entry whose bytes say which one it is. */
export function entry(name: string, version: number, note: string = ""): NewEntry {
  return {
    stream: stream(name),
    version,
    type: "test.happened",
    header: bytes(`header ${name} ${version} ${note}`),
    payload: bytes(`payload ${name} ${version} ${note}`),
    salt: bytes(`salt ${name} ${version}`),
  };
}

export function request(
  id: string,
  openedAt: number,
  status: RequestStatus = "pending",
  agent: string = "agent-1",
): RequestRow {
  return {
    id: id as RequestId,
    status,
    agent: agent as AgentId,
    digest: `sha256:${id}` as Digest,
    openedAt: instant(openedAt),
    expiresAt: instant(openedAt + 1000),
    closedAt: status === "pending" ? null : instant(openedAt + 500),
    view: { title: `request ${id}`, status, nested: [1, null, { deep: true }] },
  };
}

export function message(id: string, notBefore: number, body: string = id): NewMessage {
  return { id, topic: "request.opened", body: { body }, notBefore: instant(notBefore) };
}

/** An append that touches everything a store keeps; its names all begin with `tag`. */
export function everything(tag: string): Append {
  return {
    entries: [entry(`${tag}/a`, 0), entry(`${tag}/b`, 0), entry(`${tag}/a`, 1)],
    idempotency: { key: `${tag}-key`, fingerprint: `${tag}-print`, answer: { of: tag } },
    slots: [{ take: `${tag}-slot`, holder: stream(`${tag}/a`), owner: `${tag}-owner`, ownerMax: 3 }],
    requests: [request(`${tag}-request`, 5)],
    timers: [{ set: `${tag}-timer`, dueAt: instant(7), kind: "expire", stream: stream(`${tag}/a`) }],
    outbox: [message(`${tag}-message`, 9)],
    documents: [{ kind: "policy", id: `${tag}-document`, body: { text: tag } }],
  };
}

export type Snapshot = {
  readonly head: Head;
  readonly entries: readonly StoredEntry[];
  readonly requests: readonly RequestRow[];
  readonly timers: readonly Timer[];
  readonly next: Instant | null;
  readonly messages: readonly Message[];
  readonly documents: readonly (readonly StoredDocument[])[];
  readonly slots: readonly (StreamName | null)[];
};

/** All that a store shows; of the slots, those asked for. */
export async function snapshot(store: Store, slots: readonly string[] = []): Promise<Snapshot> {
  const head = await store.head();
  return {
    head: { size: head.size, root: plain(head.root) },
    entries: (await store.range(0, 1_000_000)).map(plainEntry),
    requests: await store.requests({ limit: 1_000_000 }),
    timers: await store.dueTimers(EVER, 1_000_000),
    next: await store.nextTimer(),
    messages: await store.messages(1_000_000),
    documents: await Promise.all(KINDS.map((kind) => store.documents(kind))),
    slots: await Promise.all(slots.map((key) => store.slot(key))),
  };
}

// deepStrictEqual tells a Buffer from a Uint8Array, and the port does not.
export function plain(array: Uint8Array): Uint8Array {
  return Uint8Array.from(array);
}

export function plainEntry(one: StoredEntry): StoredEntry {
  return {
    ...one,
    header: plain(one.header),
    payload: one.payload === null ? null : plain(one.payload),
    salt: one.salt === null ? null : plain(one.salt),
  };
}
