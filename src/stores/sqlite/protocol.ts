import type { Instant, StreamName } from "../../core/brand.ts";
import type { AppendCall } from "../../ports/append-call.ts";
import type {
  AppendResult,
  Head,
  Message,
  RequestFilter,
  RequestRow,
  StoredDocument,
  StoredEntry,
  StoreErrorCode,
  Subtree,
  Timer,
} from "../../ports/store.ts";

/** What changes the file. Calls of one batch run in their order and share one transaction. */
export type WriteCall = AppendCall | PlainWrite;

/** A change that carries no bytes. */
export type PlainWrite =
  /** Carried out after the commit: SQLite rewrites a file outside of transactions only. */
  | { readonly kind: "forget" }
  | { readonly kind: "messageDone"; readonly id: string }
  | { readonly kind: "messageRetry"; readonly id: string; readonly notBefore: Instant }
  | { readonly kind: "takeMessages"; readonly now: Instant; readonly limit: number; readonly until: Instant };

/** The answer to a write; null where there is nothing to say. */
export type WriteReply = AppendResult | readonly Message[] | null;

/** What only looks. */
export type ReadCall =
  | { readonly kind: "stream"; readonly name: StreamName; readonly fromVersion: number }
  | { readonly kind: "range"; readonly fromIndex: number; readonly limit: number }
  | { readonly kind: "headers"; readonly fromIndex: number; readonly limit: number }
  | { readonly kind: "head" }
  | { readonly kind: "subtrees"; readonly wanted: readonly Subtree[] }
  | { readonly kind: "slot"; readonly key: string }
  | { readonly kind: "requests"; readonly filter: RequestFilter }
  | { readonly kind: "dueTimers"; readonly now: Instant; readonly limit: number }
  | { readonly kind: "nextTimer" }
  | { readonly kind: "messages"; readonly limit: number }
  | { readonly kind: "document"; readonly of: string; readonly id: string }
  | { readonly kind: "documents"; readonly of: string };

/** What each read answers. */
export type ReadValues = {
  readonly stream: readonly StoredEntry[];
  readonly range: readonly StoredEntry[];
  readonly headers: readonly Uint8Array[];
  readonly head: Head;
  readonly subtrees: readonly Uint8Array[];
  readonly slot: StreamName | null;
  readonly requests: readonly RequestRow[];
  readonly dueTimers: readonly Timer[];
  readonly nextTimer: Instant | null;
  readonly messages: readonly Message[];
  readonly document: StoredDocument | null;
  readonly documents: readonly StoredDocument[];
};
export type ReadKind = keyof ReadValues;

export type ReadReply =
  | { [K in ReadKind]: { readonly kind: K; readonly value: ReadValues[K] } }[ReadKind]
  /** Asked for what does not exist: a RangeError for the caller. */
  | { readonly kind: "out_of_range"; readonly message: string };

export type ToWorker =
  /** `writes` counts those in `frames` and `bytes`, which `unpackBatch` reads. */
  | {
      readonly kind: "batch";
      readonly reads: readonly ReadCall[];
      readonly writes: number;
      readonly frames: string;
      readonly bytes: ArrayBuffer;
    }
  | { readonly kind: "close" };

/** A batch is answered by `read` where it had reads, then by `written` where it had writes. */
export type FromWorker =
  | { readonly kind: "opened"; readonly notes: readonly string[] }
  | { readonly kind: "refused"; readonly code: StoreErrorCode; readonly message: string }
  | { readonly kind: "read"; readonly replies: readonly ReadReply[] }
  | { readonly kind: "written"; readonly replies: readonly WriteReply[] }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "closed"; readonly notes: readonly string[] };

/** What the worker is started with. */
export type WorkerStart = { readonly path: string };
