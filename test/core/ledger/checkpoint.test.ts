import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  checkpointText,
  keyIdOf,
  noteSignedBytes,
  openSignedCheckpoint,
  parseCheckpoint,
  parseNote,
  parseVerifierKey,
  signedNote,
  verifierKey,
} from "../../../src/core/ledger/index.ts";
import { verifyEd25519 } from "../../../src/verify/index.ts";

type Vectors = {
  checkpoint: {
    origin: string;
    size: number;
    root: string;
    publicKey: string;
    signature: string;
    text: string;
    note: string;
    vkey: string;
  };
  signedNote: { vkey: string; note: string };
  refusedCheckpoints: { name: string; text: string }[];
  refusedNotes: { name: string; note: string }[];
};
const vectors = JSON.parse(
  readFileSync(new URL("../../../spec/vectors/ledger.json", import.meta.url), "utf8"),
) as Vectors;
const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));
const { checkpoint } = vectors;
const [root, publicKey, signature] = [
  fromHex(checkpoint.root),
  fromHex(checkpoint.publicKey),
  fromHex(checkpoint.signature),
];

test("a checkpoint, its note and its key are written as in the vectors, and read back", () => {
  const { origin, size, text, note, vkey } = checkpoint;
  assert.equal(checkpointText(origin, size, root), text);
  assert.deepEqual(parseCheckpoint(text), { origin, size, root });
  assert.equal(Buffer.from(noteSignedBytes(text)).toString(), text);
  assert.equal(signedNote(text, origin, publicKey, signature), note);
  const keyId = keyIdOf(origin, publicKey);
  assert.deepEqual(parseNote(note), { text, signatures: [{ name: origin, keyId, signature }] });
  assert.equal(verifierKey(origin, publicKey), vkey);
  assert.deepEqual(parseVerifierKey(vkey), { name: origin, keyId, publicKey });
});

test("the example of C2SP signed-note is read, and its key is written the same", () => {
  const key = parseVerifierKey(vectors.signedNote.vkey);
  const note = parseNote(vectors.signedNote.note);
  assert.equal(note.text.split("\n").length, 3);
  assert.deepEqual(
    note.signatures.map((line) => [line.name, line.keyId, line.signature.length]),
    [["PeterNeumann", key.keyId, 64]],
  );
  assert.equal(verifierKey(key.name, key.publicKey), vectors.signedNote.vkey);
});

test("a checkpoint in any other spelling is refused", () => {
  for (const { name, text } of vectors.refusedCheckpoints) {
    assert.throws(() => parseCheckpoint(text), { name: "InputError", code: "checkpoint_invalid" }, name);
  }
});

test("a note in any other spelling is refused", () => {
  for (const { name, note } of vectors.refusedNotes) {
    assert.throws(() => parseNote(note), { name: "InputError", code: "checkpoint_invalid" }, name);
  }
  assert.throws(() => parseNote(`${"x".repeat(70_000)}${checkpoint.note}`), { code: "checkpoint_invalid" });
  assert.throws(() => parseNote(`\ud800${checkpoint.note}`), { code: "checkpoint_invalid" });
});

test("a note may carry other signatures, and the last empty line is the border", () => {
  const [, line = ""] = checkpoint.note.split("\n\n");
  const note = parseNote(`a\n\nb\n\n${line}${line.replace(checkpoint.origin, "witness.example")}`);
  assert.equal(note.text, "a\n\nb\n");
  assert.deepEqual(
    note.signatures.map(({ name }) => name),
    [checkpoint.origin, "witness.example"],
  );
});

test("a line of a type that is not ours, such as ML-DSA-44 under the log's own name, is passed over", () => {
  const unknown = Buffer.alloc(4 + 2420, 6).toString("base64"); // another key id, and a signature of 2,420 bytes
  const note = `${checkpoint.note}— ${checkpoint.origin} ${unknown}\n`;
  assert.equal(openSignedCheckpoint(note, checkpoint.vkey, verifyEd25519).origin, checkpoint.origin);
});

test("ledger.key-swap: a key line whose id, name or algorithm was changed is refused", () => {
  const { vkey, origin } = checkpoint;
  const [, id = "", key = ""] = vkey.split("+", 2).concat(vkey.slice(vkey.indexOf("+", vkey.indexOf("+") + 1) + 1));
  const odd = [
    "",
    origin,
    `${origin}+${id}`,
    vkey.replace(id, "00000000"),
    vkey.replace(id, id.toUpperCase()),
    vkey.replace(origin, `${origin}x`),
    `${origin}+${id}+BA${key.slice(2)}`,
    `${vkey}\n`,
    `${vkey}=`,
    vkey.slice(0, -4),
    ` ${vkey}`,
  ];
  for (const line of odd) assert.throws(() => parseVerifierKey(line), { code: "checkpoint_invalid" }, line);
});

test("names, sizes, roots and keys that no checkpoint can have are faults", () => {
  for (const name of ["", "a b", "a+b", "a\nb", "a\u00a0b"]) {
    assert.throws(() => checkpointText(name, 1, root), RangeError, name);
    assert.throws(() => verifierKey(name, publicKey), RangeError, name);
  }
  for (const size of [-1, 0.5, 2 ** 53]) assert.throws(() => checkpointText("a", size, root), RangeError);
  assert.throws(() => checkpointText("a", 1, root.slice(1)), RangeError);
  assert.throws(() => keyIdOf("a", publicKey.slice(1)), RangeError);
  assert.throws(() => signedNote("a", "a", publicKey, signature), RangeError);
});
