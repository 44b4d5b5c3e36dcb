import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Instant } from "../../../src/core/brand.ts";
import { formatInstant, formatSpan, parseInstant } from "../../../src/core/ledger/index.ts";

const last = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

test("law: times are written as Date writes them, and read back", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: last }), (at) => {
      const text = formatInstant(at as Instant);
      assert.equal(text, new Date(at).toISOString());
      assert.equal(parseInstant(text), at);
    }),
    { numRuns: 2000 },
  );
});

test("every day of 800 years, and both ends", () => {
  const days = Array.from({ length: 292_194 }, (_, day) => day * 86_400_000);
  for (const at of [...days, last]) {
    const text = new Date(at).toISOString();
    if (formatInstant(at as Instant) !== text || parseInstant(text) !== at) assert.fail(text);
  }
});

test("spans read as people say them, in two units at the most", () => {
  const spans: readonly (readonly [number, string])[] = [
    [0, "0 ms"],
    [450.5, "451 ms"],
    [59_400, "59 s"],
    [60_000, "1 min"],
    [61_000, "1 min 1 s"],
    [3_600_000, "1 h"],
    [5_400_000, "1 h 30 min"],
    [90_000_000, "1 d 1 h"],
    [90_061_000, "1 d 1 h"],
  ];
  for (const [ms, expected] of spans) assert.equal(formatSpan(ms), expected);
});

test("what is no time is refused", () => {
  for (const at of [-1, 0.5, Number.NaN, last + 1]) assert.throws(() => formatInstant(at as Instant), RangeError);
  const texts = [
    "",
    "2026-11-21",
    "2026-11-21T20:05:00Z",
    "2026-11-21T20:05:00.000",
    "2026-11-21T20:05:00.000+00:00",
    "2026-11-21t20:05:00.000z",
    "2026-02-29T00:00:00.000Z",
    "2026-04-31T00:00:00.000Z",
    "2026-13-01T00:00:00.000Z",
    "2026-00-01T00:00:00.000Z",
    "2026-01-00T00:00:00.000Z",
    "2026-01-01T24:00:00.000Z",
    "2026-01-01T00:60:00.000Z",
    "2026-12-31T23:59:60.000Z",
    "1969-12-31T23:59:59.999Z",
    "0000-01-01T00:00:00.000Z",
    "2026-11-21T20:05:00.000Z\n",
    "２026-11-21T20:05:00.000Z",
  ];
  for (const text of texts) assert.throws(() => parseInstant(text), RangeError, text);
});
