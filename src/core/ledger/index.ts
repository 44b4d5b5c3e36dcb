export {
  NOTE_CHARS_MAX,
  NOTE_SIGNATURES_MAX,
  checkpointText,
  keyIdOf,
  noteSignedBytes,
  parseCheckpoint,
  parseNote,
  parseVerifierKey,
  signedNote,
  verifierKey,
} from "./checkpoint.ts";
export type { Checkpoint, KeyAlgorithm, Note, NoteSignature, VerifierKey } from "./checkpoint.ts";
export {
  addSignatures,
  cosignatureLine,
  cosignedBytes,
  parseWitnessKey,
  readCosignature,
  witnessKey,
} from "./cosignature.ts";
export type { Cosignature } from "./cosignature.ts";
export {
  ENTRY_HEADER_BYTES_MAX,
  ENTRY_PAYLOAD_BYTES_MAX,
  ENTRY_PAYLOAD_DEPTH_MAX,
  ENTRY_SALT_BYTES,
  commitPayload,
  openEntry,
  openHeader,
  sealEntry,
} from "./entry.ts";
export type { EntryContent, OpenedEntry, OpenedHeader, SealedEntry } from "./entry.ts";
export { HASH_BYTES, emptyRoot, leafHash, nodeHash, sameHash } from "./hash.ts";
export {
  consistencyProof,
  consistencySubtrees,
  inclusionProof,
  inclusionSubtrees,
  rootFromSubtrees,
  rootSubtrees,
  verifyConsistency,
  verifyInclusion,
} from "./proof.ts";
export { formatReceipt, openReceipt, parseReceipt } from "./receipt.ts";
export type { OpenedReceipt, Receipt } from "./receipt.ts";
export { openCosignatures, openSignedCheckpoint } from "./signed.ts";
export type { VerifySignature, Witnessed } from "./signed.ts";
export {
  LEAF_BYTES_MAX,
  TILE_HEIGHT,
  TILE_WIDTH,
  decodeBundle,
  decodeTile,
  encodeBundle,
  encodeTile,
  hasTile,
  indexPath,
  parseTilePath,
  tilePath,
  tileSubtrees,
  tilesSince,
} from "./tile.ts";
export type { Tile } from "./tile.ts";
export { formatInstant, formatSpan, parseInstant } from "./time.ts";
export { Frontier } from "./tree.ts";
export type { Subtree, SubtreeListener } from "./tree.ts";
