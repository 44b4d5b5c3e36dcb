import { InputError } from "../errors.ts";
import { noteSignedBytes, parseCheckpoint, parseNote, parseVerifierKey } from "./checkpoint.ts";
import type { Checkpoint, Note, NoteSignature, VerifierKey } from "./checkpoint.ts";
import { COSIGNATURE_ALGORITHM, cosignedBytes, readCosignature } from "./cosignature.ts";
import { sameHash } from "./hash.ts";

/** Whether an Ed25519 signature is valid (RFC 8032). Core has no curve of its own: the caller brings one. */
export type VerifySignature = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

/** A witness's word that it saw this checkpoint, and none that contradicts it, at a time in POSIX seconds. */
export type Witnessed = { readonly name: string; readonly seconds: number };

/**
 * Opens a signed checkpoint with the key that the auditor trusts. `checkpoint_invalid` unless it is a checkpoint of the
 * log that the key is named after, and every signature line that claims this key is a valid one.
 */
export function openSignedCheckpoint(note: string, vkey: string, verify: VerifySignature): Checkpoint {
  const key = parseVerifierKey(vkey);
  const { text, signatures } = parseNote(note);
  const ours = linesOf(signatures, key);
  if (ours.length === 0) throw invalid(`the checkpoint has no signature by \`${key.name}\` with this key`);
  const message = noteSignedBytes(text);
  if (!ours.every((line) => verify(key.publicKey, message, line.signature))) {
    throw invalid("the signature of the checkpoint is not valid under this key");
  }
  const checkpoint = parseCheckpoint(text);
  // A key of one ledger must not vouch for another: C2SP tlog-checkpoint names the key after the origin.
  if (checkpoint.origin !== key.name) {
    throw invalid(`the checkpoint is of \`${checkpoint.origin}\`, not \`${key.name}\``);
  }
  return checkpoint;
}

/**
 * The witnesses, out of those whose keys are given, that cosigned a note: each counts once, however many lines or keys
 * it has. Lines of others are ignored (C2SP tlog-cosignature); a false line under a given key is `checkpoint_invalid`.
 */
export function openCosignatures(
  note: string | Note,
  vkeys: readonly string[],
  verify: VerifySignature,
): readonly Witnessed[] {
  const { text, signatures } = typeof note === "string" ? parseNote(note) : note;
  const found = new Map<string, Witnessed>();
  for (const vkey of vkeys) {
    const key = parseVerifierKey(vkey, COSIGNATURE_ALGORITHM);
    for (const line of linesOf(signatures, key)) {
      const { seconds, signature } = readCosignature(line);
      if (!verify(key.publicKey, cosignedBytes(text, seconds), signature)) {
        throw invalid(`the cosignature of \`${key.name}\` is not valid under its key`);
      }
      const latest = Math.max(seconds, found.get(key.name)?.seconds ?? 0);
      found.set(key.name, { name: key.name, seconds: latest });
    }
  }
  return [...found.values()];
}

function linesOf(signatures: readonly NoteSignature[], key: VerifierKey): readonly NoteSignature[] {
  return signatures.filter((line) => line.name === key.name && sameHash(line.keyId, key.keyId));
}

function invalid(message: string): InputError {
  return new InputError({ code: "checkpoint_invalid", message });
}
