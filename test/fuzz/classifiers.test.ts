import assert from "node:assert/strict";
import { test } from "node:test";
import { openReader } from "../../src/server/classify/read.ts";
import { fuzz, FUZZ_SETTINGS } from "../../tools/fuzz-classifiers.ts";
import { dice, hostileText, KINDS } from "../../tools/fuzz-inputs.ts";

/** KEYTURN_FUZZ_BYTES makes a longer hunt of it; `node tools/fuzz-classifiers.ts` is the long form, with a watchdog. */
const bytes = Number(process.env["KEYTURN_FUZZ_BYTES"] ?? 200_000);
const seed = Number(process.env["KEYTURN_FUZZ_SEED"] ?? Date.now() % 2 ** 31);

test("every classifier answers every hostile text, with an effect or a reason", async (context) => {
  const found = fuzz(await openReader(FUZZ_SETTINGS), { bytes, seed });
  context.diagnostic(`seed ${seed}: ${found.texts} texts of ${found.bytes} bytes, the slowest ${found.slowest.ms} ms`);
  assert.deepEqual(found.problems, []);
});

test("the texts of a seed are always the same, and of every kind", () => {
  const texts = Array.from({ length: 300 }, (_, index) => hostileText(dice(index)));
  assert.deepEqual(
    texts,
    Array.from({ length: 300 }, (_, index) => hostileText(dice(index))),
  );
  assert.deepEqual(new Set(texts.map(({ kind }) => kind)), new Set(KINDS));
});
