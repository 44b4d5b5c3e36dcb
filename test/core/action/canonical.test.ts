import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { formatNumber } from "../../../src/core/action/canonical.ts";
import {
  canonicalBytes,
  canonicalize,
  digest,
  isJsonList,
  isJsonObject,
  parseDigest,
  parseJson,
  sha256,
} from "../../../src/core/action/index.ts";
import type { Json } from "../../../src/core/action/index.ts";

type Vectors = {
  accepted: { name: string; input: string; canonical: string; digest: string }[];
  numbers: { ieee754: string; text: string }[];
};
const vectors = JSON.parse(
  readFileSync(new URL("../../../spec/vectors/canonical.json", import.meta.url), "utf8"),
) as Vectors;

test("every accepted text has the canonical text and digest of the vectors", () => {
  for (const { name, input, canonical, digest: expected } of vectors.accepted) {
    const value = parseJson(input);
    assert.equal(canonicalize(value), canonical, name);
    assert.equal(digest(canonicalBytes(value)), expected, name);
  }
});

test("RFC 8785 appendix B: numbers", () => {
  for (const { ieee754, text } of vectors.numbers) {
    assert.equal(formatNumber(Buffer.from(ieee754, "hex").readDoubleBE()), text, ieee754);
  }
});

test("values that no parser would read back the same have no canonical text", () => {
  const refused: [Json, string][] = [
    [Number.NaN, "json_unsafe_number"],
    [Number.POSITIVE_INFINITY, "json_unsafe_number"],
    [2 ** 53, "json_unsafe_number"],
    [-(2 ** 53), "json_unsafe_number"],
    ["\ud800", "json_lone_surrogate"],
    [{ "\udc00": 1 }, "json_lone_surrogate"],
    [["a\0"], "json_nul"],
    [Object.assign<Json[], object>([], { length: 1 }), "json_not_data"],
    [Object.defineProperty({}, "a", { value: undefined, enumerable: true }), "json_not_data"],
  ];
  for (const [value, code] of refused) assert.throws(() => canonicalize(value), { code });
});

test("law: member order never matters, member values always do", () => {
  const name = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 4 })
    .filter((text) => text !== "__proto__" && !text.includes("\0"));
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(name, fc.integer()), { selector: ([key]) => key, minLength: 1 }), (members) => {
      const text = canonicalize(Object.fromEntries(members));
      assert.equal(canonicalize(Object.fromEntries(members.toReversed())), text);
      const [[first, value] = ["", 0]] = members;
      assert.notEqual(canonicalize({ ...Object.fromEntries(members), [first]: value + 1 }), text);
    }),
  );
});

test("law: the canonical text is what a plain writer of RFC 8785 writes, whatever the members are named and hold", () => {
  const plain = (value: Json | undefined): string => {
    if (isJsonList(value)) return `[${value.map(plain).join(",")}]`;
    if (!isJsonObject(value)) return JSON.stringify(value);
    const members = Object.keys(value).sort();
    return `{${members.map((name) => `${JSON.stringify(name)}:${plain(value[name])}`).join(",")}}`;
  };
  // Names that look like indexes stand first in an object of ECMAScript; the others are escaped, or nearly so.
  const odd = ["10", "9", "1e3", "-1", "__proto__", "toJSON", "\\u", "\u001f", "\u2028", "é", "😀", ""];
  const text = fc.oneof(
    fc.constantFrom(...odd),
    fc.string({ unit: "grapheme", maxLength: 4 }).filter((one) => !one.includes("\0")),
  );
  const { json } = fc.letrec<{ json: Json }>((tie) => ({
    json: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      text,
      fc.integer(),
      fc.constantFrom<Json>(-0, 1e-7, 0.1, null, true),
      fc.array(tie("json"), { maxLength: 4 }),
      fc.array(fc.tuple(text, tie("json")), { maxLength: 6 }).map((members): Json => Object.fromEntries(members)),
    ),
  }));
  fc.assert(fc.property(json, (value) => assert.equal(canonicalize(value), plain(value))));
});

test("digests: SHA-256 of nothing and of abc (FIPS 180-4), and what is no digest", () => {
  const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assert.equal(digest(new TextEncoder().encode("abc")), `sha256:${abc}`);
  assert.equal(Buffer.from(sha256(new TextEncoder().encode("abc"))).toString("hex"), abc);
  assert.equal(parseDigest(`sha256:${abc}`), `sha256:${abc}`);
  const odd = [
    abc,
    `sha256:${abc.toUpperCase()}`,
    `sha256:${abc}\n`,
    `sha512:${abc}`,
    `sha256:${abc.slice(1)}`,
    ` sha256:${abc}`,
    "",
    null,
    7,
    [`sha256:${abc}`],
  ];
  for (const input of odd) assert.throws(() => parseDigest(input), { code: "digest_invalid" }, String(input));
});
