/** An entry as any store or export holds it. `payload` and `salt` are null once they were erased. */
export type LedgerEntry = {
  readonly index: number;
  readonly stream: string;
  readonly version: number;
  readonly type: string;
  readonly header: Uint8Array;
  readonly payload: Uint8Array | null;
  readonly salt: Uint8Array | null;
};

/** An entry to be verified: where it is filed may be left out, as the header says it too. */
export type AuditedEntry = Pick<LedgerEntry, "index" | "header" | "payload" | "salt"> &
  (Pick<LedgerEntry, "stream" | "version" | "type"> | { readonly stream?: never });

/** Entries in the order of their index: one after the other, or in lists, which is faster. Bytes may be reused after. */
export type Entries = Iterable<AuditedEntry> | AsyncIterable<AuditedEntry | readonly AuditedEntry[]>;
