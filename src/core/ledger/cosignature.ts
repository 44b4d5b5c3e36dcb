import { concatBytes, encodeBase64 } from "../encoding.ts";
import { InputError } from "../errors.ts";
import {
  NOTE_SIGNATURES_MAX,
  keyIdOf,
  noteSignedBytes,
  parseNote,
  parseVerifierKey,
  verifierKey,
} from "./checkpoint.ts";
import type { KeyAlgorithm, NoteSignature, VerifierKey } from "./checkpoint.ts";

/** C2SP tlog-cosignature: the algorithm byte of a witness's Ed25519 key. */
export const COSIGNATURE_ALGORITHM: KeyAlgorithm = 0x04;

/** What a cosignature line holds after the key id: when, and a signature over `cosignedBytes`. Nothing is verified yet. */
export type Cosignature = { readonly seconds: number; readonly signature: Uint8Array };

const TIME_BYTES = 8;
const SIGNATURE_BYTES = 64;

/** The bytes that a witness signs at a time, in POSIX seconds: a header line, a time line, the text of the note. */
export function cosignedBytes(text: string, seconds: number): Uint8Array {
  return noteSignedBytes(`cosignature/v1\ntime ${assertSeconds(seconds)}\n${text}`);
}

/** A witness's signature line with its newline, as it answers it and as it stands under a note. */
export function cosignatureLine(name: string, publicKey: Uint8Array, { seconds, signature }: Cosignature): string {
  if (signature.length !== SIGNATURE_BYTES) throw new RangeError(`an Ed25519 signature has ${SIGNATURE_BYTES} bytes`);
  const keyId = keyIdOf(name, publicKey, COSIGNATURE_ALGORITHM);
  return `— ${name} ${encodeBase64(concatBytes(keyId, timeBytes(seconds), signature))}\n`;
}

/** Takes a cosignature line apart; `checkpoint_invalid` where it cannot be a timestamped Ed25519 signature. */
export function readCosignature(line: NoteSignature): Cosignature {
  const { signature: bytes } = line;
  if (bytes.length !== TIME_BYTES + SIGNATURE_BYTES) throw invalid("a cosignature is a time and an Ed25519 signature");
  const seconds = bytes.subarray(0, TIME_BYTES).reduce((sum, byte) => sum * 256 + byte, 0);
  if (!Number.isSafeInteger(seconds)) throw invalid("the time of the cosignature is beyond 2^53");
  return { seconds, signature: bytes.slice(TIME_BYTES) };
}

/** The line by which an auditor knows a witness: like `verifierKey`, of type 0x04. */
export function witnessKey(name: string, publicKey: Uint8Array): string {
  return verifierKey(name, publicKey, COSIGNATURE_ALGORITHM);
}

/** Reads a witness's key line; `checkpoint_invalid` for any other, a log's own key included. */
export function parseWitnessKey(line: string): VerifierKey {
  return parseVerifierKey(line, COSIGNATURE_ALGORITHM);
}

/** The note with more signature lines under it, each ended by a newline; `checkpoint_invalid` where that is no note. */
export function addSignatures(note: string, lines: readonly string[]): string {
  const { signatures } = parseNote(note);
  if (signatures.length + lines.length > NOTE_SIGNATURES_MAX) {
    throw invalid(`a note has at most ${NOTE_SIGNATURES_MAX} signatures`);
  }
  const more = note + lines.join("");
  // A line that hides another, or an empty one that moves the border, would be read as something else than was given.
  if (parseNote(more).signatures.length !== signatures.length + lines.length)
    throw invalid("one line is one signature");
  return more;
}

function timeBytes(seconds: number): Uint8Array {
  const bytes = new Uint8Array(TIME_BYTES);
  let rest = assertSeconds(seconds);
  for (let at = TIME_BYTES - 1; at >= 0; at--) {
    bytes[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return bytes;
}

function assertSeconds(seconds: number): number {
  if (Number.isSafeInteger(seconds) && seconds >= 0) return seconds;
  throw new RangeError(`\`${seconds}\` is not a time in whole seconds since 1970`);
}

function invalid(message: string): InputError {
  return new InputError({ code: "checkpoint_invalid", message });
}
