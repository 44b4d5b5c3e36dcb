import type { Digest, Instant, StreamName } from "../brand.ts";
import { canonicalBytes, digest, isJsonObject, parseDigest, parseJson } from "../action/index.ts";
import type { Json, JsonObject } from "../action/index.ts";
import { InputError } from "../errors.ts";
import { sameHash } from "./hash.ts";
import { formatInstant, parseInstant } from "./time.ts";

/** Bytes of a header. Leaves of tlog-tiles hold at most 65,535; ours stay far below. */
export const ENTRY_HEADER_BYTES_MAX = 4096;
/** Bytes of a payload: an opened request holds the question and, as text in a string, its canonical form. */
export const ENTRY_PAYLOAD_BYTES_MAX: number = 16 * 1024 * 1024;
/** Depth of a payload: a question of the greatest depth, a few members down. */
export const ENTRY_PAYLOAD_DEPTH_MAX = 96;
/** Bytes of the salt: 256 bits of chance, so that a guess at the payload cannot be tried against the commitment. */
export const ENTRY_SALT_BYTES = 32;

/** What is to be recorded. `publics` stand in the header for ever: digests, ids and counts, never personal data. */
export type EntryContent = {
  readonly stream: StreamName;
  readonly version: number;
  readonly type: string;
  readonly at: Instant;
  readonly salt: Uint8Array;
  readonly payload: Json;
  readonly publics: JsonObject;
};

/** An entry in bytes, ready to be appended: the header's bytes are the leaf. */
export type SealedEntry = {
  readonly stream: StreamName;
  readonly version: number;
  readonly type: string;
  readonly header: Uint8Array;
  readonly payload: Uint8Array;
  readonly salt: Uint8Array;
};

/** A header read back: what the leaf says, whatever became of the payload. */
export type OpenedHeader = {
  readonly stream: StreamName;
  readonly version: number;
  readonly type: string;
  readonly at: Instant;
  readonly commitment: Digest;
  readonly publics: JsonObject;
};

/** An entry read back and checked. `payload` is null once it was erased; everything else stays. */
export type OpenedEntry = OpenedHeader & { readonly payload: Json; readonly erased: boolean };

const HEADER_MEMBERS = ["commitment", "public", "stream", "time", "type", "v", "version"];
const TYPE = /^[a-z][a-z0-9_]{0,31}(?:\.[a-z][a-z0-9_]{0,31}){1,3}$/;
const STREAM = /^[a-z][a-z0-9_]{0,31}(?:\/[A-Za-z0-9._~:@-]{1,160})?$/;
const COMMITMENT_LABEL = new TextEncoder().encode("keyturn entry payload v1\n");
// One input for all but the largest: hashing is synchronous and never re-entered, and a fresh copy costs as much as the hash.
const commitmentInput = new Uint8Array(16 * 1024);

/** Turns content into an entry's bytes; content that `openEntry` would not read back is refused with `entry_invalid`. */
export function sealEntry(content: EntryContent): SealedEntry {
  const { stream, version, type, at, salt } = content;
  const payload = canonicalBytes(content.payload);
  if (payload.length > ENTRY_PAYLOAD_BYTES_MAX) throw invalid("its payload is too large", "/payload");
  // In the order of the canonical form, which spares sorting them.
  const header = canonicalBytes({
    commitment: commitPayload(payload, salt),
    public: content.publics,
    stream,
    time: formatInstant(at),
    type,
    v: 1,
    version,
  });
  if (header.length > ENTRY_HEADER_BYTES_MAX) {
    throw invalid(`its header has more than ${ENTRY_HEADER_BYTES_MAX} bytes; move members to the payload`, "/public");
  }
  checkNames(stream, version, type);
  return { stream, version, type, header, payload, salt };
}

/** Reads an entry: `openHeader`, then `openPayload`. Whatever the writer would not have written is `entry_invalid`. */
export function openEntry(header: Uint8Array, payload: Uint8Array | null, salt: Uint8Array | null): OpenedEntry {
  const opened = openHeader(header);
  if (payload === null && salt === null) return { ...opened, payload: null, erased: true };
  return { ...opened, payload: openPayload(opened, payload, salt), erased: false };
}

/**
 * Checks that a payload is the one that the header commits to, and reads it. Payload and salt go together: where one of
 * them alone was erased, nothing can be checked and the entry is invalid.
 */
export function openPayload(header: OpenedHeader, payload: Uint8Array | null, salt: Uint8Array | null): Json {
  if (payload === null || salt === null) throw invalid("of payload and salt only one is there", "");
  if (commitPayload(payload, salt) !== header.commitment) {
    throw invalid("its payload is not the one that the header commits to", "/commitment");
  }
  return readJson(payload, ENTRY_PAYLOAD_BYTES_MAX, "payload");
}

/** The salted commitment to a payload: SHA-256 of a label, the salt and the payload's bytes. */
export function commitPayload(payload: Uint8Array, salt: Uint8Array): Digest {
  // A salt of one fixed length keeps the border between salt and payload where it is.
  if (salt.length !== ENTRY_SALT_BYTES) throw invalid(`its salt has not ${ENTRY_SALT_BYTES} bytes`, "");
  const length = COMMITMENT_LABEL.length + ENTRY_SALT_BYTES + payload.length;
  const input = length <= commitmentInput.length ? commitmentInput.subarray(0, length) : new Uint8Array(length);
  input.set(COMMITMENT_LABEL);
  input.set(salt, COMMITMENT_LABEL.length);
  input.set(payload, COMMITMENT_LABEL.length + ENTRY_SALT_BYTES);
  return digest(input);
}

/** Reads a header, the leaf of the tree: only the canonical bytes of exactly the members that `sealEntry` writes. */
export function openHeader(bytes: Uint8Array): OpenedHeader {
  const header = readJson(bytes, ENTRY_HEADER_BYTES_MAX, "header");
  if (!isJsonObject(header)) throw invalid("its header is not an object", "");
  if (!sameHash(canonicalBytes(header), bytes)) throw invalid("its header is not in canonical form (RFC 8785)", "");
  const names = Object.keys(header).sort();
  if (names.join() !== HEADER_MEMBERS.join()) throw invalid(`its header must have ${HEADER_MEMBERS.join(", ")}`, "");
  const { v, type, time, stream, version, commitment, public: publics } = header;
  if (v !== 1) throw invalid("its format is not version 1", "/v");
  if (typeof type !== "string" || typeof stream !== "string" || typeof version !== "number") {
    throw invalid("its type and stream are strings, its version a number", "");
  }
  checkNames(stream, version, type);
  if (!isJsonObject(publics)) throw invalid("its public members are an object", "/public");
  return {
    stream: stream as StreamName,
    version,
    type,
    at: attempt("/time", () => parseInstant(typeof time === "string" ? time : "")),
    commitment: attempt("/commitment", () => parseDigest(commitment)),
    publics,
  };
}

function checkNames(stream: string, version: number, type: string): void {
  if (!TYPE.test(type)) throw invalid("its type is not like `request.opened`", "/type");
  if (!STREAM.test(stream)) throw invalid("its stream is not like `request/arq_…`", "/stream");
  if (!Number.isSafeInteger(version) || version < 0) throw invalid("its version is not a count from 0", "/version");
}

function readJson(bytes: Uint8Array, bytesMax: number, what: string): Json {
  try {
    return parseJson(bytes, { bytesMax, depthMax: ENTRY_PAYLOAD_DEPTH_MAX });
  } catch (cause) {
    throw invalid(`its ${what} is not JSON as we write it`, "", cause);
  }
}

function attempt<T>(pointer: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw invalid(cause instanceof Error ? cause.message : "unreadable", pointer, cause);
  }
}

function invalid(why: string, pointer: string, cause?: unknown): InputError {
  const message = `the entry cannot be read: ${why}`;
  const place = { code: "entry_invalid" as const, message, pointer };
  return new InputError(cause === undefined ? place : { ...place, cause });
}
