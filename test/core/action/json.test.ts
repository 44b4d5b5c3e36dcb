import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { JSON_BYTES_MAX, JSON_DEPTH_MAX, canonicalize, parseJson } from "../../../src/core/action/index.ts";
import type { InputCode } from "../../../src/core/errors.ts";

type Vectors = {
  accepted: { name: string; input: string; canonical: string }[];
  refused: { name: string; input: string; code: InputCode; pointer: string }[];
  refusedBytes: { name: string; hex: string; code: InputCode }[];
};
const vectors = JSON.parse(
  readFileSync(new URL("../../../spec/vectors/canonical.json", import.meta.url), "utf8"),
) as Vectors;
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

test("input.duplicate-keys, input.proto, input.unicode: every refused text has its code and pointer, as text and as bytes", () => {
  for (const { name, input, code, pointer } of vectors.refused) {
    assert.throws(() => parseJson(input), { name: "InputError", code, pointer }, name);
    assert.throws(() => parseJson(utf8(input)), { name: "InputError", code, pointer }, name);
  }
});

test("input.unicode: bytes that are not UTF-8 are refused", () => {
  for (const { name, hex, code } of vectors.refusedBytes) {
    assert.throws(() => parseJson(Buffer.from(hex, "hex")), { code }, name);
  }
});

test("every accepted text reads as JSON.parse reads it", () => {
  for (const { name, input } of vectors.accepted) {
    assert.deepEqual(parseJson(input), JSON.parse(input), name);
    assert.deepEqual(parseJson(utf8(input)), JSON.parse(input), name);
  }
});

test("a lone surrogate in a string that was never bytes is refused, half escaped pairs are whole", () => {
  assert.throws(() => parseJson('["\ud83d"]'), { code: "json_lone_surrogate", pointer: "/0" });
  assert.deepEqual(parseJson('["\ud83d\\ude00"]'), ["😀"]);
});

test("input.oversize: size is counted in bytes of UTF-8, exactly", () => {
  const quotes = 2;
  const fits = "é".repeat((JSON_BYTES_MAX - quotes) / 2);
  assert.equal(parseJson(`"${fits}"`), fits);
  assert.equal(parseJson(utf8(`"${fits}"`)), fits);
  assert.throws(() => parseJson(`"${fits}a"`), { code: "json_too_large" });
  assert.throws(() => parseJson(utf8(`"${fits}a"`)), { code: "json_too_large" });
  assert.throws(() => parseJson("[1,2,3]", { bytesMax: 6 }), { code: "json_too_large" });
  assert.deepEqual(parseJson("[1,2,3]", { bytesMax: 7 }), [1, 2, 3]);
});

test("depth counts lists and objects; a caller may ask for another limit within reason", () => {
  const nested = (depth: number): string => '{"a":['.repeat(depth / 2) + "]}".repeat(depth / 2);
  assert.doesNotThrow(() => parseJson(nested(JSON_DEPTH_MAX)));
  assert.throws(() => parseJson(nested(JSON_DEPTH_MAX + 2)), { code: "json_too_deep" });
  assert.throws(() => parseJson("[[1]]", { depthMax: 1 }), { code: "json_too_deep", pointer: "/0" });
  assert.throws(() => parseJson("[]", { depthMax: 1_000_000 }), RangeError);
  // Siblings do not add up.
  assert.doesNotThrow(() => parseJson(`[${"[[]],".repeat(100)}[]]`, { depthMax: 3 }));
});

test("a million brackets are refused, not a stack overflow", () => {
  assert.throws(() => parseJson("[".repeat(1_000_000)), { code: "json_too_deep" });
});

test("a parsed member never reaches a prototype", () => {
  const parsed = parseJson('{"constructor":{"prototype":{"polluted":1}},"toString":2}');
  assert.deepEqual(Object.keys(parsed as object), ["constructor", "toString"]);
  assert.equal(({} as { polluted?: number }).polluted, undefined);
});

test("law: what JSON.stringify writes is read back the same, or refused for a reason of ours", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const text = JSON.stringify(value);
      try {
        assert.deepEqual(parseJson(text), JSON.parse(text));
      } catch (error) {
        const code = (error as { code?: string }).code;
        assert.ok(code === "json_unsafe_number" || code === "json_nul" || code === "json_forbidden_key", String(error));
        assert.match(text, /e\+|\d{16}|-0|e-3|\\u0000|__proto__/);
      }
    }),
  );
});

test("law: it accepts no text that JSON.parse refuses, and reads none otherwise", () => {
  const scraps = ['{"a":1,"b":[true,null]}', '"x\\u00e9\\n"', "[1.5e-3,-7]", "[[],{}]"];
  fc.assert(
    fc.property(
      fc.constantFrom(...scraps),
      fc.nat(30),
      fc.nat(4),
      fc.string({ maxLength: 2, unit: "binary" }),
      (text, at, cut, add) => {
        const mutant = text.slice(0, at) + add + text.slice(at + cut);
        let ours: unknown;
        try {
          ours = parseJson(mutant);
        } catch {
          return;
        }
        assert.deepEqual(ours, JSON.parse(mutant));
      },
    ),
    { numRuns: 1000 },
  );
});

test("law: whatever was parsed has a canonical text that parses to the same", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), (text) => {
      let value;
      try {
        value = parseJson(text);
      } catch {
        return;
      }
      assert.deepEqual(parseJson(canonicalize(value)), value);
    }),
  );
});
