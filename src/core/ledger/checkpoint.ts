import { sha256 } from "../action/index.ts";
import { concatBytes, decodeBase64, decodeHex, encodeBase64, encodeHex } from "../encoding.ts";
import { InputError } from "../errors.ts";
import { HASH_BYTES, sameHash } from "./hash.ts";
import { assertSize } from "./tree.ts";

/** The head of a ledger: C2SP tlog-checkpoint. */
export type Checkpoint = { readonly origin: string; readonly size: number; readonly root: Uint8Array };
/** One line under a note: whose it says it is, and 4 bytes that point to the key. Nothing is verified yet. */
export type NoteSignature = { readonly name: string; readonly keyId: Uint8Array; readonly signature: Uint8Array };
/** A signed note taken apart: C2SP signed-note. `text` ends with its newline and is what was signed. */
export type Note = { readonly text: string; readonly signatures: readonly NoteSignature[] };
/** A key that an auditor trusts, by name. */
export type VerifierKey = { readonly name: string; readonly keyId: Uint8Array; readonly publicKey: Uint8Array };

/** Characters of a signed note; a checkpoint with a dozen witnesses has some 2,000. */
export const NOTE_CHARS_MAX = 65_536;
/** Signatures of a note. */
export const NOTE_SIGNATURES_MAX = 16;
/** Bytes of a raw Ed25519 public key. */
export const PUBLIC_KEY_BYTES = 32;

/** C2SP signed-note: the byte of a key's algorithm. 0x04 is an Ed25519 key that makes cosignatures (tlog-cosignature). */
export type KeyAlgorithm = 0x01 | 0x04;

const ED25519: KeyAlgorithm = 0x01;
const KEY_ID_BYTES = 4;
/** C2SP signed-note: a key name is not empty and has neither white space nor plus. */
const NAME = /^[^\s+\p{Cc}]+$/u;
const encoder = new TextEncoder();

/** The text of a checkpoint: origin, size and root, a line each, without extension lines. */
export function checkpointText(origin: string, size: number, root: Uint8Array): string {
  assertName(origin);
  assertSize(size);
  if (root.length !== HASH_BYTES) throw new RangeError(`a root has ${HASH_BYTES} bytes, not ${root.length}`);
  return `${origin}\n${size}\n${encodeBase64(root)}\n`;
}

/** The bytes that a note's signature covers: its text with the last newline, without the empty line after it. */
export function noteSignedBytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** A note with one Ed25519 signature, which was made over `noteSignedBytes(text)`. */
export function signedNote(text: string, name: string, publicKey: Uint8Array, signature: Uint8Array): string {
  if (!text.endsWith("\n")) throw new RangeError("the text of a note ends with a newline");
  return `${text}\n— ${name} ${encodeBase64(concatBytes(keyIdOf(name, publicKey), signature))}\n`;
}

/** The 4 bytes that name a key: SHA-256(name ‖ 0x0A ‖ algorithm ‖ public key), cut off. */
export function keyIdOf(name: string, publicKey: Uint8Array, algorithm: KeyAlgorithm = ED25519): Uint8Array {
  assertName(name);
  if (publicKey.length !== PUBLIC_KEY_BYTES) throw new RangeError(`a public key has ${PUBLIC_KEY_BYTES} bytes`);
  const hashed = sha256(concatBytes(encoder.encode(`${name}\n`), Uint8Array.of(algorithm), publicKey));
  return new Uint8Array(hashed.subarray(0, KEY_ID_BYTES));
}

/** The line by which an auditor knows a key: `name+keyid+base64(algorithm ‖ public key)`. */
export function verifierKey(name: string, publicKey: Uint8Array, algorithm: KeyAlgorithm = ED25519): string {
  const keyId = encodeHex(keyIdOf(name, publicKey, algorithm));
  return `${name}+${keyId}+${encodeBase64(concatBytes(Uint8Array.of(algorithm), publicKey))}`;
}

/** Reads a verifier key line; `checkpoint_invalid` where the key id is not that of the key, or another algorithm's. */
export function parseVerifierKey(line: string, algorithm: KeyAlgorithm = ED25519): VerifierKey {
  const parts = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(line);
  const [, name = "", hex = "", base64 = ""] = parts ?? [];
  if (parts === null || !NAME.test(name)) throw invalid("a verifier key is `name+keyid+base64`");
  const typed = bytesOf(base64);
  if (typed.length !== 1 + PUBLIC_KEY_BYTES || typed[0] !== algorithm) {
    throw invalid(`the key is not an Ed25519 key of type 0x0${algorithm}`);
  }
  const key = { name, keyId: decodeHex(hex), publicKey: typed.slice(1) };
  if (!sameHash(keyIdOf(name, key.publicKey, algorithm), key.keyId))
    throw invalid("the key id is not that of the name and key");
  return key;
}

/** Takes a signed note apart, strictly (C2SP signed-note); anything odd is refused with `checkpoint_invalid`. */
export function parseNote(note: string): Note {
  if (note.length > NOTE_CHARS_MAX) throw invalid(`a note has at most ${NOTE_CHARS_MAX} characters`);
  if (!note.isWellFormed() || /[^\P{Cc}\n]/u.test(note)) throw invalid("a note has no control character but newline");
  const split = note.lastIndexOf("\n\n");
  if (split < 1 || !note.endsWith("\n")) throw invalid("a note is a text, an empty line, and signature lines");
  const lines = note.slice(split + 2, -1).split("\n");
  if (lines.length > NOTE_SIGNATURES_MAX) throw invalid(`a note has at most ${NOTE_SIGNATURES_MAX} signatures`);
  return { text: note.slice(0, split + 1), signatures: lines.map(parseSignature) };
}

/** Reads the text of a checkpoint; extension lines are refused, because no monitor could audit them. */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split("\n");
  const [origin = "", decimal = "", base64 = "", end] = lines;
  if (lines.length !== 4 || end !== "") throw invalid("a checkpoint is three lines: origin, size and root");
  if (!NAME.test(origin)) throw invalid("the origin is empty or has white space or a plus");
  const size = /^(?:0|[1-9][0-9]*)$/.test(decimal) ? Number(decimal) : Number.NaN;
  if (!Number.isSafeInteger(size)) throw invalid("the size is not a decimal number without leading zeros");
  const root = bytesOf(base64);
  if (root.length !== HASH_BYTES) throw invalid(`the root has not ${HASH_BYTES} bytes`);
  return { origin, size, root };
}

function parseSignature(line: string): NoteSignature {
  const [dash, name = "", base64 = "", ...rest] = line.split(" ");
  if (dash !== "—" || !NAME.test(name) || base64 === "" || rest.length > 0) {
    throw invalid("a signature line is an em dash, a name and base64, one space between");
  }
  const bytes = bytesOf(base64);
  if (bytes.length <= KEY_ID_BYTES) throw invalid("a signature line holds a key id and a signature");
  return { name, keyId: bytes.slice(0, KEY_ID_BYTES), signature: bytes.slice(KEY_ID_BYTES) };
}

function bytesOf(base64: string): Uint8Array {
  try {
    return decodeBase64(base64);
  } catch (cause) {
    throw new InputError({
      code: "checkpoint_invalid",
      message: "the base64 is not in its one strict spelling",
      cause,
    });
  }
}

function assertName(name: string): void {
  if (!NAME.test(name)) throw new RangeError(`\`${name}\` cannot name a log: no white space, no plus, not empty`);
}

function invalid(message: string): InputError {
  return new InputError({ code: "checkpoint_invalid", message });
}
