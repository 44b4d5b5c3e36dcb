import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeHex, encodeHex } from "../../../src/core/encoding.ts";
import {
  NOTE_SIGNATURES_MAX,
  addSignatures,
  cosignatureLine,
  cosignedBytes,
  keyIdOf,
  openCosignatures,
  parseCheckpoint,
  parseNote,
  parseWitnessKey,
  readCosignature,
  witnessKey,
} from "../../../src/core/ledger/index.ts";
import { verifyEd25519 } from "../../../src/verify/index.ts";
import { Signer } from "./signers.ts";

/** The example of C2SP tlog-checkpoint with the cosignature of C2SP tlog-cosignature under it. */
const TEXT = `example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
`;
const LOG_LINE =
  "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";
const WITNESS_LINE =
  "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
const EXAMPLE = `${TEXT}\n${LOG_LINE}${WITNESS_LINE}`;

const log = new Signer("log.example/ledger/a/1", 1);
const [one, two] = [new Signer("witness.example/1", 2), new Signer("witness.example/2", 3)];
const note = log.checkpoint(7, new Uint8Array(32).fill(9));
const AT = 1_795_295_386;

test("the examples of C2SP tlog-checkpoint and tlog-cosignature are read and written byte for byte", () => {
  const { text, signatures } = parseNote(EXAMPLE);
  assert.equal(text, TEXT);
  assert.equal(parseCheckpoint(text).size, 20_852_163);
  const [, line] = signatures;
  const cosignature = readCosignature(line ?? assert.fail());
  assert.equal(cosignature.seconds, 1_679_315_147);
  assert.equal(
    Buffer.from(cosignedBytes(text, cosignature.seconds)).toString(),
    `cosignature/v1\ntime 1679315147\n${TEXT}`,
  );
  assert.equal(addSignatures(`${TEXT}\n${LOG_LINE}`, [WITNESS_LINE]), EXAMPLE);
  assert.equal(encodeHex(line?.keyId ?? new Uint8Array(0)), "8d66cf3f");
});

test("a witness's key is of type 4, and neither key passes for the other", () => {
  const publicKey = decodeHex("11".repeat(32));
  const line = witnessKey("w", publicKey);
  assert.match(line, /^w\+[0-9a-f]{8}\+BB/, "base64 of 0x04 and the key");
  assert.deepEqual(parseWitnessKey(line), { name: "w", keyId: keyIdOf("w", publicKey, 0x04), publicKey });
  assert.notDeepEqual(keyIdOf("w", publicKey, 0x04), keyIdOf("w", publicKey));
  assert.throws(() => parseWitnessKey(log.vkey), { code: "checkpoint_invalid" });
});

test("witnesses that cosigned are counted once each, others are ignored, false lines are refused", () => {
  const keys = [one.witnessKey, two.witnessKey];
  const names = (text: string, vkeys: readonly string[] = keys): string[] =>
    openCosignatures(text, vkeys, verifyEd25519).map(({ name, seconds }) => `${name} ${seconds - AT}`);
  assert.deepEqual(names(note), []);
  assert.deepEqual(names(addSignatures(note, [one.cosign(note, AT)])), ["witness.example/1 0"]);
  const both = addSignatures(note, [one.cosign(note, AT), two.cosign(note, AT + 2), one.cosign(note, AT + 1)]);
  assert.deepEqual(names(both), ["witness.example/1 1", "witness.example/2 2"]);
  assert.deepEqual(names(both, [two.witnessKey]), ["witness.example/2 2"]);
  assert.deepEqual(names(both, [one.witnessKey, one.witnessKey]), ["witness.example/1 1"], "one key given twice");
  const other = log.checkpoint(8, new Uint8Array(32).fill(9));
  const moved = addSignatures(note, [one.cosign(other, AT)]);
  assert.throws(() => names(moved), /cosignature of `witness.example\/1` is not valid/);
  assert.deepEqual(names(moved, [two.witnessKey]), []);
  const short = `— ${one.name} ${Buffer.concat([keyIdOf(one.name, one.publicKey, 0x04), Buffer.alloc(64)]).toString("base64")}\n`;
  assert.throws(() => names(addSignatures(note, [short])), /a time and an Ed25519 signature/);
});

test("every single-bit mutant of a cosigned note loses the log's signature or the witness", () => {
  const cosigned = addSignatures(note, [one.cosign(note, AT)]);
  const bytes = Buffer.from(cosigned);
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const mutant = Buffer.from(bytes);
    mutant[bit >> 3] = (mutant[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const text = mutant.toString();
    const intact = ((): boolean => {
      try {
        const { signatures } = parseNote(text);
        const ours = signatures.filter(({ name }) => name === log.name);
        const message = Buffer.from(parseNote(text).text);
        const logged = ours.some((line) => verifyEd25519(log.publicKey, message, line.signature));
        const keyed = ours.some((line) => Buffer.compare(line.keyId, keyIdOf(log.name, log.publicKey)) === 0);
        return logged && keyed && openCosignatures(text, [one.witnessKey], verifyEd25519).length === 1;
      } catch {
        return false;
      }
    })();
    assert.equal(intact, false, `bit ${bit} of ${JSON.stringify(text)}`);
  }
});

test("lines that are no signature, or too many, are not added", () => {
  const line = one.cosign(note, AT);
  for (const odd of ["", "\n", line.slice(0, -1), `${line}${line}`, `\n${line}`, "— a\n", `x\n\n${line}`]) {
    assert.throws(() => addSignatures(note, [odd]), { code: "checkpoint_invalid" }, JSON.stringify(odd));
  }
  const many = Array.from({ length: NOTE_SIGNATURES_MAX }, () => line);
  assert.throws(() => addSignatures(note, many), /at most 16/);
  assert.equal(parseNote(addSignatures(note, many.slice(1))).signatures.length, 16);
});

test("times are whole seconds that a number counts exactly", () => {
  const publicKey = one.publicKey;
  const signature = new Uint8Array(64);
  for (const seconds of [-1, 0.5, 2 ** 53]) {
    assert.throws(() => cosignedBytes(TEXT, seconds), RangeError);
    assert.throws(() => cosignatureLine("w", publicKey, { seconds, signature }), RangeError);
  }
  for (const seconds of [0, 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
    const [, line] = parseNote(
      addSignatures(note, [cosignatureLine("w", publicKey, { seconds, signature })]),
    ).signatures;
    assert.deepEqual(readCosignature(line ?? assert.fail()), { seconds, signature });
  }
  assert.throws(() => cosignatureLine("w", publicKey, { seconds: 1, signature: new Uint8Array(63) }), RangeError);
  const late = Uint8Array.of(0, 0x20, 0, 0, 0, 0, 0, 0, ...signature);
  assert.throws(() => readCosignature({ name: "w", keyId: new Uint8Array(4), signature: late }), /beyond 2\^53/);
});
