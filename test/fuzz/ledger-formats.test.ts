import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  addSignatures,
  checkpointText,
  decodeBundle,
  encodeBundle,
  formatReceipt,
  noteSignedBytes,
  openCosignatures,
  openHeader,
  parseCheckpoint,
  parseNote,
  parseReceipt,
  parseTilePath,
  parseVerifierKey,
  parseWitnessKey,
  tilePath,
  verifierKey,
} from "../../src/core/ledger/index.ts";
import { verifyEd25519, verifyLedger, verifyReceipt } from "../../src/verify/index.ts";
import { Signer } from "../core/ledger/signers.ts";

/** KEYTURN_FUZZ_RUNS makes a longer hunt of it; fast-check prints the seed of what it finds. */
const numRuns = Number(process.env["KEYTURN_FUZZ_RUNS"] ?? 500);
const log = new Signer("log.example/ledger/a/1", 1);
const witness = new Signer("witness.example/1", 2);
const plain = log.checkpoint(9, new Uint8Array(32).fill(3));
const note = addSignatures(plain, [witness.cosign(plain, 1_700_000_000)]);
const text = note.slice(0, note.lastIndexOf("\n\n") + 1);
const receipt = formatReceipt({ leaf: Uint8Array.of(1, 2), index: 4, path: [new Uint8Array(32)], checkpoint: note });

/** What breaks parsers of lines, numbers and base64. */
const pieces = fc.constantFrom(
  "\n",
  "\n\n",
  "\r\n",
  "\r",
  "\0",
  "\t",
  " ",
  "  ",
  "\u007f",
  "\u0085",
  "\u00a0",
  "\u2028",
  "\ufeff",
  "\ud800",
  "\udc00",
  "—",
  "-",
  "— ",
  "+",
  "=",
  "==",
  "0",
  "00",
  "-0",
  "1e3",
  "9007199254740991",
  "9007199254740992",
  "18446744073709551616",
  "index ",
  "extra ",
  "c2sp.org/tlog-proof@v1\n",
  "x000",
  ".p/",
  "tile/",
);

/** A text with a few cuts, joins and odd pieces in it, or nothing like it at all. */
function broken(original: string): fc.Arbitrary<string> {
  const edit = fc.tuple(fc.nat(original.length), fc.nat(6), fc.oneof(pieces, fc.string({ maxLength: 4 })));
  const edited = fc
    .array(edit, { minLength: 1, maxLength: 4 })
    .map((edits) => edits.reduce((now, [at, cut, piece]) => now.slice(0, at) + piece + now.slice(at + cut), original));
  return fc.oneof(
    { weight: 6, arbitrary: edited },
    fc.string({ unit: "binary" }),
    fc.array(pieces).map((all) => all.join("")),
  );
}

/** Reads, or refuses with one of our codes; null then. Anything else thrown is a bug. */
function read<T>(parse: () => T): T | null {
  try {
    return parse();
  } catch (error) {
    assert.ok(error instanceof Error && error.name === "InputError", String(error));
    return null;
  }
}

test("fuzz: checkpoints: what is read is written the same", () => {
  fc.assert(
    fc.property(broken(text), (one) => {
      const found = read(() => parseCheckpoint(one));
      if (found !== null) assert.equal(checkpointText(found.origin, found.size, found.root), one);
    }),
    { numRuns },
  );
});

test("fuzz: notes: what is read has its parts in the text, and no signature is believed for another text", () => {
  fc.assert(
    fc.property(broken(note), (one) => {
      const found = read(() => parseNote(one));
      if (found === null) return;
      assert.ok(one.startsWith(`${found.text}\n— `));
      assert.equal(found.signatures.length, one.slice(found.text.length + 1).split("\n").length - 1);
      assert.doesNotMatch(one, /[^\P{Cc}\n]/u);
      for (const { publicKey, name } of [log]) {
        const valid = found.signatures.some(
          (line) => line.name === name && verifyEd25519(publicKey, noteSignedBytes(found.text), line.signature),
        );
        assert.ok(!valid || found.text === text, "a signature that was never made");
      }
      const witnessed = read(() => openCosignatures(one, [witness.witnessKey], verifyEd25519)) ?? [];
      assert.ok(witnessed.length === 0 || found.text === text);
    }),
    { numRuns },
  );
});

test("fuzz: keys: what is read is written the same", () => {
  fc.assert(
    fc.property(broken(log.vkey), broken(witness.witnessKey), (one, other) => {
      const key = read(() => parseVerifierKey(one));
      if (key !== null) assert.equal(verifierKey(key.name, key.publicKey), one);
      const found = read(() => parseWitnessKey(other));
      if (found !== null) assert.equal(verifierKey(found.name, found.publicKey, 0x04), other);
    }),
    { numRuns },
  );
});

test("fuzz: receipts: what is read is written the same, and none but the real one is believed", () => {
  fc.assert(
    fc.property(broken(receipt), (one) => {
      const found = read(() => parseReceipt(one));
      if (found !== null) assert.equal(formatReceipt(found), one);
      assert.equal(
        read(() => verifyReceipt({ receipt: one, vkey: log.vkey })),
        null,
      );
    }),
    { numRuns },
  );
});

test("fuzz: paths of tiles: a tile has one path", () => {
  fc.assert(
    fc.property(broken("tile/0/x001/x234/067.p/8"), (one) => {
      const tile = parseTilePath(one);
      if (tile !== null) assert.equal(tilePath(tile), one);
    }),
    { numRuns },
  );
});

test("fuzz: bundles: what is read is written the same", () => {
  const near = fc
    .array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 })
    .chain((entries) => fc.tuple(fc.constant(encodeBundle(entries)), fc.nat(40), fc.nat(255), fc.nat(8)))
    .map(([bytes, at, byte, cut]) => {
      const copy = Uint8Array.from(bytes);
      if (at < copy.length) copy[at] = byte;
      return copy.subarray(0, Math.max(0, copy.length - cut));
    });
  fc.assert(
    fc.property(fc.oneof(near, fc.uint8Array({ maxLength: 300 })), fc.nat(7), (bytes, width) => {
      const entries = read(() => decodeBundle(bytes, width));
      if (entries !== null) assert.deepEqual(Buffer.from(encodeBundle(entries)), Buffer.from(bytes));
    }),
    { numRuns },
  );
});

test("fuzz: headers: junk is refused with a code", () => {
  const header = `{"commitment":"sha256:${"0".repeat(64)}","public":{"a":1},"stream":"s","time":"2026-11-21T20:05:00.000Z","type":"a.b","v":1,"version":0}`;
  fc.assert(
    fc.property(broken(header), (one) => {
      read(() => openHeader(new TextEncoder().encode(one)));
    }),
    { numRuns },
  );
});

test("fuzz: the verifier says what is wrong with anything, and throws over nothing", async () => {
  const bytes = fc.uint8Array({ maxLength: 60 });
  const entry = fc.record({
    index: fc.oneof(fc.nat(3), fc.integer(), fc.double()),
    stream: fc.constantFrom("request/arq_1", "evaluation/eval_1", "directory", ""),
    version: fc.integer(),
    type: fc.constantFrom("request.opened", "permit.redeemed", "action.completed", "directory.changed", ""),
    header: bytes,
    payload: fc.option(bytes),
    salt: fc.option(bytes),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(entry, { maxLength: 4 }),
      broken(note),
      broken(log.vkey),
      async (entries, checkpoint, vkey) => {
        const report = await verifyLedger({
          entries,
          checkpoint,
          vkey,
          remembered: { checkpoint },
          witnesses: { vkeys: [vkey], quorum: 1 },
        });
        assert.equal(report.passed, false);
        assert.equal(report.integrity.verdict, "fail");
      },
    ),
    { numRuns: Math.ceil(numRuns / 4) },
  );
});
