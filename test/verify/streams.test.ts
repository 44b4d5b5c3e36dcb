import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Frontier, leafHash } from "../../src/core/ledger/index.ts";
import { fingerprintText } from "../../src/verify/fingerprint.ts";
import { LeafTree } from "../../src/verify/leaves.ts";
import { EVALUATION_NAMED_MS, StreamBook } from "../../src/verify/streams.ts";
import type { Stage, StreamState } from "../../src/verify/streams.ts";

const OPEN: readonly Stage[] = ["unopened", "pending", "approved", "redeemed", "allowed", "held", "plain", "earlier"];
const ENDED: readonly Stage[] = ["completed", "closed", "denied", "done"];
const row = (version: number, stage: Stage, at: number = 0): StreamState => ({
  version,
  stage,
  at,
  subject: version & 0xff,
});

const set = (book: StreamBook, stream: string, state: StreamState): void => {
  book.turnTo({ printStream: (seed, out) => fingerprintText(stream, seed, out) });
  book.put(state);
};

test("law: a book answers what a map answers", () => {
  const step = fc.record({
    stream: fc.nat(3000).map((n) => `request/arq_${n}`),
    version: fc.nat(),
    stage: fc.constantFrom(...OPEN, ...ENDED),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 6000, size: "max" }), (steps) => {
      const book = new StreamBook();
      const map = new Map<string, object>();
      for (const { stream, version, stage } of steps) {
        set(book, stream, row(version, stage));
        map.set(stream, row(version, stage));
      }
      for (const [stream, known] of map) assert.deepEqual(book.find(stream), known);
      assert.equal(book.find("request/other"), null);
      assert.equal(book.forgetful, false);
    }),
    { numRuns: 10 },
  );
});

test("beyond its limit a book forgets what has ended and nothing that is open, and its size follows", () => {
  const book = new StreamBook({ exactMax: 5000 });
  for (let n = 0; n < 40_000; n++) set(book, `s/${n}`, row(n, n % 10 === 0 ? (OPEN[n % 8] ?? "plain") : "done"));
  assert.equal(book.forgetful, true);
  for (let n = 0; n < 40_000; n += 10) assert.deepEqual(book.find(`s/${n}`), row(n, OPEN[n % 8] ?? "plain"));
  let known = 0;
  for (let n = 0; n < 40_000; n++) known += book.find(`s/${n}`) === null ? 0 : 1;
  assert.ok(known < 20_000, `${known} of 40,000 are kept`);
});

test("an evaluation that asked for approval is known for a day, then it may be forgotten", () => {
  const book = new StreamBook({ exactMax: 0 });
  const fill = (from: number, at: number): void => {
    for (let n = from; n < from + 4000; n++) set(book, `fill/${n}`, row(0, "done", at));
  };
  set(book, "evaluation/a", row(0, "held", 0));
  fill(0, EVALUATION_NAMED_MS);
  assert.notEqual(book.find("evaluation/a"), null);
  fill(4000, EVALUATION_NAMED_MS + 7_200_000);
  assert.equal(book.find("evaluation/a"), null);
});

test("what is open survives being dumped and restored, under the same seed", () => {
  const book = new StreamBook();
  for (const stage of [...OPEN, ...ENDED]) set(book, `s/${stage}`, row(3, stage, 60_000));
  const next = new StreamBook({ seed: book.seed, forgetful: true });
  next.restore(book.dump());
  for (const stage of OPEN) assert.deepEqual(next.find(`s/${stage}`), row(3, stage, 60_000));
  for (const stage of ENDED) assert.equal(next.find(`s/${stage}`), null);
  assert.equal(next.markOf("sha256:1"), book.markOf("sha256:1"));
  assert.throws(() => next.restore(new Uint8Array(23)), RangeError);
  assert.throws(() => next.restore(new Uint8Array(24)), RangeError);
  assert.throws(() => next.restore(new Uint8Array(24).fill(0x7f)), RangeError);
});

test("fingerprints: texts that are near each other differ, and another seed makes others", () => {
  const prints = new Set<string>();
  const out = new Int32Array(2);
  const print = (text: string, seed: readonly [number, number] = [1, 2]): string => {
    fingerprintText(text, seed, out);
    return `${out[0]} ${out[1]}`;
  };
  const texts = ["", "\0", "\0\0", "a", "a\0", "ab", "ba", "aab", "baa", "é", "\u0101"];
  for (let n = 0; n < 20_000; n++) texts.push(`evaluation/eval_${n}`);
  for (const text of texts) prints.add(print(text));
  assert.equal(prints.size, texts.length);
  assert.notEqual(print("a"), print("a", [1, 3]));
  assert.notEqual(print("a"), print("a", [2, 2]));
  assert.equal(print("a"), print("a"));
});

test("law: the auditor's tree is core's, from any size on", () => {
  fc.assert(
    fc.property(fc.nat(600), fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 300 }), (before, leaves) => {
      const tree = new Frontier();
      for (let n = 0; n < before; n++) tree.append(leafHash(Uint8Array.of(n & 255)));
      const fast = new LeafTree(tree);
      for (const leaf of leaves) {
        tree.append(leafHash(leaf));
        fast.append(leaf);
      }
      assert.equal(fast.size, tree.size);
      assert.deepEqual(Buffer.from(fast.root()), Buffer.from(tree.root()));
      assert.deepEqual(Buffer.from(fast.frontier().toBytes()), Buffer.from(tree.toBytes()));
    }),
  );
  const far = new Frontier(2 ** 40, [new Uint8Array(32).fill(1)]);
  const fast = new LeafTree(far);
  for (let n = 0; n < 5; n++) {
    far.append(leafHash(Uint8Array.of(n)));
    fast.append(Uint8Array.of(n));
  }
  assert.deepEqual(Buffer.from(fast.root()), Buffer.from(far.root()));
  const long = new LeafTree();
  long.append(new Uint8Array(70_000));
  assert.deepEqual(Buffer.from(long.root()), Buffer.from(leafHash(new Uint8Array(70_000))));
});
