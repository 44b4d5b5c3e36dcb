import assert from "node:assert/strict";
import { test } from "node:test";
import { isJsonWithin, jsonAt, jsonItems, jsonMembers, jsonText, jsonTexts } from "../../../src/core/action/index.ts";
import type { Json } from "../../../src/core/action/index.ts";

test("members are looked up by their own names alone", () => {
  const tree: Json = { a: { b: [1, "x", { c: null }] } };
  assert.deepEqual(jsonAt(tree, "a", "b"), [1, "x", { c: null }]);
  assert.equal(jsonAt(tree, "a", "b", "0"), undefined);
  assert.equal(jsonAt(tree, "toString"), undefined);
  assert.equal(jsonAt(undefined, "a"), undefined);
  assert.deepEqual(jsonItems(jsonAt(tree, "a")), []);
  assert.deepEqual(jsonTexts(jsonAt(tree, "a", "b")), ["x"]);
  assert.deepEqual(jsonMembers("text"), []);
  assert.equal(jsonText(5), "");
});

test("a tree is measured up to its limits, without running deep", () => {
  const flat: Json = [1, 2, 3];
  assert.ok(isJsonWithin(flat, 4, 1));
  assert.ok(!isJsonWithin(flat, 3, 1));
  assert.ok(isJsonWithin({ a: { b: 1 } }, 3, 2));
  assert.ok(!isJsonWithin({ a: { b: 1 } }, 3, 1));
  let deep: Json = 1;
  for (let depth = 0; depth < 200_000; depth += 1) deep = [deep];
  assert.ok(!isJsonWithin(deep, 1_000_000, 100));
});
