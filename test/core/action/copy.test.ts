import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { JSON_BYTES_MAX, JSON_DEPTH_MAX, copyJson, parseJson } from "../../../src/core/action/index.ts";

class Point {
  x = 1;
}
const cyclic: { a: unknown[] } = { a: [] };
cyclic.a.push(cyclic);
const nested = (depth: number): unknown => (depth === 1 ? [] : [nested(depth - 1)]);
const shared = (levels: number): unknown => {
  let value: unknown = ["x"];
  for (let level = 0; level < levels; level++) value = [value, value];
  return value;
};

test("what is not plain data is refused, with the place", () => {
  const refused: [string, unknown, string, string][] = [
    ["undefined", undefined, "json_not_data", ""],
    ["an undefined item", { a: [undefined] }, "json_not_data", "/a/0"],
    ["a function", { run: () => 1 }, "json_not_data", "/run"],
    ["a symbol", { a: Symbol("s") }, "json_not_data", "/a"],
    ["a member named by a symbol", { [Symbol("s")]: 1 }, "json_not_data", ""],
    ["a bigint", [1n], "json_not_data", "/0"],
    ["a class instance", { p: new Point() }, "json_not_data", "/p"],
    ["a date", { "a/b": new Date(0) }, "json_not_data", "/a~1b"],
    ["a map", new Map([["a", 1]]), "json_not_data", ""],
    ["a byte array", { bytes: new Uint8Array(2) }, "json_not_data", "/bytes"],
    ["a boxed string", [new String("a")], "json_not_data", "/0"],
    ["its own toJSON", { toJSON: () => "shown" }, "json_not_data", "/toJSON"],
    ["an inherited toJSON", Object.create({ toJSON: () => "shown" }), "json_not_data", ""],
    [
      "a getter",
      {
        get a() {
          return 1;
        },
      },
      "json_not_data",
      "/a",
    ],
    ["a hidden member", Object.defineProperty({}, "a", { value: 1 }), "json_not_data", "/a"],
    ["a getter in a list", Object.defineProperty([1], 0, { get: () => 1 }), "json_not_data", "/0"],
    ["a hole", [1, , 3], "json_not_data", "/1"], // oxlint-disable-line no-sparse-arrays -- the hole is the case
    ["a long empty list", Object.assign([], { length: 1_000_000 }), "json_not_data", "/0"],
    ["a list with a named member", Object.assign([1], { extra: 2 }), "json_not_data", ""],
    ["a list of a class", new (class extends Array {})(), "json_not_data", ""],
    ["a cycle", cyclic, "json_not_data", "/a/0"],
    ["NaN", [Number.NaN], "json_not_data", "/0"],
    ["infinity", { n: Number.NEGATIVE_INFINITY }, "json_not_data", "/n"],
    ["2^53", { n: 2 ** 53 }, "json_unsafe_number", "/n"],
    ["minus zero", [-0], "json_unsafe_number", "/0"],
    ["__proto__", JSON.parse('{"a":{"__proto__":{"admin":true}}}'), "json_forbidden_key", "/a/__proto__"],
    ["a lone surrogate", ["\ud800"], "json_lone_surrogate", "/0"],
    ["a lone surrogate in a name", { "\udc00": 1 }, "json_lone_surrogate", "/\udc00"],
    ["a NUL", { a: "\0" }, "json_nul", "/a"],
    ["a NUL in a name", { "\0": 1 }, "json_nul", "/\0"],
    ["too deep", nested(JSON_DEPTH_MAX + 1), "json_too_deep", "/0".repeat(JSON_DEPTH_MAX)],
    ["too large in empty objects", Array.from({ length: 400_000 }, () => ({})), "json_too_large", "/324287"],
    ["too large", "x".repeat(JSON_BYTES_MAX), "json_too_large", ""],
  ];
  for (const [name, value, code, pointer] of refused) {
    assert.throws(() => copyJson(value), { name: "InputError", code, pointer }, name);
  }
});

test("a small value that shares itself a million times over is refused quickly", () => {
  assert.throws(() => copyJson(shared(40)), { code: "json_too_large" });
});

test("a copy is equal, apart and frozen throughout; undefined members are dropped", () => {
  const given = {
    a: [1, { b: "ü" }],
    c: null,
    d: undefined,
    e: Object.assign(Object.create(null), { f: true }) as object,
  };
  const copy = copyJson(given) as { a: [number, { b: string }] };
  assert.deepEqual(copy, { a: [1, { b: "ü" }], c: null, e: { f: true } });
  (given.a[1] as { b: string }).b = "changed";
  assert.equal(copy.a[1].b, "ü");
  for (const part of [copy, copy.a, copy.a[1]]) assert.ok(Object.isFrozen(part));
  assert.doesNotThrow(() => copyJson(nested(JSON_DEPTH_MAX)));
});

test("law: a copy of parsed JSON is that JSON", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), (text) => {
      let value;
      try {
        value = parseJson(text);
      } catch {
        return;
      }
      assert.deepEqual(copyJson(value), value);
    }),
  );
});
