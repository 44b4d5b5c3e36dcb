import {
  checkpointText,
  consistencyProof,
  consistencySubtrees,
  formatReceipt,
  inclusionProof,
  inclusionSubtrees,
  noteSignedBytes,
  rootFromSubtrees,
  rootSubtrees,
  signedNote,
  verifierKey,
} from "../core/ledger/index.ts";
import type { Signer } from "../ports/signer.ts";
import type { Store } from "../ports/store.ts";

/** A checkpoint with its signature: a C2SP signed note over the first `size` entries. */
export type SignedCheckpoint = { readonly size: number; readonly note: string };

/** Entries whose receipts the caller wants: the leaf, and the size of the ledger to prove it in. */
export type ReceiptWanted = { readonly index: number; readonly size: number };

/**
 * Signs for the ledger, with the ledger's key and under its origin. INVARIANT: nothing is signed that is not on disk:
 * every size here was told by the store after a commit, and smaller sizes are prefixes of the same tree.
 */
export class Notary {
  readonly origin: string;
  readonly #store: Store;
  readonly #signer: Signer;
  #last: SignedCheckpoint | null = null;

  constructor(store: Store, origin: string, signer: Signer) {
    this.#store = store;
    this.origin = origin;
    this.#signer = signer;
  }

  /** The line by which auditors, gates and witnesses know this ledger's key (C2SP signed-note). */
  get vkey(): string {
    return verifierKey(this.origin, this.#signer.publicKey);
  }

  /** The ledger as it stands, signed. */
  async head(): Promise<SignedCheckpoint> {
    const { size, root } = await this.#store.head();
    // Ed25519 is deterministic, and a size has one root: the same note may be given out again.
    if (this.#last?.size !== size) this.#last = { size, note: this.#sign(size, root) };
    return this.#last;
  }

  /**
   * A receipt (C2SP tlog-proof) with its leaf, under a checkpoint of exactly this size: it does not wait for anything to
   * be published, and asking again gives the same bytes.
   */
  async receipt({ index, size }: ReceiptWanted): Promise<string> {
    const path = inclusionSubtrees(index, size);
    const [hashes, leaf] = await Promise.all([
      this.#store.subtrees([...path, ...rootSubtrees(size)]),
      this.#leaf(index),
    ]);
    const root = rootFromSubtrees(size, hashes.slice(path.length));
    return formatReceipt({
      leaf,
      index,
      path: inclusionProof(index, size, hashes.slice(0, path.length)),
      checkpoint: this.#sign(size, root),
    });
  }

  /** The same under a checkpoint that was given out before, such as one that witnesses have cosigned. */
  async receiptUnder({ size, note }: SignedCheckpoint, index: number): Promise<string> {
    const [hashes, leaf] = await Promise.all([this.#store.subtrees(inclusionSubtrees(index, size)), this.#leaf(index)]);
    return formatReceipt({ leaf, index, path: inclusionProof(index, size, hashes), checkpoint: note });
  }

  /** That the first `oldSize` of `size` entries are what they were. */
  async consistency(oldSize: number, size: number): Promise<readonly Uint8Array[]> {
    return consistencyProof(oldSize, size, await this.#store.subtrees(consistencySubtrees(oldSize, size)));
  }

  async #leaf(index: number): Promise<Uint8Array> {
    const [header] = await this.#store.headers(index, 1);
    if (header === undefined) throw new RangeError(`the ledger has no entry ${index}`);
    return header;
  }

  #sign(size: number, root: Uint8Array): string {
    const text = checkpointText(this.origin, size, root);
    return signedNote(text, this.origin, this.#signer.publicKey, this.#signer.sign(noteSignedBytes(text)));
  }
}
