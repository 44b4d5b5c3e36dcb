import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  LEAF_BYTES_MAX,
  Frontier,
  addSignatures,
  formatReceipt,
  inclusionProof,
  inclusionSubtrees,
  leafHash,
  openReceipt,
  parseReceipt,
} from "../../../src/core/ledger/index.ts";
import { verifyEd25519, verifyReceipt } from "../../../src/verify/index.ts";
import { Grown, leavesOf } from "./grown.ts";
import { Signer } from "./signers.ts";

const log = new Signer("log.example/ledger/a/1", 1);
const witness = new Signer("witness.example/1", 2);

function issue(leaves: readonly Uint8Array[], index: number, withLeaf: boolean = true): string {
  const grown = new Grown(leaves);
  const tree = new Frontier();
  for (const leaf of leaves) tree.append(leafHash(leaf));
  return formatReceipt({
    leaf: withLeaf ? (leaves[index] ?? assert.fail()) : null,
    index,
    path: inclusionProof(index, leaves.length, grown.hashes(inclusionSubtrees(index, leaves.length))),
    checkpoint: log.checkpoint(leaves.length, tree.root()),
  });
}

test("a receipt proves its leaf, offline, with nothing but the log's key", () => {
  for (const size of [1, 2, 3, 7, 8, 255, 256, 257]) {
    const leaves = leavesOf(size);
    for (const index of new Set([0, 1, size >> 1, size - 1])) {
      if (index >= size) continue;
      const opened = openReceipt(issue(leaves, index), log.vkey, verifyEd25519);
      assert.deepEqual([opened.index, opened.checkpoint.size], [index, size]);
      assert.deepEqual(opened.leaf, leaves[index]);
    }
  }
});

test("the text is C2SP tlog-proof's: first line, extra, index, hashes, an empty line, the checkpoint", () => {
  const leaves = leavesOf(5);
  const lines = issue(leaves, 2).split("\n");
  assert.equal(lines[0], "c2sp.org/tlog-proof@v1");
  assert.equal(lines[1], `extra ${Buffer.from("entry 2").toString("base64")}`);
  assert.equal(lines[2], "index 2");
  assert.equal(lines.indexOf(""), 6, "three hashes of a tree of five");
  assert.equal(lines[7], log.name);
  const bare = issue(leaves, 2, false);
  assert.equal(bare.split("\n")[1], "index 2");
  assert.throws(() => openReceipt(bare, log.vkey, verifyEd25519), /carries no leaf/);
  assert.equal(openReceipt(bare, log.vkey, verifyEd25519, leaves[2]).index, 2);
  assert.throws(() => openReceipt(bare, log.vkey, verifyEd25519, leaves[3]), /does not lead/);
  assert.throws(() => openReceipt(issue(leaves, 2), log.vkey, verifyEd25519, leaves[3]), /for another leaf/);
});

test("the longest leaf fits; what is read back is what was written", () => {
  const long = [new Uint8Array(LEAF_BYTES_MAX).fill(0x61), ...leavesOf(2)];
  assert.equal(openReceipt(issue(long, 0), log.vkey, verifyEd25519).leaf.length, LEAF_BYTES_MAX);
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const parts = {
    leaf: fc.option(fc.uint8Array({ minLength: 1 })),
    index: fc.maxSafeNat(),
    path: fc.array(hash, { maxLength: 53 }),
    checkpoint: fc.constant("a\n1\n\n— a AAAA\n"),
  };
  const receipt = fc.record(parts, { noNullPrototype: true });
  fc.assert(fc.property(receipt, (one) => assert.deepEqual(parseReceipt(formatReceipt(one)), one)));
});

test("every single-bit mutant of a receipt is refused", () => {
  for (const [size, index] of [
    [1, 0],
    [2, 1],
    [5, 2],
    [7, 6],
  ] as const) {
    const bytes = Buffer.from(issue(leavesOf(size), index));
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const mutant = Buffer.from(bytes);
      mutant[bit >> 3] = (mutant[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.throws(
        () => openReceipt(mutant.toString(), log.vkey, verifyEd25519),
        { name: "InputError" },
        `bit ${bit}`,
      );
    }
  }
});

test("receipts in any other spelling are refused", () => {
  const good = issue(leavesOf(5), 2);
  const [hash = ""] = good.split("\n").slice(3);
  const odd: readonly (readonly [string, string])[] = [
    ["empty", ""],
    ["CRLF", good.replaceAll("\n", "\r\n")],
    ["CRLF in one line", good.replace("index 2\n", "index 2\r\n")],
    ["another version", good.replace("@v1", "@v2")],
    ["a leading zero", good.replace("index 2", "index 02")],
    ["a sign", good.replace("index 2", "index +2")],
    ["a space more", good.replace("index 2", "index  2")],
    ["a fraction", good.replace("index 2", "index 2.0")],
    ["2^53", good.replace("index 2", "index 9007199254740992")],
    ["no index", good.replace("index 2\n", "")],
    ["two extras", good.replace("index 2", "extra AAAA\nindex 2")],
    ["extra after index", good.replace(/(extra [^\n]*\n)(index 2\n)/, "$2$1")],
    ["empty extra", good.replace(/extra [^\n]*/, "extra ")],
    ["loose base64", good.replace(hash, hash.slice(0, -1))],
    ["spare bits", good.replace(hash, `${hash.slice(0, -2)}${hash.at(-2) === "B" ? "C" : "B"}=`)],
    ["a short hash", good.replace(hash, "AAAA")],
    ["a hash too many", good.replace(hash, `${hash}\n${hash}`)],
    ["a hash too few", good.replace(`${hash}\n`, "")],
    ["no empty line", good.replace("\n\n", "\n")],
    ["a line before", `\n${good}`],
    ["a byte order mark", `\ufeff${good}`],
    ["no newline at the end", good.slice(0, -1)],
    ["something after it", `${good}x\n`],
    ["54 hashes", good.replace(hash, Array.from({ length: 60 }, () => hash).join("\n"))],
    ["too long", good.replace(hash, "A".repeat(200_000))],
  ];
  for (const [name, text] of odd) {
    assert.throws(() => openReceipt(text, log.vkey, verifyEd25519), { name: "InputError" }, name);
  }
});

test("a receipt of another log, or with too few witnesses, is not believed", () => {
  const receipt = issue(leavesOf(3), 1);
  const other = new Signer(log.name, 9);
  assert.throws(() => openReceipt(receipt, other.vkey, verifyEd25519), /no signature by/);
  const witnesses = { vkeys: [witness.witnessKey], quorum: 1 };
  assert.throws(() => verifyReceipt({ receipt, vkey: log.vkey, witnesses }), /0 of 1 witnesses cosigned/);
  const { checkpoint, ...parts } = parseReceipt(receipt);
  const cosigned = formatReceipt({ ...parts, checkpoint: addSignatures(checkpoint, [witness.cosign(checkpoint, 5)]) });
  const { witnessed, index } = verifyReceipt({ receipt: cosigned, vkey: log.vkey, witnesses });
  assert.deepEqual([witnessed, index], [[{ name: witness.name, seconds: 5 }], 1]);
});
