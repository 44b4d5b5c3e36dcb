import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decodeHex, encodeHex } from "../../../src/core/encoding.ts";
import {
  addSignatures,
  decodeBundle,
  encodeBundle,
  encodeTile,
  formatReceipt,
  leafHash,
  noteSignedBytes,
  parseNote,
  parseReceipt,
  parseTilePath,
  parseVerifierKey,
} from "../../../src/core/ledger/index.ts";
import { verifyEd25519, verifyReceipt, witnessesOf } from "../../../src/verify/index.ts";
import { Signer } from "./signers.ts";

type Vectors = {
  readonly signedNote: { vkey: string; note: string };
  readonly cosignature: { name: string; vkey: string; seconds: number; note: string; line: string };
  readonly receipt: { vkey: string; witness: string; index: number; size: number; leaf: string; text: string };
  readonly tiles: { leaves: string[]; bundlePath: string; bundle: string; tilePath: string; tile: string };
};
const file = new URL("../../../spec/vectors/ledger.json", import.meta.url);
const { signedNote, cosignature, receipt, tiles } = JSON.parse(readFileSync(file, "utf8")) as Vectors;

test("the signature of C2SP signed-note's example is valid, and not for another text", () => {
  const { text, signatures } = parseNote(signedNote.note);
  const { publicKey } = parseVerifierKey(signedNote.vkey);
  const [line] = signatures;
  const valid = (message: string): boolean =>
    verifyEd25519(publicKey, noteSignedBytes(message), line?.signature ?? new Uint8Array(0));
  assert.deepEqual([valid(text), valid(`${text}\n`), valid(text.slice(0, -1))], [true, false, false]);
});

test("a cosignature is written and verified as in the vectors", () => {
  const { name, vkey, seconds, note, line } = cosignature;
  const witness = new Signer(name, 0x43);
  assert.equal(witness.witnessKey, vkey);
  assert.equal(witness.cosign(note, seconds), line);
  assert.deepEqual(witnessesOf(addSignatures(note, [line]), { vkeys: [vkey] }), [{ name, seconds }]);
});

test("a receipt is written and verified as in the vectors", () => {
  const { text, vkey, witness, index, size, leaf } = receipt;
  const found = verifyReceipt({ receipt: text, vkey, witnesses: { vkeys: [witness], quorum: 1 } });
  assert.deepEqual([found.index, found.checkpoint.size, encodeHex(found.leaf)], [index, size, leaf]);
  assert.equal(formatReceipt(parseReceipt(text)), text);
});

test("a bundle and a tile are written and read as in the vectors", () => {
  const leaves = tiles.leaves.map(decodeHex);
  assert.equal(encodeHex(encodeBundle(leaves)), tiles.bundle);
  assert.deepEqual(decodeBundle(decodeHex(tiles.bundle), leaves.length).map(encodeHex), tiles.leaves);
  assert.equal(encodeHex(encodeTile(leaves.map(leafHash))), tiles.tile);
  assert.deepEqual(parseTilePath(tiles.bundlePath), { level: "entries", index: 0, width: leaves.length });
  assert.deepEqual(parseTilePath(tiles.tilePath), { level: 0, index: 0, width: leaves.length });
});
