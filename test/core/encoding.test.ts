import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  concatBytes,
  decodeBase64,
  decodeBase64Url,
  decodeHex,
  encodeBase64,
  encodeBase64Url,
  encodeHex,
  utf8Length,
} from "../../src/core/encoding.ts";

test("law: encodings are those of Buffer, and decode back", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      const buffer = Buffer.from(bytes);
      assert.equal(encodeBase64(bytes), buffer.toString("base64"));
      assert.equal(encodeBase64Url(bytes), buffer.toString("base64url"));
      assert.equal(encodeHex(bytes), buffer.toString("hex"));
      assert.deepEqual(decodeBase64(encodeBase64(bytes)), bytes);
      assert.deepEqual(decodeBase64Url(encodeBase64Url(bytes)), bytes);
      assert.deepEqual(decodeHex(encodeHex(bytes)), bytes);
    }),
  );
});

test("law: a text that decodes is the one spelling of its bytes", () => {
  const text = fc.string({ unit: fc.constantFrom(...Array.from("ABYZabyz0189+/-_= \n")), maxLength: 9 });
  const codecs = [
    [decodeBase64, encodeBase64],
    [decodeBase64Url, encodeBase64Url],
  ] as const;
  fc.assert(
    fc.property(text, fc.constantFrom(...codecs), (given, [decode, encode]) => {
      let bytes;
      try {
        bytes = decode(given);
      } catch (error) {
        assert.ok(error instanceof RangeError);
        return;
      }
      assert.equal(encode(bytes), given);
    }),
    { numRuns: 2000 },
  );
});

test("other spellings are refused", () => {
  const base64 = [
    "A",
    "AA",
    "AAA",
    "AB==",
    "AAB=",
    "A===",
    "====",
    "AA=A",
    "AA==\n",
    " AA==",
    "AA-_",
    "AAAAA===",
    "ÀA==",
  ];
  for (const text of base64) assert.throws(() => decodeBase64(text), RangeError, text);
  const base64Url = ["A", "AB", "AAB", "AA==", "AAA=", "AA+/", "AA\n", "A A"];
  for (const text of base64Url) assert.throws(() => decodeBase64Url(text), RangeError, text);
  for (const text of ["a", "AB", "0g", "0x00", "00 "]) assert.throws(() => decodeHex(text), RangeError, text);
});

test("law: the length in UTF-8 is that of the encoder; parts are joined in order", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }), (a, b) => {
      const [first, second] = [new TextEncoder().encode(a), new TextEncoder().encode(b)];
      assert.equal(utf8Length(a + b), first.length + second.length);
      assert.equal(Buffer.from(concatBytes(first, second)).toString(), Buffer.concat([first, second]).toString());
    }),
  );
});
