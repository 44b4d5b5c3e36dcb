import type { Instant } from "../../core/brand.ts";
import type { AppendCall } from "../../ports/append-call.ts";
import type { AppendResult, Message, StoreErrorCode } from "../../ports/store.ts";
import type { Place } from "./link.ts";

/** What changes the ledger. Calls of one batch happen in their order and share one transaction. */
export type Call = AppendCall | PlainCall;

/** A change that carries no bytes. */
export type PlainCall =
  | { readonly kind: "done"; readonly id: string }
  | { readonly kind: "move"; readonly id: string; readonly notBefore: Instant }
  | { readonly kind: "take"; readonly now: Instant; readonly limit: number; readonly until: Instant };

/** What a call is answered; null where there is nothing to say. */
export type Reply = AppendResult | readonly Message[] | null;

/** What a writer is started with, in whatever thread. */
export type WriterStart = {
  readonly place: Place;
  readonly ledger: string;
  readonly title: string;
  /** The name under which others know this writer's commits. */
  readonly writer: string;
  readonly notify: boolean;
  readonly patienceMs: number;
};

export type ToWorker =
  /** `first` numbers the first of the calls in `frames` and `bytes`, which `unpackBatch` reads; the others follow. */
  | { readonly kind: "calls"; readonly first: number; readonly frames: string; readonly bytes: ArrayBuffer }
  /** What instances share, from which the keys of news are made. */
  | { readonly kind: "secret"; readonly secret: Uint8Array }
  /** What came before was committed elsewhere. Where that is still under way, what follows waits for `go`. */
  | { readonly kind: "turn"; readonly isToWait: boolean }
  | { readonly kind: "go" }
  | { readonly kind: "close" };

/** What became of a call: its answer, or why it was refused. */
export type Settled =
  | { readonly call: number; readonly reply: Reply }
  | { readonly call: number; readonly refused: { readonly code: StoreErrorCode; readonly message: string } };

export type FromWorker =
  /** `commits` are the numbers of this writer's commits since the last word. */
  | { readonly kind: "settled"; readonly commits: readonly number[]; readonly calls: readonly Settled[] }
  | { readonly kind: "noted"; readonly note: string }
  /** Nothing that is read or written here can be trusted any more. */
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "closed" };
