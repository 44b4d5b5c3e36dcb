import { createPublicKey, verify } from "node:crypto";
import type { KeyObject } from "node:crypto";
import {
  openCosignatures,
  openReceipt,
  openSignedCheckpoint,
  parseReceipt,
  parseWitnessKey,
} from "../core/ledger/index.ts";
import type { Checkpoint, OpenedReceipt, VerifySignature, Witnessed } from "../core/ledger/index.ts";

/** RFC 8410 §4: what precedes the 32 bytes of an Ed25519 key in SubjectPublicKeyInfo. */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/** Ed25519 by Node. */
export const verifyEd25519: VerifySignature = (publicKey, message, signature) =>
  verify(null, message, keyObject(publicKey), signature);

function keyObject(publicKey: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: "der", type: "spki" });
}

/**
 * Opens a signed checkpoint with the key that the auditor trusts. Throws with a sentence unless the text is a
 * checkpoint of the log that the key is named after and every signature line that claims this key is a valid one.
 */
export function openCheckpoint(note: string, vkey: string): Checkpoint {
  return openSignedCheckpoint(note, vkey, verifyEd25519);
}

/** Who must have cosigned: the keys of the witnesses that count, and how many of them. */
export type WitnessPolicy = { readonly vkeys: readonly string[]; readonly quorum: number };

/** The witnesses that cosigned a note, each person's key once. Throws with a sentence for a false line or a bad policy. */
export function witnessesOf(note: string, { vkeys }: Pick<WitnessPolicy, "vkeys">): readonly Witnessed[] {
  const keys = new Map(vkeys.map((vkey) => [Buffer.from(parseWitnessKey(vkey).publicKey).toString("hex"), vkey]));
  if (keys.size < vkeys.length) throw new Error("two witnesses have the same key: they would count as two");
  return openCosignatures(note, vkeys, verifyEd25519);
}

/** A receipt, and what is needed to believe it. */
export type ReceiptEvidence = {
  /** The text of the `.tlog-proof` file. */
  readonly receipt: string;
  /** The log's verifier key, brought by whoever verifies. */
  readonly vkey: string;
  /** The header that it should be for; without it, the receipt's own leaf is proven and must be looked at. */
  readonly leaf?: Uint8Array;
  readonly witnesses?: WitnessPolicy;
};

/** A receipt that was believed, and the witnesses that were. */
export type VerifiedReceipt = OpenedReceipt & { readonly witnessed: readonly Witnessed[] };

/** Verifies a receipt offline: answers the leaf, its index, checkpoint and witnesses, or throws with a sentence. */
export function verifyReceipt({ receipt, vkey, leaf, witnesses }: ReceiptEvidence): VerifiedReceipt {
  const opened = openReceipt(receipt, vkey, verifyEd25519, leaf ?? null);
  if (witnesses === undefined) return { ...opened, witnessed: [] };
  const witnessed = witnessesOf(parseReceipt(receipt).checkpoint, witnesses);
  if (witnessed.length < witnesses.quorum) throw new Error(lacking(witnessed.length, witnesses));
  return { ...opened, witnessed };
}

/** Says how many witnesses are missing. */
export function lacking(found: number, { vkeys, quorum }: WitnessPolicy): string {
  return `${found} of ${vkeys.length} witnesses cosigned the checkpoint, and ${quorum} are asked`;
}
