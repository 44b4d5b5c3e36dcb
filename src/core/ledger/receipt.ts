import { decodeBase64, encodeBase64 } from "../encoding.ts";
import { InputError } from "../errors.ts";
import { NOTE_CHARS_MAX } from "./checkpoint.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { HASH_BYTES, leafHash, sameHash } from "./hash.ts";
import { verifyInclusion } from "./proof.ts";
import { openSignedCheckpoint } from "./signed.ts";
import type { VerifySignature } from "./signed.ts";
import { LEAF_BYTES_MAX } from "./tile.ts";
import { assertSize } from "./tree.ts";

/**
 * A receipt taken apart: that a leaf is in the ledger (C2SP tlog-proof). `leaf` is null where the receipt does not carry
 * it. Nothing is verified yet: the leaf in it is only a claim until the proof was checked with it.
 */
export type Receipt = {
  readonly leaf: Uint8Array | null;
  readonly index: number;
  readonly path: readonly Uint8Array[];
  /** The signed note, with cosignatures if there are any. */
  readonly checkpoint: string;
};

/** A receipt that was checked: these bytes are the entry at this index, under a checkpoint that the key signed. */
export type OpenedReceipt = { readonly leaf: Uint8Array; readonly index: number; readonly checkpoint: Checkpoint };

/** Hashes of an inclusion proof: a tree of 2^53 leaves has 53 levels. */
export const RECEIPT_HASHES_MAX = 53;
/** Characters of a receipt: the longest leaf in base64, all hashes, the longest note. */
export const RECEIPT_CHARS_MAX: number =
  Math.ceil(LEAF_BYTES_MAX / 3) * 4 + 100 + 45 * RECEIPT_HASHES_MAX + NOTE_CHARS_MAX;

const FIRST_LINE = "c2sp.org/tlog-proof@v1";

/** The text of a receipt, to be kept as a `.tlog-proof` file. */
export function formatReceipt({ leaf, index, path, checkpoint }: Receipt): string {
  assertSize(index);
  const extra = leaf === null ? [] : [`extra ${encodeBase64(leaf)}`];
  return [FIRST_LINE, ...extra, `index ${index}`, ...path.map(encodeBase64), "", checkpoint].join("\n");
}

/** Takes a receipt apart, strictly; `receipt_invalid` for any spelling that `formatReceipt` does not write. */
export function parseReceipt(text: string): Receipt {
  if (text.length > RECEIPT_CHARS_MAX) throw invalid(`a receipt has at most ${RECEIPT_CHARS_MAX} characters`);
  const border = text.indexOf("\n\n");
  const lines = text.slice(0, border === -1 ? undefined : border).split("\n");
  if (border === -1 || lines.shift() !== FIRST_LINE) {
    throw invalid(`a receipt is \`${FIRST_LINE}\`, an index, hashes, an empty line and a checkpoint`);
  }
  const leaf = lines[0]?.startsWith("extra ") === true ? bytesOf((lines.shift() ?? "").slice("extra ".length)) : null;
  const decimal = /^index (0|[1-9][0-9]*)$/.exec(lines.shift() ?? "")?.[1];
  const index = Number(decimal ?? Number.NaN);
  if (!Number.isSafeInteger(index)) throw invalid("the index is not a decimal number without leading zeros");
  if (lines.length > RECEIPT_HASHES_MAX) throw invalid(`a proof has at most ${RECEIPT_HASHES_MAX} hashes`);
  const path = lines.map(bytesOf);
  if (path.some((hash) => hash.length !== HASH_BYTES)) throw invalid(`a hash of the proof has not ${HASH_BYTES} bytes`);
  return { leaf, index, path, checkpoint: text.slice(border + 2) };
}

/**
 * Checks a receipt with the key that the holder trusts, and answers what it proves. `leaf` is what the holder expects;
 * without it, the leaf that the receipt carries is used, and its content must be looked at. Throws `receipt_invalid`, or
 * `checkpoint_invalid` for the checkpoint in it.
 */
export function openReceipt(
  text: string,
  vkey: string,
  verify: VerifySignature,
  leaf: Uint8Array | null = null,
): OpenedReceipt {
  const receipt = parseReceipt(text);
  const entry = leaf ?? receipt.leaf;
  if (entry === null) throw invalid("the receipt carries no leaf; bring the one that it is for");
  if (leaf !== null && receipt.leaf !== null && !sameHash(leaf, receipt.leaf)) {
    throw invalid("the receipt is for another leaf");
  }
  const checkpoint = openSignedCheckpoint(receipt.checkpoint, vkey, verify);
  if (!verifyInclusion(leafHash(entry), receipt.index, checkpoint.size, receipt.path, checkpoint.root)) {
    throw invalid("the proof does not lead from the leaf to the signed root");
  }
  return { leaf: entry, index: receipt.index, checkpoint };
}

function bytesOf(base64: string): Uint8Array {
  try {
    if (base64 !== "") return decodeBase64(base64);
  } catch (cause) {
    throw new InputError({ code: "receipt_invalid", message: "base64 in a receipt has one strict spelling", cause });
  }
  throw invalid("a line of the receipt is empty");
}

function invalid(message: string): InputError {
  return new InputError({ code: "receipt_invalid", message });
}
